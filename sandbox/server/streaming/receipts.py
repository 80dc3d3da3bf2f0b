"""The receipt of a stream: what its meter says, on behalf of the challenge that was paid last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.base64_json import read_base64_json, to_base64url_json

if TYPE_CHECKING:
    from sandbox.server.offer import Settlement


def settled(settlement: Settlement) -> dict[str, Any]:
    """The JSON in the settlement's `Payment-Receipt`; empty if a method writes something else."""
    return read_base64_json(settlement.receipt) or {}


def current(settlement: Settlement, challenge_id: str) -> dict[str, Any]:
    """The receipt as of now. mppx's client takes none that names another challenge."""
    if settlement.meter is None:
        return settled(settlement)
    return {**settlement.meter.receipt(), "challengeId": challenge_id}


def current_header(settlement: Settlement, challenge_id: str) -> str:
    """The same as a header, with what only the settlement knows, such as the opening's hash."""
    if settlement.meter is None:
        return settlement.receipt
    return to_base64url_json({**settled(settlement), **current(settlement, challenge_id)})
