"""What every rail promises, as a test class that each rail's tests inherit.

    class TestTempoIsARail(RailCompliance):
        def make_rail(self, context): return Chain(context)
        def disturb(self, rail): rail.pay(...)

The class needs no pytest, so that a rail written elsewhere can use it with any runner. Failures
raise AssertionError with a sentence; nothing here depends on `assert`, which `python -O` removes.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.clock import Clock
from mock_rails.core.errors import SnapshotError
from mock_rails.core.fault import POINT_NAME
from mock_rails.core.rail import Rail, RailContext
from mock_rails.core.snapshot import canonical_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

START_S: Final = 1_767_225_600
"""New Year of 2026: where the frozen clock of these tests stands."""


class RailCompliance:
    """Inherit, fill in `make_rail` and `disturb`, and let the runner find the `test_` methods."""

    def make_rail(self, context: RailContext) -> Rail:
        """A new rail in this context."""
        raise NotImplementedError("Say how the rail is made.")

    def disturb(self, rail: Any) -> Awaitable[None] | None:
        """Move money, draw ids, leave nothing as it was; a coroutine function will do, too."""
        raise NotImplementedError("Say how the rail's state is changed.")

    def make_context(self, seed: int | str = "compliance") -> RailContext:
        """A context whose clock stands still."""
        return RailContext.create(seed, Clock.frozen(START_S))

    # -- the promises -----------------------------------------------------------------------------

    def test_it_is_a_rail(self) -> None:
        """It has every method of the protocol and a short name."""
        rail = self._rail()
        _require(isinstance(rail, Rail), "The object lacks a method of the Rail protocol.")
        _require(rail.name.isidentifier() and rail.name.islower(), "`name` is not a short name.")

    def test_fault_points_are_well_formed(self) -> None:
        """Its points are its own, have different names, explain themselves and can be armed."""
        context = self.make_context()
        rail = self.make_rail(context)
        points = rail.fault_points()
        names = [point.name for point in points]
        _require(len(set(names)) == len(names), f"Two fault points share a name: {names}.")
        for point in points:
            _require(
                POINT_NAME.fullmatch(point.name) is not None
                and point.name.startswith(rail.name + "."),
                f"The fault point {point.name!r} does not begin with {rail.name + '.'!r}.",
            )
            _require(bool(point.summary.strip()), f"{point.name!r} has no summary.")
            for action in point.actions:
                _require(bool(action.summary.strip()), f"{action.name!r} has no summary.")
                _require(point in context.faults.points, f"{point.name!r} is not registered.")
                context.faults.arm({"at": point.name, "do": action.name})

    def test_snapshot_is_plain_json(self) -> None:
        """Texts, whole numbers, booleans, nulls, lists, objects: what reads back as it was."""
        rail = self._rail()
        self._disturb(rail)
        document = rail.snapshot()
        for path, value in _leaves(document):
            _require(
                value is None or type(value) in (str, int, bool),
                f"The snapshot holds a {type(value).__name__} at {path}.",
            )
        _require(json.loads(canonical_bytes(document)) == document, "The snapshot is not JSON.")

    def test_snapshot_is_a_copy(self) -> None:
        """What happens later does not change a snapshot taken before."""
        rail = self._rail()
        document = rail.snapshot()
        before = canonical_bytes(document)
        self._disturb(rail)
        _require(canonical_bytes(document) == before, "A later change shows in the snapshot.")

    def test_restore_goes_back_and_forth(self) -> None:
        """Restoring gives the same digest and the same bytes, to the past and to the future."""
        rail = self._rail()
        states = [(rail.snapshot(), rail.digest())]
        self._disturb(rail)
        states.append((rail.snapshot(), rail.digest()))
        _require(states[0][1] != states[1][1], "`disturb` left the digest as it was.")
        for document, digest in (states[0], states[1], states[0]):
            rail.restore(document)
            _require(rail.digest() == digest, "The restored rail has another digest.")
            _require(
                canonical_bytes(rail.snapshot()) == canonical_bytes(document),
                "The restored rail has another snapshot.",
            )
            rail.check_conservation()

    def test_restore_into_a_new_rail(self) -> None:
        """A snapshot that went through a file gives the same state in another process's rail."""
        rail = self._rail()
        self._disturb(rail)
        document = json.loads(canonical_bytes(rail.snapshot()))
        other = self._rail()
        other.restore(document)
        _require(other.digest() == rail.digest(), "The new rail has another digest.")

    def test_same_seed_same_calls_same_state(self) -> None:
        """Two rails made alike and used alike are alike, byte for byte."""
        one, other = self._rail(), self._rail()
        _require(one.digest() == other.digest(), "Two new rails differ.")
        self._disturb(one)
        self._disturb(other)
        _require(
            canonical_bytes(one.snapshot()) == canonical_bytes(other.snapshot()),
            "The same calls led to different states.",
        )
        _require(one.digest() == other.digest(), "Equal states have different digests.")

    def test_money_is_conserved(self) -> None:
        """Nothing appears or vanishes, at the start and after payments."""
        rail = self._rail()
        rail.check_conservation()
        for _ in range(3):
            self._disturb(rail)
            rail.check_conservation()

    def test_reset_gives_a_new_rail(self) -> None:
        """After a reset the rail is as it was constructed, and goes on as a new one would."""
        rail = self._rail()
        digest = rail.digest()
        self._disturb(rail)
        after = rail.digest()
        rail.reset()
        _require(rail.digest() == digest, "A reset rail differs from a new one.")
        self._disturb(rail)
        _require(rail.digest() == after, "A reset rail does not repeat what a new one does.")

    def test_restore_refuses_what_is_no_snapshot(self) -> None:
        """Damaged documents raise SnapshotError and change nothing."""
        rail = self._rail()
        self._disturb(rail)
        before = canonical_bytes(rail.snapshot())
        for damage, document in _damaged(rail.snapshot()):
            try:
                rail.restore(document)
            except SnapshotError:
                pass
            else:
                raise AssertionError(f"`restore` accepted a snapshot {damage}.")
            _require(
                canonical_bytes(rail.snapshot()) == before,
                f"`restore` refused a snapshot {damage}, but changed the rail.",
            )

    # -- inside -----------------------------------------------------------------------------------

    def _rail(self) -> Rail:
        return self.make_rail(self.make_context())

    def _disturb(self, rail: Rail) -> None:
        pending = self.disturb(rail)
        if inspect.isawaitable(pending):
            asyncio.run(_completed(pending))


async def _completed(pending: Awaitable[None]) -> None:
    await pending


def _require(condition: bool, complaint: str) -> None:
    if not condition:
        raise AssertionError(complaint)


def _leaves(value: Any, path: str = "$") -> Iterator[tuple[str, Any]]:
    """Every value that is not a container, and every key, with where it is."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"{path} (a key)", key
            yield from _leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def _damaged(document: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Documents that are no snapshot of this rail, and what is wrong with each."""
    yield "that is null", None
    yield "that is a list", [document]
    yield "that is empty", {}
    for key, value in document.items():
        rest = {name: item for name, item in document.items() if name != key}
        yield f"without {key!r}", rest
        wrong = [7] if isinstance(value, str) else "damaged"
        yield f"with {key!r} of the wrong type", {**rest, key: wrong}
