"""What the exchange charges, against the node's gas snapshots of fork T8 (facts 4.6).

The facts' totals hold a transaction's base and calldata, which are added here; where they say so,
also the surcharge for a first nonce. Since T9 the policy of each token costs a read more.
"""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo import gas
from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import ALPHA_USD, BETA_USD, PATH_USD
from tests.unit.mock_rails.tempo.native.dex_support import HUNDRED, UNLIMITED, USD, Exchange
from tests.unit.mock_rails.tempo.native.support import ALICE, BOB, CAROL

PLACE = "place(address,uint128,bool,int16)"
SWAP_IN = "swapExactAmountIn(address,address,uint128,uint128)"
SWAP_OUT = "swapExactAmountOut(address,address,uint128,uint128)"
REGISTRY_READ = gas.COLD_LOAD


@pytest.fixture
def exchange() -> Exchange:
    """A chain on which the exchange has been used before."""
    exchange = Exchange()
    exchange.place(BOB, BETA_USD, HUNDRED, "bid", 0)
    exchange.place(BOB, BETA_USD, HUNDRED, "ask", 10)
    return exchange


def total(exchange: Exchange, sender: bytes, text: str, *arguments: Any) -> int:
    """The gas of a transaction that makes one call, without a surcharge for its nonce."""
    exchange.next_transaction()
    frame = exchange.by(sender).gas(text, *arguments)
    refund = exchange.scope.closing_refund()
    calldata = gas.calldata_gas(Function(text).call(*arguments))
    return gas.TX_BASE + calldata + frame - refund


def near(used: int, snapshot: int) -> bool:
    """Within two per cent of the node's number."""
    return abs(used - snapshot) * 50 <= snapshot


def test_create_pair(exchange: Exchange) -> None:
    used = total(exchange, ALICE, "createPair(address)", ALPHA_USD)
    assert near(used + gas.TX_NEW_ACCOUNT, 1_295_899)


def test_place_an_ask(exchange: Exchange) -> None:
    exchange.by(BOB).call("createPair(address)", ALPHA_USD)
    used = total(exchange, ALICE, PLACE, ALPHA_USD, HUNDRED, False, 10)
    assert near(used, 1_583_685 + 2 * REGISTRY_READ)


def test_place_the_first_bid() -> None:
    exchange = Exchange()
    exchange.by(BOB).call("createPair(address)", ALPHA_USD)
    used = total(exchange, ALICE, PLACE, ALPHA_USD, HUNDRED, True, 10)
    assert near(used, 1_830_985 + 2 * REGISTRY_READ)


def test_the_order_is_two_words_and_three_in_a_queue(exchange: Exchange) -> None:
    exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 10)
    created = exchange.scope.created
    exchange.next_transaction()
    exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 20)
    assert created == {exchange.dex.address: 2 + 2}  # the order; its level's queue and liquidity
    exchange.next_transaction()
    exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 20)
    assert created == {exchange.dex.address: 2 + 2}  # the order; both orders' neighbours


def test_swap_for_all_of_an_ask(exchange: Exchange) -> None:
    exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 10)
    used = total(exchange, CAROL, SWAP_OUT, PATH_USD, ALPHA_USD, HUNDRED, UNLIMITED)
    assert near(used + gas.TX_NEW_ACCOUNT, 381_277 + 2 * REGISTRY_READ)


def test_swap_into_a_part_of_a_bid(exchange: Exchange) -> None:
    exchange.place(ALICE, ALPHA_USD, HUNDRED, "bid", 10)
    exchange.swap_in(CAROL, ALPHA_USD, PATH_USD, USD)
    used = total(exchange, CAROL, SWAP_IN, ALPHA_USD, PATH_USD, USD, 0)
    assert near(used + gas.TX_NEW_ACCOUNT, 345_385 + 2 * REGISTRY_READ)


def test_withdraw_all_that_is_held(exchange: Exchange) -> None:
    exchange.place(BOB, ALPHA_USD, HUNDRED, "ask", 10)
    exchange.cancel(ALICE, exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 10))
    used = total(exchange, ALICE, "withdraw(address,uint128)", ALPHA_USD, HUNDRED)
    assert near(used, 49_754 + REGISTRY_READ)


def test_the_slots_of_a_cancelled_order_are_there_for_the_next(exchange: Exchange) -> None:
    order = exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 10)
    exchange.next_transaction()
    assert exchange.dex.call("storageCredits(address)", ALICE) == 0
    exchange.cancel(ALICE, order)
    credits = exchange.dex.call("storageCredits(address)", ALICE)
    assert credits == 2 + 2 + 1  # the order, the level, the word of the bitmap

    used = total(exchange, ALICE, PLACE, ALPHA_USD, HUNDRED, False, 10)
    # The balance that paid for it was a slot too, and is gone.
    assert exchange.dex.call("storageCredits(address)", ALICE) == 1
    # All new slots are paid for by the old ones: placing costs what changing values does.
    assert used < 100_000
