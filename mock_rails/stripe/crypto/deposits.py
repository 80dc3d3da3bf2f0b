"""Deposit mode: the buyer is shown addresses and sends the exact amount to one (facts: stripe 1.7).

A deposit that does not fit is left alone: of another token, too little, too much, or for a
PaymentIntent that waits no longer. The journal says so as `deposit.unmatched`. With
`accept_partial_funding`, several deposits may add up to the amount; one that exceeds it does not
fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.crypto import addresses, networks, options
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.intents import lifecycle, states

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.deposits import Transfer
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

DISPLAY: Final = "crypto_display_details"


def ask(op: Operation, pi: Record, wanted: Mapping[str, Any]) -> Record:
    """Show the buyer where to send the money."""
    names = options.required(wanted, "deposit_options", "networks")
    static = wanted["deposit_options"].get("static_address")
    if static and pi["customer"] is None:
        raise InvalidRequest(
            "A static address belongs to a customer: pass one.",
            code="parameter_missing",
            param="customer",
        )
    shown: dict[str, Any] = {}
    for network in dict.fromkeys(names):
        if static:
            address = addresses.permanent(op, network, pi["customer"])
        else:
            address = addresses.allocate(op, network)
        addresses.expect(op, network, address, pi)
        shown[network] = networks.shown(network, address, livemode=op.livemode)
    op.update(pi, hidden={"deposit": {"parts": options.accepts_parts(wanted), "received": 0}})
    action = {"type": DISPLAY, DISPLAY: {"deposit_addresses": shown}}
    return lifecycle.require_action(op, pi, action)


def shown_addresses(pi: Record) -> dict[str, Any]:
    """What the buyer is shown, by network, while a deposit is awaited."""
    action = pi["next_action"]
    if pi["status"] != states.NEEDS_ACTION or action is None or action["type"] != DISPLAY:
        return {}
    shown: dict[str, Any] = action[DISPLAY]["deposit_addresses"]
    return shown


def require_shown(pi: Record, network: str) -> dict[str, Any]:
    """What the buyer is shown on a network, or the refusal where nothing is awaited there."""
    shown = shown_addresses(pi)
    if not shown:
        raise states.unexpected(
            pi,
            f"This PaymentIntent awaits no crypto deposit: it has a status of {pi['status']}.",
        )
    if network not in shown:
        raise InvalidRequest(
            f"This PaymentIntent awaits a deposit on {', '.join(shown)}, not on {network}.",
            param="network",
        )
    found: dict[str, Any] = shown[network]
    return found


def seen(op: Operation, transfer: Transfer) -> None:
    """A transfer to one of this account's addresses is final: settle what it pays for."""
    record = addresses.owner(op.state, transfer.network, transfer.recipient)
    assert record is not None
    currency = networks.currency_of(transfer.network, transfer.token, livemode=op.livemode)
    before = addresses.paid_by(op, transfer.network, transfer.tx_hash)
    if before is not None and before["how"] == "verification":
        return  # it was recorded before the deposit was looked at
    waiting = [op.get("payment_intents", pi_id) for pi_id in record["payment_intents"]]
    waiting = [pi for pi in waiting if transfer.network in shown_addresses(pi)]
    op.update(record, {"payment_intents": [pi.id for pi in waiting]})
    for pi in waiting if currency is not None else ():
        if _fits(pi, transfer):
            _take(op, pi, transfer, currency or "")
            return
    op.context.journal.append(
        "stripe",
        "deposit.unmatched",
        {
            "account": op.account,
            "payment_intents": [pi.id for pi in waiting],
            "reason": _reason(currency, waiting),
            "transfer": transfer._asdict(),
        },
    )


def _reason(currency: str | None, waiting: list[Record]) -> str:
    if not waiting:
        return "not awaited"
    return "wrong token" if currency is None else "wrong amount"


def _fits(pi: Record, transfer: Transfer) -> bool:
    missing = _missing(pi, transfer)
    if pi.hidden["deposit"]["parts"]:
        return 0 < transfer.amount <= missing
    return transfer.amount == missing


def _missing(pi: Record, transfer: Transfer) -> int:
    """What is still to be paid, in base units of the token."""
    wanted = pi["amount"] * networks.units_per_cent(transfer.decimals)
    return int(wanted) - int(pi.hidden["deposit"]["received"])


def _take(op: Operation, pi: Record, transfer: Transfer, currency: str) -> None:
    deposit = pi.hidden["deposit"]
    complete = transfer.amount == _missing(pi, transfer)
    received = deposit["received"] + transfer.amount
    op.update(pi, hidden={"deposit": {**deposit, "received": received}})
    addresses.remember(op, transfer.network, transfer.tx_hash, pi, "deposit")
    if not complete:
        cents = received // networks.units_per_cent(transfer.decimals)
        op.update(pi, {"amount_received": cents})
        op.emit("payment_intent.partially_funded", pi)
        return
    lifecycle.processing(op, pi)
    settle(
        op,
        pi,
        buyer=transfer.sender,
        network=transfer.network,
        currency=currency,
        tx_hash=transfer.tx_hash,
        received=pi["amount"],
    )


def settle(
    op: Operation,
    pi: Record,
    *,
    buyer: str,
    network: str,
    currency: str,
    tx_hash: str,
    received: int,
) -> Record:
    """The PaymentIntent is paid: charge it, with where the money came from."""
    details = {
        "type": "crypto",
        "crypto": {
            "amount_received": received,
            "amount_requested": pi["amount"],
            "buyer_address": buyer,
            "network": network,
            "token_currency": currency,
            "transaction_hash": tx_hash,
        },
    }
    method = op.find("payment_methods", pi["payment_method"])
    lifecycle.succeed(op, pi, method=method, details=details)
    return pi
