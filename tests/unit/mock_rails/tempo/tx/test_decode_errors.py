"""Transactions that must not decode, each with the node's code and text (facts 1.1, 1.9)."""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.tx import rlp
from mock_rails.tempo.tx.decode import decode_transaction
from mock_rails.tempo.tx.encode import encode_transaction
from mock_rails.tempo.tx.handoff import hand_off
from mock_rails.tempo.tx.hashes import fee_payer_hash
from mock_rails.tempo.tx.model import TYPE_DYNAMIC_FEE, TYPE_LEGACY, TYPE_SET_CODE
from mock_rails.tempo.tx.sign import sign_authorization, sign_transaction, sponsor
from mock_rails.tempo.tx.signers import Secp256k1Signer
from tests.unit.mock_rails.tempo.tx.samples import (
    ACCOUNT_0,
    ACCOUNT_1,
    CHAIN_ID,
    KEY_0,
    KEY_1,
    PATH_USD,
    ethereum,
    expiring,
    plain,
)

PLAIN = sign_transaction(plain(), KEY_0).raw
SPONSORED = sponsor(expiring(), KEY_1, KEY_0).raw
AUTHORIZATION = sign_authorization(CHAIN_ID, PATH_USD, 0, KEY_1, tempo=True)
CALL: list[Any] = [PATH_USD, b"", b""]


def refused(raw: bytes) -> InvalidTransaction:
    """The error for these bytes."""
    with pytest.raises(InvalidTransaction) as caught:
        decode_transaction(raw)
    return caught.value


def tampered(slot: int, item: Any, raw: bytes = PLAIN) -> bytes:
    """The raw transaction with another item in a slot."""
    items = rlp.decode_list(raw, 1)
    items[slot] = item
    return raw[:1] + rlp.encode(items)


def test_no_bytes_at_all() -> None:
    """A text of its own, for it is what a client that forgot its argument sees."""
    error = refused(b"")
    assert error.to_json() == {"code": -32602, "message": "empty transaction data"}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (tampered(0, b"\x00\x01"), "chain id: integer has leading zeros"),
        (tampered(1, b"\x00"), "max priority fee per gas: integer has leading zeros"),
        (tampered(2, b"\x01" * 17), "max fee per gas: integer does not fit in 128 bits"),
        (tampered(3, []), "gas limit: expected an integer, got a list"),
        (tampered(4, []), "empty calls list"),
        (tampered(4, b""), "calls: expected a list"),
        (tampered(4, [[PATH_USD, b""]]), "call: a list of 2 items"),
        (tampered(4, [[bytes(19), b"", b""]]), "call target: expected 20 bytes, got 19"),
        (tampered(4, [CALL, [b"", b"", b"\x60"]]), "only the first call of a batch"),
        (tampered(5, [[PATH_USD, [bytes(31)]]]), "access list slot: expected 32 bytes"),
        (tampered(6, b"\x01" * 33), "nonce key: integer does not fit in 256 bits"),
        (tampered(7, b"\x01" * 9), "nonce: integer does not fit in 64 bits"),
        (tampered(10, bytes(21)), "fee token: expected 20 bytes, got 21"),
        (tampered(11, bytes(20)), "fee payer signature: expected a list"),
        (tampered(11, [b"\x02", b"\x01", b"\x01"]), "fee payer signature parity"),
        (tampered(12, b""), "authorization list: expected a list"),
        (tampered(12, [[b"", PATH_USD, b""]]), "authorization: a list of 3 items"),
        (tampered(12, [[b"", PATH_USD, b"", b"\x05"]]), "multisig"),
        (tampered(13, b"\x01" * 64), "not a signature of any known kind|P256 signature needs"),
        (tampered(13, b"\x05" * 70), "multisig signatures"),
        (tampered(13, b"\x2a" * 65), "v must be 0, 1, 27 or 28, got 42"),
        (tampered(13, b""), "0 bytes are not a signature"),
        (tampered(13, []), "14 items, or 15 with a key authorization"),
        (PLAIN[:1] + rlp.encode(rlp.decode_list(PLAIN, 1)[:13]), "got 13"),
        (PLAIN[:1] + rlp.encode([*rlp.decode_list(PLAIN, 1), b""]), "got 15"),
        (PLAIN + b"\x00", "trailing bytes"),
        (PLAIN[:-1], "bytes missing"),
        (b"\x76", "expected an RLP list"),
        (b"\x76\x80", "expected an RLP list"),
        (PLAIN + ACCOUNT_0 + bytes.fromhex("feefeefeefee"), "on its way to a fee payer"),
        (hand_off(expiring(), Secp256k1Signer(KEY_1)).encode(), "let the fee payer co-sign"),
        (b"\x03\xc0", "blob transactions"),
        (b"\x05\xc0", "unknown transaction type 0x05"),
        (b"\x80", "unknown transaction type 0x80"),
        (b"\x01\xc0", "a type 1 transaction has 11 items, got 0"),
        (b"\xc0", "a legacy transaction has 9 items, got 0"),
    ],
)
def test_malformed_bytes_say_what_is_wrong(raw: bytes, reason: str) -> None:
    """All with the code and the text that the node has for bytes it cannot decode."""
    error = refused(raw)
    assert error.code == -32602
    assert error.message.startswith("failed to decode signed transaction: ")
    assert any(part in error.message for part in reason.split("|"))


