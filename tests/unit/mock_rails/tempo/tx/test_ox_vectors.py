"""Transactions and key authorizations made with ox (viem's encoder), which the SDKs send us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mock_rails.tempo.tx import rlp
from mock_rails.tempo.tx.authorization import authority_of, authorization_digest
from mock_rails.tempo.tx.decode import decode_transaction
from mock_rails.tempo.tx.encode import encode_transaction
from mock_rails.tempo.tx.hashes import context_hash, sender_hash
from mock_rails.tempo.tx.key_authorization import (
    CallScope,
    SelectorRule,
    TokenLimit,
    parse_key_authorization,
)
from mock_rails.tempo.tx.key_authorization_json import (
    key_authorization_from_json,
    key_authorization_to_json,
)
from mock_rails.tempo.tx.signature_json import signature_from_json, signature_to_json
from mock_rails.tempo.tx.signatures import parse_signature
from tests.unit.mock_rails.tempo.tx.samples import ACCOUNT_0, ACCOUNT_1, CHAIN_ID, PATH_USD

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("ox_vectors.json").read_text())
TRANSACTIONS: dict[str, Any] = VECTORS["transactions"]


def from_hex(text: str) -> bytes:
    """0x-prefixed hex."""
    return bytes.fromhex(text[2:])


@pytest.mark.parametrize("name", TRANSACTIONS)
def test_decodes_hashes_and_encodes_as_ox_does(name: str) -> None:
    """Every kind of signature, access lists, batches, windows, 2-D nonces, creation."""
    vector = TRANSACTIONS[name]
    submission = decode_transaction(from_hex(vector["raw"]))

    assert submission.signature == parse_signature(from_hex(vector["sig"]))
    assert sender_hash(submission.tx) == from_hex(vector["payload"])
    assert submission.hash == from_hex(vector["hash"])
    assert submission.context_hash == context_hash(submission.tx, submission.sender)
    assert encode_transaction(submission.tx, submission.signature) == from_hex(vector["raw"])


@pytest.mark.parametrize("name", TRANSACTIONS)
def test_reads_and_writes_signatures_in_json_as_ox_does(name: str) -> None:
    """ox writes r, s and y parity; we add v, which ox reads too."""
    vector = TRANSACTIONS[name]
    signature = parse_signature(from_hex(vector["sig"]))
    assert signature_from_json(vector["rpc"], "signature") == signature
    ours = signature_to_json(signature)
    assert signature_from_json(ours, "signature") == signature
    theirs = vector["rpc"]
    assert ours.items() >= {key: theirs[key] for key in theirs.keys() & ours.keys()}.items()
    assert theirs.keys() - ours.keys() <= {"type"}  # a keychain signature has none on the node


def test_the_same_p256_key_is_the_same_account_however_it_signs() -> None:
    """Plain, pre-hashed and WebAuthn signatures of one key: one address (facts 1.4)."""
    senders = {
        decode_transaction(from_hex(TRANSACTIONS[name]["raw"])).sender
        for name in ("p256", "p256_prehash", "webauthn")
    }
    keychain = decode_transaction(from_hex(TRANSACTIONS["keychain_p256"]["raw"]))
    assert senders == {keychain.key_id}
    assert keychain.sender == ACCOUNT_1


def test_the_full_transaction_has_every_slot() -> None:
    """Authorization list and key authorization together, in slots 12 and 13."""
    tx = decode_transaction(from_hex(TRANSACTIONS["full"]["raw"])).tx

    assert [call.to for call in tx.calls] == [PATH_USD, ACCOUNT_1]
    assert tx.access_list == ((ACCOUNT_1, (5,)),)
    assert (tx.valid_after, tx.valid_before) == (1_700_000_000, 1_700_000_060)
    (authorization,) = tx.authorizations
    digest = authorization_digest(CHAIN_ID, b"\xbe" * 20, 3)
    assert digest == from_hex(VECTORS["authorization_digest"])
    assert authority_of(authorization) == ACCOUNT_1
    assert tx.key_authorization is not None
    assert tx.key_authorization.signer() == ACCOUNT_1


def test_a_key_authorization_with_every_field() -> None:
    """Periods, scopes with and without rules and recipients, witness, account."""
    vector = VECTORS["key_authorization"]
    raw = from_hex(vector["rlp"])
    signed = parse_key_authorization(rlp.decode(raw))

    granted = signed.authorization
    assert granted.digest() == from_hex(vector["digest"])
    assert signed.signer() == ACCOUNT_1
    assert signed.encode() == raw
    assert (granted.key_type, granted.key_id) == (2, ACCOUNT_0)
    assert granted.limits == (TokenLimit(PATH_USD, 1_000_000, 86_400), TokenLimit(PATH_USD, 0))
    transfer, approve = bytes.fromhex("a9059cbb"), bytes.fromhex("095ea7b3")
    assert granted.allowed_calls == (
        CallScope(PATH_USD, (SelectorRule(transfer, (ACCOUNT_1,)), SelectorRule(approve))),
        CallScope(ACCOUNT_1),
    )
    assert granted.witness == b"\x77" * 32
    assert granted.account == ACCOUNT_1
    assert not granted.is_admin
    assert key_authorization_from_json(vector["rpc"], "keyAuthorization") == signed
    assert key_authorization_from_json(key_authorization_to_json(signed), "k") == signed


def test_an_admin_key_authorization() -> None:
    """Absent fields before a present one are empty strings."""
    vector = VECTORS["admin_key_authorization"]
    signed = parse_key_authorization(rlp.decode(from_hex(vector["rlp"])))
    assert signed.authorization.is_admin
    assert signed.authorization.limits is None
    assert signed.authorization.digest() == from_hex(vector["digest"])
    assert signed.signer() == ACCOUNT_1
