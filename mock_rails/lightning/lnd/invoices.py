"""LND's calls that concern invoices (facts: lightning 4.3, calls 1, 2, 8, 10 and 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.lightning.errors import NOT_FOUND, LightningError
from mock_rails.lightning.invoices import InvoiceRequest
from mock_rails.lightning.lnd import shapes
from mock_rails.lightning.lnd.amounts import one_amount
from mock_rails.lightning.lnd.call import LISTED_AT_MOST, Call, Endpoint
from mock_rails.lightning.lnd.fields import (
    INT64,
    UINT32,
    UINT64,
    Message,
    anything,
    data,
    listed,
    mapped,
    nested,
    text,
    truth,
)
from mock_rails.lightning.lnd.lenient import Deviation, base64_hash
from mock_rails.lightning.model import InvoiceState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from mock_rails.lightning.model import InvoiceRecord

_DEFAULT_LISTED: Final = 100
_DEFAULT_EXPIRY_S: Final = 86_400
_DEFAULT_CLTV: Final = 80
_FINAL: Final = (InvoiceState.SETTLED, InvoiceState.CANCELED)

_HINTS: Final = listed(
    nested(
        {
            "hop_hints": listed(
                nested(
                    {
                        "node_id": text,
                        "chan_id": UINT64,
                        "fee_base_msat": UINT32,
                        "fee_proportional_millionths": UINT32,
                        "cltv_expiry_delta": UINT32,
                    }
                )
            )
        }
    )
)

_INVOICE: Final = Message(
    {
        "memo": text,
        "r_preimage": data,
        "r_hash": data,
        "value": INT64,
        "value_msat": INT64,
        "settled": truth,
        "creation_date": INT64,
        "settle_date": INT64,
        "payment_request": text,
        "description_hash": data,
        "expiry": INT64,
        "fallback_addr": text,
        "cltv_expiry": UINT64,
        "route_hints": _HINTS,
        "private": truth,
        "add_index": UINT64,
        "settle_index": UINT64,
        "amt_paid": INT64,
        "amt_paid_sat": INT64,
        "amt_paid_msat": INT64,
        "state": anything,
        "htlcs": listed(anything),
        "features": mapped(anything),
        "is_keysend": truth,
        "payment_addr": data,
        "is_amp": truth,
        "amp_invoice_state": mapped(anything),
        "is_blinded": truth,
        "blinded_path_config": nested(
            {
                "min_num_real_hops": UINT32,
                "num_hops": UINT32,
                "max_num_paths": UINT32,
                "node_omission_list": listed(data),
                "incoming_channel_list": listed(UINT64),
            }
        ),
    }
)
"""AddInvoice takes a whole Invoice and looks at what an issuer may choose."""

_HOLD: Final = Message(
    {
        "memo": text,
        "hash": data,
        "value": INT64,
        "value_msat": INT64,
        "description_hash": data,
        "expiry": INT64,
        "fallback_addr": text,
        "cltv_expiry": UINT64,
        "route_hints": _HINTS,
        "private": truth,
    }
)
_LOOK: Final = Message({"r_hash_str": text, "r_hash": data})
_FOLLOW_ONE: Final = Message({"r_hash": data})
_LOOK_V2: Final = Message(
    {"payment_hash": data, "payment_addr": data, "set_id": data, "lookup_modifier": anything}
)
_LIST: Final = Message(
    {
        "pending_only": truth,
        "index_offset": UINT64,
        "num_max_invoices": UINT64,
        "reversed": truth,
        "creation_date_start": UINT64,
        "creation_date_end": UINT64,
    }
)
_FOLLOW: Final = Message({"add_index": UINT64, "settle_index": UINT64})
_SETTLE: Final = Message({"preimage": data})
_CANCEL: Final = Message({"payment_hash": data})


# -- making ---------------------------------------------------------------------------------------


async def _add(call: Call) -> dict[str, Any]:
    call.refuse("is_amp", "is_blinded", "fallback_addr", "route_hints")
    record = await call.node.make_invoice(_request(call, preimage=call.fields["r_preimage"]))
    return {"r_hash": shapes.b64(record.payment_hash), **_added(record)}


async def _add_hold(call: Call) -> dict[str, Any]:
    call.refuse("fallback_addr", "route_hints")
    return _added(await call.node.make_invoice(_request(call, payment_hash=_hash(call, "hash"))))


def _request(
    call: Call, *, preimage: bytes | None = None, payment_hash: bytes | None = None
) -> InvoiceRequest:
    asked = call.fields
    amount_msat = one_amount(asked["value"], asked["value_msat"])
    return InvoiceRequest(
        amount_msat=amount_msat or None,
        description=asked["memo"],
        description_hash=asked["description_hash"] or None,
        expiry_s=asked["expiry"] or _DEFAULT_EXPIRY_S,
        preimage=preimage or None,
        payment_hash=payment_hash,
        min_final_cltv=asked["cltv_expiry"] or _DEFAULT_CLTV,
        private=asked["private"],
    )


def _added(record: InvoiceRecord) -> dict[str, Any]:
    return {
        "payment_request": record.text,
        "add_index": str(record.add_index),
        "payment_addr": shapes.b64(record.payment_secret),
    }


# -- looking --------------------------------------------------------------------------------------


async def _look(call: Call) -> dict[str, Any]:
    """By hexadecimal, which is why base64 fails here and nowhere else."""
    written = call.fields["r_hash_str"]
    try:
        payment_hash = bytes.fromhex(written)
    except ValueError:
        other = base64_hash(written)
        if other is None or not call.tolerates(Deviation.BASE64_HASH):
            raise LightningError(_hex_error(written)) from None
        payment_hash = other
    return shapes.invoice(_found(call, _whole(payment_hash)))


def _hex_error(written: str) -> str:
    for letter in written:
        if letter not in "0123456789abcdefABCDEF":
            return f"encoding/hex: invalid byte: U+{ord(letter):04X} {letter!r}"
    return "encoding/hex: odd length hex string"


async def _look_v2(call: Call) -> dict[str, Any]:
    call.refuse("set_id", "lookup_modifier")
    secret = call.fields["payment_addr"]
    if secret and not call.fields["payment_hash"]:
        for record in call.node.invoices():
            if record.payment_secret == secret:
                return shapes.invoice(record)
        raise LightningError("unable to locate invoice", NOT_FOUND)
    return shapes.invoice(_found(call, _hash(call, "payment_hash")))


async def _list(call: Call) -> dict[str, Any]:
    asked = call.fields
    offset, backwards = asked["index_offset"], asked["reversed"]
    count = min(asked["num_max_invoices"] or _DEFAULT_LISTED, LISTED_AT_MOST)
    until_s = asked["creation_date_end"] or None
    fitting = [
        one
        for one in call.node.invoices()
        if (not asked["pending_only"] or one.state not in _FINAL)
        and one.created_s >= asked["creation_date_start"]
        and (until_s is None or one.created_s <= until_s)
        and (not offset or (one.add_index < offset if backwards else one.add_index > offset))
    ]
    page = fitting[-count:] if backwards else fitting[:count]
    return {
        "invoices": [shapes.invoice(one) for one in page],
        "last_index_offset": str(page[-1].add_index if page else 0),
        "first_index_offset": str(page[0].add_index if page else 0),
    }


# -- holding --------------------------------------------------------------------------------------


async def _settle(call: Call) -> dict[str, Any]:
    call.node.settle_invoice(_whole(call.fields["preimage"]))
    return {}


async def _cancel(call: Call) -> dict[str, Any]:
    call.node.cancel_invoice(_hash(call, "payment_hash"))
    return {}


# -- following ------------------------------------------------------------------------------------


async def _follow(call: Call) -> AsyncGenerator[dict[str, Any], None]:
    """What came after the indices that are given, then each invoice when it is made and when it is
    settled; holding and canceling are not told here."""
    node = call.node
    added, settled = call.fields["add_index"], call.fields["settle_index"]
    with call.rail.news.listening(("invoices", node.name), _told) as queue:
        records = list(node.invoices())
        backlog = [one for one in records if added and one.add_index > added]
        late = [one for one in records if settled and one.settle_index > settled]
        for record in (*backlog, *sorted(late, key=lambda one: one.settle_index)):
            yield shapes.invoice(record)
        while True:
            shape = await queue.get()
            if shape is not None:
                yield shape


def _told(record: InvoiceRecord) -> dict[str, Any] | None:
    told = record.state in (InvoiceState.OPEN, InvoiceState.SETTLED)
    return shapes.invoice(record) if told else None


async def _follow_one(call: Call) -> AsyncGenerator[dict[str, Any], None]:
    """One invoice's states until its last; one that is not there yet is waited for."""
    payment_hash = _hash(call, "r_hash")
    key = ("invoice", call.node.name, payment_hash)
    with call.rail.news.listening(key, lambda one: (one.state, shapes.invoice(one))) as queue:
        record = call.node.invoice(payment_hash)
        if record is not None:
            state, shape = record.state, shapes.invoice(record)
            yield shape
            if state in _FINAL:
                return
        while True:
            state, shape = await queue.get()
            yield shape
            if state in _FINAL:
                return


