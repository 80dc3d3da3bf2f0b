"""Faults: whatever is armed survives JSON and a snapshot, and goes on as it would have."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_rails.core import (
    Clock,
    Fault,
    FaultAction,
    FaultError,
    FaultPoint,
    RailContext,
    SnapshotError,
    When,
)

if TYPE_CHECKING:
    from fractions import Fraction

POINTS = tuple(
    FaultPoint(name, "A place.", (FaultAction("fail", "It fails.", args=("how",)),), ("who",))
    for name in ("rail.one", "rail.two")
)
EVENTS = st.sampled_from(["a.open", "a.close", "a.other"])
COUNTS = st.integers(1, 5)
PROBABILITIES = st.fractions(0, 1, max_denominator=20).filter(bool)

whens = st.builds(
    lambda rule, times, after, until: When(**rule, times=times, after=after, until=until),
    st.just({})
    | st.fixed_dictionaries({"nth": COUNTS})
    | st.fixed_dictionaries({"every": COUNTS})
    | st.fixed_dictionaries({"probability": PROBABILITIES}),
    st.none() | COUNTS,
    st.none() | EVENTS,
    st.none() | EVENTS,
)
faults = st.builds(
    Fault,
    st.sampled_from([point.name for point in POINTS]),
    st.just("fail"),
    whens,
    st.just({}) | st.fixed_dictionaries({"how": st.integers(0, 9) | st.text(max_size=5)}),
    st.just({}) | st.fixed_dictionaries({"who": st.integers(1, 2)}),
)
steps = st.lists(
    st.tuples(st.sampled_from(["rail.one", "rail.two"]), st.integers(1, 2)) | EVENTS, max_size=40
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def make() -> RailContext:
    context = RailContext.create("faults", Clock.frozen(0))
    context.faults.register(POINTS)
    return context


def run(context: RailContext, todo: list[Any]) -> list[Fault | None]:
    """Do the steps: checks at points, and journal events."""
    struck = []
    for step in todo:
        if isinstance(step, str):
            context.journal.append("rail", step)
        else:
            struck.append(context.faults.check(step[0], who=step[1]))
    return struck


@given(fault=faults)
def test_json_and_back(fault: Fault) -> None:
    assert Fault.parse(json.loads(json.dumps(fault.to_json()))) == fault


@given(armed=st.lists(faults, max_size=4), before=steps, after=steps)
def test_a_snapshot_goes_on_as_the_original(
    armed: list[Fault], before: list[Any], after: list[Any]
) -> None:
    original, other = make(), make()
    for fault in armed:
        original.faults.arm(fault)
    run(original, before)
    other.faults.restore(json.loads(json.dumps(original.faults.snapshot())))
    other.seeds.restore(original.seeds.snapshot())
    assert run(other, after) == run(original, after)
    assert other.faults.snapshot() == original.faults.snapshot()


@given(armed=st.lists(faults, max_size=4), todo=steps)
def test_counts_add_up(armed: list[Fault], todo: list[Any]) -> None:
    context = make()
    for fault in armed:
        context.faults.arm(fault)
    struck = [fault for fault in run(context, todo) if fault]
    reports = context.faults.list()
    assert sum(report["fired"] for report in reports) == len(struck)
    assert len(context.journal.read(kind="fault.fired")) == len(struck)
    for fault, report in zip(armed, reports, strict=True):
        assert report["fired"] <= report["hits"]
        assert fault.when.times is None or report["fired"] <= fault.when.times


@given(garbage=JSON | st.fixed_dictionaries({"at": JSON, "do": JSON}, optional={"when": JSON}))
def test_garbage_is_refused_and_changes_nothing(garbage: Any) -> None:
    context = make()
    for refuse in (context.faults.arm, Fault.parse, When.parse):
        with contextlib.suppress(FaultError):
            refuse(garbage)
    with pytest.raises(SnapshotError):
        context.faults.restore(garbage)
    assert context.faults.snapshot() == {"next": 1, "armed": []}


@given(probability=PROBABILITIES)
def test_probabilities_are_read_exactly(probability: Fraction) -> None:
    assert When.parse(f"probability={probability}").probability == probability
