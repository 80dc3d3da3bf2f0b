"""Faults, as the control lists, arms and disarms them: the same for all rails that run.

What can be armed is what the rails declare (`mock_rails.core.fault`); what is refused says which
name was meant. Arming and disarming are in the journal, as is every strike.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mock_rails.core.errors import FaultError
from mock_rails.core.plain import to_plain
from mock_rails.core.snapshot import canonical_bytes

if TYPE_CHECKING:
    from mock_rails.core.fault import FaultPoint
    from mock_rails.core.rail import RailContext


def listed(context: RailContext) -> dict[str, Any]:
    """The armed faults with their counts, and every point with what can be done there."""
    return {
        "faults": [_plain(one) for one in context.faults.list()],
        "points": [_point(one) for one in context.faults.points],
    }


def arm(context: RailContext, fault: object) -> dict[str, Any]:
    """Put a fault in place; what was armed, under its id."""
    faults = context.faults
    try:
        canonical_bytes(fault)
        armed_id = faults.arm(fault)  # type: ignore[arg-type] # whatever it is, it is checked there
    except (ValueError, RecursionError):
        raise FaultError(
            "The fault holds what no snapshot could: half a character, no number, or no end."
        ) from None
    (armed,) = [one for one in faults.list() if one["id"] == armed_id]
    context.journal.append("sandbox", "fault.armed", {"id": armed_id, **armed["fault"]})
    return _plain(armed)


def arm_named(context: RailContext, slug: object) -> list[dict[str, Any]]:
    """Put the faults of a failure of the catalogue in place, all or none."""
    from sandbox.failures.catalogue import faults_of

    if not isinstance(slug, str):
        raise FaultError(f"A failure is named by a text, not {slug!r}.")
    return [arm(context, fault) for fault in faults_of(slug)]


def disarm(context: RailContext, fault_id: str) -> dict[str, Any]:
    """Take one fault away; how often it was hit and fired."""
    found = [one for one in context.faults.list() if one["id"] == fault_id]
    context.faults.disarm(fault_id)
    context.journal.append("sandbox", "fault.disarmed", {"id": fault_id})
    return {"disarmed": [_plain(one) for one in found]}


def clear(context: RailContext) -> dict[str, Any]:
    """Take all faults away; what each had done."""
    found = context.faults.list()
    for one in found:
        disarm(context, one["id"])
    return {"disarmed": [_plain(one) for one in found]}


def _plain(report: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(report, redact=False)
    return plain


def _point(point: FaultPoint) -> dict[str, Any]:
    return {
        "name": point.name,
        "summary": point.summary,
        "actions": [asdict(action) for action in point.actions],
        "context": list(point.context),
    }
