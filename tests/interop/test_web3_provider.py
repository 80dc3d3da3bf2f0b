"""web3.py on the chain, in process: `EthereumTesterProvider(EthereumTester(TempoBackend()))`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from eth_account import Account
from eth_tester import EthereumTester
from eth_tester.exceptions import TransactionFailed, ValidationError
from web3 import EthereumTesterProvider, Web3
from web3.exceptions import TransactionNotFound
from web3.middleware import SignAndSendRawMiddlewareBuilder
from web3.types import RPCEndpoint

from mock_rails.core import Clock, RailContext
from mock_rails.tempo.addresses import FEE_MANAGER, MULTICALL3, PATH_USD
from mock_rails.tempo.contracts.artifacts import artifact
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.eth_tester_backend import ETH_TESTER_CHAIN_ID, TempoBackend
from mock_rails.tempo.rail import Chain

if TYPE_CHECKING:
    from web3.contract import Contract

NOW_S = 1_767_225_600
BURN = Web3.to_checksum_address("0x" + "de" * 20)


def _argument(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


def _function(name: str, inputs: list[Any], outputs: list[str], kind: str) -> dict[str, Any]:
    return {
        "type": "function",
        "name": name,
        "inputs": inputs,
        "outputs": [_argument("", one) for one in outputs],
        "stateMutability": kind,
    }


TOKEN_ABI = [
    _function("balanceOf", [_argument("account", "address")], ["uint256"], "view"),
    _function("symbol", [], ["string"], "view"),
    _function(
        "transfer",
        [_argument("to", "address"), _argument("amount", "uint256")],
        ["bool"],
        "nonpayable",
    ),
    {
        "type": "event",
        "name": "Transfer",
        "anonymous": False,
        "inputs": [
            _argument("from", "address", indexed=True),
            _argument("to", "address", indexed=True),
            _argument("amount", "uint256", indexed=False),
        ],
    },
]


@pytest.fixture
def backend() -> TempoBackend:
    context = RailContext.create("test", Clock.frozen(NOW_S))
    return TempoBackend(Chain(context, ChainSettings(chain_id=ETH_TESTER_CHAIN_ID)))


@pytest.fixture
def tester(backend: TempoBackend) -> EthereumTester:
    return EthereumTester(backend)


@pytest.fixture
def web3(tester: EthereumTester) -> Web3:
    return Web3(EthereumTesterProvider(tester))


@pytest.fixture
def token(web3: Web3) -> Contract:
    return web3.eth.contract(Web3.to_checksum_address(PATH_USD), abi=TOKEN_ABI)


def pay(token: Contract, amount: int, **transaction: Any) -> Any:
    """Transfer pathUSD from the first account and wait for the receipt."""
    sent = token.functions.transfer(BURN, amount).transact(transaction)
    return token.w3.eth.wait_for_transaction_receipt(sent)


def test_the_backend_alone_is_enough() -> None:
    backend = TempoBackend()
    web3 = Web3(EthereumTesterProvider(backend))
    assert web3.is_connected()
    assert web3.eth.chain_id == backend.chain.chain_id
    assert len(web3.eth.accounts) == 10
    web3.provider.make_request(RPCEndpoint("evm_mine"), [])
    assert web3.eth.block_number == 1


def test_a_token_payment_and_its_events(web3: Web3, token: Contract) -> None:
    receipt = pay(token, 1_500)
    assert (receipt["status"], receipt["blockNumber"]) == (1, 1)
    assert token.functions.balanceOf(BURN).call() == 1_500
    assert token.functions.balanceOf(BURN).call(block_identifier=0) == 0
    assert token.functions.symbol().call() == "pathUSD"
    (event,) = [
        one for one in token.events.Transfer().process_receipt(receipt) if one["args"]["to"] == BURN
    ]
    assert event["args"]["amount"] == 1_500
    fee = receipt["logs"][-1]
    assert fee["topics"][2][-20:] == FEE_MANAGER


def test_logs_are_found_and_filtered(web3: Web3, token: Contract) -> None:
    following = token.events.Transfer().create_filter(
        from_block="latest", argument_filters={"to": BURN}
    )
    for amount in (5, 6):
        pay(token, amount)
    assert [one["args"]["amount"] for one in following.get_new_entries()] == [5, 6]
    assert following.get_new_entries() == []
    logs = token.events.Transfer().get_logs(from_block=0, argument_filters={"to": BURN})
    assert [one["args"]["amount"] for one in logs] == [5, 6]


def test_a_local_account_builds_signs_and_sends(
    web3: Web3, token: Contract, backend: TempoBackend
) -> None:
    payer = Account.from_key(backend.chain.accounts[3].key)
    built = token.functions.transfer(BURN, 30).build_transaction(
        {"from": payer.address, "nonce": web3.eth.get_transaction_count(payer.address)}
    )
    assert built["chainId"] == ETH_TESTER_CHAIN_ID
    signed = payer.sign_transaction(built)
    sent = web3.eth.send_raw_transaction(signed.raw_transaction)
    assert sent == signed.hash
    shown = web3.eth.get_transaction(sent)
    assert (shown["from"], shown["type"], shown["blockNumber"]) == (payer.address, 2, 1)
    assert web3.eth.get_transaction_count(payer.address) == 1


def test_the_signing_middleware_pays_for_a_funded_stranger(
    web3: Web3, token: Contract, backend: TempoBackend
) -> None:
    stranger = Account.from_key(b"\x31" * 32)
    web3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(stranger), layer=0)
    backend.fund(bytes.fromhex(stranger.address[2:]))
    assert pay(token, 9, **{"from": stranger.address})["status"] == 1
    assert token.functions.balanceOf(BURN).call() == 9


def test_a_contract_is_deployed_and_called(web3: Web3) -> None:
    compiled = artifact("Multicall3")
    factory = web3.eth.contract(abi=compiled.abi, bytecode=compiled.initcode)
    receipt = web3.eth.wait_for_transaction_receipt(factory.constructor().transact())
    deployed = web3.eth.contract(receipt["contractAddress"], abi=compiled.abi)
    genesis = Web3.to_checksum_address(MULTICALL3)
    assert web3.eth.get_code(deployed.address) == web3.eth.get_code(genesis)
    assert deployed.functions.getChainId().call() == ETH_TESTER_CHAIN_ID


def test_a_revert_is_told_in_the_chain_s_words(web3: Web3, token: Contract) -> None:
    empty = Web3.to_checksum_address("0x" + "77" * 20)
    transfer = token.functions.transfer(BURN, 1)
    for refused in (transfer.call, transfer.estimate_gas, transfer.transact):
        with pytest.raises(
            TransactionFailed, match=r"^execution reverted: TIP20 token error: InsufficientBalance"
        ):
            refused({"from": empty})
    with pytest.raises(ValidationError, match="value transfer not allowed"):
        web3.eth.send_transaction({"to": BURN, "value": Web3.to_wei(1, "ether"), "gas": 21_000})


def test_blocks_fees_and_what_is_not_there(web3: Web3, token: Contract) -> None:
    mined = pay(token, 1)
    block = web3.eth.get_block("latest", full_transactions=True)
    assert block["hash"] == mined["blockHash"]
    assert [one["hash"] for one in block["transactions"]] == [mined["transactionHash"]]
    assert block["parentHash"] == web3.eth.get_block(0)["hash"]
    history = web3.eth.fee_history(1, "latest")
    assert history["baseFeePerGas"][0] == block["baseFeePerGas"]
    assert web3.eth.get_block("pending")["number"] == 2
    with pytest.raises(TransactionNotFound):
        web3.eth.get_transaction(b"\x01" * 32)


def test_snapshots_and_time_through_the_provider(web3: Web3, token: Contract) -> None:
    snapshot = web3.provider.make_request(RPCEndpoint("evm_snapshot"), [])["result"]
    pay(token, 4)
    web3.provider.make_request(RPCEndpoint("evm_revert"), [snapshot])
    assert token.functions.balanceOf(BURN).call() == 0
    web3.provider.make_request(RPCEndpoint("testing_timeTravel"), [NOW_S + 60])
    assert web3.eth.get_block("latest")["timestamp"] == NOW_S + 60


def test_nothing_is_mined_while_auto_mining_is_off(
    web3: Web3, tester: EthereumTester, token: Contract
) -> None:
    tester.disable_auto_mine_transactions()
    sent = token.functions.transfer(BURN, 8).transact()
    assert web3.eth.get_transaction(sent)["blockNumber"] is None
    assert token.functions.balanceOf(BURN).call() == 0
    tester.enable_auto_mine_transactions()
    assert web3.eth.get_transaction_receipt(sent)["status"] == 1
    assert token.functions.balanceOf(BURN).call() == 8
