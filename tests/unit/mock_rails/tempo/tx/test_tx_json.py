"""Transactions as JSON-RPC answers them. Spec: facts 5.5; execution-apis for Ethereum's types."""

from __future__ import annotations

import pytest

from mock_rails.tempo.tx.key_authorization import KeyAuthorization
from mock_rails.tempo.tx.model import (
    EXPIRING_NONCE_KEY,
    TYPE_ACCESS_LIST,
    TYPE_DYNAMIC_FEE,
    TYPE_LEGACY,
    TYPE_SET_CODE,
)
from mock_rails.tempo.tx.request import transaction_from_request
from mock_rails.tempo.tx.sign import (
    sign_authorization,
    sign_key_authorization,
    sign_transaction,
    sponsor,
    unsigned_submission,
)
from mock_rails.tempo.tx.signatures import Secp256k1Signature
from mock_rails.tempo.tx.signers import KeychainSigner, P256Signer
from mock_rails.tempo.tx.tx_json import submission_to_json, transaction_to_json
from tests.unit.mock_rails.tempo.tx.samples import (
    ACCOUNT_0,
    ACCOUNT_1,
    CHAIN_ID,
    ETHEREUM_TYPES,
    KEY_0,
    KEY_1,
    PATH_USD,
    TRANSFER,
    ethereum,
    expiring,
    plain,
)

ADDRESS_0 = "0x" + ACCOUNT_0.hex()
ADDRESS_1 = "0x" + ACCOUNT_1.hex()
TOKEN = "0x" + PATH_USD.hex()


def test_a_plain_tempo_transaction() -> None:
    """Every member of facts 5.5, and no top-level call."""
    submission = sign_transaction(plain(), KEY_0)
    signature = submission.signature
    assert isinstance(signature, Secp256k1Signature)

    assert submission_to_json(submission, effective_gas_price=600_000_000) == {
        "type": "0x76",
        "chainId": "0x539",
        "feeToken": TOKEN,
        "maxPriorityFeePerGas": "0x0",
        "maxFeePerGas": "0x4a817c800",
        "gas": "0x186a0",
        "calls": [{"to": TOKEN, "value": "0x0", "input": "0x" + TRANSFER.data.hex(), "data": None}],
        "accessList": [],
        "nonceKey": "0x0",
        "nonce": "0x5",
        "feePayerSignature": None,
        "validBefore": None,
        "validAfter": None,
        "keyAuthorization": None,
        "aaAuthorizationList": [],
        "signature": {
            "type": "secp256k1",
            "r": hex(signature.r),
            "s": hex(signature.s),
            "yParity": "0x1",
            "v": "0x1",
        },
        "hash": "0xd83469a615df6b935f1a0a4e6d1c4859f7b9a434e7ba72b2908b75694b0c7f98",
        "from": ADDRESS_0,
        "gasPrice": "0x23c34600",
    }


def test_a_sponsored_expiring_transaction() -> None:
    """The fee payer's signature has y parity and v."""
    answer = submission_to_json(sponsor(expiring(valid_after=9), KEY_1, KEY_0))
    assert answer["nonceKey"] == hex(EXPIRING_NONCE_KEY)
    assert (answer["validAfter"], answer["validBefore"]) == ("0x9", "0x6553f13c")
    assert answer["feePayerSignature"].keys() == {"r", "s", "yParity", "v"}
    assert answer["from"] == ADDRESS_1
    assert answer["gasPrice"] == answer["maxFeePerGas"]


def test_a_keychain_signature_has_no_type_but_a_key_id() -> None:
    """Facts 5.5: userAddress, signature, version, keyId."""
    access_key = P256Signer(KEY_0)
    answer = submission_to_json(sign_transaction(plain(), KeychainSigner(ACCOUNT_1, access_key)))
    signature = answer["signature"]
    assert signature.keys() == {"userAddress", "signature", "version", "keyId"}
    assert signature["userAddress"] == answer["from"] == ADDRESS_1
    assert signature["keyId"] == "0x" + access_key.address.hex()
    assert signature["signature"]["type"] == "p256"
    assert signature["signature"]["preHash"] is False
    assert len(signature["signature"]["pubKeyX"]) == 66