def _found(call: Call, payment_hash: bytes) -> InvoiceRecord:
    record = call.node.invoice(payment_hash)
    if record is None:
        raise LightningError("unable to locate invoice", NOT_FOUND)
    return record


def _hash(call: Call, name: str) -> bytes:
    value: bytes = call.fields[name]
    return _whole(value)


def _whole(value: bytes) -> bytes:
    if len(value) != 32:
        raise LightningError(f"payment hash must be exactly 32 bytes, is instead {len(value)}")
    return value


_READ: Final = ("invoices", "read")
_WRITE: Final = ("invoices", "write")

ENDPOINTS: Final = (
    Endpoint("POST", "/v1/invoices", _WRITE, _INVOICE, _add),
    Endpoint("GET", "/v1/invoices", _READ, _LIST, _list),
    Endpoint("GET", "/v1/invoices/subscribe", _READ, _FOLLOW, stream=_follow),
    Endpoint("GET", "/v1/invoice/{r_hash_str}", _READ, _LOOK, _look),
    Endpoint("POST", "/v2/invoices/hodl", _WRITE, _HOLD, _add_hold),
    Endpoint("POST", "/v2/invoices/settle", _WRITE, _SETTLE, _settle),
    Endpoint("POST", "/v2/invoices/cancel", _WRITE, _CANCEL, _cancel),
    Endpoint("GET", "/v2/invoices/lookup", _READ, _LOOK_V2, _look_v2),
    Endpoint("GET", "/v2/invoices/subscribe/{r_hash}", _READ, _FOLLOW_ONE, stream=_follow_one),
)
