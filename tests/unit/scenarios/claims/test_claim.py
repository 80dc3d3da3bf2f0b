"""Verdicts follow from trials, and a page says them in three digits (facts: protocol 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.claims.claim import Claim, Judgement, Number, Trial, judged, verdict
from scenarios.claims.page import page
from scenarios.digits import digits, percent, ranged
from scenarios.statistics import Interval

if TYPE_CHECKING:
    from scenarios.experiment import Result


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ([True, True], ("confirmed", 2, 2)),
        ([False, False], ("refuted", 0, 2)),
        ([True, False, True], ("conditional", 2, 3)),
    ],
)
def test_a_verdict_is_what_the_conditions_bear_out(
    held: list[bool], expected: tuple[str, int, int]
) -> None:
    found = verdict(held)
    assert (found.word, found.held, found.tried) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"), (5e-05, "0.00005"), (0.12345, "0.123"), (99.96, "100"), (999.9, "1,000"),
        (1234.5, "1,230"), (-0.000001234, "-0.0000012"), (1_234_567, "1,230,000"),
    ],
)  # fmt: skip
def test_numbers_have_three_digits(value: float, expected: str) -> None:
    assert digits(value) == expected


def test_a_number_that_does_not_vary_has_no_interval() -> None:
    assert ranged(Interval(0.5, 0.4, 0.6, 9), 100) == "50 (40 to 60)"
    assert ranged(Interval(0.5, 0.5, 0.5, 9)) == "0.5"
    assert percent(Interval(0.97, 0.92, 1.02, 9)) == "97 (92 to 100) %"


TRIAL = Trial("break-even", {"requests": "10", "ways": "tempo charge,tempo session"}, 2)


def test_a_shared_trial_is_run_once_and_can_be_run_by_hand() -> None:
    seen: list[Result] = []

    def judge(result: Result) -> Judgement:
        seen.append(result)
        value = result.interval("fee_per_request", "tempo session", 10, 20_000)
        return Judgement(verdict([True]), Number(value, "base units", "a fee"), "So it is.")

    found = judged([Claim(name, "It is.", "it.", (TRIAL,), judge) for name in ("A", "B")], 7)
    assert seen[0] is seen[1]
    assert (seen[0].method.seed, seen[0].replications) == (7, 2)
    assert TRIAL.command == (
        "mpp-sandbox simulate break-even --set requests=10 "
        "--set 'ways=tempo charge,tempo session' --replications 2"
    )
    text = page(found, 7)
    assert "| [B](#b) | It is. |" in text
    assert "**Confirmed**, 1 of 1 conditions. So it is. Measured: a fee, " in text
    assert text.count(TRIAL.command) == 2