@pytest.mark.parametrize("kind", ETHEREUM_TYPES)
def test_ethereum_types_have_ethereums_members(kind: int) -> None:
    """One call at the top level, prices as the type has them, the signature's three numbers."""
    answer = submission_to_json(sign_transaction(ethereum(kind), KEY_0), effective_gas_price=5)

    assert answer["type"] == hex(kind)
    assert (answer["to"], answer["value"]) == (TOKEN, "0x0")
    assert answer["input"] == "0x" + TRANSFER.data.hex()
    assert answer["gasPrice"] == "0x5"
    has_fees = kind in {TYPE_DYNAMIC_FEE, TYPE_SET_CODE}
    assert ("maxFeePerGas" in answer, "maxPriorityFeePerGas" in answer) == (has_fees, has_fees)
    assert ("accessList" in answer, "yParity" in answer) == (kind > 0, kind > 0)
    assert ("authorizationList" in answer) == (kind == TYPE_SET_CODE)
    assert not answer.keys() & {"calls", "nonceKey", "feeToken", "signature"}
    if kind != TYPE_LEGACY:
        assert answer["accessList"][0]["storageKeys"] == ["0x" + "00" * 32, "0x" + "ff" * 32]
        assert answer["v"] == answer["yParity"]


def test_a_set_code_authorization_has_scalars() -> None:
    """EIP-7702's form, which viem and web3.py read."""
    answer = submission_to_json(sign_transaction(ethereum(TYPE_SET_CODE), KEY_0))
    (entry,) = answer["authorizationList"]
    assert entry.keys() == {"chainId", "address", "nonce", "yParity", "r", "s"}
    assert (entry["chainId"], entry["address"], entry["nonce"]) == ("0x539", TOKEN, "0x3")


def test_the_v_of_a_legacy_transaction_says_which_chain() -> None:
    """EIP-155, or 27 and 28 without a chain id."""
    bound = submission_to_json(sign_transaction(ethereum(TYPE_LEGACY), KEY_0))
    assert int(bound["v"], 16) - 35 - 2 * CHAIN_ID in {0, 1}
    unbound = submission_to_json(sign_transaction(ethereum(TYPE_LEGACY, chain_id=None), KEY_0))
    assert int(unbound["v"], 16) in {27, 28}
    assert "chainId" not in unbound


def test_creating_a_contract_has_no_target() -> None:
    """null, not an empty string."""
    create = (TRANSFER._replace(to=None),)
    assert transaction_to_json(plain(calls=create))["calls"][0]["to"] is None
    assert transaction_to_json(ethereum(TYPE_ACCESS_LIST, calls=create))["to"] is None


def test_an_impersonated_sender_has_no_signature() -> None:
    """Nobody signed: null for a 0x76, zeros where clients insist on numbers."""
    assert submission_to_json(unsigned_submission(plain(), ACCOUNT_1))["signature"] is None
    answer = submission_to_json(unsigned_submission(ethereum(TYPE_DYNAMIC_FEE), ACCOUNT_1))
    assert (answer["r"], answer["s"], answer["v"]) == ("0x0", "0x0", "0x0")


def test_what_is_answered_can_be_asked() -> None:
    """eth_fillTransaction's answer, sent back as a request, is the same transaction."""
    granted = KeyAuthorization(
        CHAIN_ID, 2, ACCOUNT_0, limits=(), allowed_calls=(), witness=bytes(32)
    )
    whole = plain(
        calls=(TRANSFER, TRANSFER._replace(data=b"")),
        access_list=((PATH_USD, (1,)),),
        nonce_key=77,
        valid_before=10,
        valid_after=9,
        fee_payer_signature=(1, 2, 3),
        key_authorization=sign_key_authorization(granted, KEY_1),
        authorizations=(sign_authorization(CHAIN_ID, PATH_USD, 0, KEY_1, tempo=True),),
    )
    for tx in (whole, plain(), *[ethereum(kind) for kind in ETHEREUM_TYPES]):
        request = transaction_from_request(transaction_to_json(tx), chain_id=1)
        assert request.tx == tx
        assert not request.missing
