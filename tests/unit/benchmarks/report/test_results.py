"""A run's folder, read: medians over rounds with their range, knees, fees (style 4.2)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from benchmarks.leg import Kind, Money, Phase
from benchmarks.report.fees import crossing, fees, pairs
from benchmarks.report.page import write_report
from benchmarks.report.results import Spread, label, load, marks, promise_us
from mock_rails.core.errors import BadInput
from tests.unit.benchmarks.report.runs import add_leg, sessions, whole_run, write_run

if TYPE_CHECKING:
    from pathlib import Path


def test_a_figure_is_the_median_over_rounds_and_not_of_pooled_requests(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    for turn, took_us in enumerate((1_000, 2_000, 9_000), start=1):
        add_leg(run, "free", [took_us] * 10 * turn, round=turn, offered_per_s=10.0)
    group = load(run).basis("free")
    found = group.percentile_ms(50)
    assert (found.median, found.low, found.high, found.n) == (
        pytest.approx(2, rel=1e-3), pytest.approx(1, rel=1e-3), pytest.approx(9, rel=1e-3), 3
    )  # fmt: skip
    assert (group.requests, group.least) == (60, 10)


def test_a_failure_took_its_time_too(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    add_leg(run, "free", [1_000] * 6 + [50_000] * 4, failed=4)
    (one,) = load(run).legs
    assert one.percentile_us(90) == pytest.approx(50_000, rel=1e-3)
    assert one.failed_share == pytest.approx(0.4)


def test_latency_counts_from_the_due_moment_and_service_from_the_sent_one(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    add_leg(run, "free", [5_000] * 10, lag_us=3_000)
    (one,) = load(run).legs
    assert one.percentile_us(50) == pytest.approx(5_000, rel=1e-3)
    assert one.percentile_us(50, Phase.SERVICE) == pytest.approx(2_000, rel=1e-3)


def test_warm_up_is_in_no_table_and_fees_are_of_steady_legs(tmp_path: Path) -> None:
    """A fresh chain's base fee falls: what it was at first is nobody's fault."""
    run = write_run(tmp_path)
    add_leg(run, "tempo-session", [9_000] * 10, kind=Kind.WARM_UP, money=sessions(1, 2))
    add_leg(run, "tempo-session", [5_000] * 10, kind=Kind.LADDER, money=sessions(10, 10))
    add_leg(run, "tempo-session", [1_000] * 10, money=sessions(10, 1))
    results = load(run)
    assert len(results.legs) == 3
    assert [one.leg.number for one in results.measured] == [2, 3]
    assert results.fee_units("tempo-session") == Fraction(8_500, 10)


def test_no_round_s_mark_stands_for_all_rounds(tmp_path: Path) -> None:
    """A twentieth of a millisecond is 50 us: two of three rounds were sent later than that."""
    run = write_run(tmp_path)
    for turn, (late_us, busy) in enumerate(((600, 0.3), (5_700, 0.95), (50, 0.91)), start=1):
        add_leg(run, "free", [1_000] * 10, offered_per_s=10.0, round=turn, lag_p99_us=late_us,
                generator_cpu=busy, marks=("stopped after 1 of 2 s",) * (turn == 3))  # fmt: skip
    results = load(run)
    assert results.basis("free").marks == (
        "late in 2 of 3 rounds, up to 5.7 ms",
        "generator in 2 of 3 rounds, up to 95%",
        "stopped in 1 of 3 rounds",
    )
    assert [marks([one]) for one in results.legs] == [
        ("late 0.6 ms",),
        ("late 5.7 ms", "generator 95%"),
        ("generator 91%", "stopped after 1 of 2 s"),
    ]


def test_what_a_loop_is_late_by_at_rest_is_no_lateness(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    add_leg(run, "free", [1_000] * 10, lag_p99_us=600, lag_at_rest_us=600)
    assert not load(run).legs[0].is_late


def test_the_most_that_was_answered_kept_the_promise(tmp_path: Path) -> None:
    """Of five rates the highest three break it: one is too slow, one fails, one's generator was
    too busy; of the rate with two rounds one round does."""
    run = write_run(tmp_path)
    for rate, slow, fields in (
        (100, 1, {}), (200, 1, {}), (300, 300, {}), (400, 1, {"failed": 5}),
        (500, 1, {"generator_cpu": 0.95}),
    ):  # fmt: skip
        add_leg(run, "free", [slow * 1_000] * rate, kind=Kind.LADDER, **fields)
    for turn, took_us in ((1, 1_000), (2, 300_000)):
        add_leg(run, "free", [took_us] * 250, round=turn)
    best = load(run).best("free")
    assert best is not None
    assert ([one.leg.number for one in best.legs], best.answered_per_s.median) == ([2], 200)


def test_where_no_load_was_carried_nothing_was(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    add_leg(run, "free", [300_000] * 20)
    results = load(run)
    assert (results.best("free"), results.best_per_s("free").median) == (None, 0)


def test_a_stream_may_take_as_long_as_the_requests_that_it_is_as_much_as() -> None:
    assert (promise_us("tempo-charge"), promise_us("tempo-stream")) == (250_000, 1_250_000)


def test_alike_is_what_had_a_rate_in_common(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    add_leg(run, "free", [1_000] * 10, offered_per_s=10.0)
    assert load(run).alike() == [], "nobody to compare with"
    for name in ("tempo-charge", "free"):
        add_leg(run, name, [1_000] * 15, offered_per_s=15.0)
        add_leg(run, name, [1_000] * 20, offered_per_s=20.0, share_of_knee=0.5)
        add_leg(run, name, [1_000] * 30, offered_per_s=30.0, kind=Kind.LADDER)
    results = load(run)
    assert [(one.operation, one.load) for one in results.alike()] == [
        ("tempo-charge", "15/s"), ("free", "15/s"),
    ]  # fmt: skip
    loaded = results.loaded("free")
    assert loaded is not None
    assert loaded.load == "50% of knee, 20/s"


def test_the_knee_of_an_operation_without_loaded_legs_is_what_the_run_says(tmp_path: Path) -> None:
    run = write_run(tmp_path, knees={"free": {"per_s": 80.0, "why": "", "by_generator": False}})
    add_leg(run, "free", [1_000] * 20, kind=Kind.LADDER, offered_per_s=20.0)
    assert load(run).knee_per_s("free") == 80


def test_the_knee_is_what_steady_legs_are_shares_of(tmp_path: Path) -> None:
    results = load(whole_run(tmp_path))
    assert results.knee_per_s("tempo-charge") == 100
    assert results.knee_per_s("tempo-session") == 800


def test_without_steady_legs_the_knee_is_the_last_rate_that_was_carried(tmp_path: Path) -> None:
    run = write_run(tmp_path, configuration={"duration_s": 1.0})
    for rate, achieved in ((50, 50), (100, 97), (200, 150), (400, 399)):
        add_leg(run, "free", [1_000] * rate, kind=Kind.LADDER, offered_per_s=float(rate),
                achieved_per_s=float(achieved))  # fmt: skip
    assert load(run).knee_per_s("free") == 100


def test_an_operation_is_judged_by_its_lightest_steady_load_marked_or_not(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    add_leg(run, "free", [1_000] * 10, kind=Kind.LADDER, offered_per_s=5.0)
    add_leg(run, "free", [2_000] * 10, offered_per_s=20.0)
    add_leg(run, "free", [1_000] * 10, offered_per_s=10.0, generator_cpu=0.95)
    found = load(run).basis("free")
    assert (found.first.offered_per_s, found.marks) == (10, ("generator 95%",))


def test_a_session_is_cheaper_from_where_the_fees_cross(tmp_path: Path) -> None:
    """A charge is 1,000; open and close are 8,500: eight charges are cheaper, nine are not."""
    results = load(whole_run(tmp_path))
    ((name, charge, session),) = pairs(results)
    found = crossing(charge, session)
    assert found is not None
    assert (name, found.requests, found.dearest) == ("tempo", 9, 9)
    assert charge.after(8) < session.after(8)
    assert charge.after(9) > session.after(9)
    assert (session.sessions, session.carried) == (8, 100)
    assert (charge.price, session.price) == (10_000, 1_000)


def test_a_fee_is_that_of_the_usual_payment_however_many_customers_there_were(
    tmp_path: Path,
) -> None:
    """The first session that a leg opens is dearer: of three it is a third of a mean."""
    run = write_run(tmp_path)
    paid = tuple(
        {"id": str(at), "kind": kind, "fee": fee}
        for at, (kind, fee) in enumerate(
            (
                ("open", 334),
                ("open", 184),
                ("open", 184),
                ("close", 55),
                ("close", 55),
                ("close", 55),
            )
        )
    )
    add_leg(run, "tempo-charge", [1_000] * 3, money=_charges(29, 29, 31))
    add_leg(run, "tempo-session", [1_000] * 9, money=Money("usd", 60, 60_000, 887, paid))
    ((_, charge, session),) = pairs(load(run))
    found = crossing(charge, session)
    assert (charge.each, session.each, session.dearest) == (29, 184 + 55, 334 + 55)
    assert found is not None
    assert (found.requests, found.dearest, session.carried) == (9, 14, 20)


def _charges(*fees: int) -> Money:
    paid = tuple({"id": str(at), "kind": "charge", "fee": fee} for at, fee in enumerate(fees))
    return Money("usd", len(fees), len(fees) * 10_000, sum(fees), paid)


def test_where_charges_are_free_no_session_is_cheaper(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    free = tuple({"id": str(one), "kind": "payment", "fee": 0} for one in range(3))
    given = ({"id": "a", "kind": "payment", "fee": 0},)
    add_leg(run, "lightning-charge", [1_000] * 3, money=Money("sat", 3, 3_000, 0, free))
    add_leg(run, "lightning-session", [1_000] * 3, money=Money("sat", 3, 3_000, 0, given))
    ((_, charge, session),) = pairs(load(run))
    assert crossing(charge, session) is None


def test_lightnings_thousandths_of_a_sat_are_millionths_of_a_dollar(tmp_path: Path) -> None:
    """At 100,000 dollars a bitcoin, the sandbox's rate."""
    run = write_run(tmp_path)
    paid = ({"id": "a", "kind": "payment", "fee": 1_000},)
    add_leg(run, "lightning-charge", [1_000] * 3, money=Money("sat", 1, 10_000, 1_000, paid))
    results = load(run)
    assert results.fee_units("lightning-charge") == 1_000
    found = fees(results, "lightning-charge")
    assert found is not None
    assert (found.each, found.price) == (1_000, 10_000)


