"""The optional fee payer service (facts 1.3, 5.9)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.tx import rlp
from mock_rails.tempo.tx.decode import decode_transaction
from mock_rails.tempo.tx.handoff import hand_off
from mock_rails.tempo.tx.hashes import fee_payer_hash
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY
from mock_rails.tempo.tx.request import transaction_from_request
from mock_rails.tempo.tx.sign import sign_transaction
from mock_rails.tempo.tx.signers import Secp256k1Signer
from tests.unit.mock_rails.tempo.rpc.support import (
    PATH,
    STRANGER,
    TRANSFER,
    Rpc,
    refused,
    to_hex,
    transfer,
)


@pytest.fixture
def rpc() -> Rpc:
    """A node whose account 4 pays for whoever asks."""
    return Rpc(relay=4)


def envelope(rpc: Rpc, amount: int = 5) -> bytes:
    """What pympp, mppx and mpp-rs hand over."""
    signer = Secp256k1Signer(rpc.chain.accounts[1].key)
    return hand_off(rpc.payment(amount).tx, signer).encode()


def suffixed(rpc: Rpc) -> bytes:
    """The older form: 0x76 with a placeholder, then the sender and a marker."""
    items = rlp.decode_list(envelope(rpc), 1)
    items[11] = b"\x00"
    return b"\x76" + rlp.encode(items) + rpc.chain.accounts[1].address + b"\xfe\xef\xee\xfe\xef\xee"


@pytest.mark.parametrize("form", [envelope, suffixed])
async def test_a_handed_over_transaction_comes_back_signed(rpc: Rpc, form: object) -> None:
    signed = await rpc("eth_signRawTransaction", to_hex(form(rpc)))  # type: ignore[operator]
    submission = decode_transaction(bytes.fromhex(signed[2:]))
    assert submission.sender == rpc.chain.accounts[1].address
    assert submission.fee_payer == rpc.chain.accounts[4].address
    receipt = await rpc("eth_sendRawTransactionSync", signed)
    assert receipt["status"] == "0x1"
    assert (receipt["from"], receipt["feePayer"]) == (rpc.account(1), rpc.account(4))
    assert await rpc.balance(STRANGER) == 5


async def test_the_relay_signs_and_forwards(rpc: Rpc) -> None:
    receipt = await rpc("eth_sendRawTransactionSync", to_hex(envelope(rpc, 6)))
    assert receipt["feePayer"] == rpc.account(4)
    await rpc("eth_sendRawTransaction", to_hex(envelope(rpc, 7)))
    assert await rpc.balance(STRANGER) == 13


async def test_without_a_key_there_is_no_relay() -> None:
    rpc = Rpc()
    with refused(-32601, "no fee payer key", "--fee-payer"):
        await rpc("eth_signRawTransaction", to_hex(envelope(rpc)))
    with refused(-32602, "decode"):
        await rpc("eth_sendRawTransaction", to_hex(envelope(rpc)))
    with refused(-32601, "no fee payer key"):
        value = transfer(5) | {"from": rpc.account(1), "feePayer": True}
        await rpc("eth_fillTransaction", value)


async def test_a_tampered_envelope_is_refused(rpc: Rpc) -> None:
    raw = envelope(rpc, 5).replace(TRANSFER.call(STRANGER, 5), TRANSFER.call(STRANGER, 6))
    with refused(-32602, "invalid transaction signature"):
        await rpc("eth_signRawTransaction", to_hex(raw))
    for junk in ("0x78", "0x78c0", "0x76c0" + "00" * 20 + "feefeefeefee", "0x02c0"):
        with refused(-32602):
            await rpc("eth_signRawTransaction", junk)


async def test_the_sponsor_does_not_sponsor_itself() -> None:
    rpc = Rpc(relay=1)
    with refused(-32000, "fee payer cannot resolve to sender"):
        await rpc("eth_signRawTransaction", to_hex(envelope(rpc)))


async def test_a_fill_with_fee_payer_true_comes_back_sponsored(rpc: Rpc) -> None:
    # mppx: recovers the fee payer, adds its own signature, and broadcasts.
    value = {
        "from": rpc.account(1),
        "calls": [transfer(5) | {"value": "0x"}],
        "feePayer": True,
        "nonceKey": hex(EXPIRING_NONCE_KEY),
        "validBefore": hex(rpc.clock.now_s() + 25),
    }
    tx = (await rpc("eth_fillTransaction", value))["tx"]
    assert tx["feeToken"] == PATH
    parsed = transaction_from_request(tx, chain_id=1337).tx
    digest = fee_payer_hash(parsed, rpc.chain.accounts[1].address)
    assert parsed.fee_payer_signature is not None
    recovered = secp256k1.recover(digest, *parsed.fee_payer_signature)
    assert recovered == rpc.chain.accounts[4].address
    signed = sign_transaction(parsed, rpc.chain.accounts[1].key)
    receipt = await rpc("eth_sendRawTransactionSync", to_hex(signed.raw))
    assert receipt["feePayer"] == rpc.account(4)
    assert receipt["status"] == "0x1"


async def test_changing_a_sponsored_transaction_loses_the_sponsor(rpc: Rpc) -> None:
    value = transfer(5) | {"from": rpc.account(1), "feePayer": True}
    tx = (await rpc("eth_fillTransaction", value))["tx"]
    parsed = replace(transaction_from_request(tx, chain_id=1337).tx, gas_limit=2_000_000)
    signed = sign_transaction(parsed, rpc.chain.accounts[1].key)
    with refused(-32000, "insufficient fee token balance"):
        await rpc("eth_sendRawTransactionSync", to_hex(signed.raw))
