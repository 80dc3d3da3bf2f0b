"""The node's own keys: eth_sendTransaction, signing, impersonation (facts 5.7)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data

from mock_rails.tempo.crypto.secp256k1 import recover
from tests.unit.mock_rails.tempo.rpc.support import (
    PATH,
    STRANGER,
    Rpc,
    refused,
    to_hex,
    transfer,
)

VOUCHER = {
    "types": {
        "EIP712Domain": [
            {"name": "name", "type": "string"},
            {"name": "chainId", "type": "uint256"},
        ],
        "Voucher": [
            {"name": "channelId", "type": "bytes32"},
            {"name": "cumulativeAmount", "type": "uint96"},
        ],
    },
    "primaryType": "Voucher",
    "domain": {"name": "TIP20 Channel Reserve", "chainId": 1337},
    "message": {"channelId": "0x" + "ab" * 32, "cumulativeAmount": "1000"},
}


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


async def test_the_accounts_are_the_public_development_accounts(rpc: Rpc) -> None:
    accounts = await rpc("eth_accounts")
    assert len(accounts) == 10
    assert accounts[0] == "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"


async def test_sending_with_a_key_of_the_node(rpc: Rpc) -> None:
    tx_hash = await rpc("eth_sendTransaction", transfer(5) | {"from": rpc.account(2)})
    receipt = await rpc("eth_getTransactionReceipt", tx_hash)
    assert receipt["status"] == "0x1"
    assert receipt["from"] == rpc.account(2)
    assert await rpc.balance(STRANGER) == 5


async def test_sending_a_tempo_batch(rpc: Rpc) -> None:
    batch = {"from": rpc.account(2), "calls": [transfer(5), transfer(6)], "feeToken": PATH}
    receipt = await rpc("eth_sendTransactionSync", batch)
    assert receipt["type"] == "0x76"
    assert receipt["feeToken"] == PATH
    assert await rpc.balance(STRANGER) == 11


async def test_a_synchronous_send_says_that_the_block_is_missing(rpc: Rpc) -> None:
    await rpc("evm_setAutomine", False)
    with refused(-32000, "waits for a block"):
        await rpc("eth_sendTransactionSync", transfer(5) | {"from": rpc.account(2)})


async def test_a_signed_transaction_is_not_sent(rpc: Rpc) -> None:
    signed = await rpc("eth_signTransaction", transfer(5) | {"from": rpc.account(2)})
    assert await rpc("eth_blockNumber") == "0x0"
    assert signed["tx"]["from"] == rpc.account(2)
    assert Account.recover_transaction(signed["raw"]).lower() == rpc.account(2)
    assert await rpc("eth_sendRawTransaction", signed["raw"]) == signed["tx"]["hash"]


async def test_a_foreign_account_has_to_be_impersonated(rpc: Rpc) -> None:
    await rpc.pay(10**9)
    value = transfer(4, b"\xb0" * 20) | {"from": to_hex(STRANGER)}
    with refused(-32000, "unknown account", "anvil_impersonateAccount"):
        await rpc("eth_sendTransaction", value)
    await rpc("anvil_impersonateAccount", to_hex(STRANGER))
    tx_hash = await rpc("eth_sendTransaction", value)
    receipt = await rpc("eth_getTransactionReceipt", tx_hash)
    assert (receipt["from"], receipt["status"]) == (to_hex(STRANGER), "0x1")
    assert (await rpc("eth_getTransactionByHash", tx_hash))["from"] == to_hex(STRANGER)
    assert await rpc.balance(b"\xb0" * 20) == 4
    assert await rpc("anvil_stopImpersonatingAccount", to_hex(STRANGER)) is True
    assert await rpc("anvil_stopImpersonatingAccount", to_hex(STRANGER)) is False
    with refused(-32000, "unknown account"):
        await rpc("eth_sendTransaction", value)
    await rpc("anvil_autoImpersonateAccount", True)
    await rpc("eth_sendTransaction", value)
    assert await rpc.balance(b"\xb0" * 20) == 8


async def test_impersonation_is_no_way_around_the_rules(rpc: Rpc) -> None:
    await rpc("anvil_autoImpersonateAccount", True)
    value = transfer(4) | {"from": to_hex(STRANGER), "gas": "0xf4240"}
    with refused(-32000, "insufficient fee token balance"):
        await rpc("eth_sendTransaction", value)
    with refused(-32000, "greater than the cap"):
        await rpc("eth_sendTransaction", value | {"gas": hex(10**9)})


async def test_a_signed_message_recovers(rpc: Rpc) -> None:
    message = b"pay me"
    signature = await rpc("personal_sign", to_hex(message), rpc.account(3))
    assert await rpc("eth_sign", rpc.account(3), to_hex(message)) == signature
    recovered = Account.recover_message(encode_defunct(message), signature=signature)
    assert recovered.lower() == rpc.account(3)
    with refused(-32000, "unknown account"):
        await rpc("eth_sign", to_hex(STRANGER), to_hex(message))


@pytest.mark.parametrize("form", [dict, orjson.dumps])
async def test_signed_typed_data_recovers(rpc: Rpc, form: Any) -> None:
    value = form(VOUCHER)
    value = value.decode() if isinstance(value, bytes) else value
    signature = await rpc("eth_signTypedData_v4", rpc.account(3), value)
    message = encode_typed_data(full_message=VOUCHER)
    assert Account.recover_message(message, signature=signature).lower() == rpc.account(3)


PROOF = {
    "types": {
        "EIP712Domain": [
            {"name": "name", "type": "string"},
            {"name": "version", "type": "string"},
            {"name": "chainId", "type": "uint256"},
        ],
        "Proof": [
            {"name": "account", "type": "address"},
            {"name": "challengeId", "type": "string"},
            {"name": "realm", "type": "string"},
        ],
    },
    "primaryType": "Proof",
    "domain": {"name": "MPP", "version": "3", "chainId": 1337},
    "message": {
        "account": "0x" + "11" * 20,
        "challengeId": "abc",
        "realm": "api.example.com",
    },
}


async def test_a_proof_is_signed_over_the_golden_digest(rpc: Rpc) -> None:
    """The proof digest of facts 8.4, as a wallet that asks the node to sign it meets it."""
    digest = bytes.fromhex("e6e93417cfca64d2b882c172cc3e1247f51e6d2c005bb796564ba88b57cf9e1b")
    signature = bytes.fromhex((await rpc("eth_signTypedData_v4", rpc.account(3), PROOF))[2:])
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    assert "0x" + recover(digest, signature[64] - 27, r, s).hex() == rpc.account(3)


@pytest.mark.parametrize("value", [5, "nonsense", "[]", {}, VOUCHER | {"primaryType": "Nothing"}])
async def test_malformed_typed_data(rpc: Rpc, value: Any) -> None:
    with refused(-32602, "typed data"):
        await rpc("eth_signTypedData_v4", rpc.account(3), value)


async def test_many_sends_in_one_block_get_their_nonces_in_order(rpc: Rpc) -> None:
    await rpc("evm_setAutomine", False)
    sender = {"from": rpc.account(2), "gas": "0xf4240"}
    hashes = [await rpc("eth_sendTransaction", transfer(amount) | sender) for amount in (1, 2, 3)]
    nonces = [(await rpc("eth_getTransactionByHash", one))["nonce"] for one in hashes]
    assert nonces == ["0x0", "0x1", "0x2"]
    # Without a gas limit the node estimates, although two nonces are ahead of the state.
    await rpc("eth_sendTransaction", transfer(4) | {"from": rpc.account(2)})
    await rpc("evm_mine")
    assert await rpc.balance(STRANGER) == 10
