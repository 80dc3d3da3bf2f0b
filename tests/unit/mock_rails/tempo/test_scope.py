"""Metered storage by the table of facts 4.5: warmth, dirt, creation, and storage credits."""

from __future__ import annotations

import pytest

from mock_rails.tempo.addresses import STORAGE_CREDITS
from mock_rails.tempo.gas import FREE, Meter, OutOfGasError
from mock_rails.tempo.scope import BlockContext, Scope
from mock_rails.tempo.world import World

TOKEN = b"\x20\xc0" + bytes(18)
KEY = (TOKEN, 9, b"\x11" * 20)
OTHER = (TOKEN, 9, b"\x22" * 20)
BLOCK = BlockContext(chain_id=1337, number=1, timestamp_s=1, base_fee=0, gas_limit=1)


def make_scope(**stored: int) -> Scope:
    world = World()
    for value in stored.values():
        world.store(KEY, value)
    return Scope(world, BLOCK, origin=bytes(20))


def cost_of_store(scope: Scope, value: int, key: tuple[object, ...] = KEY) -> int:
    meter = Meter(10**9)
    scope.sstore(key, value, meter)
    return 10**9 - meter.left


def cost_of_load(scope: Scope) -> int:
    meter = Meter(10**9)
    scope.sload(KEY, meter)
    return 10**9 - meter.left


def test_a_load_is_cold_once() -> None:
    scope = make_scope(balance=1)
    assert [cost_of_load(scope), cost_of_load(scope)] == [2_100, 100]


def test_a_changed_slot_costs_2900_and_2000_more_when_cold() -> None:
    assert cost_of_store(make_scope(balance=1), 2) == 100 + 2_800 + 2_000
    scope = make_scope(balance=1)
    cost_of_load(scope)
    assert cost_of_store(scope, 2) == 2_900
    assert cost_of_store(scope, 3) == 100, "a dirty slot is cheap"
    assert cost_of_store(scope, 3) == 100, "so is writing what is there"


def test_a_new_slot_costs_a_creation_and_a_look_at_the_owners_credits() -> None:
    scope = make_scope()
    cost_of_load(scope)
    assert cost_of_store(scope, 1) == 100 + 5_000 + 100 + 2_000 + 245_000
    assert cost_of_store(scope, 1, OTHER) == 100 + 2_000 + 5_000 + 100 + 245_000
    assert scope.created == {TOKEN: 2}


def test_a_cleared_slot_mints_a_credit_that_a_later_creation_burns() -> None:
    scope = make_scope(balance=1)
    cost_of_load(scope)
    assert cost_of_store(scope, 0) == 100 + 2_800 + 100 + 2_000 + 2_800
    assert scope.world.load((STORAGE_CREDITS, 0, TOKEN)) == 1
    later = Scope(scope.world, BLOCK, origin=bytes(20))
    cost_of_store(later, 5)
    assert later.closing_refund() == 245_000
    assert scope.world.load((STORAGE_CREDITS, 0, TOKEN)) == 0


def test_creations_without_credits_give_nothing_back() -> None:
    scope = make_scope()
    cost_of_store(scope, 1)
    assert scope.closing_refund() == 0


def test_a_slot_created_and_cleared_in_one_transaction_costs_no_creation() -> None:
    scope = make_scope()
    spent = cost_of_store(scope, 1) + cost_of_store(scope, 0)
    assert spent == 2_000 + 100 + 5_000 + 2_100 + 245_000 + 100
    assert scope.closing_refund() == 245_000
    assert scope.created == {TOKEN: 0}
    assert scope.world.load((STORAGE_CREDITS, 0, TOKEN)) == 0


def test_a_slot_cleared_and_written_again_leaves_no_credit() -> None:
    scope = make_scope(balance=1)
    cost_of_store(scope, 0)
    assert cost_of_store(scope, 2) == 100
    assert scope.world.load((STORAGE_CREDITS, 0, TOKEN)) == 0


def test_the_fee_payers_balance_mints_no_credit() -> None:
    scope = make_scope(balance=1)
    scope.exempt_key = KEY
    cost_of_load(scope)
    assert cost_of_store(scope, 0) == 2_900


def test_what_the_protocol_does_for_free_earns_and_costs_no_credits() -> None:
    scope = make_scope()
    scope.sstore(KEY, 1, FREE)
    assert scope.created == {}
    scope.sstore(KEY, 0, FREE)
    assert scope.world.storage == {}
    assert cost_of_load(scope) == 100, "but it leaves the slot warm"


def test_a_reverted_frame_takes_back_state_logs_warmth_and_tallies() -> None:
    scope = make_scope()
    snapshot = scope.snapshot()
    cost_of_store(scope, 1)
    scope.log(TOKEN, (), b"")
    scope.revert(snapshot)
    assert (scope.world.storage, scope.logs, scope.created) == ({}, [], {})
    assert cost_of_load(scope) == 2_100


def test_too_little_gas_ends_the_frame_before_the_write() -> None:
    scope = make_scope()
    with pytest.raises(OutOfGasError):
        scope.sstore(KEY, 1, Meter(1_000))
    assert scope.world.storage == {}
