"""The exchange's interface: number by number as facts 2.10 lists it, and the node's own ABI."""

from __future__ import annotations

import pytest
from pytempo.contracts.abis import STABLECOIN_DEX_ABI

from mock_rails.tempo.addresses import ALPHA_USD, PATH_USD
from mock_rails.tempo.native.contract import Revert
from mock_rails.tempo.native.dex import StablecoinDex
from tests.unit.mock_rails.tempo.native.dex_support import HUNDRED, Exchange
from tests.unit.mock_rails.tempo.native.published import declared, published
from tests.unit.mock_rails.tempo.native.support import ALICE, COMMON_ERRORS, interface, reverts

FUNCTIONS = """
    createPair 9ccb0744 place 63813125 placeFlip 922828f1 cancel 81649d06
    cancelStaleOrder 928b0e7f swapExactAmountIn f8856c0f swapExactAmountOut f0122b75
    quoteSwapExactAmountIn e7c98f1a quoteSwapExactAmountOut 1576fa0e balanceOf f7888aec
    withdraw 08fab167 getOrder 117d4128 getTickLevel 949bc662 books 0c0dee70 pairKey cd27ca82
    nextOrderId 2a58b330 MIN_ORDER_AMOUNT 40bf2aa4 MIN_TICK a1634b14 MAX_TICK 6882a888
    TICK_SPACING 46ca626b PRICE_SCALE c33f59d3 tickToPrice 269a311d priceToTick 87b4e352
    bookIndexForKey 61285475 bookKeyForIndex 3c047a7a storageCredits 4d65338b
    MIN_PRICE ad9f20a6 MAX_PRICE 01c11d96 setBookIndex aecbd005
"""

EVENTS = """
    PairCreated aff90cfc OrderPlaced c200d837 OrderFilled 16c08f8f OrderFlipped 37a42d10
    FlipFailed 51fbc4e3 OrderCancelled 06ff08ed
"""

ERRORS = """
    PairAlreadyExists c9bb25eb PairDoesNotExist c5fc4bf4 OrderDoesNotExist 5dcaf2d7
    IdenticalTokens 5c6d7b73 InvalidToken c1ab6dc1 TickOutOfBounds b549f7dd InvalidTick ce8ef7fc
    InvalidFlipTick f88aeb80 InsufficientBalance f4d678b8 InsufficientLiquidity bb55fd27
    InsufficientOutput bb2875c3 MaxInputExceeded de9d3c88 BelowMinimumOrderSize 46628371
    InvalidBaseToken 0e442a4a OrderNotStale 68496923 Unauthorized 82b42900
    IndexAlreadySet 1918c05d
"""


def _pairs(text: str) -> set[str]:
    words = text.split()
    return {f"{name} {number}" for name, number in zip(words[::2], words[1::2], strict=True)}


def test_every_selector_is_that_of_the_facts() -> None:
    found = interface(StablecoinDex)
    assert found["functions"] == _pairs(FUNCTIONS)
    assert found["errors"] - COMMON_ERRORS == _pairs(ERRORS)
    assert {event[: event.index(" ") + 9] for event in found["events"]} == _pairs(EVENTS)


def test_the_interface_is_the_one_published_by_the_node() -> None:
    ours = {_flat(line) for line in declared(StablecoinDex)}
    assert ours == {_flat(line) for line in published(STABLECOIN_DEX_ABI)}


def _flat(line: str) -> str:
    """A static struct is encoded like its fields: viem's ABI has one where pytempo's has fields."""
    return line.replace("returns ((", "returns (").replace("))", ")").replace(" pure", " view")


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("createPair(address)", (ALPHA_USD,)),
        ("place(address,uint128,bool,int16)", (ALPHA_USD, HUNDRED, True, 0)),
        ("swapExactAmountIn(address,address,uint128,uint128)", (ALPHA_USD, PATH_USD, 1, 0)),
        ("withdraw(address,uint128)", (ALPHA_USD, 0)),
    ],
)
def test_nothing_is_written_in_a_static_call(text: str, arguments: tuple[object, ...]) -> None:
    exchange = Exchange()
    before = dict(exchange.world.storage)
    with reverts("StaticCallNotAllowed"):
        exchange.by(ALICE).call(text, *arguments, static=True)
    assert exchange.world.storage == before


def test_views_answer_in_a_static_call() -> None:
    assert Exchange().dex.call("nextOrderId()", static=True) == 1


def test_arguments_that_do_not_decode_are_an_empty_revert() -> None:
    exchange = Exchange()
    with pytest.raises(Revert) as caught:
        exchange.dex.raw(bytes.fromhex("81649d06") + bytes(31))
    assert caught.value.data == b""
