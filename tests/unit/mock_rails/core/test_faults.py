"""Faults: declared by rails, armed as data, counted, windowed, seeded and restored."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from mock_rails.core import (
    Clock,
    Conflict,
    Fault,
    FaultAction,
    FaultError,
    FaultPoint,
    Faults,
    NotFound,
    RailContext,
    SnapshotError,
    When,
)

PAY = FaultPoint(
    "lightning.pay",
    "When a payment leaves the node.",
    (
        FaultAction("no_route", "The network finds no way."),
        FaultAction("delay", "The payment takes longer.", args=("delay_s",)),
    ),
    context=("sender", "amount_msat"),
)
INVOICE = FaultPoint("lightning.invoice", "When one is made.", (FaultAction("fail", "It fails."),))


@pytest.fixture
def faults(context: RailContext) -> Faults:
    context.faults.register([PAY, INVOICE])
    return context.faults


def strikes(faults: Faults, count: int, **context: Any) -> list[int]:
    """The numbers of the checks, counted from 1, at which something struck."""
    return [n for n in range(1, count + 1) if faults.check("lightning.pay", **context)]


# -- declaring -------------------------------------------------------------------------------------


def test_points_are_listed_by_name(faults: Faults) -> None:
    assert faults.points == (INVOICE, PAY)


def test_two_points_of_one_name_are_a_conflict(faults: Faults) -> None:
    other = FaultPoint("tempo.seal", "x", (FaultAction("halt", "y"),))
    with pytest.raises(Conflict, match=r"lightning\.pay"):
        faults.register([other, PAY])
    assert other not in faults.points


@pytest.mark.parametrize("name", ["pay", "Lightning.pay", "lightning.", "lightning pay", ""])
def test_a_points_name_has_a_form(name: str) -> None:
    with pytest.raises(FaultError):
        FaultPoint(name, "x", (FaultAction("fail", "y"),))


def test_a_point_needs_different_well_named_actions() -> None:
    fail = FaultAction("fail", "y")
    for actions in ((), (fail, fail), (FaultAction("Fail Loudly", "y"),)):
        with pytest.raises(FaultError):
            FaultPoint("a.b", "x", actions)


# -- reading ---------------------------------------------------------------------------------------


def test_a_fault_is_read_and_written_as_json() -> None:
    document = {
        "at": "lightning.pay",
        "do": "delay",
        "when": {"nth": 3},
        "args": {"delay_s": 5},
        "where": {"sender": "0x01"},
    }
    fault = Fault.parse(document)
    assert fault == Fault("lightning.pay", "delay", When(nth=3), {"delay_s": 5}, {"sender": "0x01"})
    assert json.loads(json.dumps(fault.to_json())) == document
    assert Fault("a.b", "c").to_json() == {"at": "a.b", "do": "c", "when": "always"}


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("lightning.pay", "A fault is an object"),
        (None, "A fault is an object"),
        ({}, "`at` must be a text, not None"),
        ({"at": "lightning.pay"}, "`do` must be a text"),
        ({"at": "lightning.pay", "do": 7}, "`do` must be a text, not 7"),
        ({"at": "lightning.pya", "do": "no_route"}, "Did you mean 'lightning.pay'?"),
        ({"at": "lightning.pay", "do": "noroute"}, "Did you mean 'no_route'?"),
        ({"at": "lightning.pay", "do": "no_route", "wen": "always"}, "Did you mean 'when'?"),
        ({"at": "lightning.pay", "do": "no_route", "when": "nth=0"}, "counts from 1"),
        ({"at": "lightning.pay", "do": "no_route", "args": []}, "`args` must be an object"),
        ({"at": "lightning.pay", "do": "delay", "args": {"delay": 1}}, "Did you mean 'delay_s'?"),
        ({"at": "lightning.pay", "do": "no_route", "args": {"x": 1}}, "takes no argument 'x'"),
        ({"at": "lightning.pay", "do": "no_route", "where": {"sendr": 1}}, "mean 'sender'?"),
    ],
)
def test_a_bad_fault_is_refused_with_a_hint(faults: Faults, document: Any, complaint: str) -> None:
    with pytest.raises(FaultError) as caught:
        faults.arm(document)
    assert complaint in str(caught.value)
    assert faults.snapshot() == {"next": 1, "armed": []}


# -- striking --------------------------------------------------------------------------------------


def test_nothing_strikes_while_nothing_is_armed(faults: Faults) -> None:
    assert strikes(faults, 3) == []


def test_a_fault_strikes_at_its_point_only(faults: Faults) -> None:
    faults.arm(Fault("lightning.pay", "no_route"))
    assert faults.check("lightning.invoice") is None
    struck = faults.check("lightning.pay")
    assert struck == Fault("lightning.pay", "no_route")


def test_the_action_gets_its_arguments(faults: Faults) -> None:
    faults.arm({"at": "lightning.pay", "do": "delay", "args": {"delay_s": 5}})
    struck = faults.check("lightning.pay")
    assert struck is not None
    assert (struck.do, struck.args) == ("delay", {"delay_s": 5})


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("always", [1, 2, 3, 4, 5, 6]),
        ("nth=3", [3]),
        ("every=2", [2, 4, 6]),
        ("every=2,times=2", [2, 4]),
        ("times=1", [1]),
        ("probability=1", [1, 2, 3, 4, 5, 6]),
    ],
)
def test_conditions_count_hits(faults: Faults, when: str, expected: list[int]) -> None:
    faults.arm({"at": "lightning.pay", "do": "no_route", "when": when})
    assert strikes(faults, 6) == expected
    (report,) = faults.list()
    assert (report["hits"], report["fired"]) == (6, len(expected))


def test_a_probability_is_met_about_that_often_and_replays(clock: Clock) -> None:
    runs = []
    for _ in range(2):
        context = RailContext.create("dice", clock)
        context.faults.register([PAY])
        context.faults.arm(Fault("lightning.pay", "no_route", When(probability=Fraction(1, 4))))
        runs.append(strikes(context.faults, 2_000))
    assert runs[0] == runs[1]
    assert 420 < len(runs[0]) < 580


def test_arming_another_fault_does_not_disturb_the_draws(clock: Clock) -> None:
    runs = []
    for crowded in (False, True):
        context = RailContext.create("dice", clock)
        context.faults.register([PAY, INVOICE])
        context.faults.arm(Fault("lightning.pay", "no_route", When(probability=Fraction(1, 4))))
        if crowded:
            context.faults.arm(Fault("lightning.pay", "delay", When(probability=Fraction(1, 99))))
        reports = []
        for _ in range(300):
            context.faults.check("lightning.pay")
            reports.append(context.faults.list()[0]["fired"])
        runs.append(reports)
    assert runs[0] == runs[1]


def test_where_selects_by_context(faults: Faults) -> None:
    faults.arm(
        {"at": "lightning.pay", "do": "no_route", "when": "nth=2", "where": {"sender": "0x01"}}
    )
    assert strikes(faults, 3, sender=b"\x02", amount_msat=1) == []
    assert strikes(faults, 3) == []
    assert strikes(faults, 3, sender=b"\x01", amount_msat=1) == [2]


def test_of_two_faults_the_first_strikes_and_both_count(faults: Faults) -> None:
    faults.arm({"at": "lightning.pay", "do": "no_route", "when": "nth=2"})
    faults.arm({"at": "lightning.pay", "do": "delay", "when": "times=2"})
    struck = [faults.check("lightning.pay") for _ in range(4)]
    assert [fault and fault.do for fault in struck] == ["delay", "no_route", "delay", None]
    assert [(r["hits"], r["fired"]) for r in faults.list()] == [(4, 1), (4, 2)]


def test_a_window_opens_and_closes_with_events(faults: Faults, context: RailContext) -> None:
    faults.arm({"at": "lightning.pay", "do": "no_route", "when": "after=a.open,until=a.close"})
    assert strikes(faults, 1) == []
    context.journal.append("tempo", "a.open")
    assert strikes(faults, 2) == [1, 2]
    context.journal.append("tempo", "a.close")
    assert strikes(faults, 2) == []
    context.journal.append("tempo", "a.open")
    assert strikes(faults, 1) == [1]


def test_hits_are_counted_while_the_window_is_open(faults: Faults, context: RailContext) -> None:
    faults.arm({"at": "lightning.pay", "do": "no_route", "when": "nth=2,after=a.open"})
    strikes(faults, 5)
    context.journal.append("tempo", "a.open")
    assert strikes(faults, 3) == [2]


def test_until_alone_is_open_from_the_start(faults: Faults, context: RailContext) -> None:
    faults.arm({"at": "lightning.pay", "do": "no_route", "when": "until=a.close"})
    assert strikes(faults, 1) == [1]
    context.journal.append("tempo", "a.close")
    assert strikes(faults, 1) == []


def test_what_struck_is_in_the_journal(faults: Faults, context: RailContext) -> None:
    fault_id = faults.arm({"at": "lightning.pay", "do": "no_route", "when": "nth=2"})
    strikes(faults, 3)
    (event,) = context.journal.read(kind="fault.fired")
    assert event.rail == "sandbox"
    assert event.data == {
        "id": fault_id,
        "at": "lightning.pay",
        "do": "no_route",
        "hit": 2,
        "met": {},
    }


# -- disarming -------------------------------------------------------------------------------------


def test_a_disarmed_fault_is_gone_with_its_watch(faults: Faults, context: RailContext) -> None:
    windowed = {"at": "lightning.pay", "do": "no_route", "when": "after=a,until=b"}
    kept = faults.arm({"at": "lightning.pay", "do": "delay", "when": "nth=9"})
    gone = faults.arm(windowed)
    faults.disarm(gone)
    assert [report["id"] for report in faults.list()] == [kept]
    assert context.journal._watchers == {}
    with pytest.raises(NotFound, match=gone):
        faults.disarm(gone)


def test_clear_disarms_all_and_ids_are_not_used_twice(faults: Faults) -> None:
    first = [faults.arm({"at": "lightning.pay", "do": "no_route"}) for _ in range(2)]
    faults.clear()
    assert faults.list() == []
    assert strikes(faults, 2) == []
    assert faults.arm({"at": "lightning.pay", "do": "no_route"}) not in first


# -- snapshots -------------------------------------------------------------------------------------


def test_restored_faults_go_on_as_they_would_have(faults: Faults, context: RailContext) -> None:
    faults.arm({"at": "lightning.pay", "do": "no_route", "when": "nth=4"})
    faults.arm({"at": "lightning.pay", "do": "delay", "when": {"probability": "1/3", "times": 20}})
    faults.arm({"at": "lightning.invoice", "do": "fail", "when": "after=a,until=b"})
    context.journal.append("tempo", "a")
    strikes(faults, 2)
    document = json.loads(json.dumps(faults.snapshot()))
    seeds = context.seeds.snapshot()
    expected = (strikes(faults, 50), faults.list())
    faults.clear()
    faults.arm({"at": "lightning.pay", "do": "no_route"})

    faults.restore(document)
    context.seeds.restore(seeds)
    assert faults.snapshot() == document
    assert (strikes(faults, 50), faults.list()) == expected
    assert faults.check("lightning.invoice")
    context.journal.append("tempo", "b")
    assert not faults.check("lightning.invoice")


ARMED = {
    "id": "fault-1",
    "fault": {"at": "lightning.pay", "do": "no_route", "when": "always"},
    "hits": 1,
    "fired": 1,
    "open": True,
}


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"next": 2, "armed": {}},
        {"next": "2", "armed": []},
        {"next": 2, "armed": [], "more": 1},
        {"next": 0, "armed": []},
        {"next": 1, "armed": [ARMED]},
        {"next": 2, "armed": [ARMED, ARMED]},
        {"next": 2, "armed": [None]},
        {"next": 2, "armed": [{**ARMED, "id": "1"}]},
        {"next": 2, "armed": [{**ARMED, "fired": 2}]},
        {"next": 2, "armed": [{**ARMED, "open": 1}]},
        {"next": 2, "armed": [{**ARMED, "more": 1}]},
        {"next": 2, "armed": [{**ARMED, "fault": {"at": "tempo.gone", "do": "x"}}]},
    ],
)
def test_restore_refuses_what_are_no_faults(faults: Faults, document: Any) -> None:
    faults.arm({"at": "lightning.pay", "do": "delay", "when": "nth=2"})
    before = faults.snapshot()
    with pytest.raises(SnapshotError):
        faults.restore(document)
    assert faults.snapshot() == before
    assert strikes(faults, 3) == [2]
