"""What `make bench` measures and in which order, without measuring it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from benchmarks.__main__ import full, quick
from benchmarks.ladder import Knee, Rung
from benchmarks.leg import Kind
from benchmarks.operations import OPERATIONS
from benchmarks.run import long_enough

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.operations import Operation
    from benchmarks.run import Run

_OVERHEAD_S: Final = 0.75
"""Of each leg: its customers come, pay once, and go."""
_REST_S: Final = 30
"""The devnet's start, the warm-up and the report."""
CAPACITIES: Final = {
    "free": 4_000, "tempo-charge": 230, "tempo-charge-sponsored": 140, "tempo-session": 1_300,
    "tempo-stream": 30, "stripe-charge": 210, "lightning-charge": 140, "lightning-session": 280,
}  # fmt: skip
"""About what two cores carry."""


@dataclass
class Told:
    """A run that measures nothing, and keeps what it was asked for."""

    legs: list[tuple[str, Kind, float | None, float, Mapping[str, Any]]] = field(
        default_factory=list
    )
    knees: Mapping[str, Knee] = field(default_factory=dict)

    def measure(
        self, operation: Operation, kind: Kind, *, per_s: float | None, duration_s: float,
        **more: Any,
    ) -> None:  # fmt: skip
        self.legs.append((operation.name, kind, per_s, duration_s, more))

    def rung(self, operation: Operation, per_s: float, duration_s: float) -> Rung:
        self.measure(operation, Kind.LADDER, per_s=per_s, duration_s=long_enough(per_s, duration_s))
        served = min(per_s, CAPACITIES[operation.name])
        return Rung(per_s, served, 100, 0, 1, 0.5, 0.9, 8, 0.5)

    def keep_knees(self, knees: Mapping[str, Knee]) -> None:
        self.knees = knees

    @property
    def takes_s(self) -> float:
        return _REST_S + sum(duration_s + _OVERHEAD_S for _, _, _, duration_s, _ in self.legs)


@pytest.fixture
def told() -> Told:
    return Told()


def as_run(told: Told) -> Run:
    return told  # type: ignore[return-value]


def test_every_operation_is_measured_at_one_rate_in_turns(told: Told) -> None:
    full(as_run(told))
    alike = [one for one in told.legs if one[1] is Kind.STEADY and not one[4]["share_of_knee"]]
    assert {(per_s, duration_s) for _, _, per_s, duration_s, _ in alike} == {(15.0, 2.0)}
    turn = list(OPERATIONS)
    assert [name for name, *_ in alike] == turn * 5
    assert [more["round_"] for *_, more in alike] == [n for n in range(1, 6) for _ in turn]


def test_what_is_compared_is_measured_at_shares_of_its_own_knee(told: Told) -> None:
    full(as_run(told))
    shared = [one for one in told.legs if one[4].get("share_of_knee")]
    assert Counter(name for name, *_ in shared) == dict.fromkeys(
        ("tempo-charge", "tempo-session", "stripe-charge", "lightning-charge", "lightning-session"),
        15,
    )
    assert told.knees["tempo-charge"].per_s == pytest.approx(160 * 2**0.5)
    for name, _, per_s, duration_s, more in shared:
        assert per_s == pytest.approx(told.knees[name].per_s * more["share_of_knee"])
        assert duration_s == 2.5


def test_all_of_it_leaves_more_than_a_minute_of_its_ten(told: Told) -> None:
    full(as_run(told))
    assert told.takes_s < 8.5 * 60


def test_the_quick_look_takes_less_than_ninety_seconds(told: Told) -> None:
    quick(as_run(told))
    assert told.takes_s < 90
