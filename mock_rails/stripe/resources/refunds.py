"""Refunds: money back to where a charge has taken it from (facts: stripe 1.6, 2.3).

A charge can be refunded in parts until nothing is left of it. Its processing fee is not given back.
Refunds to cards succeed at once; those of stablecoin payments are pending until they are sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import agenda, balance, cards, clocks
from mock_rails.stripe.currencies import in_words
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest, NotEmulated
from mock_rails.stripe.parameters import Boolean, Choice, Integer, Metadata, Object, Text
from mock_rails.stripe.wire.lists import CREATED, LIST_FIELDS, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

TABLE: Final = "refunds"
SETTLE: Final = "refund.settle"
FAIL: Final = "refund.fail"

SETTLES_AFTER_S: Final = 60
"""How long a refund is pending, or succeeded before it fails. Stripe says "some time later"."""

_FAILURE: Final = "expired_or_canceled_card"

CREATE: Final = Object(
    {
        "charge": Text(),
        "payment_intent": Text(),
        "amount": Integer(1),
        "reason": Choice(("duplicate", "fraudulent", "requested_by_customer")),
        "metadata": Metadata(),
        "instructions_email": Text(512),
        "refund_application_fee": Boolean(),
        "reverse_transfer": Boolean(),
        "origin": Choice(("customer_balance",)),
    },
    exclusive=(("charge", "payment_intent"),),
    absent=("currency", "customer"),  # of a customer's cash balance
)
_SAME: Final = ("charge", "payment_intent")
_FILTERS: Final = Object({**LIST_FIELDS, **CREATED, **dict.fromkeys(_SAME, Text())})


# -- making one ------------------------------------------------------------------------------------


def create(op: Operation, given: Mapping[str, Any]) -> Record:
    """Refund a charge, all that is left of it or a part."""
    charge = _charge(op, given)
    op = clocks.on_clock_of(op, op.find("customers", charge["customer"]))
    if "origin" in given:
        raise NotEmulated("refunds from a customer's cash balance", param="origin")
    amount = _amount(charge, given.get("amount"))
    _check_connect(charge, given)
    card = cards.by_number(charge.hidden.get("card", ""))
    pending = _type(charge) == "crypto" or (card is not None and card.refund == "pending")
    prefix = "re" if _type(charge) == "card" else "pyr"
    refund = op.create(TABLE, op.new_id(prefix), _fields(charge, given, amount, pending=pending))
    balance.book_refund(op, refund, charge)
    _count(op, charge, amount)
    if given.get("reason") == "fraudulent":
        op.update(charge, {"fraud_details": {"user_report": "fraudulent"}})
    op.emit("refund.created", refund)
    op.emit("charge.refunded", charge)
    if pending:
        op.schedule(op.at_s + SETTLES_AFTER_S, SETTLE, refund=refund.id)
    elif card is not None and card.refund == "fail":
        op.schedule(op.at_s + SETTLES_AFTER_S, FAIL, refund=refund.id)
    return refund


def _fields(
    charge: Record, given: Mapping[str, Any], amount: int, *, pending: bool
) -> dict[str, Any]:
    return {
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge.id,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "description": None,
        "destination_details": _destination(charge),
        "failure_balance_transaction": None,
        "failure_reason": None,
        "instructions_email": given.get("instructions_email"),
        "metadata": Metadata.merged({}, given.get("metadata", {})),
        "next_action": None,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "pending_reason": "processing" if pending else None,
        "presentment_details": None,
        "reason": given.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if pending else "succeeded",
        "transfer_reversal": None,
    }


def _charge(op: Operation, given: Mapping[str, Any]) -> Record:
    """The charge to refund, which has succeeded and was captured."""
    if "charge" in given:
        charge = op.get("charges", given["charge"], param="charge")
        param = "charge"
    elif "payment_intent" in given:
        intent = op.get("payment_intents", given["payment_intent"], param="payment_intent")
        found = op.find("charges", intent["latest_charge"])
        if found is None:
            raise InvalidRequest(
                f"This PaymentIntent ({intent.id}) does not have a successful charge to refund: it "
                f"is {intent['status']}.",
                param="payment_intent",
            )
        charge, param = found, "payment_intent"
    else:
        raise InvalidRequest(
            "One of the following params should be provided for this request: payment_intent or "
            "charge.",
            code="parameter_missing",
            param="payment_intent",
        )
    if charge["status"] != "succeeded":
        raise InvalidRequest(
            f"This charge ({charge.id}) is {charge['status']}: there is nothing to refund.",
            param=param,
        )
    if not charge["captured"]:
        raise InvalidRequest(
            f"This charge ({charge.id}) has not been captured, so there is no money to give back. "
            "Cancel its PaymentIntent instead, which releases what was authorised.",
            param=param,
        )
    return charge


def _amount(charge: Record, wanted: int | None) -> int:
    """How much to refund: never more than is left of the charge."""
    withheld = charge.hidden.get("withheld", 0)
    left = charge["amount_captured"] - charge["amount_refunded"] - withheld
    if left <= 0 and withheld:
        raise InvalidRequest(
            f"Charge {charge.id} has been charged back; cannot issue a refund.",
            code="charge_disputed",
            param="charge",
        )
    if left <= 0:
        raise InvalidRequest(
            f"Charge {charge.id} has already been refunded.", code="charge_already_refunded"
        )
    amount = left if wanted is None else wanted
    if amount > left:
        currency = charge["currency"]
        raise InvalidRequest(
            f"Refund amount ({in_words(amount, currency)}) is greater than what is left of the "
            f"charge ({in_words(left, currency)}).",
            param="amount",
        )
    return amount


def _check_connect(charge: Record, given: Mapping[str, Any]) -> None:
    if given.get("refund_application_fee"):
        if not charge["application_fee"]:
            raise InvalidRequest(
                f"Charge {charge.id} has no application fee to refund.",
                param="refund_application_fee",
            )
        raise NotEmulated("refunds of application fees", param="refund_application_fee")
    if given.get("reverse_transfer"):
        if not charge.fields.get("transfer"):
            raise InvalidRequest(
                f"Charge {charge.id} has no transfer to reverse.", param="reverse_transfer"
            )
        raise NotEmulated("reversals of transfers", param="reverse_transfer")


def _destination(charge: Record) -> dict[str, Any]:
    kind = _type(charge)
    if kind == "card":
        return {
            "card": {
                "reference": None,
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        }
    return {kind: {"reference": None} if kind == "crypto" else {}, "type": kind}


def _type(charge: Record) -> str:
    return str((charge["payment_method_details"] or {}).get("type", "card"))


def _count(op: Operation, charge: Record, amount: int) -> None:
    """Let the charge say how much of it was refunded."""
    refunded = charge["amount_refunded"] + amount
    op.update(
        charge,
        {"amount_refunded": refunded, "refunded": refunded == charge["amount_captured"]},
    )


# -- what becomes of it ----------------------------------------------------------------------------


def _settle(op: Operation, args: Mapping[str, Any]) -> None:
    """A pending refund has arrived; one on a chain names its transaction."""
    refund = op.get(TABLE, args["refund"])
    if refund["status"] != "pending":
        return
    changes: dict[str, Any] = {"status": "succeeded", "pending_reason": None}
    if refund["destination_details"]["type"] == "crypto":
        sent = op.context.seeds.stream("stripe.refund_transactions").bytes(32).hex()
        changes["destination_details"] = {"crypto": {"reference": f"0x{sent}"}, "type": "crypto"}
    _change(op, refund, changes)


def _fail(op: Operation, args: Mapping[str, Any]) -> None:
    """The bank has sent the money back: the balance and the charge are as before the refund."""
    refund = op.get(TABLE, args["refund"])
    if refund["status"] not in ("pending", "succeeded"):
        return
    _take_back(op, refund, {"status": "failed", "failure_reason": _FAILURE, "pending_reason": None})
    op.emit("refund.failed", refund)


agenda.handles(SETTLE, _settle)
agenda.handles(FAIL, _fail)


def _take_back(op: Operation, refund: Record, changes: Mapping[str, Any]) -> None:
    charge = op.get("charges", refund["charge"])
    balance.unbook_refund(op, refund, charge)
    _count(op, charge, -refund["amount"])
    _change(op, refund, changes)


def _change(op: Operation, refund: Record, changes: Mapping[str, Any]) -> None:
    previous = {name: refund[name] for name in changes}
    op.update(refund, changes)
    op.emit("charge.refund.updated", refund, previous=previous)
    op.emit("refund.updated", refund, previous=previous)


# -- endpoints -------------------------------------------------------------------------------------


def _create(call: Call) -> Record:
    """A new refund."""
    return create(call.operation, call.params)


def retrieve(call: Call) -> Record:
    """One refund."""
    return call.operation.get(TABLE, call.id, param="id")


def update(call: Call) -> Record:
    """Change a refund's metadata, all that can be changed."""
    op = call.operation
    refund = op.get(TABLE, call.id, param="id")
    if "metadata" in call.params:
        metadata = Metadata.merged(refund["metadata"], call.params["metadata"])
        if metadata != refund["metadata"]:
            _change(op, refund, {"metadata": metadata})
    return refund


def cancel(call: Call) -> Record:
    """Call back a refund that waits for the buyer to say where to send it."""
    op = call.operation
    refund = op.get(TABLE, call.id, param="id")
    if refund["status"] != "requires_action":
        raise InvalidRequest(
            f"Only refunds that require action can be canceled; this one is {refund['status']}."
        )
    _take_back(op, refund, {"status": "canceled"})
    return refund


def list_all(call: Call) -> Page:
    """The refunds, the newest first."""
    return listed(call, TABLE, same=_SAME)


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/refunds", _create, CREATE),
    Endpoint("GET", "/v1/refunds", list_all, _FILTERS),
    Endpoint("GET", "/v1/refunds/{id}", retrieve),
    Endpoint("POST", "/v1/refunds/{id}", update, Object({"metadata": Metadata()})),
    Endpoint("POST", "/v1/refunds/{id}/cancel", cancel),
)
