"""The chain behind `EthereumTester` over time: pending blocks, mining, snapshots and faults."""

from __future__ import annotations

import pytest
from eth_tester import EthereumTester
from eth_tester.exceptions import (
    SnapshotNotFound,
    TransactionNotFound,
    ValidationError,
)

from mock_rails.core import Clock, RailContext
from mock_rails.tempo import editing
from mock_rails.tempo.addresses import ALPHA_USD, PATH_USD
from mock_rails.tempo.eth_tester_backend import TempoBackend
from mock_rails.tempo.rail import Chain
from mock_rails.tempo.tx.model import (
    TYPE_SET_CODE,
    Call,
)
from mock_rails.tempo.tx.sign import sign_authorization, sign_transaction
from tests.interop.eth_tester_support import (
    BALANCE_OF,
    BURN,
    NEW_KEY,
    NOW_S,
    backend_with,
    balance,
    payment,
    raw,
    send_raw,
    signed,
)


@pytest.fixture
def backend() -> TempoBackend:
    return backend_with()


@pytest.fixture
def tester(backend: TempoBackend) -> EthereumTester:
    return EthereumTester(backend)


# -- held back ------------------------------------------------------------------------------------


def test_held_back_transactions_of_every_type_are_mined_as_they_were_signed(
    tester: EthereumTester, backend: TempoBackend
) -> None:
    account = backend.chain.accounts[2]
    delegation = sign_authorization(backend.chain.chain_id, PATH_USD, 0, NEW_KEY)
    set_code = signed(backend, TYPE_SET_CODE, authorizations=(delegation,)).tx
    tester.disable_auto_mine_transactions()
    sent = [
        send_raw(tester, signed(backend)),
        send_raw(tester, sign_transaction(set_code, account.key)),
        tester.send_transaction(payment(tester)),
    ]
    assert tester.get_block_by_number("latest")["number"] == 0
    assert balance(tester) == 0
    tester.mine_block()
    block = tester.get_block_by_number("latest")
    assert list(block["transactions"]) == sent
    receipts = [tester.get_transaction_receipt(one) for one in sent]
    assert [one["status"] for one in receipts] == [1, 1, 1]
    assert receipts[-1]["cumulative_gas_used"] == sum(one["gas_used"] for one in receipts)
    assert [one["type"] for one in receipts] == ["0x2", "0x4", "0x2"]


def test_the_pending_block_shows_what_would_be_mined(backend: TempoBackend) -> None:
    submission = signed(backend)
    before = backend.chain.digest()
    backend.send_raw_transaction(submission.raw)
    waiting = backend.chain.digest()
    pending = backend.get_block_by_number("pending")
    assert pending["number"] == 1
    (shown,) = pending["transactions"]
    assert (shown["hash"], shown["block_hash"]) == (submission.hash, None)
    receipt = backend.get_transaction_receipt(submission.hash)
    assert (receipt["status"], receipt["block_number"]) == (1, None)
    assert {log["type"] for log in receipt["logs"]} == {"pending"}
    assert backend.get_nonce(submission.sender, "pending") == 1
    assert backend.get_nonce(submission.sender, "latest") == 0
    call = {"from": raw(BURN), "to": PATH_USD, "data": BALANCE_OF.call(raw(BURN))}
    assert int.from_bytes(backend.call(call, "pending")) == 7
    assert int.from_bytes(backend.call(call)) == 0
    assert backend.chain.digest() == waiting != before
    (mined,) = backend.mine_blocks()
    assert backend.get_block_by_hash(mined)["transactions"][0]["hash"] == submission.hash


def test_what_cannot_be_mined_at_once_is_refused(
    tester: EthereumTester, backend: TempoBackend
) -> None:
    before = backend.chain.digest()
    with pytest.raises(ValidationError, match="nonce too high: next nonce 0, tx nonce 1"):
        tester.send_transaction(payment(tester, nonce=1))
    with pytest.raises(ValidationError, match="intrinsic gas too low"):
        tester.send_transaction(payment(tester, gas=21_000))
    with pytest.raises(ValidationError, match="max fee per gas less than block base fee"):
        tester.send_transaction(payment(tester, gas_price=1))
    assert backend.chain.digest() == before
    tester.send_transaction(payment(tester))
    with pytest.raises(ValidationError, match="nonce too low: next nonce 1, tx nonce 0"):
        tester.send_transaction(payment(tester, nonce=0))


def test_a_second_transaction_is_checked_after_the_first(backend: TempoBackend) -> None:
    chain, payer = backend.chain, backend.chain.accounts[1]
    editing.deal(chain, ALPHA_USD, payer.address, 30_000)
    first = signed(backend)
    backend.send_raw_transaction(first.raw)
    second = signed(backend, nonce=1)
    with pytest.raises(ValidationError, match="insufficient fee token balance"):
        backend.send_raw_transaction(second.raw)
    assert [one.hash for one in chain.pool] == [first.hash]


