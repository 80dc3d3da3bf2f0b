"""Simulated deposits: test mode watches no chain, but two hashes say how a deposit ends (facts:
stripe 1.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import agenda
from mock_rails.stripe.crypto import deposits
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.intents import lifecycle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

TAKES_S: Final = 15
"""Until a simulated deposit has ended, by sandbox time: as long as Stripe says it may take."""
SUCCEEDS: Final = "0x" + "0" * 53 + "testsuccess"
FAILS: Final = "0x" + "0" * 54 + "testfailed"

_END: Final = "crypto_deposit.end"


def begin(
    op: Operation, pi: Record, *, buyer: str, network: str, currency: str, tx_hash: str
) -> Record:
    """A deposit is seen; how it ends is seen later."""
    if tx_hash not in (SUCCEEDS, FAILS):
        raise InvalidRequest(
            f"{tx_hash[:100]} is not a valid test mode transaction hash: use {SUCCEEDS} or "
            f"{FAILS}.",
            param="transaction_hash",
        )
    shown = deposits.require_shown(pi, network)
    if currency not in {token["token_currency"] for token in shown["supported_tokens"]}:
        raise InvalidRequest(
            f"The PaymentIntent {pi.id} cannot be paid in {currency} on {network}.",
            param="token_currency",
        )
    lifecycle.processing(op, pi)
    op.schedule(
        op.at_s + TAKES_S,
        _END,
        payment_intent=pi.id,
        buyer=buyer,
        network=network,
        currency=currency,
        tx_hash=tx_hash,
    )
    return pi


def _end(op: Operation, args: Mapping[str, Any]) -> None:
    pi = op.get("payment_intents", args["payment_intent"])
    if pi["status"] != "processing":
        return
    if args["tx_hash"] == SUCCEEDS:
        deposits.settle(
            op,
            pi,
            buyer=args["buyer"],
            network=args["network"],
            currency=args["currency"],
            tx_hash=args["tx_hash"],
            received=pi["amount"],
        )
    else:
        lifecycle.fail(
            op,
            pi,
            code="payment_intent_payment_attempt_failed",
            message="The crypto deposit has failed.",
            method=op.find("payment_methods", pi["payment_method"]),
        )


agenda.handles(_END, _end)
