"""phoenixd's calls, and what they make of a form (facts: lightning 4.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from mock_rails.lightning.bolt11 import Bolt11, Bolt11Error, decode
from mock_rails.lightning.errors import ALREADY_EXISTS, LightningError
from mock_rails.lightning.invoices import LARGEST_MSAT, LONGEST_EXPIRY_S, InvoiceRequest
from mock_rails.lightning.model import MSAT, FailureReason, InvoiceState, PaymentStatus
from mock_rails.lightning.payments import PaymentRequest
from mock_rails.lightning.phoenixd import shapes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mock_rails.lightning.node import Node

    Handler = Callable[["Call"], Awaitable[dict[str, Any] | list[dict[str, Any]]]]

DEFAULT_EXPIRY_S: Final = 3_600
LONGEST_DESCRIPTION: Final = 128

_FEE_BASE_MSAT: Final = 4_000
_FEE_PPM: Final = 4_000
_LISTED: Final = 20
_LISTED_AT_MOST: Final = 10_000
_FOR_EVER_US: Final = 1 << 62
_REASONS: Final = {
    FailureReason.INSUFFICIENT_BALANCE: "not enough funds in wallet to afford payment",
    FailureReason.INCORRECT_DETAILS: "the recipient rejected the payment",
    FailureReason.NO_ROUTE: "the recipient was offline or did not have enough liquidity to "
    "receive the payment",
    FailureReason.TIMEOUT: "the payment could not be completed in time",
}


class Refused(Exception):
    """An answer in plain text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True)
class Call:
    """A request of somebody who may."""

    node: Node
    fields: Mapping[str, str]
    """The form's fields, or the query's; an empty one is one that is not there."""
    part: str = ""
    """What stands at the path's end."""

    def text(self, name: str) -> str:
        """A field that must be there."""
        value = self.fields.get(name)
        if not value:
            raise Refused(400, f"Request parameter {name} is missing")
        return value

    def whole(self, name: str, low: int, high: int) -> int | None:
        """A number, if it is there."""
        value = self.fields.get(name)
        if not value:
            return None
        if not re.fullmatch(r"[0-9]{1,19}", value) or not low <= int(value) <= high:
            raise Refused(400, f"Request parameter {name} couldn't be parsed/converted to Long")
        return int(value)

    def digest(self, name: str, value: str) -> bytes:
        """32 bytes in hexadecimal digits."""
        if not re.fullmatch(r"[0-9a-fA-F]{64}", value):
            raise Refused(
                400, f"Request parameter {name} couldn't be parsed/converted to ByteVector32"
            )
        return bytes.fromhex(value)

    def invoice(self) -> Bolt11:
        """The invoice that the form brings."""
        try:
            return decode(self.text("invoice"))
        except Bolt11Error:
            raise Refused(
                400, "Request parameter invoice couldn't be parsed/converted to Bolt11Invoice"
            ) from None


