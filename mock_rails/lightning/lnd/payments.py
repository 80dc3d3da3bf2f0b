"""LND's calls that concern payments (facts: lightning 4.3, calls 3, 4, 9 and 10)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mock_rails.lightning.bolt11 import Bolt11Error, decode
from mock_rails.lightning.errors import (
    ALREADY_EXISTS,
    NOT_FOUND,
    LightningError,
    ResponseLostError,
)
from mock_rails.lightning.lnd import shapes
from mock_rails.lightning.lnd.amounts import fee_limit, one_amount
from mock_rails.lightning.lnd.call import LISTED_AT_MOST, UNIMPLEMENTED, Call, Endpoint
from mock_rails.lightning.lnd.fields import (
    INT32,
    INT64,
    UINT32,
    UINT64,
    Message,
    anything,
    data,
    double,
    listed,
    mapped,
    nested,
    text,
    truth,
)
from mock_rails.lightning.lnd.lenient import Deviation
from mock_rails.lightning.model import FailureReason, Payment, PaymentStatus
from mock_rails.lightning.payments import DEFAULT_PARTS, DEFAULT_TIMEOUT_S, PaymentRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

FEE_LIMIT: Final = nested({"fixed": INT64, "fixed_msat": INT64, "percent": INT64})

_SEND_FIELDS: Final = {
    "dest": data,
    "amt": INT64,
    "payment_hash": data,
    "final_cltv_delta": INT32,
    "payment_request": text,
    "timeout_seconds": INT32,
    "fee_limit_sat": INT64,
    "cltv_limit": INT32,
    "route_hints": listed(anything),
    "dest_custom_records": mapped(data),
    "amt_msat": INT64,
    "fee_limit_msat": INT64,
    "last_hop_pubkey": data,
    "allow_self_payment": truth,
    "dest_features": listed(anything),
    "max_parts": UINT32,
    "no_inflight_updates": truth,
    "outgoing_chan_ids": listed(UINT64),
    "payment_addr": data,
    "max_shard_size_msat": UINT64,
    "amp": truth,
    "time_pref": double,
    "cancelable": truth,
    "first_hop_custom_records": mapped(data),
}
_SEND: Final = Message(_SEND_FIELDS)
_SEND_0_20: Final = Message({**_SEND_FIELDS, "outgoing_chan_id": UINT64})
"""The singular form was removed in 0.21 (facts 4.4)."""

_SEND_SYNC: Final = Message(
    {
        "dest": data,
        "dest_string": text,
        "amt": INT64,
        "amt_msat": INT64,
        "payment_hash": data,
        "payment_hash_string": text,
        "payment_request": text,
        "final_cltv_delta": INT32,
        "fee_limit": FEE_LIMIT,
        "outgoing_chan_id": UINT64,
        "last_hop_pubkey": data,
        "cltv_limit": UINT32,
        "dest_custom_records": mapped(data),
        "allow_self_payment": truth,
        "dest_features": listed(anything),
        "payment_addr": data,
    }
)
_TRACK: Final = Message({"payment_hash": data, "no_inflight_updates": truth})
_LIST: Final = Message(
    {
        "include_incomplete": truth,
        "index_offset": UINT64,
        "max_payments": UINT64,
        "reversed": truth,
        "count_total_payments": truth,
        "creation_date_start": UINT64,
        "creation_date_end": UINT64,
        "omit_hops": truth,
    }
)

_RAW: Final = ("dest", "payment_hash", "payment_addr", "dest_custom_records", "dest_features")
_CHOOSY: Final = ("last_hop_pubkey",)
_US: Final = 1_000_000

View = tuple[PaymentStatus, dict[str, Any]]


# -- sending --------------------------------------------------------------------------------------


async def _send(call: Call) -> AsyncGenerator[dict[str, Any], None]:
    """SendPaymentV2: a fee limit that is not given is 0, which means free routes only."""
    asked = call.fields
    call.refuse(*_RAW, *_CHOOSY, "outgoing_chan_ids", "route_hints", "amp")
    call.refuse(*({"outgoing_chan_id"} & asked.keys()), "first_hop_custom_records")
    invoice, given_msat = _invoice(call), one_amount(asked["amt"], asked["amt_msat"])
    limit_msat = one_amount(asked["fee_limit_sat"], asked["fee_limit_msat"])
    if not limit_msat and call.tolerates(Deviation.NO_FEE_LIMIT):
        limit_msat = fee_limit(None, _own_amount(invoice) or given_msat)
    request = PaymentRequest(
        invoice=invoice,
        amount_msat=given_msat or None,
        fee_limit_msat=limit_msat,
        timeout_s=asked["timeout_seconds"] or DEFAULT_TIMEOUT_S,
        max_parts=asked["max_parts"] or DEFAULT_PARTS,
        allow_self_payment=asked["allow_self_payment"],
    )
    key = ("payment", call.node.name, _payment_hash(request.invoice))
    with call.rail.news.listening(key, partial(_view, call)) as queue:
        payment = call.node.start_payment(request)
        while True:
            status, shape = await queue.get()
            is_over = status is not PaymentStatus.IN_FLIGHT
            if is_over and payment.loses_response:
                raise ResponseLostError
            if is_over or not asked["no_inflight_updates"]:
                yield shape
            if is_over:
                return


async def _send_sync(call: Call) -> dict[str, Any]:
    """SendPaymentSync, until LND 0.20: one part, an amount only for invoices without one, and an
    answer when it is over, a failure with HTTP 200."""
    asked = call.fields
    call.refuse(*_RAW, *_CHOOSY, "dest_string", "payment_hash_string", "outgoing_chan_id")
    invoice = _invoice(call)
    given_msat = one_amount(asked["amt"], asked["amt_msat"])
    own_msat = _own_amount(invoice)
    request = PaymentRequest(
        invoice=invoice,
        amount_msat=None if own_msat else given_msat or None,
        fee_limit_msat=fee_limit(asked["fee_limit"], own_msat or given_msat),
        max_parts=1,
        allow_self_payment=asked["allow_self_payment"],
    )
    payment_hash = _payment_hash(invoice)
    answer = {
        "payment_error": "",
        "payment_preimage": "",
        "payment_route": None,
        "payment_hash": shapes.b64(payment_hash),
    }
    try:
        payment = call.node.start_payment(request)
    except LightningError as error:
        if error.grpc_code != ALREADY_EXISTS:
            raise
        return {**answer, "payment_error": error.detail}
    async for _ in call.node.follow_payment(payment_hash):
        pass
    if payment.loses_response:
        raise ResponseLostError
    if payment.status is PaymentStatus.FAILED:
        return {**answer, "payment_error": _reason(payment.failure)}
    taken = next(one for one in payment.attempts if one.status is PaymentStatus.SUCCEEDED)
    return {
        **answer,
        "payment_preimage": shapes.b64(payment.preimage),
        "payment_route": shapes.payment_route(call.rail.network, payment, taken),
    }


def _reason(failure: FailureReason) -> str:
    return failure.value.removeprefix("FAILURE_REASON_").lower()


def _invoice(call: Call) -> str:
    written: str = call.fields["payment_request"]
    if not written:
        raise LightningError("payments without an invoice are not emulated", UNIMPLEMENTED)
    return written


def _payment_hash(invoice: str) -> bytes:
    """What it will be known by; whoever starts the payment says what is wrong with the invoice."""
    try:
        return decode(invoice).payment_hash
    except Bolt11Error:
        return b""


def _own_amount(invoice: str) -> int:
    try:
        return decode(invoice).amount_msat or 0
    except Bolt11Error:
        return 0


# -- looking --------------------------------------------------------------------------------------


async def _track(call: Call) -> AsyncGenerator[dict[str, Any], None]:
    """TrackPaymentV2: the payment as it is, then each change until its end."""
    payment_hash: bytes = call.fields["payment_hash"]
    key = ("payment", call.node.name, payment_hash)
    with call.rail.news.listening(key, partial(_view, call)) as queue:
        payment = call.node.payment(payment_hash)
        if payment is None:
            raise LightningError("payment isn't initiated", NOT_FOUND)
        status, shape = _view(call, payment)
        while True:
            is_over = status is not PaymentStatus.IN_FLIGHT
            if is_over or not call.fields["no_inflight_updates"]:
                yield shape
            if is_over:
                return
            status, shape = await queue.get()


async def _list(call: Call) -> dict[str, Any]:
    """Payments that succeeded, or all of them if asked; the offsets are payments' indices."""
    asked = call.fields
    offset, backwards = asked["index_offset"], asked["reversed"]
    count = min(asked["max_payments"] or LISTED_AT_MOST, LISTED_AT_MOST)
    until_s = asked["creation_date_end"] or None
    everything = list(call.node.payments())
    fitting = [
        one
        for one in everything
        if (asked["include_incomplete"] or one.status is PaymentStatus.SUCCEEDED)
        and one.created_us // _US >= asked["creation_date_start"]
        and (until_s is None or one.created_us // _US <= until_s)
        and (not offset or (one.index < offset if backwards else one.index > offset))
    ]
    page = fitting[-count:] if backwards else fitting[:count]
    shown = [shapes.payment(call.rail.network, one) for one in page]
    if asked["omit_hops"]:
        for one in shown:
            for htlc in one["htlcs"]:
                htlc["route"]["hops"] = []
    return {
        "payments": shown,
        "first_index_offset": str(page[0].index if page else 0),
        "last_index_offset": str(page[-1].index if page else 0),
        "total_num_payments": str(len(everything) if asked["count_total_payments"] else 0),
    }


def _view(call: Call, payment: Payment) -> View:
    return payment.status, shapes.payment(call.rail.network, payment)


_READ: Final = ("offchain", "read")
_WRITE: Final = ("offchain", "write")
_OLD: Final = ("0.20",)
_NEW: Final = ("0.21",)

ENDPOINTS: Final = (
    Endpoint("POST", "/v2/router/send", _WRITE, _SEND_0_20, stream=_send, profiles=_OLD),
    Endpoint("POST", "/v2/router/send", _WRITE, _SEND, stream=_send, profiles=_NEW),
    Endpoint("POST", "/v1/channels/transactions", _WRITE, _SEND_SYNC, _send_sync, profiles=_OLD),
    Endpoint("GET", "/v2/router/track/{payment_hash}", _READ, _TRACK, stream=_track),
    Endpoint("GET", "/v1/payments", _READ, _LIST, _list),
)
