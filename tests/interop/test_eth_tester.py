"""`EthereumTester` on the chain: Tempo's payments and rules through eth-tester's interface."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from eth_tester import EthereumTester
from eth_tester.exceptions import (
    BlockNotFound,
    SnapshotNotFound,
    TransactionFailed,
    TransactionNotFound,
    ValidationError,
)
from rlp.exceptions import DecodingError

from mock_rails.core import Clock, RailContext
from mock_rails.tempo import editing
from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import ALPHA_USD, FEE_MANAGER, PATH_USD
from mock_rails.tempo.contracts import runtime_code
from mock_rails.tempo.contracts.artifacts import artifact
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.eth_tester_backend import TempoBackend
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.rail import Chain
from mock_rails.tempo.tx.model import (
    TYPE_ACCESS_LIST,
    TYPE_DYNAMIC_FEE,
    TYPE_LEGACY,
    TYPE_SET_CODE,
    TYPE_TEMPO,
    Call,
    Transaction,
)
from mock_rails.tempo.tx.sign import sign_authorization, sign_transaction
from mock_rails.tempo.tx.signers import P256Signer

if TYPE_CHECKING:
    from mock_rails.tempo.tx.model import Submission

NOW_S = 1_767_225_600
PATH, ALPHA = (f"0x{token.hex()}" for token in (PATH_USD, ALPHA_USD))
BURN = "0x" + "de" * 20
NEW_KEY = b"\x11" * 32
BALANCE_OF = Function("balanceOf(address account) returns (uint256)")
TRANSFER = Function("transfer(address to, uint256 amount) returns (bool)")
MEMO_TRANSFER = Function("transferWithMemo(address to, uint256 amount, bytes32 memo)")


def backend_with(**settings: Any) -> TempoBackend:
    """A backend whose clock stands still."""
    context = RailContext.create("test", Clock.frozen(NOW_S))
    return TempoBackend(Chain(context, ChainSettings(**settings)))


@pytest.fixture
def backend() -> TempoBackend:
    return backend_with()


@pytest.fixture
def tester(backend: TempoBackend) -> EthereumTester:
    return EthereumTester(backend)


def raw(address: str) -> bytes:
    return bytes.fromhex(address[2:])


def payment(tester: EthereumTester, amount: int = 1_000, **changes: Any) -> dict[str, Any]:
    """A transfer of pathUSD to an address that has none."""
    transaction = {
        "from": tester.get_accounts()[0],
        "to": PATH,
        "gas": 1_000_000,
        "data": "0x" + TRANSFER.call(raw(BURN), amount).hex(),
    }
    return transaction | changes


def balance(tester: EthereumTester, account: str = BURN, at: int | str = "latest") -> int:
    call = {"from": account, "to": PATH, "data": "0x" + BALANCE_OF.call(raw(account)).hex()}
    return int(tester.call(call, at), 16)


def signed(backend: TempoBackend, kind: int = TYPE_TEMPO, **changes: Any) -> Submission:
    """A transfer of pathUSD by the second development account, signed outside of eth-tester."""
    account = backend.chain.accounts[1]
    fields: dict[str, Any] = {
        "type": kind,
        "chain_id": backend.chain.chain_id,
        "nonce": backend.chain.nonce(account.address),
        "gas_limit": 1_000_000,
        "max_fee_per_gas": 20 * 10**9,
        "max_priority_fee_per_gas": 20 * 10**9,
        "calls": (Call(PATH_USD, 0, TRANSFER.call(raw(BURN), 7)),),
    }
    return sign_transaction(Transaction(**(fields | changes)), account.key)


def send_raw(tester: EthereumTester, submission: Submission) -> str:
    sent: str = tester.send_raw_transaction("0x" + submission.raw.hex())
    assert sent == "0x" + submission.hash.hex()
    return sent


# -- payments -------------------------------------------------------------------------------------


def test_a_payment_with_a_memo(tester: EthereumTester) -> None:
    memo = b"invoice 7".ljust(32, b"\0")
    data = "0x" + MEMO_TRANSFER.call(raw(BURN), 250_000, memo).hex()
    receipt = tester.get_transaction_receipt(tester.send_transaction(payment(tester, data=data)))
    assert receipt["status"] == 1
    assert receipt["contract_address"] is None
    assert balance(tester) == 250_000
    *_, with_memo, fee = receipt["logs"]
    assert with_memo["address"].lower() == PATH
    assert "0x" + memo.hex() in with_memo["topics"]
    assert fee["topics"][0] == "0x" + Tip20.Transfer.topic.hex()
    assert fee["topics"][2].endswith(FEE_MANAGER.hex())


def test_the_default_price_is_one_that_the_chain_takes(tester: EthereumTester) -> None:
    receipt = tester.get_transaction_receipt(tester.send_transaction(payment(tester)))
    base_fee = tester.get_block_by_number("latest")["base_fee_per_gas"]
    assert receipt["effective_gas_price"] >= base_fee > 10**9


def test_a_value_is_refused_and_changes_nothing(tester: EthereumTester) -> None:
    before = tester.backend.chain.digest()
    for refused in (tester.send_transaction, tester.call, tester.estimate_gas):
        with pytest.raises(ValidationError, match="value transfer not allowed"):
            refused(payment(tester, value=1))
    assert tester.backend.chain.digest() == before


def test_an_added_account_pays_once_the_faucet_has_funded_it(
    tester: EthereumTester, backend: TempoBackend
) -> None:
    account = tester.add_account("0x" + NEW_KEY.hex())
    assert tester.get_accounts()[-1] == account
    with pytest.raises(ValidationError, match="insufficient fee token balance"):
        tester.send_transaction(payment(tester, **{"from": account}))
    minted = backend.fund(raw(account))
    assert all(tester.get_transaction_receipt("0x" + one.hex())["status"] for one in minted)
    assert balance(tester, account) == backend.chain.settings.faucet_base_units
    tester.send_transaction(payment(tester, **{"from": account}))
    assert balance(tester) == 1_000


def test_nobody_sends_without_a_key(tester: EthereumTester) -> None:
    with pytest.raises(ValidationError, match=f"no key for {BURN}: use add_account"):
        tester.send_transaction(payment(tester, **{"from": BURN}))


def test_every_balance_is_the_same_great_sum(tester: EthereumTester) -> None:
    assert tester.get_balance(BURN) == tester.get_balance(tester.get_accounts()[0]) > 10**70
    with pytest.raises(BlockNotFound, match="No block found for block number: 9"):
        tester.get_balance(BURN, 9)


# -- signed elsewhere -----------------------------------------------------------------------------


def test_a_tempo_transaction_is_shown_as_the_type_that_resembles_it(
    tester: EthereumTester, backend: TempoBackend
) -> None:
    submission = signed(backend, max_priority_fee_per_gas=3)
    sent = send_raw(tester, submission)
    assert balance(tester) == 7
    shown = tester.get_transaction_by_hash(sent)
    assert (shown["type"], shown["max_priority_fee_per_gas"]) == ("0x2", 3)
    assert (shown["to"].lower(), shown["value"]) == (PATH, 0)
    assert tester.get_transaction_receipt(sent)["type"] == "0x2"
    assert tester.get_block_by_number("latest", full_transactions=True)["transactions"] == [shown]


def test_other_signatures_pay_too(tester: EthereumTester, backend: TempoBackend) -> None:
    signer = P256Signer(NEW_KEY)
    backend.fund(signer.address)
    submission = sign_transaction(replace(signed(backend).tx, nonce=0), signer)
    shown = tester.get_transaction_by_hash(send_raw(tester, submission))
    assert (raw(shown["from"]), shown["r"]) == (signer.address, submission.signature.r)


@pytest.mark.parametrize("kind", [TYPE_LEGACY, TYPE_ACCESS_LIST, TYPE_DYNAMIC_FEE])
def test_a_signed_dictionary_becomes_the_transaction_that_was_signed(
    backend: TempoBackend, kind: int
) -> None:
    submission = signed(backend, kind)
    backend.send_raw_transaction(submission.raw)
    shown = backend.get_transaction_by_hash(submission.hash)
    other = backend_with()
    whole = {key: value for key, value in shown.items() if kind < 2 or key != "gas_price"}
    assert other.send_signed_transaction(whole) == submission.hash
    assert other.mine_blocks(1)
    assert other.get_transaction_receipt(submission.hash)["status"] == 1


def test_a_legacy_transaction_without_a_chain_id_is_taken_back_as_well(
    tester: EthereumTester, backend: TempoBackend
) -> None:
    sent = tester.send_transaction(payment(tester, gas_price=20 * 10**9))
    shown = backend.get_transaction_by_hash(raw(sent))
    assert shown["v"] in {27, 28}
    other = backend_with()
    assert other.send_signed_transaction(shown) == raw(sent)


def test_a_signed_dictionary_must_be_whole_and_its_sender_s(backend: TempoBackend) -> None:
    submission = signed(backend, TYPE_DYNAMIC_FEE)
    backend.send_raw_transaction(submission.raw)
    shown = backend.get_transaction_by_hash(submission.hash)
    del shown["gas_price"]
    other = backend_with()
    with pytest.raises(ValidationError, match="not by the sender 0x0101"):
        other.send_signed_transaction(shown | {"from": b"\x01" * 20})
    del shown["gas"]
    with pytest.raises(ValidationError, match="this one lacks gas_limit"):
        other.send_signed_transaction(shown)
    assert len(other.chain.pool) == 0


@pytest.mark.parametrize("data", ["0x76c0", "0x02", "0xc0", "0xf8"])
def test_bytes_that_do_not_decode(tester: EthereumTester, data: str) -> None:
    before = tester.backend.chain.digest()
    with pytest.raises(DecodingError, match="failed to decode signed transaction"):
        tester.send_raw_transaction(data)
    assert tester.backend.chain.digest() == before


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


# -- blocks and reads -----------------------------------------------------------------------------


def test_calls_see_the_block_they_name(tester: EthereumTester) -> None:
    for _ in range(3):
        tester.send_transaction(payment(tester, 10))
    assert [balance(tester, at=number) for number in range(4)] == [0, 10, 20, 30]
    assert balance(tester, at="earliest") == 0
    assert balance(tester, at="safe") == balance(tester, at="finalized") == 30
    assert [tester.get_nonce(tester.get_accounts()[0], number) for number in range(4)] == [
        0,
        1,
        2,
        3,
    ]
    with pytest.raises(BlockNotFound, match="No block found for block number: 4"):
        balance(tester, at=4)
    with pytest.raises(BlockNotFound, match="No block found for block hash: 0x00"):
        tester.get_block_by_hash("0x" + "00" * 32)


def test_pruned_blocks_are_not_found() -> None:
    tester = EthereumTester(backend_with(history_depth=8))
    for _ in range(4):
        tester.mine_blocks(5)
    with pytest.raises(BlockNotFound):
        tester.get_block_by_number(1)
    with pytest.raises(BlockNotFound):
        balance(tester, at="earliest")
    assert tester.get_block_by_number(20)["number"] == 20
    with pytest.raises(ValidationError, match="9 blocks at once are more than the 8 that"):
        tester.mine_blocks(9)
    assert tester.get_block_by_number("latest")["number"] == 20


def test_a_failing_call_says_why(tester: EthereumTester) -> None:
    poor = {"from": BURN, "to": PATH, "data": "0x" + TRANSFER.call(b"\x01" * 20, 5).hex()}
    for refused in (tester.call, tester.estimate_gas):
        with pytest.raises(TransactionFailed, match=r"^TIP20 token error: InsufficientBalance"):
            refused(poor)
    with pytest.raises(ValidationError, match="invalid chain ID"):
        tester.call(poor | {"chain_id": 1})


def test_unknown_revert_data_is_shown_as_web3_py_wants_it(
    tester: EthereumTester, backend: TempoBackend
) -> None:
    address = b"\x0c" * 20
    editing.set_code(backend.chain, address, bytes.fromhex("63deadbeef5f526004601cfd"))
    with pytest.raises(TransactionFailed) as caught:
        tester.call({"from": BURN, "to": "0x" + address.hex()})
    assert caught.value.args[0] == str(b"\xde\xad\xbe\xef")
    editing.set_code(backend.chain, address, bytes.fromhex("5f5ffd"))
    with pytest.raises(TransactionFailed, match=r"^execution reverted$"):
        tester.call({"from": BURN, "to": "0x" + address.hex()})


def test_an_estimate_is_enough_and_not_much_more(tester: EthereumTester) -> None:
    transaction = payment(tester)
    estimate = tester.estimate_gas(transaction)
    receipt = tester.get_transaction_receipt(
        tester.send_transaction(transaction | {"gas": estimate})
    )
    assert receipt["status"] == 1
    assert receipt["gas_used"] <= estimate <= receipt["gas_used"] * 65 // 64 + 1


def test_a_contract_is_deployed_and_read(tester: EthereumTester) -> None:
    initcode = "0x" + artifact("Multicall3").initcode.hex()
    creation = {"from": tester.get_accounts()[0], "gas": 20_000_000, "data": initcode}
    receipt = tester.get_transaction_receipt(tester.send_transaction(creation))
    address = receipt["contract_address"]
    assert tester.get_code(address) == "0x" + runtime_code("Multicall3").hex()
    block_number = "0x" + Function("getBlockNumber()").selector.hex()
    answer = tester.call({"from": BURN, "to": address, "data": block_number}, 1)
    assert int(answer, 16) in {1, 2}


def test_storage_and_code_of_accounts(tester: EthereumTester, backend: TempoBackend) -> None:
    editing.set_code(backend.chain, raw(BURN), b"\x00")
    editing.set_storage(backend.chain, raw(BURN), 3, 77)
    assert int(tester.get_storage_at(BURN, "0x3"), 16) == 77
    assert int(tester.get_storage_at(BURN, "0x4"), 16) == 0
    assert tester.get_code(PATH) == "0xef"


def test_the_fee_history_is_that_of_the_blocks(tester: EthereumTester) -> None:
    tester.mine_blocks(3)
    tester.send_transaction(payment(tester))
    history = tester.get_fee_history(2, "latest", [50])
    blocks = [tester.get_block_by_number(number) for number in (3, 4)]
    following = tester.get_block_by_number("pending")
    assert history["oldest_block"] == 3
    assert history["base_fee_per_gas"] == [one["base_fee_per_gas"] for one in (*blocks, following)]
    assert history["gas_used_ratio"] == [0, blocks[1]["gas_used"] / blocks[1]["gas_limit"]]
    assert [len(tips) for tips in history["reward"]] == [1, 1]
    with pytest.raises(ValidationError, match="ascending"):
        tester.get_fee_history(1, "latest", [50, 10])


def test_log_filters_hear_of_payments(tester: EthereumTester) -> None:
    to_burn = "0x" + raw(BURN).rjust(32, b"\0").hex()
    topics = ["0x" + Tip20.Transfer.topic.hex(), None, to_burn]
    heard = tester.create_log_filter(address=PATH, topics=topics)
    sent = [tester.send_transaction(payment(tester, amount)) for amount in (5, 6)]
    for logs in (tester.get_only_filter_changes(heard), tester.get_logs(1, 2, PATH, topics)):
        assert [one["transaction_hash"] for one in logs] == sent
        assert [int(one["data"], 16) for one in logs] == [5, 6]


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
