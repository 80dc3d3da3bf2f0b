"""Pairs: who may open one, how it is named and numbered (facts 2.10).

What is marked "node" was read from a node of fork T4.
"""

from __future__ import annotations

import pytest

from mock_rails.tempo.addresses import ALPHA_USD, BETA_USD, PATH_USD, TIP20_PREFIX
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.native.tip20 import Tip20
from tests.unit.mock_rails.tempo.native.across import reverts_in
from tests.unit.mock_rails.tempo.native.dex_support import (
    GAMMA,
    HUNDRED,
    NO_TOKEN,
    NOT_CREATED,
    Book,
    Exchange,
)
from tests.unit.mock_rails.tempo.native.support import ADMIN, ALICE, make_token, reverts

EURO = TIP20_PREFIX + b"\xee" * 8
KEY = keccak256(ALPHA_USD + PATH_USD)
NO_PAIR = bytes(32)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


def create(exchange: Exchange, base: bytes) -> bytes:
    return bytes(exchange.by(ALICE).call("createPair(address)", base))


def test_a_pair_is_a_token_and_its_quote_token(exchange: Exchange) -> None:
    before = exchange.mark()
    assert create(exchange, ALPHA_USD) == KEY
    assert exchange.logs(before) == [
        ("PairCreated", {"key": KEY, "base": ALPHA_USD, "quote": PATH_USD})
    ]
    assert exchange.book(ALPHA_USD) == Book(ALPHA_USD, PATH_USD, -32_768, 32_767)


def test_the_key_is_the_one_of_the_node(exchange: Exchange) -> None:
    assert KEY.hex() == "3bfd5cdc8e0daf98f3d67a44ff65724362321f4b1054dee562599033633e8dfe"
    assert exchange.dex.call("pairKey(address,address)", ALPHA_USD, PATH_USD) == KEY
    assert exchange.dex.call("pairKey(address,address)", PATH_USD, ALPHA_USD) != KEY


def test_a_book_that_does_not_exist_is_all_zeros(exchange: Exchange) -> None:
    assert exchange.book(ALPHA_USD) == Book(bytes(20), bytes(20), 0, 0)


def test_a_pair_is_created_once(exchange: Exchange) -> None:
    create(exchange, ALPHA_USD)
    with reverts("PairAlreadyExists"):
        create(exchange, ALPHA_USD)


@pytest.mark.parametrize("base", [NO_TOKEN, NOT_CREATED])
def test_the_base_must_be_a_created_token(exchange: Exchange, base: bytes) -> None:
    with reverts("InvalidBaseToken"):
        create(exchange, base)


def test_the_root_has_nothing_to_trade_against(exchange: Exchange) -> None:
    with reverts("InvalidToken"):
        create(exchange, PATH_USD)


def test_only_dollars_are_traded(exchange: Exchange) -> None:
    make_token(exchange.scope, EURO, name="euro", currency="EUR", quote_token=PATH_USD)
    with reverts_in(Tip20, "InvalidCurrency"):
        create(exchange, EURO)


def test_a_paused_token_can_have_a_pair(exchange: Exchange) -> None:
    exchange.token(ALPHA_USD, ADMIN).call("pause()")
    assert create(exchange, ALPHA_USD) == KEY  # node


def test_the_first_order_opens_the_pair(exchange: Exchange) -> None:
    before = exchange.mark()
    exchange.place(ALICE, ALPHA_USD, HUNDRED, "bid", 10)
    assert [name for name, _ in exchange.logs(before)] == [
        "PairCreated",
        "Transfer",
        "OrderPlaced",
    ]
    assert exchange.book(ALPHA_USD) == Book(ALPHA_USD, PATH_USD, 10, 32_767)


def test_a_pair_keeps_its_quote_token_when_the_token_changes_to_another(
    exchange: Exchange,
) -> None:
    create(exchange, GAMMA)
    admin = exchange.token(GAMMA, ADMIN)
    admin.call("setNextQuoteToken(address)", BETA_USD)
    admin.call("completeQuoteTokenUpdate()")
    assert create(exchange, GAMMA) == keccak256(GAMMA + BETA_USD)
    assert exchange.book(GAMMA).quote == ALPHA_USD


def test_books_are_numbered_in_order_of_creation(exchange: Exchange) -> None:
    keys = [create(exchange, base) for base in (BETA_USD, ALPHA_USD)]
    assert [exchange.dex.call("bookKeyForIndex(uint32)", index) for index in (0, 1)] == keys
    assert [exchange.dex.call("bookIndexForKey(bytes32)", key) for key in keys] == [
        (True, 0),
        (True, 1),
    ]
    assert exchange.dex.call("bookIndexForKey(bytes32)", NO_PAIR) == (False, 0)


def test_there_is_no_key_for_a_number_not_given_out(exchange: Exchange) -> None:
    create(exchange, ALPHA_USD)
    with reverts("PairDoesNotExist"):
        exchange.dex.call("bookKeyForIndex(uint32)", 1)


def test_every_book_has_its_number_from_the_start(exchange: Exchange) -> None:
    create(exchange, ALPHA_USD)
    with reverts("IndexAlreadySet"):
        exchange.by(ALICE).call("setBookIndex(uint32)", 0)
    with reverts("PairDoesNotExist"):
        exchange.by(ALICE).call("setBookIndex(uint32)", 1)
