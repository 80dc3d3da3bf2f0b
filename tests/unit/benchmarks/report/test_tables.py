"""A run's tables: which numbers they have, and how they are written."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.leg import Kind, Phase
from benchmarks.report.results import load
from benchmarks.report.tables import (
    comparison,
    every_leg,
    machine,
    money,
    number,
    percentiles,
    phases,
)
from tests.unit.benchmarks.report.runs import (
    CHARGE_FEE,
    CLOSE_FEE,
    OPEN_FEE,
    add_leg,
    charges,
    sessions,
    whole_run,
    write_run,
)

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.report.tables import Table


def kept(table: Table, folder: Path) -> list[dict[str, Any]]:
    """A table's rows, as its file has them."""
    with table.write(folder).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_fees_are_told_by_how_many_requests_a_payer_makes(tmp_path: Path) -> None:
    """They do not depend on how many requests a leg had: the two sessions carried 20 each."""
    folder = write_run(tmp_path)
    add_leg(folder, "tempo-charge", [1_000] * 40, money=charges(40))
    add_leg(folder, "tempo-session", [1_000] * 40, money=sessions(40, channels=2))
    add_leg(folder, "free", [1_000] * 40)
    charge, session, free = kept(comparison(load(folder)), tmp_path)
    columns = ("price, $", "fees for 1, $", "fees for 10, $", "fees for 100, $")
    each, whole = CHARGE_FEE / 1e6, (OPEN_FEE + CLOSE_FEE) / 1e6
    told = [[float(row[one]) for one in columns] for row in (charge, session)]
    assert told == [
        pytest.approx([0.01, each, 10 * each, 100 * each]),
        pytest.approx([0.001, whole, whole, whole]),
    ]
    assert [free[one] for one in columns] == [""] * 4


def test_the_knee_is_told_with_the_rate_that_did_not_hold(tmp_path: Path) -> None:
    told = {"per_s": 226.27, "why": "", "by_generator": False}
    knees = {"free": {**told, "broken_per_s": 320.0}, "tempo-charge": told}
    folder = write_run(tmp_path, knees=knees)
    for operation in knees:
        for per_s in (160.0, 226.27):
            add_leg(folder, operation, [1_000] * 25, kind=Kind.LADDER, offered_per_s=per_s,
                    achieved_per_s=per_s, duration_s=25 / per_s)  # fmt: skip
    table = comparison(load(folder))
    rows = [dict(zip(table.head, row, strict=True)) for row in table.text()]
    assert {row["operation"]: (row["knee, /s"], row["not held, /s"]) for row in rows} == {
        "tempo charge": ("226", ""),  # a run of before
        "free": ("226", "320"),
    }


def test_a_customer_s_first_request_stands_beside_the_others_and_is_no_phase_of_them(
    tmp_path: Path,
) -> None:
    folder = write_run(tmp_path)
    for turn in (1, 2):
        add_leg(folder, "tempo-session", [1_000] * 20, phases_us={Phase.OPENING: 30_000},
                round=turn)  # fmt: skip
        add_leg(folder, "free", [1_000] * 20, round=turn)
    table = comparison(load(folder))
    rows = [dict(zip(table.head, row, strict=True)) for row in table.text()]
    assert [row["first request, ms"] for row in rows] == ["30.0", ""]
    assert Phase.OPENING not in {row[1] for row in phases(load(folder)).rows}


def test_a_rate_is_told_as_it_was_asked_for_and_as_it_was_drawn(tmp_path: Path) -> None:
    """Thirty requests in two seconds, where twenty a second were asked for."""
    folder = write_run(tmp_path)
    add_leg(folder, "free", [1_000] * 30, duration_s=2.0, offered_per_s=20.0)
    add_leg(folder, "free", [1_000] * 30, duration_s=2.0, offered_per_s=None, kind=Kind.SINGLE)
    asked, as_served = kept(every_leg(load(folder)), tmp_path)
    assert float(asked["asked, /s"]) == 20
    assert float(asked["due, /s"]) == pytest.approx(15, rel=0.01)
    assert (as_served["asked, /s"], as_served["due, /s"]) == ("", "")
    as_fast, at_rate = kept(percentiles(load(folder)), tmp_path)
    assert float(at_rate["due, /s"]) == pytest.approx(15, rel=0.01)
    assert as_fast["due, /s"] == ""


@pytest.mark.parametrize("make", [comparison, percentiles, phases, money, machine])
def test_every_row_names_its_legs(tmp_path: Path, make: Any) -> None:
    results = load(whole_run(tmp_path))
    known = {one.leg.number for one in results.legs}
    rows = kept(make(results), tmp_path)
    assert rows
    for row in rows:
        assert {int(one) for one in row["legs"].split(", ")} <= known


def test_numbers_have_three_digits_whatever_their_size() -> None:
    values = (0, 0.0123456, 9.876, 9.996, 123.4, 1_322.1, 123_456, -0.5)
    assert [number(one) for one in values] == [
        "0", "0.0123", "9.88", "10.0", "123", "1,320", "123,000", "-0.500",
    ]  # fmt: skip
    assert number(1_322.123_4, 6) == "1,322.12"
