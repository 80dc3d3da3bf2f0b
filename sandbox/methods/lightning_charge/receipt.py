"""What a receipt says of a Lightning payment: its hash, never its preimage (facts: 1.4)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.methods.timestamps import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping


def charge_receipt(payment_hash: bytes, challenge_id: str, *, now_us: int) -> dict[str, Any]:
    """The members of a receipt. For a session the hash is its id."""
    return {
        "challengeId": challenge_id,
        "method": "lightning",
        "reference": payment_hash.hex(),
        "status": "success",
        "timestamp": rfc3339(now_us),
    }


def to_header(receipt: Mapping[str, Any]) -> str:
    """The value of `Payment-Receipt`: base64url of the canonical JSON."""
    return (
        base64.urlsafe_b64encode(orjson.dumps(receipt, option=orjson.OPT_SORT_KEYS))
        .decode()
        .rstrip("=")
    )
