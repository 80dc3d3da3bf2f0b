"""The receipt of a stream: what its meter says, on behalf of the challenge that was paid last."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from sandbox.server.offer import Settlement


def settled(settlement: Settlement) -> dict[str, Any]:
    """The JSON in the settlement's `Payment-Receipt`; empty if a method writes something else."""
    text = settlement.receipt
    try:
        receipt = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return receipt if isinstance(receipt, dict) else {}


def current(settlement: Settlement, challenge_id: str) -> dict[str, Any]:
    """The receipt as of now. mppx's client takes none that names another challenge."""
    if settlement.meter is None:
        return settled(settlement)
    return {**settlement.meter.receipt(), "challengeId": challenge_id}


def current_header(settlement: Settlement, challenge_id: str) -> str:
    """The same as a header, with what only the settlement knows, such as the opening's hash."""
    if settlement.meter is None:
        return settlement.receipt
    receipt = {**settled(settlement), **current(settlement, challenge_id)}
    return base64.urlsafe_b64encode(orjson.dumps(receipt)).decode().rstrip("=")
