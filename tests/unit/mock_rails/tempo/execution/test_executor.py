"""One transaction on the world: all of it, its fee and nonce alone, or no trace (facts 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.core.errors import ConservationError
from mock_rails.tempo.addresses import FEE_MANAGER, NONCE_MANAGER, PATH_USD
from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.execution.executor import Rules, check, execute, next_nonce
from mock_rails.tempo.native.nonces import NonceManager
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.snapshots import dump_world
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY, TYPE_DYNAMIC_FEE, Call
from tests.unit.mock_rails.tempo.execution.support import (
    ALICE,
    BOB,
    STRANGER,
    make_world,
    pay,
    submit,
)
from tests.unit.mock_rails.tempo.native.support import NOW_S, make_block

if TYPE_CHECKING:
    from mock_rails.tempo.blocks import Outcome
    from mock_rails.tempo.world import World

TOO_MUCH = pay(2**64)
BLOCK = make_block()
FREE = Rules(nonce=False, replay=False, fees=False)


@pytest.fixture
def world() -> World:
    return make_world()


def run(world: World, **changes: Any) -> Outcome:
    """Execute a transaction of Alice's that pays its fee in pathUSD."""
    return execute(world, BLOCK, submit(**({"fee_token": PATH_USD} | changes)))


def balance(world: World, account: bytes) -> int:
    return int(world.load(Tip20.balances.key(PATH_USD, account)))


def expiring(**changes: Any) -> dict[str, Any]:
    """The fields of a transaction that expires."""
    return {"nonce_key": EXPIRING_NONCE_KEY, "valid_before": NOW_S + 60} | changes


def test_a_payment_moves_money_pays_its_fee_and_uses_its_nonce(world: World) -> None:
    before = balance(world, ALICE), balance(world, BOB)
    outcome = run(world, calls=(pay(7), pay(8)))
    assert outcome.status
    fee = int.from_bytes(outcome.logs[-1].data)
    assert fee == -(-outcome.gas_used * outcome.effective_gas_price // 10**12)
    assert outcome.logs[-1].topics[2] == bytes(12) + FEE_MANAGER
    assert [int.from_bytes(log.data) for log in outcome.logs[:-1]] == [7, 8]
    assert (balance(world, ALICE), balance(world, BOB)) == (before[0] - 15 - fee, before[1] + 15)
    assert world.nonce(ALICE) == 1
    assert outcome.fee_token == PATH_USD


def test_a_reverted_batch_keeps_fee_and_nonce_alone(world: World) -> None:
    before = balance(world, ALICE), balance(world, BOB)
    outcome = run(world, calls=(pay(7), TOO_MUCH, pay(8)))
    assert not outcome.status
    assert outcome.error == "execution reverted"
    assert Tip20.errors[outcome.output[:4]].name == "InsufficientBalance"
    (fee,) = outcome.logs
    assert balance(world, ALICE) == before[0] - int.from_bytes(fee.data)
    assert balance(world, BOB) == before[1]
    assert world.nonce(ALICE) == 1


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"nonce": 1}, "nonce too high: next nonce 0, tx nonce 1"),
        ({"gas_limit": 270_000}, "intrinsic gas too low: have 270000"),
        ({"max_fee_per_gas": 1}, "max fee per gas less than block base fee"),
        ({"fee_token": STRANGER}, "is not a TIP-20 token"),
        ({"max_fee_per_gas": 2**100}, "insufficient fee token balance"),
        ({"valid_before": NOW_S}, "transaction expired"),
        ({"valid_after": NOW_S + 1}, "transaction not valid yet"),
        (expiring(valid_before=NOW_S + 301), "InvalidExpiringNonceExpiry"),
        ({"key_id": STRANGER}, "keychain validation failed: KeyNotFound"),
    ],
)
def test_an_invalid_transaction_leaves_no_trace(
    world: World, changes: dict[str, Any], text: str
) -> None:
    before, mark = dump_world(world), world.mark()
    with pytest.raises(InvalidTransaction, match=text):
        run(world, **changes)
    assert dump_world(world) == before
    assert world.mark() == mark


def test_the_validity_window_is_closed_before_and_open_behind(world: World) -> None:
    assert run(world, valid_after=NOW_S, valid_before=NOW_S + 1).status


def test_each_nonce_key_is_a_sequence_of_its_own(world: World) -> None:
    run(world, nonce_key=7)
    run(world, nonce_key=7, nonce=1)
    run(world, nonce_key=8)
    assert [next_nonce(world, ALICE, key) for key in (0, 7, 8, 9)] == [0, 2, 1, 0]
    with pytest.raises(InvalidTransaction, match="nonce too low: next nonce 2, tx nonce 1"):
        run(world, nonce_key=7, nonce=1)


def test_a_two_dimensional_nonce_is_logged_first_and_survives_a_revert(world: World) -> None:
    outcome = run(world, nonce_key=7, calls=(TOO_MUCH,))
    assert [log.address for log in outcome.logs] == [NONCE_MANAGER, PATH_USD]
    assert outcome.logs[0].topics[0] == NonceManager.NonceIncremented.topic
    assert next_nonce(world, ALICE, 7) == 1


def test_an_expiring_transaction_runs_once_even_if_it_reverts(world: World) -> None:
    assert not run(world, **expiring(calls=(TOO_MUCH,))).status
    with pytest.raises(InvalidTransaction, match="ExpiringNonceReplay"):
        run(world, **expiring(calls=(TOO_MUCH,)))
    assert world.nonce(ALICE) == 0


def test_a_creation_raises_the_protocol_nonce_whatever_its_own(world: World) -> None:
    """Its address is made of that nonce, so it must not come again."""
    creation = {"calls": (Call(None, 0, b"\x00"),), "gas_limit": 2_000_000}
    first = run(world, nonce_key=7, **creation)
    second = run(world, **expiring(), **creation)
    third = run(world, nonce=2, **creation)
    assert world.nonce(ALICE) == 3
    assert len({outcome.contract_address for outcome in (first, second, third)}) == 3


def test_an_ethereum_transaction_is_a_batch_of_one(world: World) -> None:
    outcome = run(world, type=TYPE_DYNAMIC_FEE, fee_token=None)
    assert outcome.status
    assert len(outcome.logs) == 2


def test_a_simulation_pays_nothing_and_needs_no_nonce(world: World) -> None:
    submission = submit(STRANGER, nonce=99, max_fee_per_gas=0, calls=(pay(0),))
    outcome = execute(world, BLOCK, submission, rules=FREE)
    assert outcome.status
    assert outcome.fee_token is None
    assert len(outcome.logs) == 1


def test_a_check_leaves_no_trace_and_excuses_what_time_will_mend(world: World) -> None:
    before = dump_world(world)
    check(world, BLOCK, submit(nonce=5, valid_after=NOW_S + 60))
    with pytest.raises(InvalidTransaction, match="insufficient fee token balance"):
        check(world, BLOCK, submit(STRANGER))
    assert dump_world(world) == before


def test_a_check_finds_a_replay(world: World) -> None:
    run(world, **expiring())
    with pytest.raises(InvalidTransaction, match="ExpiringNonceReplay"):
        check(world, BLOCK, submit(**expiring(fee_token=PATH_USD)))


def test_money_from_nowhere_stops_the_chain(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of a native contract must not pass unseen, nor stay in the state."""
    before = dump_world(world)
    monkeypatch.setattr(Tip20, "move", lambda token, _, to, amount: token.credit(to, amount))
    with pytest.raises(ConservationError, match="gained 7 base units from nowhere"):
        run(world, calls=(pay(7),))
    assert dump_world(world) == before
