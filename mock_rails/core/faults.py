"""Faults as data: where, when, what; seeded, counted, and replayable.

A rail declares its *points* (`lightning.pay`) with the *actions* it can take there and asks
`faults.check(point, ...)` at each. Whoever tests arms a `Fault` at a point, by API, command line or
code. While nothing is armed, a check costs one dictionary look-up. What struck is in the journal,
and the state of all faults is in the snapshot, so a failure replays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import Conflict, FaultError, NotFound, SnapshotError, nearest
from mock_rails.core.fault import Fault, FaultAction, FaultPoint
from mock_rails.core.plain import to_plain
from mock_rails.core.when import When

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mock_rails.core.journal import Journal
    from mock_rails.core.seeds import Seeds

__all__ = ["Fault", "FaultAction", "FaultPoint", "Faults", "When"]

_ID: Final = re.compile(r"fault-[1-9][0-9]{0,17}")


@dataclass(eq=False, slots=True)
class _Armed:
    """A fault in place, and what has become of it."""

    id: str
    fault: Fault
    open: bool
    hits: int = 0
    fired: int = 0
    unwatch: list[Callable[[], None]] = field(default_factory=list)

    def matches(self, context: Mapping[str, Any]) -> bool:
        """Whether this check counts as a hit."""
        if not self.open:
            return False
        return all(
            name in context and _is(to_plain(context[name], redact=False), wanted)
            for name, wanted in self.fault.where.items()
        )

    def strikes(self, seeds: Seeds) -> bool:
        """Whether the present hit meets the condition. Draws also when `times` is used up, so
        that the limit does not shift later draws."""
        when = self.fault.when
        met = True
        if when.nth is not None:
            met = self.hits == when.nth
        elif when.every is not None:
            met = self.hits % when.every == 0
        elif when.probability is not None:
            met = seeds.stream(f"faults.{self.id}").chance(when.probability)
        return met and (when.times is None or self.fired < when.times)

    def report(self) -> dict[str, Any]:
        """The fault as `list` and the snapshot show it."""
        return {
            "id": self.id,
            "fault": self.fault.to_json(),
            "hits": self.hits,
            "fired": self.fired,
            "open": self.open,
        }


class Faults:
    """The points that exist, and the faults armed at them."""

    def __init__(self, points: Iterable[FaultPoint], seeds: Seeds, journal: Journal) -> None:
        self._points: dict[str, FaultPoint] = {}
        self._seeds = seeds
        self._journal = journal
        self._armed: dict[str, _Armed] = {}
        self._by_point: dict[str, list[_Armed]] = {}
        self._next = 1
        self.register(points)

    def register(self, points: Iterable[FaultPoint]) -> None:
        """Make a rail's points known; a rail does this when it is constructed."""
        added: dict[str, FaultPoint] = {}
        for point in points:
            if point.name in self._points or point.name in added:
                raise Conflict(f"There are two fault points of the name {point.name!r}.")
            added[point.name] = point
        self._points.update(added)

    @property
    def points(self) -> tuple[FaultPoint, ...]:
        """All points, by name."""
        return tuple(self._points[name] for name in sorted(self._points))

    # -- arming -----------------------------------------------------------------------------------

    def arm(self, fault: Fault | Mapping[str, Any]) -> str:
        """Put a fault in place, given as an object or as JSON; returns its id."""
        fault = self._checked(fault)
        armed = _Armed(f"fault-{self._next}", fault, open=fault.when.after is None)
        self._next += 1
        self._place(armed)
        return armed.id

    def disarm(self, fault_id: str) -> None:
        """Take a fault away."""
        armed = self._armed.pop(fault_id, None)
        if armed is None:
            hint = nearest(str(fault_id), self._armed)
            raise NotFound(f"No fault {fault_id!r} is armed.", hint=hint)
        for unwatch in armed.unwatch:
            unwatch()
        others = self._by_point[armed.fault.at]
        others.remove(armed)
        if not others:
            del self._by_point[armed.fault.at]

    def clear(self) -> None:
        """Take all faults away."""
        for fault_id in tuple(self._armed):
            self.disarm(fault_id)

    def list(self) -> list[dict[str, Any]]:
        """The armed faults in the order of arming, with how often each was hit and fired."""
        return [armed.report() for armed in self._armed.values()]

    # -- striking ---------------------------------------------------------------------------------

    def check(self, point: str, **context: Any) -> Fault | None:
        """The fault that strikes here and now, if any. Every armed fault counts the hit; of those
        that would strike, the one armed first does."""
        armed_here = self._by_point.get(point)
        if armed_here is None:
            return None
        struck: _Armed | None = None
        for armed in armed_here:
            if armed.matches(context):
                armed.hits += 1
                if armed.strikes(self._seeds) and struck is None:
                    struck = armed
        if struck is None:
            return None
        struck.fired += 1
        self._journal.append(
            "sandbox",
            "fault.fired",
            {
                "id": struck.id,
                "at": point,
                "do": struck.fault.do,
                "hit": struck.hits,
                "met": context,
            },
        )
        return struck.fault

    # -- snapshots --------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """The armed faults with their counts. Their draws are in the snapshot of the seeds."""
        return {"next": self._next, "armed": self.list()}

    def restore(self, document: object) -> None:
        """Replace all faults by those of a snapshot."""
        match document:
            case {"next": int(following), "armed": list(reports), **rest} if not rest:
                armed = [self._read(report) for report in reports]
            case _:
                raise SnapshotError("The part for faults must hold `next` and a list `armed`.")
        numbers = [int(one.id.removeprefix("fault-")) for one in armed]
        if len(set(numbers)) != len(numbers) or following <= max(numbers, default=0):
            raise SnapshotError("The ids of the armed faults contradict each other.")
        self.clear()
        self._next = int(following)
        for one in armed:
            self._place(one)

    # -- inside -----------------------------------------------------------------------------------

    def _checked(self, fault: Fault | Mapping[str, Any]) -> Fault:
        # Through JSON in any case: an object made in code must be storable as well.
        document = fault.to_json() if isinstance(fault, Fault) else fault
        fault = Fault.parse(dict(document) if isinstance(document, Mapping) else document)
        point = self._points.get(fault.at)
        if point is None:
            hint = nearest(fault.at, self._points)
            raise FaultError(f"There is no fault point {fault.at!r}.", hint=hint)
        action = point.action(fault.do)
        for given, known, what in (
            (fault.args, action.args, f"The action {fault.do!r} takes no argument"),
            (fault.where, point.context, f"Checks at {fault.at!r} tell no"),
        ):
            for name in given:
                if name not in known:
                    raise FaultError(f"{what} {name!r}.", hint=nearest(name, known))
        action.check_args(fault.args)
        return fault

    def _place(self, armed: _Armed) -> None:
        self._armed[armed.id] = armed
        self._by_point.setdefault(armed.fault.at, []).append(armed)
        for kind, opens in ((armed.fault.when.after, True), (armed.fault.when.until, False)):
            if kind is not None:
                turn = _window_turner(armed, opens=opens)
                armed.unwatch.append(self._journal.watch(kind, turn))

    def _read(self, report: object) -> _Armed:
        match report:
            case {
                "id": str(fault_id),
                "fault": dict(fault),
                "hits": int(hits),
                "fired": int(fired),
                "open": bool(is_open),
                **rest,
            } if not rest and _ID.fullmatch(fault_id) and 0 <= fired <= hits:
                pass
            case _:
                raise SnapshotError(f"This is no armed fault: {repr(report)[:200]}")
        try:
            return _Armed(fault_id, self._checked(fault), is_open, int(hits), int(fired))
        except FaultError as error:
            raise SnapshotError(
                f"{fault_id} does not fit these rails: {error.detail}", hint=error.hint
            ) from error


def _is(found: Any, wanted: Any) -> bool:
    """Whether a check's value is the one wanted. A number may be wanted as text: a command line
    cannot tell `amount=1000` from `last4=4242`."""
    if isinstance(wanted, str) and type(found) is int:
        return str(found) == wanted
    return bool(found == wanted)


def _window_turner(armed: _Armed, *, opens: bool) -> Callable[[], None]:
    """What opens or closes a fault's window when its journal event comes."""

    def turn() -> None:
        armed.open = opens

    return turn
