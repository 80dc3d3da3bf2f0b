"""Ticks, prices and rounding (facts 2.10).

What is marked "node" was read from a node of fork T4.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_rails.tempo.native.dex.prices import (
    base_down,
    base_up,
    fill_input,
    fill_output,
    quote_down,
    quote_up,
)
from tests.unit.mock_rails.tempo.native.dex_support import Exchange
from tests.unit.mock_rails.tempo.native.support import reverts

TICKS = st.integers(-200, 200).map(lambda step: step * 10)
AMOUNTS = st.integers(0, 10**15)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MIN_TICK", -2000),
        ("MAX_TICK", 2000),
        ("TICK_SPACING", 10),
        ("PRICE_SCALE", 100_000),
        ("MIN_PRICE", 98_000),
        ("MAX_PRICE", 102_000),
        ("MIN_ORDER_AMOUNT", 100_000_000),
    ],
)
def test_the_constants(name: str, value: int) -> None:
    assert Exchange().dex.call(f"{name}()") == value


@pytest.mark.parametrize(
    ("tick", "price"),
    [(-2000, 98_000), (-10, 99_990), (0, 100_000), (10, 100_010), (2000, 102_000)],
)
def test_a_tick_and_its_price(tick: int, price: int) -> None:
    dex = Exchange().dex
    assert dex.call("tickToPrice(int16)", tick) == price
    assert dex.call("priceToTick(uint32)", price) == tick


def test_tick_to_price_does_not_check_bounds() -> None:
    assert Exchange().dex.call("tickToPrice(int16)", -2010) == 97_990  # node


@pytest.mark.parametrize("tick", [5, -1, 2005, 32_767, -32_768])
def test_a_tick_between_the_steps_has_no_price(tick: int) -> None:
    with reverts("InvalidTick"):
        Exchange().dex.call("tickToPrice(int16)", tick)


def test_a_price_between_the_steps_has_no_tick() -> None:
    with reverts("InvalidTick"):
        Exchange().dex.call("priceToTick(uint32)", 100_005)


@pytest.mark.parametrize(
    ("price", "tick"),
    [(97_999, -2001), (102_001, 2001), (0, 31_072), (67_232, -32_768), (200_000, -31_072)],
)
def test_a_price_out_of_bounds_is_told_with_its_tick_in_16_bits(price: int, tick: int) -> None:
    with reverts("TickOutOfBounds", tick):  # node
        Exchange().dex.call("priceToTick(uint32)", price)


@given(amount=AMOUNTS, tick=TICKS)
def test_conversions_round_to_the_nearest_unit_in_their_direction(amount: int, tick: int) -> None:
    price = Fraction(100_000 + tick, 100_000)
    assert 0 <= quote_up(amount, tick) - amount * price < 1
    assert 0 <= amount * price - quote_down(amount, tick) < 1
    assert 0 <= base_up(amount, tick) - amount / price < 1
    assert 0 <= amount / price - base_down(amount, tick) < 1


@given(amount=AMOUNTS, offered=AMOUNTS, tick=TICKS, bids=st.booleans())
def test_a_fill_never_takes_more_than_is_wanted_offered_or_paid_for(
    amount: int, offered: int, tick: int, bids: bool
) -> None:
    price = Fraction(100_000 + tick, 100_000)
    for fill in (
        fill_input(amount, offered, tick, bids=bids),
        fill_output(amount, offered, tick, bids=bids),
    ):
        assert fill.base == min(fill.wanted, offered)
        if bids:
            assert fill.paid == fill.base
            assert fill.received <= fill.base * price
        else:
            assert fill.received == fill.base
            assert fill.paid >= fill.base * price
    assert fill_input(amount, offered, tick, bids=bids).paid <= amount
    satisfied = fill_output(amount, amount * 2, tick, bids=bids)
    assert satisfied.received >= amount
