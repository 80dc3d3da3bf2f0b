"""Stablecoins: paid to a deposit address, or on a chain before Stripe was asked (facts: stripe
1.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.stripe.crypto import addresses, deposits, verification
from mock_rails.stripe.crypto.options import PARAM, options_of
from mock_rails.stripe.errors import InvalidRequest, NotEmulated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.deposits import Transfer
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation
    from mock_rails.stripe.rail import Stripe

__all__ = ["arrived", "confirm"]


def confirm(op: Operation, pi: Record, params: Mapping[str, Any]) -> Record:
    """Confirm a PaymentIntent whose payment method is crypto."""
    options = options_of(pi, params)
    if pi["currency"] != "usd":
        raise InvalidRequest("Stablecoin payments are made in usd.", param="currency")
    if pi["capture_method"] == "manual":
        raise InvalidRequest(
            "Stablecoin payments cannot be captured later.", param="capture_method"
        )
    mode = options.get("mode", "default")
    if mode == "deposit":
        return deposits.ask(op, pi, options)
    if mode == "transaction_verification":
        return verification.record(op, pi, options)
    raise NotEmulated("the hosted page for stablecoin payments", param=f"{PARAM}[mode]")


def arrived(rail: Stripe, transfer: Transfer) -> None:
    """A transfer is final on the attached chain: if it is to somebody's address, let it settle
    what waits there."""
    owner = addresses.owner(rail.state, transfer.network, transfer.recipient)
    if owner is not None:
        with rail.operation(owner.account, livemode=owner["livemode"]) as operation:
            deposits.seen(operation, transfer)