def test_a_window_that_never_opens() -> None:
    """valid_before is exclusive, so equal bounds leave nothing."""
    for before in (1_700_000_000, 1_699_999_999):
        raw = sign_transaction(plain(valid_before=before, valid_after=1_700_000_000), KEY_0).raw
        assert "valid_before must be greater than valid_after" in refused(raw).message
    decode_transaction(
        sign_transaction(plain(valid_before=1_700_000_001, valid_after=1_700_000_000), KEY_0).raw
    )


def test_creating_a_contract_excludes_an_authorization_list() -> None:
    """In a 0x76 by rule, in a type 4 by layout."""
    create = (plain().calls[0]._replace(to=None),)
    raw = sign_transaction(plain(calls=create, authorizations=(AUTHORIZATION,)), KEY_0).raw
    assert "cannot have an authorization list" in refused(raw).message
    raw = sign_transaction(ethereum(TYPE_SET_CODE, calls=create), KEY_0).raw
    assert "target of a type 4 transaction: expected 20 bytes" in refused(raw).message


def test_a_type_4_without_authorizations() -> None:
    """EIP-7702 refuses it, so that a type 2 has no second spelling."""
    error = refused(sign_transaction(ethereum(TYPE_SET_CODE, authorizations=()), KEY_0).raw)
    assert error.code == -32000
    assert error.message == "no items in authorization list for EIP7702 transaction"


@pytest.mark.parametrize("s", [0, secp256k1.N, secp256k1.HALF_N + 1])
def test_a_signature_that_recovers_nobody(s: int) -> None:
    """Zero, out of range, malleable: -32602, as the node has it."""
    items = rlp.decode_list(PLAIN, 1)
    signature = rlp.to_bytes(items[13], "signature")
    raw = tampered(13, signature[:32] + s.to_bytes(32) + signature[64:])
    error = refused(raw)
    assert error.code == -32602
    assert error.message.startswith("invalid transaction signature")

    legacy = sign_transaction(ethereum(TYPE_LEGACY), KEY_0).raw
    items = rlp.decode_list(legacy)
    items[8] = s.to_bytes((s.bit_length() + 7) // 8)
    error = refused(rlp.encode(items))
    assert error.code == -32602
    assert error.message.startswith("invalid transaction signature")


@pytest.mark.parametrize("v", [0, 1, 26, 29, 34])
def test_a_legacy_v_that_means_nothing(v: int) -> None:
    """Between the two schemes there is no chain."""
    items = rlp.decode_list(sign_transaction(ethereum(TYPE_LEGACY), KEY_0).raw)
    items[6] = bytes([v]) if v else b""
    error = refused(rlp.encode(items))
    assert (error.code, error.message) == (
        -32602,
        f"invalid transaction signature: v cannot be {v}",
    )


def test_a_y_parity_of_2() -> None:
    """Typed transactions carry the bare parity."""
    items = rlp.decode_list(sign_transaction(ethereum(TYPE_DYNAMIC_FEE), KEY_0).raw, 1)
    items[9] = b"\x02"
    assert "y parity: expected 0 or 1, got 2" in refused(b"\x02" + rlp.encode(items)).message


@pytest.mark.parametrize(
    "slot_11", [b"\x00", [b"", b"", b""], [b"\x01", b"\x01", b"\xff" * 32], [b"", b"\x05", b"\x01"]]
)
def test_a_fee_payer_who_has_not_signed(slot_11: Any) -> None:
    """Placeholder, marker, out of range, no such point (facts 8.3 T4)."""
    error = refused(tampered(11, slot_11, SPONSORED))
    assert error.to_json() == {"code": -32000, "message": "fee payer signature recovery failed"}


def test_a_fee_payer_who_is_the_sender() -> None:
    """Facts 8.3 T3."""
    waiting = expiring(awaiting_fee_payer=True)
    handoff = hand_off(waiting, Secp256k1Signer(KEY_1))
    # co_sign refuses this, so sign by hand what it would have signed.
    own = secp256k1.sign(fee_payer_hash(waiting, ACCOUNT_1), KEY_1)
    raw = encode_transaction(expiring(fee_payer_signature=own), handoff.signature)
    error = refused(raw)
    assert error.to_json() == {"code": -32000, "message": "fee payer cannot resolve to sender"}


def test_a_keychain_signature_of_version_1() -> None:
    """Its text is the node's, and its code that of the pool."""
    error = refused(tampered(13, b"\x03" + ACCOUNT_1 + bytes(65)))
    assert error.code == -32000
    assert error.message == (
        "legacy V1 keychain signature is no longer accepted, use V2 (type 0x04)"
    )
