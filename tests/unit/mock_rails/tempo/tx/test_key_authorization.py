"""Key authorizations: absent is not empty, and one consent has one digest. Spec: facts 1.5."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.errors import InvalidParams
from mock_rails.tempo.tx import rlp
from mock_rails.tempo.tx.key_authorization import (
    CallScope,
    KeyAuthorization,
    SelectorRule,
    TokenLimit,
    parse_key_authorization,
)
from mock_rails.tempo.tx.key_authorization_json import (
    key_authorization_from_json,
    key_authorization_to_json,
)
from mock_rails.tempo.tx.sign import sign_key_authorization
from mock_rails.tempo.tx.signatures import Secp256k1Signature
from mock_rails.tempo.tx.signers import P256Signer, WebAuthnSigner
from tests.unit.mock_rails.tempo.tx.samples import ACCOUNT_0, ACCOUNT_1, KEY_1, PATH_USD

addresses = st.binary(min_size=20, max_size=20)
u64 = st.integers(0, 2**64 - 1)
limits = st.builds(TokenLimit, addresses, st.integers(0, 2**256 - 1), u64)
rules = st.builds(
    SelectorRule, st.binary(min_size=4, max_size=4), st.lists(addresses, max_size=2).map(tuple)
)
scopes = st.builds(CallScope, addresses, st.lists(rules, max_size=2).map(tuple))
authorizations = st.builds(
    KeyAuthorization,
    chain_id=u64,
    key_type=st.integers(0, 2),
    key_id=addresses,
    expiry_s=st.none() | st.integers(1, 2**64 - 1),
    limits=st.none() | st.lists(limits, max_size=3).map(tuple),
    allowed_calls=st.none() | st.lists(scopes, max_size=3).map(tuple),
    witness=st.none() | st.binary(min_size=32, max_size=32),
    is_admin=st.booleans(),
    account=st.none() | addresses,
)
SIGNED = sign_key_authorization(KeyAuthorization(1337, 0, ACCOUNT_0), KEY_1)


@given(authorizations)
def test_survives_both_encodings(authorization: KeyAuthorization) -> None:
    """RLP and JSON, digest and signer included."""
    signed = sign_key_authorization(authorization, KEY_1)

    assert parse_key_authorization(rlp.decode(signed.encode())) == signed
    assert key_authorization_from_json(key_authorization_to_json(signed), "k") == signed
    assert signed.signer() == ACCOUNT_1


def test_no_limits_and_an_empty_list_of_limits_are_not_the_same() -> None:
    """Absent is unlimited, empty allows nothing; so for scopes."""
    unlimited = KeyAuthorization(1337, 0, ACCOUNT_0, allowed_calls=())
    nothing = KeyAuthorization(1337, 0, ACCOUNT_0, limits=(), allowed_calls=())

    assert unlimited.to_items()[3:] == [b"", b"", []]
    assert nothing.to_items()[3:] == [b"", [], []]
    assert unlimited.digest() != nothing.digest()


@pytest.mark.parametrize("signer", [P256Signer(KEY_1), WebAuthnSigner(KEY_1)])
def test_any_key_of_its_own_can_grant(signer: P256Signer | WebAuthnSigner) -> None:
    """A passkey account has access keys too."""
    signed = sign_key_authorization(KeyAuthorization(1337, 0, ACCOUNT_0), signer)
    assert parse_key_authorization(rlp.decode(signed.encode())).signer() == signer.address


FIELDS: list[Any] = [b"\x05\x39", b"", ACCOUNT_0]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (FIELDS[:2], "a list of 2 items"),
        ([*FIELDS, *[b""] * 7], "a list of 10 items"),
        ([b"\x05\x39", b"\x03", ACCOUNT_0], "key type must be 0, 1 or 2, got 3"),
        ([b"\x05\x39", b"\x00", ACCOUNT_0], "key type: integer has leading zeros"),
        ([*FIELDS, b""], "not in its canonical form"),
        ([*FIELDS, b"", [], b""], "not in its canonical form"),
        ([*FIELDS, b"", [[PATH_USD, b"\x01", b""]]], "not in its canonical form"),
        ([*FIELDS, b"", [[PATH_USD]]], "token limit: a list of 1 items"),
        ([*FIELDS, b"", b"\x01"], "token limits: expected a list"),
        ([*FIELDS, b"", b"", [[PATH_USD, [[b"abc", []]]]]], "selector: expected 4 bytes, got 3"),
        ([*FIELDS, b"", b"", b"", bytes(31)], "witness: expected 32 bytes, got 31"),
        ([*FIELDS, b"", b"", b"", b"", b"\x02"], "is_admin must be 1 or absent"),
        ([*FIELDS, b"", b"", b"", b"", b"", bytes(19)], "account: expected 20 bytes, got 19"),
    ],
)
def test_what_is_not_canonical_is_refused(fields: list[Any], reason: str) -> None:
    """Two spellings of one consent would have two digests."""
    with pytest.raises(rlp.RlpError, match=reason):
        parse_key_authorization([fields, SIGNED.signature.encode()])


def test_an_access_key_cannot_grant() -> None:
    """Only the root key, or an admin key, by its own signature."""
    with pytest.raises(SignatureError, match="only a key's own signature"):
        parse_key_authorization([FIELDS, b"\x04" + ACCOUNT_1 + SIGNED.signature.encode()])


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"chainId": None}, "k.chainId"),
        ({"keyType": "rsa"}, "k.keyType"),
        ({"keyType": []}, "k.keyType"),
        ({"keyId": "0x12"}, "k.keyId"),
        ({"expiry": "soon"}, "k.expiry"),
        ({"limits": {}}, "k.limits"),
        ({"limits": [{"token": "0x" + "20" * 20}]}, "k.limits[0].limit"),
        ({"allowedCalls": [{}]}, "k.allowedCalls[0].target"),
        (
            {"allowedCalls": [{"target": "0x" + "20" * 20, "selectorRules": [{}]}]},
            "k.allowedCalls[0].selectorRules[0].selector",
        ),
        ({"witness": "0x00"}, "k.witness"),
        ({"isAdmin": 1}, "k.isAdmin"),
        ({"account": 5}, "k.account"),
        ({"signature": None}, "k.signature"),
        ({"signature": {"type": "keychain"}}, "k.signature.type"),
        ({"signature": {"type": "secp256k1", "r": "0x1", "s": "0x1"}}, "k.signature.v"),
        ({"signature": {"r": "0x1", "s": "0x1", "v": 29}}, "k.signature.v"),
    ],
)
def test_json_errors_name_the_member(changes: dict[str, Any], member: str) -> None:
    """So that a developer finds it in a nested object."""
    with pytest.raises(InvalidParams) as caught:
        key_authorization_from_json(key_authorization_to_json(SIGNED) | changes, "k")
    assert caught.value.code == -32602
    assert f"invalid params: {member}: expected" in caught.value.message


def test_the_number_v_of_pytempo_is_read() -> None:
    """pytempo writes `v` as a JSON number, in a form without `expiry`."""
    signed = SIGNED.signature
    assert isinstance(signed, Secp256k1Signature)
    signature = {
        "type": "secp256k1",
        "r": hex(signed.r),
        "s": hex(signed.s),
        "v": 27 + signed.y_parity,
    }
    members = {
        "chainId": "0x539",
        "keyType": "secp256k1",
        "keyId": "0x" + ACCOUNT_0.hex().upper(),
        "signature": signature,
    }
    assert key_authorization_from_json(members, "k") == SIGNED
