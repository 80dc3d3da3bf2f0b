"""Ticks, prices, and which way each conversion rounds.

A price is quote per base in hundred-thousandths, and a tick is its distance from one. Every
rounding is in favour of the exchange: escrow and what a taker pays are rounded up, what a taker
gets is rounded down, so it never owes more than it holds. Spec: facts 2.10.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mock_rails.tempo.native.contract import Error, NativeContract, view

PRICE_SCALE: Final = 100_000
MIN_TICK: Final = -2_000
MAX_TICK: Final = 2_000
TICK_SPACING: Final = 10
MIN_PRICE: Final = PRICE_SCALE + MIN_TICK
MAX_PRICE: Final = PRICE_SCALE + MAX_TICK


def quote_up(base: int, tick: int) -> int:
    """The worth of some base in quote, rounded up."""
    return -(-base * (PRICE_SCALE + tick) // PRICE_SCALE)


def quote_down(base: int, tick: int) -> int:
    """The worth of some base in quote, rounded down."""
    return base * (PRICE_SCALE + tick) // PRICE_SCALE


def base_up(quote: int, tick: int) -> int:
    """The base some quote is worth, rounded up."""
    return -(-quote * PRICE_SCALE // (PRICE_SCALE + tick))


def base_down(quote: int, tick: int) -> int:
    """The base some quote is worth, rounded down."""
    return quote * PRICE_SCALE // (PRICE_SCALE + tick)


class Fill(NamedTuple):
    """What a taker does at one price, where only so much is on offer.

    `wanted` is the base it takes to satisfy the taker, `base` the part of it that is on offer; for
    that part the taker pays `paid` and receives `received`.
    """

    wanted: int
    base: int
    paid: int
    received: int


def fill_input(amount: int, offered: int, tick: int, *, bids: bool) -> Fill:
    """Spend `amount`: base into bids, quote on asks; `offered` is base in both cases."""
    wanted = amount if bids else base_down(amount, tick)
    return _fill(wanted, min(wanted, offered), tick, bids=bids)


def fill_output(amount: int, offered: int, tick: int, *, bids: bool) -> Fill:
    """Get `amount`: quote from bids, base from asks; `offered` is base in both cases."""
    wanted = base_up(amount, tick) if bids else amount
    return _fill(wanted, min(wanted, offered), tick, bids=bids)


def _fill(wanted: int, base: int, tick: int, *, bids: bool) -> Fill:
    if bids:
        return Fill(wanted, base, base, quote_down(base, tick))
    return Fill(wanted, base, quote_up(base, tick), base)


class Prices(NativeContract):
    """The constants of the exchange and its price conversions."""

    title = "Stablecoin DEX error"

    TickOutOfBounds = Error("TickOutOfBounds(int16 tick)")
    InvalidTick = Error("InvalidTick()")

    @view("MIN_TICK() returns (int16)")
    def min_tick(self) -> int:
        """The lowest tick an order can have."""
        return MIN_TICK

    @view("MAX_TICK() returns (int16)")
    def max_tick(self) -> int:
        """The highest tick an order can have."""
        return MAX_TICK

    @view("TICK_SPACING() returns (int16)")
    def tick_spacing(self) -> int:
        """Orders stand at multiples of this."""
        return TICK_SPACING

    @view("PRICE_SCALE() returns (uint32)")
    def price_scale(self) -> int:
        """The price of one quote per base."""
        return PRICE_SCALE

    @view("MIN_PRICE() returns (uint32)")
    def min_price(self) -> int:
        """The price at the lowest tick."""
        return MIN_PRICE

    @view("MAX_PRICE() returns (uint32)")
    def max_price(self) -> int:
        """The price at the highest tick."""
        return MAX_PRICE

    @view("tickToPrice(int16 tick) returns (uint32 price)")
    def tick_to_price(self, tick: int) -> int:
        """A tick's price. The node checks the spacing here and not the bounds, and so do we."""
        self.require_spacing(tick)
        return PRICE_SCALE + tick

    @view("priceToTick(uint32 price) returns (int16 tick)")
    def price_to_tick(self, price: int) -> int:
        """A price's tick."""
        tick = price - PRICE_SCALE
        if not MIN_PRICE <= price <= MAX_PRICE:
            raise self.TickOutOfBounds(_wrapped(tick))
        self.require_spacing(tick)
        return tick

    def require_bounds(self, tick: int) -> None:
        """An order's price lies within two per cent of one."""
        if not MIN_TICK <= tick <= MAX_TICK:
            raise self.TickOutOfBounds(tick)

    def require_spacing(self, tick: int) -> None:
        """Only every tenth tick is in use."""
        if tick % TICK_SPACING:
            raise self.InvalidTick()


def _wrapped(tick: int) -> int:
    """The tick as 16 bits hold it: the error's field is narrower than a price."""
    return (tick + 0x8000) % 0x10000 - 0x8000