def test_operations_stand_by_rail_and_intent(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    for name in ("free", "stripe-charge", "tempo-session", "tempo-charge", "lightning-session"):
        add_leg(run, name, [1_000])
    shown = [label(one) for one in load(run).operations]
    assert shown == ["tempo charge", "tempo session", "lightning session", "stripe charge", "free"]


def test_a_spread_is_a_median_with_its_ends() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0, 3)


def test_what_is_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"is no run: it has no run\.json"):
        load(tmp_path)
    with pytest.raises(BadInput, match="no leg with a request"):
        load(write_run(tmp_path))
    for broken, why in (
        ("[", "Expecting value"),
        ("{}", "does not say version, id"),
        ("[]", "does not say"),
    ):
        (tmp_path / "run.json").write_text(broken)
        with pytest.raises(BadInput, match=rf"run\.json cannot be read: .*{why}"):
            load(tmp_path)


@pytest.mark.parametrize("version", [2, "1", None])
def test_a_run_of_another_version_is_refused_with_both(tmp_path: Path, version: object) -> None:
    add_leg(write_run(tmp_path, version=version), "free", [1_000] * 20)
    told = rf"run\.json cannot be read: it is of version {version!r}, and known is 1\.$"
    with pytest.raises(BadInput, match=told):
        load(tmp_path)


@pytest.mark.parametrize("name", ["leg.json", "histograms.json", "samples.csv.gz"])
@pytest.mark.parametrize("length", [None, 0, 40])
def test_a_leg_that_is_broken_is_named(tmp_path: Path, name: str, length: int | None) -> None:
    run = write_run(tmp_path)
    add_leg(run, "free", [1_000] * 20)
    broken = add_leg(run, "tempo-charge", [1_000] * 20) / name
    if length is not None:
        broken.write_bytes(broken.read_bytes()[:length])
    elif name == "leg.json":
        broken.write_text("[]")
    else:
        broken.unlink()
    with pytest.raises(BadInput, match=f"{broken.relative_to(run)} cannot be read: "):
        write_report(run)
