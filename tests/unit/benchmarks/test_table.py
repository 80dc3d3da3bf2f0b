"""A run's table and its ratios, of legs whose figures are known."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from benchmarks.__main__ import ratios
from benchmarks.ladder import Knee
from benchmarks.leg import Kind, Leg, Money, Outcome, Sample, write_leg
from benchmarks.recorder import Recorder
from benchmarks.table import told

if TYPE_CHECKING:
    from pathlib import Path


def leg(
    folder: Path,
    number: int,
    operation: str,
    *,
    took_us: int,
    fee: int,
    kind: Kind = Kind.STEADY,
    marks: tuple[str, ...] = (),
) -> Leg:
    recorder = Recorder()
    recorder.add([Sample(0, 0, took_us, Outcome.OK)] * 10)
    currency = "sat" if operation.startswith("lightning") else "usd"
    paid = ("open",) if operation.endswith("session") else ("charge",) * 10
    transactions = tuple({"id": "", "kind": one, "fee": fee // len(paid)} for one in paid)
    made = Leg(
        number, operation, kind, 1, None if kind is Kind.SINGLE else 20.0, 4, 1.0,
        counts=recorder.counts(), achieved_per_s=1e6 / took_us, marks=marks,
        money=Money(currency, 10, 1_000, fee, transactions),
    )  # fmt: skip
    write_leg(folder, made, recorder.encoded(), recorder.samples)
    return made


def run(folder: Path) -> list[Leg]:
    """A charge takes 10 ms and costs 100, a request of a session 4 ms and the whole of it 2,500, on
    both rails."""
    legs: list[Leg] = []
    for operation, took_us, fee in (
        ("tempo-charge", 10_000, 1_000), ("tempo-session", 4_000, 2_500),
        ("lightning-charge", 10_000, 1_000), ("lightning-session", 4_000, 2_500),
    ):  # fmt: skip
        for kind in (Kind.STEADY, Kind.STEADY, Kind.SINGLE):
            legs.append(leg(folder, len(legs) + 1, operation, took_us=took_us, fee=fee, kind=kind))
    return legs


def test_ratios_are_a_session_s_figures_beside_a_charge_s(tmp_path: Path) -> None:
    found = ratios(tmp_path, run(tmp_path))
    assert {one.name: round(one.value, 2) for one in found} == {
        "bench.tempo.p50": 0.4, "bench.tempo.requests": 2.5, "bench.tempo.fees": 0.25,
        "bench.lightning.p50": 0.4, "bench.lightning.requests": 2.5, "bench.lightning.fees": 0.25,
    }  # fmt: skip
    assert all(one.is_good for one in found)


def test_a_session_that_is_not_what_it_is_for_is_found(tmp_path: Path) -> None:
    legs = run(tmp_path)
    slow = [
        leg(tmp_path, 20 + at, "tempo-session", took_us=11_000, fee=12_000, kind=kind)
        for at, kind in enumerate((Kind.STEADY, Kind.SINGLE))
    ]
    others = [one for one in legs if one.operation != "tempo-session"]
    bad = [one.name for one in ratios(tmp_path, [*others, *slow]) if not one.is_good]
    assert bad == ["bench.tempo.p50", "bench.tempo.requests", "bench.tempo.fees"]


def test_a_round_that_the_machine_disturbed_decides_nothing(tmp_path: Path) -> None:
    legs = run(tmp_path)
    disturbed = [
        leg(tmp_path, 30 + at, f"{rail}-session", took_us=90_000, fee=2_500, kind=kind)
        for at, (rail, kind) in enumerate(
            product(("tempo", "lightning"), (Kind.STEADY, Kind.SINGLE))
        )
    ]
    assert ratios(tmp_path, [*legs, *disturbed]) == ratios(tmp_path, legs)


def test_the_table_has_a_row_a_leg_and_says_what_not_to_believe(tmp_path: Path) -> None:
    legs = [
        leg(tmp_path, 1, "tempo-charge", took_us=1, fee=0, kind=Kind.WARM_UP),
        leg(tmp_path, 2, "tempo-charge", took_us=10_000, fee=295, marks=("late 5.9 ms",)),
        leg(tmp_path, 3, "lightning-charge", took_us=20_000, fee=10_000),
    ]
    lines = told(tmp_path, legs, {"tempo-charge": Knee(80, "at 160/s it broke", True)})
    assert lines[1].split() == [
        "2*", "tempo-charge", "steady", "20", "100.0", "10", "0", "10.0", "10.0", "10.0",
        "$0.000029",
    ]  # fmt: skip
    assert lines[2].split()[-2:] == ["1.000", "sat"]
    assert lines[3:] == [
        "leg 2*: late 5.9 ms",
        "knee of tempo-charge: 80/s (the load's; the server's is higher); at 160/s it broke",
        f"Run: {tmp_path}",
    ]


def test_many_marks_are_told_in_one_line(tmp_path: Path) -> None:
    legs = [
        leg(tmp_path, n, "tempo-charge", took_us=10, fee=0, marks=("late",)) for n in range(1, 9)
    ]
    lines = told(tmp_path, legs, {})
    assert lines[9].startswith("* 8 of 8 legs hold some of the load generator's own time")
    assert len(lines) == 11
