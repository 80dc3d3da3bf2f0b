"""Search endpoints: by metadata, and by the fields that Stripe has an index of."""

from __future__ import annotations

from typing import Final

from mock_rails.stripe.wire.search import endpoint

ENDPOINTS: Final = (
    endpoint(
        "charges",
        (
            "amount",
            "billing_details.address.postal_code",
            "created",
            "currency",
            "customer",
            "disputed",
            "payment_method_details.card.brand",
            "payment_method_details.card.exp_month",
            "payment_method_details.card.exp_year",
            "payment_method_details.card.fingerprint",
            "payment_method_details.card.last4",
            "refunded",
            "status",
        ),
    ),
    endpoint("customers", ("created", "email", "name", "phone")),
    endpoint("invoices", ("created", "currency", "customer", "number", "receipt_number", "total")),
    endpoint("payment_intents", ("amount", "created", "currency", "customer", "status")),
    endpoint("prices", ("active", "currency", "lookup_key", "product", "type")),
    endpoint("products", ("active", "description", "name", "shippable", "url")),
    endpoint("subscriptions", ("canceled_at", "created", "status")),
)
