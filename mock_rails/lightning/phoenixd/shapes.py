"""Answers as phoenixd writes them: indented JSON without nulls (facts: lightning 4.5).

Amounts are satoshis, rounded down, but fees are millisatoshis; times are milliseconds.
"""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from mock_rails.lightning.model import MSAT, InvoiceState, PaymentStatus
from mock_rails.lightning.network import HEIGHT

if TYPE_CHECKING:
    from mock_rails.lightning.bolt11 import Bolt11
    from mock_rails.lightning.model import Channel, InvoiceRecord, Payment
    from mock_rails.lightning.node import Node

VERSION: Final = "0.7.0-sandbox"

_MS: Final = 1_000
_FEATURES: Final = {
    8: "var_onion_optin",
    14: "payment_secret",
    16: "basic_mpp",
    24: "option_route_blinding",
}


def text(document: object) -> str:
    """A document as phoenixd lays it out."""
    return json.dumps(_without_nulls(document), indent=4, ensure_ascii=False)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in value]
    return value


def incoming(record: InvoiceRecord, now_s: int) -> dict[str, Any]:
    """An invoice. Its preimage is told before it is paid, as phoenixd does."""
    paid = record.state is InvoiceState.SETTLED
    return {
        "type": "incoming_payment",
        "subType": "lightning",
        "paymentHash": record.payment_hash.hex(),
        "preimage": None if record.preimage is None else record.preimage.hex(),
        "externalId": record.external_id,
        "description": record.description,
        "invoice": record.text,
        "isPaid": paid,
        "isExpired": not paid and now_s >= record.expires_at_s,
        "requestedSat": None if record.amount_msat is None else record.amount_msat // MSAT,
        "receivedSat": record.paid_msat // MSAT if paid else 0,
        "fees": 0,
        "expiresAt": record.expires_at_s * _MS,
        "completedAt": record.settled_s * _MS if paid else None,
        "createdAt": record.created_s * _MS,
    }


def received(record: InvoiceRecord) -> dict[str, Any]:
    """What listeners are told of a payment."""
    return {
        "type": "payment_received",
        "amountSat": record.paid_msat // MSAT,
        "paymentHash": record.payment_hash.hex(),
        "externalId": record.external_id,
        "timestamp": record.settled_s * _MS,
    }


def payment_id(payment: Payment) -> str:
    """A payment's UUID: the same for the same payment, whenever it is asked for."""
    named = f"{payment.node} {payment.payment_hash.hex()} {payment.index}"
    digits = bytearray(sha256(named.encode()).digest()[:16])
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    written = digits.hex()
    ends = (0, 8, 12, 16, 20, 32)
    return "-".join(written[start:end] for start, end in pairwise(ends))


def outgoing(payment: Payment) -> dict[str, Any]:
    """A payment that was made or tried. What it sent holds the fees."""
    paid = payment.status is PaymentStatus.SUCCEEDED
    over = payment.status is not PaymentStatus.IN_FLIGHT
    ended_us = max((one.resolved_us for one in payment.attempts), default=payment.created_us)
    return {
        "type": "outgoing_payment",
        "subType": "lightning",
        "paymentId": payment_id(payment),
        "paymentHash": payment.payment_hash.hex(),
        "preimage": payment.preimage.hex() if paid and payment.preimage else None,
        "isPaid": paid,
        "sent": (payment.amount_msat + payment.fee_msat) // MSAT if paid else 0,
        "fees": payment.fee_msat,
        "invoice": payment.invoice,
        "completedAt": ended_us // _MS if over else None,
        "createdAt": payment.created_us // _MS,
    }


def paid(payment: Payment) -> dict[str, Any]:
    """The answer to a payment that was made."""
    assert payment.preimage is not None
    return {
        "recipientAmountSat": payment.amount_msat // MSAT,
        "routingFeeSat": payment.fee_msat // MSAT,
        "paymentId": payment_id(payment),
        "paymentHash": payment.payment_hash.hex(),
        "paymentPreimage": payment.preimage.hex(),
    }


def info(node: Node) -> dict[str, Any]:
    """What `getinfo` says."""
    return {
        "nodeId": node.pubkey.hex(),
        "channels": [_channel(one, node.name) for one in node.channels()],
        "chain": node.rail.settings.network,
        "blockHeight": HEIGHT,
        "version": VERSION,
    }


def _channel(channel: Channel, node: str) -> dict[str, Any]:
    channel_id = sha256(channel.scid.to_bytes(8)).hexdigest()
    return {
        "state": "Normal",
        "channelId": channel_id,
        "balanceSat": channel.end(node).balance_msat // MSAT,
        "inboundLiquiditySat": channel.spendable_msat(channel.peer(node).node) // MSAT,
        "capacitySat": channel.capacity_msat // MSAT,
        "fundingTxId": channel_id[::-1],
    }


def decoded(invoice: Bolt11) -> dict[str, Any]:
    """What an invoice says."""
    return {
        "chain": invoice.network,
        "amount": invoice.amount_msat,
        "paymentHash": invoice.payment_hash.hex(),
        "description": invoice.description,
        "descriptionHash": None
        if invoice.description_hash is None
        else invoice.description_hash.hex(),
        "minFinalCltvExpiryDelta": invoice.min_final_cltv,
        "paymentSecret": invoice.payment_secret.hex(),
        "paymentMetadata": None if invoice.metadata is None else invoice.metadata.hex(),
        "expirySeconds": invoice.expiry_s,
        "extraHops": [
            [
                {
                    "nodeId": hop.pubkey.hex(),
                    "shortChannelId": f"{hop.scid >> 40}x{hop.scid >> 16 & 0xFFFFFF}x"
                    f"{hop.scid & 0xFFFF}",
                    "feeBase": hop.base_msat,
                    "feeProportionalMillionths": hop.ppm,
                    "cltvExpiryDelta": hop.cltv_delta,
                }
                for hop in hint
            ]
            for hint in invoice.route_hints
        ],
        "features": _features(invoice.features),
        "timestampSeconds": invoice.timestamp_s,
    }


def _features(bits: int) -> dict[str, Any]:
    activated: dict[str, str] = {}
    unknown: list[int] = []
    for bit in range(bits.bit_length()):
        if bits >> bit & 1:
            name = _FEATURES.get(bit & ~1)
            if name is None:
                unknown.append(bit)
            else:
                activated[name] = "optional" if bit % 2 else "mandatory"
    return {"activated": activated, "unknown": unknown}
