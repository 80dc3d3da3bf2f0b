"""Price levels: a queue of orders at each tick, and the bitmap that finds the next one in use.

A word of the bitmap covers 256 ticks, counted as on the node, so that a search across an empty
stretch of the book reads as many words as there. It never takes more than 16. Spec: facts 2.10.
"""

from __future__ import annotations

from typing import Final

from mock_rails.tempo.abi import RevertError
from mock_rails.tempo.native.contract import Error, Revert, view
from mock_rails.tempo.native.dex.books import NO_ASK, NO_BID, Books
from mock_rails.tempo.native.dex.prices import MAX_TICK, MIN_TICK, TICK_SPACING
from mock_rails.tempo.native.storage import Mapping, Packed

_WORD_BITS: Final = 256
_FULL_WORD: Final = (1 << _WORD_BITS) - 1
_LOWEST: Final = MIN_TICK // _WORD_BITS * _WORD_BITS
_WORDS: Final = (MAX_TICK - _LOWEST) // _WORD_BITS + 1
_MAX_UINT128: Final = (1 << 128) - 1
_OVERFLOW: Final = RevertError("Panic(uint256 code)").encode(0x11)
"""Solidity's panic about arithmetic. It belongs to no contract, so it is no error of this one."""


def _position(tick: int) -> int:
    """A tick counted from the start of the lowest word: storage keys are not negative."""
    return tick - _LOWEST


class Levels(Books):
    """The levels of every book. A level is named by book key, side and position of its tick."""

    queues = Mapping(5, Packed(128, 128))
    """The ids of a level's first and last order."""

    liquidity = Mapping(6)
    """The base its orders still want or offer, all together."""

    bitmaps = Mapping(7)
    """A bit for each level in use, by book key, side and word."""

    InsufficientLiquidity = Error("InsufficientLiquidity()")

    @view(
        "getTickLevel(address base, int16 tick, bool isBid)"
        " returns (uint128 head, uint128 tail, uint128 totalLiquidity)"
    )
    def get_level(self, base: bytes, tick: int, is_bid: bool) -> tuple[int, int, int]:
        """A level's queue and liquidity; zeros where nothing stands."""
        key = self.book_key(base, self.quote_of(base))
        if not MIN_TICK <= tick <= MAX_TICK or tick % TICK_SPACING:
            return 0, 0, 0
        at = self.level(key, tick, is_bid=is_bid)
        return (*self.queues[at], self.liquidity[at])

    def level(self, key: bytes, tick: int, *, is_bid: bool) -> tuple[bytes, int, int]:
        """A level's place in the mappings."""
        return key, int(is_bid), _position(tick)

    def best_tick(self, key: bytes, *, is_bid: bool) -> int | None:
        """The best price of a side, or None when it is empty."""
        best = self.best_ticks[key]
        tick: int = best.bid if is_bid else best.ask
        return None if tick in {NO_BID, NO_ASK} else tick

    def next_tick(self, key: bytes, tick: int, *, is_bid: bool) -> int | None:
        """The best price of a side that is worse than `tick`."""
        word, bit = divmod(_position(tick), _WORD_BITS)
        if is_bid:
            mask, words = (1 << bit) - 1, range(word, -1, -1)
        else:
            mask, words = _FULL_WORD << bit + 1 & _FULL_WORD, range(word, _WORDS)
        for at in words:
            bits: int = self.bitmaps[key, int(is_bid), at] & mask
            if bits:
                found = bits if is_bid else bits & -bits
                return _LOWEST + at * _WORD_BITS + found.bit_length() - 1
            mask = _FULL_WORD
        return None

    def add_liquidity(self, key: bytes, tick: int, amount: int, *, is_bid: bool) -> None:
        """Count an order in; a level that was empty comes into use."""
        at = self.level(key, tick, is_bid=is_bid)
        total = self.liquidity[at] + amount
        if total > _MAX_UINT128:
            raise Revert(_OVERFLOW)
        self.liquidity[at] = total
        if total == amount:
            self._flip_bit(key, tick, is_bid=is_bid)
        best = self.best_ticks[key]
        if is_bid and tick > best.bid:
            self.best_ticks[key] = best._replace(bid=tick)
        elif not is_bid and tick < best.ask:
            self.best_ticks[key] = best._replace(ask=tick)

    def remove_liquidity(self, key: bytes, tick: int, amount: int, *, is_bid: bool) -> None:
        """Count an order, or a part of one, out; an empty level goes out of use."""
        at = self.level(key, tick, is_bid=is_bid)
        total = self.liquidity[at] - amount
        self.liquidity[at] = total
        if total:
            return
        self._flip_bit(key, tick, is_bid=is_bid)
        best = self.best_ticks[key]
        if is_bid and tick == best.bid:
            following = self.next_tick(key, tick, is_bid=True)
            self.best_ticks[key] = best._replace(bid=NO_BID if following is None else following)
        elif not is_bid and tick == best.ask:
            following = self.next_tick(key, tick, is_bid=False)
            self.best_ticks[key] = best._replace(ask=NO_ASK if following is None else following)

    def _flip_bit(self, key: bytes, tick: int, *, is_bid: bool) -> None:
        word, bit = divmod(_position(tick), _WORD_BITS)
        self.bitmaps[key, int(is_bid), word] ^= 1 << bit
