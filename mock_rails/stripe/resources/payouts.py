"""Payouts: available money sent to the seller's bank (facts: stripe 1.8, 3).

All are asked for by hand; the rail has no payout schedule. A standard payout leaves on the next
business day and can be cancelled until then; an instant one leaves at once, for a fee.

`POST /_sandbox/payouts/{id}/fail` lets the bank send one back, as Stripe's test accounts do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import agenda, fees, ledger
from mock_rails.stripe.balance import transact
from mock_rails.stripe.calendar import business_days_after
from mock_rails.stripe.currencies import check_currency, in_words
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest, Missing
from mock_rails.stripe.ledger import AVAILABLE, BANKS, PAYOUTS
from mock_rails.stripe.parameters import Choice, Integer, Metadata, Object, Text
from mock_rails.stripe.wire.lists import CREATED, LIST_FIELDS, InRange, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

TABLE: Final = "payouts"
SUBMIT: Final = "payout.submit"
ARRIVE: Final = "payout.arrive"

LEAVES_AFTER_DAYS: Final = 1
ARRIVES_AFTER_DAYS: Final = 2
"""Business days of a standard payout."""
INSTANT_S: Final = 1_800
"""Seconds of an instant one."""

FAILURES: Final = {
    "account_closed": "The bank account has been closed.",
    "account_frozen": "The bank account has been frozen.",
    "could_not_process": "The bank could not process this payout.",
    "declined": "The bank has declined this payout.",
    "incorrect_account_holder_name": "The bank has another name for the account's holder.",
    "insufficient_funds": "Your Stripe account has insufficient funds to cover the payout.",
    "invalid_account_number": "The routing number is right, but the account number is not.",
    "no_account": "The bank could not find the account.",
}

CREATE: Final = Object(
    {
        "amount": Integer(1),
        "currency": Text(10),
        "description": Text(nullable=True),
        "destination": Text(),
        "metadata": Metadata(),
        "method": Choice(("standard", "instant")),
        "payout_method": Text(),
        "source_type": Choice(("card", "bank_account", "fpx")),
        "statement_descriptor": Text(22, nullable=True),
    },
    required=("amount", "currency"),
)
_FILTERS: Final = Object(
    {
        **LIST_FIELDS,
        **CREATED,
        "arrival_date": InRange(),
        "destination": Text(),
        "status": Choice(("pending", "in_transit", "paid", "failed", "canceled")),
    }
)


def create(op: Operation, given: Mapping[str, Any]) -> Record:
    """Send available money to the bank."""
    amount, currency = given["amount"], check_currency(given["currency"])
    for name in ("destination", "payout_method"):
        if name in given:
            raise Missing("external account", given[name], param=name)
    instant = given.get("method") == "instant"
    fee, fee_details = (
        fees.single_fee(op, "instant_payout", amount, currency) if instant else (0, [])
    )
    source_type = given.get("source_type", "card")
    held = ledger.amount_in(op, currency, AVAILABLE) if source_type == "card" else 0
    if amount + fee > held:
        raise InvalidRequest(
            "You have insufficient funds in your Stripe account: "
            f"{in_words(max(0, held), currency)} of the source type {source_type} is available, "
            f"and this payout needs {in_words(amount + fee, currency)}. Money of new payments is "
            "pending first.",
            code="balance_insufficient",
        )
    payout = op.create(TABLE, op.new_id("po"), _fields(op, given, currency))
    transaction = transact(
        op,
        kind=("payout", "payout"),
        amount=-amount,
        currency=currency,
        source=payout.id,
        against=PAYOUTS,
        fee_details=fee_details,
        description="STRIPE PAYOUT",
    )
    op.update(payout, {"balance_transaction": transaction.id})
    op.emit("payout.created", payout)
    if instant:
        _submit(op, {"payout": payout.id})
    else:
        op.schedule(business_days_after(op.at_s, LEAVES_AFTER_DAYS), SUBMIT, payout=payout.id)
    op.schedule(payout["arrival_date"], ARRIVE, payout=payout.id)
    return payout


def _fields(op: Operation, given: Mapping[str, Any], currency: str) -> dict[str, Any]:
    method = given.get("method", "standard")
    return {
        "object": "payout",
        "amount": given["amount"],
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": business_days_after(op.at_s, ARRIVES_AFTER_DAYS)
        if method == "standard"
        else op.at_s + INSTANT_S,
        "automatic": False,
        "balance_transaction": None,
        "currency": currency,
        "description": given.get("description"),
        "destination": None,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "metadata": Metadata.merged({}, given.get("metadata", {})),
        "method": method,
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "not_applicable",
        "reversed_by": None,
        "source_type": given.get("source_type", "card"),
        "statement_descriptor": given.get("statement_descriptor"),
        "status": "pending",
        "trace_id": None,
        "type": "bank_account",
    }


# -- what becomes of it ----------------------------------------------------------------------------


def _submit(op: Operation, args: Mapping[str, Any]) -> None:
    payout = op.get(TABLE, args["payout"])
    if payout["status"] == "pending":
        op.update(payout, {"status": "in_transit"})
        op.emit("payout.updated", payout, previous={"status": "pending"})


def _arrive(op: Operation, args: Mapping[str, Any]) -> None:
    payout = op.get(TABLE, args["payout"])
    if payout["status"] != "in_transit":
        return
    amount = payout["amount"]
    ledger.post(op, payout["currency"], {PAYOUTS: -amount, BANKS: amount})
    op.update(payout, {"status": "paid"})
    op.emit("payout.paid", payout)


agenda.handles(SUBMIT, _submit)
agenda.handles(ARRIVE, _arrive)


def _take_back(op: Operation, payout: Record, kind: str, changes: Mapping[str, Any]) -> None:
    transaction = transact(
        op,
        kind=(kind, "payout_reversal"),
        amount=payout["amount"],
        currency=payout["currency"],
        source=payout.id,
        against=BANKS if payout["status"] == "paid" else PAYOUTS,
        description="STRIPE PAYOUT CANCELED" if kind == "payout_cancel" else "STRIPE PAYOUT FAILED",
    )
    op.update(payout, {**changes, "failure_balance_transaction": transaction.id})


def cancel(call: Call) -> Record:
    """Keep a payout that has not left yet."""
    op = call.operation
    payout = op.get(TABLE, call.id, param="id")
    if payout["status"] != "pending":
        raise InvalidRequest(
            f"Payouts can only be canceled while they are pending; this one is {payout['status']}."
        )
    _take_back(op, payout, "payout_cancel", {"status": "canceled"})
    op.emit("payout.canceled", payout)
    return payout


def fail(call: Call) -> Record:
    """Let the bank send a payout back, even days after it was paid."""
    found = call.operation.state.find(TABLE, call.id)
    if found is None:
        raise Missing("payout", call.id, param="id")
    if found["status"] in ("failed", "canceled"):
        raise InvalidRequest(f"This payout is {found['status']} already.")
    op = call.operation.of(found.account, livemode=found["livemode"])
    code = call.params.get("failure_code", "could_not_process")
    changes = {"status": "failed", "failure_code": code, "failure_message": FAILURES[code]}
    _take_back(op, found, "payout_failure", changes)
    op.emit("payout.failed", found)
    return found


# -- endpoints -------------------------------------------------------------------------------------


def _create(call: Call) -> Record:
    """A new payout."""
    return create(call.operation, call.params)


def retrieve(call: Call) -> Record:
    """One payout."""
    return call.operation.get(TABLE, call.id, param="id")


def update(call: Call) -> Record:
    """Change a payout's metadata."""
    op = call.operation
    payout = op.get(TABLE, call.id, param="id")
    if "metadata" in call.params:
        before = payout["metadata"]
        op.update(payout, {"metadata": Metadata.merged(before, call.params["metadata"])})
        op.emit("payout.updated", payout, previous={"metadata": before})
    return payout


def list_all(call: Call) -> Page:
    """The payouts, the newest first."""
    arrival = call.params.get("arrival_date")

    def matches(one: Record) -> bool:
        return arrival is None or bool(arrival.holds(one["arrival_date"]))

    return listed(call, TABLE, matches, same=("status", "destination"))


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/payouts", _create, CREATE),
    Endpoint("GET", "/v1/payouts", list_all, _FILTERS),
    Endpoint("GET", "/v1/payouts/{id}", retrieve),
    Endpoint("POST", "/v1/payouts/{id}", update, Object({"metadata": Metadata()})),
    Endpoint("POST", "/v1/payouts/{id}/cancel", cancel),
    Endpoint(
        "POST",
        "/_sandbox/payouts/{id}/fail",
        fail,
        Object({"failure_code": Choice(tuple(FAILURES))}),
    ),
)
