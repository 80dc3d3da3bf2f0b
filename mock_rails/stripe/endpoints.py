"""All endpoints of the rail, collected from its resources.

Beside the resources and not in their package: what a domain is about may import one of them, and
must not get all of them with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.stripe.resources import (
    application_fees,
    balance,
    balance_transactions,
    business_profiles,
    charges,
    crypto_deposits,
    customers,
    deposit_addresses,
    disputes,
    early_fraud_warnings,
    events,
    granted_tokens,
    invoices,
    issued_tokens,
    payment_intents,
    payment_methods,
    payouts,
    prices,
    products,
    refunds,
    sandbox,
    searches,
    setup_intents,
    subscriptions,
    test_clocks,
    tokens,
    webhook_deliveries,
    webhook_endpoints,
)

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Endpoint

_RESOURCES: Final = (
    application_fees,
    balance,
    balance_transactions,
    business_profiles,
    charges,
    crypto_deposits,
    customers,
    deposit_addresses,
    disputes,
    early_fraud_warnings,
    events,
    granted_tokens,
    invoices,
    issued_tokens,
    payment_intents,
    payment_methods,
    payouts,
    prices,
    products,
    refunds,
    sandbox,
    searches,
    setup_intents,
    subscriptions,
    test_clocks,
    tokens,
    webhook_deliveries,
    webhook_endpoints,
)

ENDPOINTS: Final[tuple[Endpoint, ...]] = tuple(
    endpoint for resource in _RESOURCES for endpoint in resource.ENDPOINTS
)