async def create_invoice(call: Call) -> dict[str, Any]:
    """Ask to be paid. The empty description is one as well."""
    description = call.fields.get("description")
    hashed = call.fields.get("descriptionHash")
    if (description is None) == (hashed is None):
        raise Refused(400, "Must provide either a description or descriptionHash")
    if description is not None and len(description) > LONGEST_DESCRIPTION:
        raise Refused(
            400, f"Request parameter description is too long (max {LONGEST_DESCRIPTION} characters)"
        )
    amount_sat = call.whole("amountSat", 1, LARGEST_MSAT // MSAT)
    expiry_s = call.whole("expirySeconds", 1, LONGEST_EXPIRY_S)
    request = InvoiceRequest(
        amount_msat=None if amount_sat is None else amount_sat * MSAT,
        description=description,
        description_hash=None if hashed is None else call.digest("descriptionHash", hashed),
        expiry_s=DEFAULT_EXPIRY_S if expiry_s is None else expiry_s,
        private=True,
        external_id=call.fields.get("externalId") or None,
        webhook_url=call.fields.get("webhookUrl") or None,
    )
    record = await call.node.make_invoice(request)
    return {
        "amountSat": amount_sat,
        "paymentHash": record.payment_hash.hex(),
        "serialized": record.text,
    }


async def pay_invoice(call: Call) -> dict[str, Any]:
    """Pay, and answer when it is over, however long that takes. A failure is a 200 too."""
    invoice = call.invoice()
    asked_sat = call.whole("amountSat", 1, LARGEST_MSAT // MSAT)
    asked_msat = None if asked_sat is None else asked_sat * MSAT
    amount_msat = invoice.amount_msat or asked_msat
    if amount_msat is None:
        raise Refused(400, "Request parameter amountSat is missing")
    request = PaymentRequest(
        invoice.text,
        amount_msat=None if invoice.amount_msat else asked_msat,
        fee_limit_msat=_FEE_BASE_MSAT + amount_msat * _FEE_PPM // 1_000_000,
    )
    named = {"paymentHash": invoice.payment_hash.hex()}
    try:
        payment = await call.node.pay(
            request.invoice,
            amount_msat=request.amount_msat,
            fee_limit_msat=request.fee_limit_msat,
        )
    except LightningError as error:
        return {**named, "reason": _why_not_begun(error)}
    await call.node.rail.wait_for(payment, _FOR_EVER_US)
    if payment.status is PaymentStatus.SUCCEEDED:
        return shapes.paid(payment)
    return {**named, "reason": _REASONS.get(payment.failure, "the payment failed")}


def _why_not_begun(error: LightningError) -> str:
    if error.grpc_code != ALREADY_EXISTS:
        return error.detail
    if "already paid" in error.detail:
        return "this invoice has already been paid"
    return "another payment is in progress for that invoice"


async def find_incoming(call: Call) -> dict[str, Any]:
    """An invoice of this node, by its payment hash."""
    record = call.node.invoice(call.digest("paymentHash", call.part))
    if record is None:
        raise Refused(404, "Not found")
    return shapes.incoming(record, call.node.rail.agenda.now_s())


async def find_outgoing(call: Call) -> dict[str, Any]:
    """A payment of this node, by its id."""
    for payment in call.node.payments():
        if shapes.payment_id(payment) == call.part.lower():
            return shapes.outgoing(payment)
    raise Refused(404, "Not found")


async def find_outgoing_by_hash(call: Call) -> dict[str, Any]:
    """The same by the invoice's payment hash."""
    payment = call.node.payment(call.digest("paymentHash", call.part))
    if payment is None:
        raise Refused(404, "Not found")
    return shapes.outgoing(payment)


async def list_incoming(call: Call) -> list[dict[str, Any]]:
    """Invoices, the latest first: those that were paid, or `all` of them."""
    wanted, everything = call.fields.get("externalId"), call.fields.get("all") == "true"
    found = [
        one
        for one in call.node.invoices()
        if (everything or one.state is InvoiceState.SETTLED)
        and (not wanted or one.external_id == wanted)
    ]
    now_s = call.node.rail.agenda.now_s()
    return [shapes.incoming(one, now_s) for one in _page(call, found)]


async def list_outgoing(call: Call) -> list[dict[str, Any]]:
    """Payments, the latest first: those that were made, or `all` of them."""
    everything = call.fields.get("all") == "true"
    found = [
        one for one in call.node.payments() if everything or one.status is PaymentStatus.SUCCEEDED
    ]
    return [shapes.outgoing(one) for one in _page(call, found)]


def _page(call: Call, found: list[Any]) -> list[Any]:
    limit = call.whole("limit", 0, _LISTED_AT_MOST)
    start = call.whole("offset", 0, 1 << 62) or 0
    return list(islice(reversed(found), start, start + (_LISTED if limit is None else limit)))


async def get_info(call: Call) -> dict[str, Any]:
    """Which node this is, and its channels."""
    return shapes.info(call.node)


async def get_balance(call: Call) -> dict[str, Any]:
    """What the node has."""
    return {"balanceSat": call.node.balance_msat // MSAT, "feeCreditSat": 0}


async def decode_invoice(call: Call) -> dict[str, Any]:
    """What an invoice says."""
    return shapes.decoded(call.invoice())
