"""The bitmap of levels in use, against a plain list of ticks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_rails.tempo import gas
from mock_rails.tempo.addresses import STABLECOIN_DEX
from mock_rails.tempo.gas import Meter
from mock_rails.tempo.native.contract import Revert
from mock_rails.tempo.native.dex import StablecoinDex
from mock_rails.tempo.native.dex.books import NO_ASK, NO_BID, BestTicks
from mock_rails.tempo.native.frame import Frame
from tests.unit.mock_rails.tempo.native.support import ALICE, PLENTY, make_scope

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY = b"\x5e" * 32
TICKS = st.integers(-200, 200).map(lambda step: step * 10)
PANIC = "4e487b71"


def book() -> StablecoinDex:
    """An empty book at KEY."""
    dex = StablecoinDex(Frame(make_scope(), STABLECOIN_DEX, ALICE, Meter(PLENTY)))
    dex.best_ticks[KEY] = BestTicks(NO_BID, NO_ASK)
    return dex


def walk(dex: StablecoinDex, *, is_bid: bool) -> Iterable[int]:
    """All levels of a side, best first."""
    tick = dex.best_tick(KEY, is_bid=is_bid)
    while tick is not None:
        yield tick
        tick = dex.next_tick(KEY, tick, is_bid=is_bid)


@given(bids=st.sets(TICKS, max_size=12), asks=st.sets(TICKS, max_size=12), data=st.data())
def test_levels_are_walked_from_the_best(
    bids: set[int], asks: set[int], data: st.DataObject
) -> None:
    dex = book()
    for is_bid, ticks in ((True, bids), (False, asks)):
        for tick in data.draw(st.permutations(sorted(ticks))):
            dex.add_liquidity(KEY, tick, 5, is_bid=is_bid)
    while bids or asks:
        assert list(walk(dex, is_bid=True)) == sorted(bids, reverse=True)
        assert list(walk(dex, is_bid=False)) == sorted(asks)
        is_bid = data.draw(st.booleans()) if bids and asks else bool(bids)
        side = bids if is_bid else asks
        gone = data.draw(st.sampled_from(sorted(side)))
        dex.remove_liquidity(KEY, gone, 3, is_bid=is_bid)
        assert gone in set(walk(dex, is_bid=is_bid))
        dex.remove_liquidity(KEY, gone, 2, is_bid=is_bid)
        side.remove(gone)
    assert dex.best_ticks[KEY] == (NO_BID, NO_ASK)
    assert not [key for key in dex.frame.scope.world.storage if key[1] == 7]


@pytest.mark.parametrize("is_bid", [True, False])
def test_the_next_level_is_at_most_sixteen_reads_away(is_bid: bool) -> None:
    dex = book()
    dex.add_liquidity(KEY, -2000, 1, is_bid=is_bid)
    dex.add_liquidity(KEY, 2000, 1, is_bid=is_bid)
    dex.frame.scope.warm.clear()
    meter = dex.frame.meter
    before = meter.left
    assert dex.next_tick(KEY, 2000 if is_bid else -2000, is_bid=is_bid) == (
        -2000 if is_bid else 2000
    )
    assert before - meter.left == 16 * gas.COLD_LOAD


def test_a_level_does_not_overflow() -> None:
    dex = book()
    dex.add_liquidity(KEY, 0, (1 << 128) - 1, is_bid=False)
    with pytest.raises(Revert) as caught:
        dex.add_liquidity(KEY, 0, 1, is_bid=False)
    assert caught.value.data.hex() == f"{PANIC}{0x11:064x}"