def test_a_full_pending_block_takes_no_more(backend: TempoBackend) -> None:
    heavy = {"gas_limit": 30_000_000, "max_fee_per_gas": 13 * 10**9, "max_priority_fee_per_gas": 0}
    burn = Call(None, 0, bytes.fromhex("fe"))
    for nonce in range(16):
        backend.send_raw_transaction(signed(backend, nonce=nonce, calls=(burn,), **heavy).raw)
    with pytest.raises(ValidationError, match="the pending block has no room"):
        backend.send_raw_transaction(signed(backend, nonce=16, calls=(burn,), **heavy).raw)
    assert len(backend.chain.pool) == 16


def test_the_pending_block_does_not_need_history(tester: EthereumTester) -> None:
    tester = EthereumTester(backend_with(history_depth=1))
    for paid in range(1, 4):
        tester.send_transaction(payment(tester, 1))
        assert tester.get_block_by_number("pending")["number"] == paid + 1
    assert balance(tester) == 3


# -- mining, time, snapshots ----------------------------------------------------------------------


def test_the_beneficiary_cannot_be_chosen(tester: EthereumTester) -> None:
    with pytest.raises(ValidationError, match="nobody chooses"):
        tester.mine_blocks(1, BURN)
    assert tester.get_block_by_number("latest")["number"] == 0


def test_a_chain_that_mines_by_itself_stops_doing_so() -> None:
    chain = Chain(RailContext.create("test", Clock.frozen(NOW_S)))
    assert chain.automine
    tester = EthereumTester(TempoBackend(chain))
    tester.send_transaction(payment(tester))
    assert (chain.head.number, chain.automine) == (1, False)


def test_time_travel_moves_the_clock_of_the_sandbox(
    tester: EthereumTester, backend: TempoBackend
) -> None:
    tester.time_travel(NOW_S + 3_600)
    assert tester.get_block_by_number("latest")["timestamp"] == NOW_S + 3_600
    assert backend.chain.context.clock.now_s() == NOW_S + 3_600
    with pytest.raises(ValidationError, match="does not run backwards"):
        backend.time_travel(NOW_S)
    assert backend.chain.head.number == 1


def test_a_snapshot_can_be_gone_back_to_again_and_again(tester: EthereumTester) -> None:
    editing.deal(tester.backend.chain, PATH_USD, raw(BURN), 5)
    snapshot = tester.take_snapshot()
    digest = tester.backend.chain.digest()
    for amount in (1, 2):
        tester.send_transaction(payment(tester, amount))
        assert balance(tester) == 5 + amount
        later = tester.take_snapshot()
        tester.revert_to_snapshot(snapshot)
        assert tester.backend.chain.digest() == digest
        with pytest.raises(SnapshotNotFound, match="the chain went back to an earlier one"):
            tester.revert_to_snapshot(later)


def test_holding_transactions_back_does_not_pile_up_snapshots(
    tester: EthereumTester, backend: TempoBackend
) -> None:
    tester.disable_auto_mine_transactions()
    for amount in range(1, 6):
        tester.send_transaction(payment(tester, amount, nonce=0))
    assert len(backend.chain.engine.pins) == 1
    tester.enable_auto_mine_transactions()
    assert balance(tester) == 5


def test_reset_brings_back_the_genesis_and_its_accounts(
    tester: EthereumTester, backend: TempoBackend
) -> None:
    accounts, genesis = tester.get_accounts(), backend.chain.digest()
    tester.add_account("0x" + NEW_KEY.hex())
    sent = tester.send_transaction(payment(tester))
    tester.reset_to_genesis()
    assert (tester.get_accounts(), backend.chain.digest()) == (accounts, genesis)
    with pytest.raises(TransactionNotFound):
        tester.get_transaction_receipt(sent)
    tester.send_transaction(payment(tester))
    assert backend.chain.head.number == 1


# -- faults ---------------------------------------------------------------------------------------


def test_a_halted_chain_seals_nothing(tester: EthereumTester, backend: TempoBackend) -> None:
    fault = backend.chain.context.faults.arm({"at": "tempo.seal", "do": "halt"})
    with pytest.raises(ValidationError, match="Got 0 mined block hashes"):
        tester.mine_block()
    backend.chain.context.faults.disarm(fault)
    assert tester.mine_block() == tester.get_block_by_number(1)["hash"]


def test_a_transaction_that_mining_refuses_is_an_error(
    tester: EthereumTester, backend: TempoBackend
) -> None:
    spike = {"at": "tempo.seal", "do": "fee_spike", "args": {"base_fee": 10**12}}
    backend.chain.context.faults.arm(spike)
    with pytest.raises(ValidationError, match="refused while it was mined: max fee per gas"):
        tester.send_transaction(payment(tester))


def test_a_dropped_transaction_is_never_mined(
    tester: EthereumTester, backend: TempoBackend
) -> None:
    backend.chain.context.faults.arm({"at": "tempo.submit", "do": "drop"})
    sent = tester.send_transaction(payment(tester))
    with pytest.raises(TransactionNotFound):
        tester.get_transaction_by_hash(sent)
    assert balance(tester) == 0
