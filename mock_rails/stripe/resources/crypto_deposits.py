"""What can be done with a PaymentIntent that awaits a crypto deposit (facts: stripe 1.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.stripe.crypto import deposits, networks, simulation
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.parameters import Choice, Object, Text
from mock_rails.stripe.test_mode import require_test_mode

if TYPE_CHECKING:
    from mock_rails.stripe.model import Record

_NETWORK: Final = Choice(networks.NETWORKS)

SIMULATE: Final = Object(
    {
        "buyer_wallet": Text(),
        "network": _NETWORK,
        "token_currency": Choice(networks.CURRENCIES),
        "transaction_hash": Text(),
    },
    required=("buyer_wallet", "network", "token_currency", "transaction_hash"),
)
REFUND_ADDRESS: Final = Object(
    {"network": _NETWORK, "refund_address": Text()}, required=("network", "refund_address")
)


def simulate(call: Call) -> Record:
    """Let a deposit be seen that either succeeds or fails."""
    op, given = call.operation, call.params
    require_test_mode(op)
    return simulation.begin(
        op,
        op.get("payment_intents", call.id, param="intent"),
        buyer=given["buyer_wallet"],
        network=given["network"],
        currency=given["token_currency"],
        tx_hash=given["transaction_hash"],
    )


def update_refund_address(call: Call) -> Record:
    """Say which wallet refunds go to, on one of the networks that are shown."""
    op, network = call.operation, call.params["network"]
    pi = op.get("payment_intents", call.id, param="intent")
    shown = deposits.require_shown(pi, network)
    addresses = pi["next_action"][deposits.DISPLAY]["deposit_addresses"]
    changed = {**shown, "refund_address": call.params["refund_address"]}
    details = {"deposit_addresses": {**addresses, network: changed}}
    return op.update(pi, {"next_action": {"type": deposits.DISPLAY, deposits.DISPLAY: details}})


ENDPOINTS: Final = (
    Endpoint(
        "POST",
        "/v1/test_helpers/payment_intents/{id}/simulate_crypto_deposit",
        simulate,
        SIMULATE,
    ),
    Endpoint(
        "POST",
        "/v1/payment_intents/{id}/update_crypto_refund_address",
        update_refund_address,
        REFUND_ADDRESS,
    ),
)
