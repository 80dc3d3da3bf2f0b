"""Dollars in satoshis (facts: lightning 5.5)."""

from __future__ import annotations

import pytest

from mock_rails.core.clock import Clock
from mock_rails.core.errors import BadInput
from mock_rails.core.journal import Journal
from sandbox.lightning import Rate, UsdPrice, sats

START_S = 1_767_225_600


@pytest.mark.parametrize(
    ("usd", "rate", "expected"),
    [
        ("0.01", 100_000, 10),
        ("0.001", 100_000, 1),
        ("0.0001", 100_000, 1),
        ("0.127", 100_000, 127),
        ("0.02", 60_000, 34),
        ("1", 100_000, 1_000),
    ],
)
def test_a_price_is_rounded_up_and_never_nothing(usd: str, rate: int, expected: int) -> None:
    assert sats(usd, rate) == expected


@pytest.mark.parametrize("usd", ["", "-1", "0", "NaN", "Infinity", "a dollar"])
def test_what_is_no_price_is_refused(usd: str) -> None:
    with pytest.raises(BadInput):
        sats(usd)


def test_a_rate_is_positive() -> None:
    with pytest.raises(BadInput):
        sats("1", 0)


def test_a_rate_goes_by_the_clock_and_is_journalled_when_it_changes() -> None:
    clock = Clock.frozen(START_S)
    journal = Journal(clock)
    rate = Rate(
        100_000, [(START_S + 60, 50_000), (START_S + 90, 80_000)], clock=clock, journal=journal
    )
    quote = UsdPrice("0.01", rate)
    assert (rate.now(), quote.now()) == (100_000, 10)
    clock.advance(60)
    assert (rate.now(), quote.now()) == (50_000, 20)
    clock.advance(3_600)
    assert (rate.now(), quote.now()) == (80_000, 13)
    told = [event.data["btc_usd"] for event in journal.read() if event.kind == "rate.changed"]
    assert told == [50_000, 80_000]


def test_what_was_asked_lately_is_every_price_of_that_time() -> None:
    clock = Clock.frozen(START_S)
    quote = UsdPrice("0.01", Rate(100_000, [(START_S + 60, 50_000)], clock=clock), times=100)
    assert quote.lately(300) == (1_000,)
    clock.advance(60)
    assert quote.lately(0) == (1_000, 2_000)  # in this very second it was both
    clock.advance(300)
    assert quote.lately(300) == (1_000, 2_000)
    clock.advance(1)
    assert quote.lately(300) == (2_000,)


def test_the_steps_of_a_rate_are_in_order() -> None:
    for steps in ([(2, 1), (1, 1)], [(1, 1), (1, 2)], [(1, 0)]):
        with pytest.raises(BadInput):
            Rate(100_000, steps, clock=Clock.frozen(START_S))
    with pytest.raises(BadInput, match="of a clock"):
        Rate(100_000, [(1, 1)])
