"""`EthereumTester` on the chain: Tempo's payments and rules through eth-tester's interface."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from eth_tester import EthereumTester
from eth_tester.exceptions import (
    BlockNotFound,
    TransactionFailed,
    ValidationError,
)
from rlp.exceptions import DecodingError

from mock_rails.tempo import editing
from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import FEE_MANAGER
from mock_rails.tempo.contracts import runtime_code
from mock_rails.tempo.contracts.artifacts import artifact
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.tx.model import (
    TYPE_ACCESS_LIST,
    TYPE_DYNAMIC_FEE,
    TYPE_LEGACY,
)
from mock_rails.tempo.tx.sign import sign_transaction
from mock_rails.tempo.tx.signers import P256Signer
from tests.interop.eth_tester_support import (
    BURN,
    MEMO_TRANSFER,
    NEW_KEY,
    PATH,
    TRANSFER,
    backend_with,
    balance,
    payment,
    raw,
    send_raw,
    signed,
)

if TYPE_CHECKING:
    from mock_rails.tempo.eth_tester_backend import TempoBackend


@pytest.fixture
def backend() -> TempoBackend:
    return backend_with()


@pytest.fixture
def tester(backend: TempoBackend) -> EthereumTester:
    return EthereumTester(backend)


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
    with pytest.raises(ValidationError, match="value transfer not allowed"):
        tester.call(payment(tester, value=1), "pending")
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
