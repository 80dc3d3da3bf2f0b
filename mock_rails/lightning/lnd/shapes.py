"""Answers as LND writes them: protobuf's JSON with every field (facts: lightning 4.2, 4.3).

Whole numbers of 64 bits are texts, those of 32 are numbers, bytes are base64. A payment's hash and
preimage, public keys and what `payreq` says are hexadecimal, because LND declares them as texts.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from mock_rails.lightning.bolt11 import decode
from mock_rails.lightning.bolt11.invoice import FEATURES
from mock_rails.lightning.model import InvoiceState, Payment, PaymentStatus
from mock_rails.lightning.network import HEIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_rails.lightning.bolt11 import Bolt11
    from mock_rails.lightning.bolt11.invoice import Hop as HintHop
    from mock_rails.lightning.model import Attempt, HeldHtlc, Hop, InvoiceRecord
    from mock_rails.lightning.network import Network

NO_PREIMAGE: Final = "00" * 32
"""What stands in a payment that is not settled."""

_FEATURE_NAMES: Final = {
    8: "tlv-onion",
    14: "payment-addr",
    16: "multi-path-payments",
    17: "multi-path-payments",
    24: "route-blinding",
    25: "route-blinding",
}
_US: Final = 1_000_000


def b64(value: bytes | None) -> str:
    """Bytes; those that are not there are empty."""
    return base64.b64encode(value or b"").decode()


def amount(msat: int) -> dict[str, str]:
    """An `Amount`: satoshis, cut, and millisatoshis."""
    return {"sat": str(msat // 1_000), "msat": str(msat)}


def features(bits: int = FEATURES) -> dict[str, Any]:
    """A map of features by their bit."""
    found: dict[str, Any] = {}
    for bit in range(bits.bit_length()):
        if bits >> bit & 1:
            name = _FEATURE_NAMES.get(bit)
            found[str(bit)] = {
                "name": name or "unknown",
                "is_required": bit % 2 == 0,
                "is_known": name is not None,
            }
    return found


@lru_cache(maxsize=1_024)
def _read(text: str) -> Bolt11:
    """An invoice of which more is shown than its record holds."""
    return decode(text)


def invoice(record: InvoiceRecord) -> dict[str, Any]:
    """An `Invoice`. LND tells the preimage while it is open too."""
    asked_msat = record.amount_msat or 0
    settled = record.state is InvoiceState.SETTLED
    return {
        "memo": record.description or "",
        "r_preimage": b64(record.preimage),
        "r_hash": b64(record.payment_hash),
        "value": str(asked_msat // 1_000),
        "value_msat": str(asked_msat),
        "settled": settled,
        "creation_date": str(record.created_s),
        "settle_date": str(record.settled_s),
        "payment_request": record.text,
        "description_hash": b64(record.description_hash),
        "expiry": str(record.expiry_s),
        "fallback_addr": "",
        "cltv_expiry": str(record.min_final_cltv),
        "route_hints": _hints(_read(record.text)) if record.private else [],
        "private": record.private,
        "add_index": str(record.add_index),
        "settle_index": str(record.settle_index),
        "amt_paid": str(record.paid_msat),
        "amt_paid_sat": str(record.paid_msat // 1_000),
        "amt_paid_msat": str(record.paid_msat),
        "state": record.state.value,
        "htlcs": [_invoice_htlc(one) for one in record.htlcs],
        "features": features(),
        "is_keysend": False,
        "payment_addr": b64(record.payment_secret),
        "is_amp": False,
        "amp_invoice_state": {},
        "is_blinded": False,
        "blinded_path_config": None,
    }


def _invoice_htlc(htlc: HeldHtlc) -> dict[str, Any]:
    return {
        "chan_id": str(htlc.scid),
        "htlc_index": str(htlc.attempt),
        "amt_msat": str(htlc.amount_msat),
        "accept_height": HEIGHT,
        "accept_time": str(htlc.accepted_s),
        "resolve_time": str(htlc.resolved_s),
        "expiry_height": htlc.expiry,
        "state": htlc.state.value,
        "custom_records": {},
        "mpp_total_amt_msat": str(htlc.total_msat),
        "amp": None,
        "custom_channel_data": "",
    }


def payment(network: Network, one: Payment) -> dict[str, Any]:
    """A `Payment`, as it is now."""
    done = one.status is PaymentStatus.SUCCEEDED
    return {
        "payment_hash": one.payment_hash.hex(),
        "value": str(one.amount_msat // 1_000),
        "creation_date": str(one.created_us // _US),
        "fee": str(one.fee_msat // 1_000),
        "payment_preimage": (one.preimage or b"").hex() if done else NO_PREIMAGE,
        "value_sat": str(one.amount_msat // 1_000),
        "value_msat": str(one.amount_msat),
        "payment_request": one.invoice,
        "status": one.status.value,
        "fee_sat": str(one.fee_msat // 1_000),
        "fee_msat": str(one.fee_msat),
        "creation_time_ns": str(one.created_us * 1_000),
        "htlcs": [_attempt(network, each, one) for each in one.attempts],
        "payment_index": str(one.index),
        "failure_reason": one.failure.value,
        "first_hop_custom_records": {},
    }


def _attempt(network: Network, attempt: Attempt, of: Payment) -> dict[str, Any]:
    taken = attempt.status is PaymentStatus.SUCCEEDED
    failure = None
    if attempt.status is PaymentStatus.FAILED and attempt.failure is not None:
        failure = {
            "code": attempt.failure.value,
            "channel_update": None,
            "htlc_msat": "0",
            "onion_sha_256": "",
            "cltv_expiry": 0,
            "flags": 0,
            "failure_source_index": attempt.failed_at + 1,
            "height": HEIGHT if attempt.failed_at == len(attempt.hops) - 1 else 0,
        }
    return {
        "attempt_id": str(attempt.id),
        "status": attempt.status.value,
        "route": payment_route(network, of, attempt),
        "attempt_time_ns": str(attempt.created_us * 1_000),
        "resolve_time_ns": str(attempt.resolved_us * 1_000),
        "failure": failure,
        "preimage": b64(of.preimage if taken else None),
    }


def payment_route(network: Network, of: Payment, attempt: Attempt) -> dict[str, Any]:
    """The `Route` of one attempt."""
    return route(network, attempt.hops, _read(of.invoice), attempt.total_msat)


def route(
    network: Network, hops: Sequence[Hop], paid: Bolt11 | None = None, total_msat: int = 0
) -> dict[str, Any]:
    """A `Route`. A hop of LND's is a node: what it sends on, what it keeps, and until when what it
    sends on is good. The last one is told the secret of the invoice that is paid, and how much all
    parts are."""
    sent_msat, arrives_msat = hops[0].amount_msat, hops[-1].amount_msat
    record = None
    if paid is not None:
        record = {"payment_addr": b64(paid.payment_secret), "total_amt_msat": str(total_msat)}
    shown = []
    for place, hop in enumerate(hops):
        sends_on_msat = hop.amount_msat - hop.fee_msat
        following = hops[place + 1] if place + 1 < len(hops) else hop
        shown.append(
            {
                "chan_id": str(hop.scid),
                "chan_capacity": str(network.channels[hop.scid].capacity_msat // 1_000),
                "amt_to_forward": str(sends_on_msat // 1_000),
                "fee": str(hop.fee_msat // 1_000),
                "expiry": following.expiry,
                "amt_to_forward_msat": str(sends_on_msat),
                "fee_msat": str(hop.fee_msat),
                "pub_key": network.nodes[hop.receiver].pubkey.hex(),
                "tlv_payload": True,
                "mpp_record": record if hop is hops[-1] else None,
                "amp_record": None,
                "custom_records": {},
                "metadata": "",
                "blinding_point": "",
                "encrypted_data": "",
                "total_amt_msat": "0",
            }
        )
    return {
        "total_time_lock": hops[0].expiry,
        "total_fees": str((sent_msat - arrives_msat) // 1_000),
        "total_amt": str(sent_msat // 1_000),
        "hops": shown,
        "total_fees_msat": str(sent_msat - arrives_msat),
        "total_amt_msat": str(sent_msat),
        "first_hop_amount_msat": "0",
        "custom_channel_data": "",
    }


def pay_req(decoded: Bolt11) -> dict[str, Any]:
    """A `PayReq`: what an invoice says."""
    asked_msat = decoded.amount_msat or 0
    return {
        "destination": decoded.payee.hex(),
        "payment_hash": decoded.payment_hash.hex(),
        "num_satoshis": str(asked_msat // 1_000),
        "timestamp": str(decoded.timestamp_s),
        "expiry": str(decoded.expiry_s),
        "description": decoded.description or "",
        "description_hash": (decoded.description_hash or b"").hex(),
        "fallback_addr": "",
        "cltv_expiry": str(decoded.min_final_cltv),
        "route_hints": _hints(decoded),
        "payment_addr": b64(decoded.payment_secret),
        "num_msat": str(asked_msat),
        "features": features(decoded.features),
        "blinded_paths": [],
    }


def _hints(decoded: Bolt11) -> list[dict[str, Any]]:
    return [{"hop_hints": [_hint(hop) for hop in hint]} for hint in decoded.route_hints]


def _hint(hop: HintHop) -> dict[str, Any]:
    return {
        "node_id": hop.pubkey.hex(),
        "chan_id": str(hop.scid),
        "fee_base_msat": hop.base_msat,
        "fee_proportional_millionths": hop.ppm,
        "cltv_expiry_delta": hop.cltv_delta,
    }
