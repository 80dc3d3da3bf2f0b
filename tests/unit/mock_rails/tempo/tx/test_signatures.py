"""Signature bytes of every kind: read, written, recovered, refused. Spec: facts 1.4."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.tx.signatures import (
    KeychainSignature,
    LegacyKeychainError,
    P256Signature,
    Secp256k1Signature,
    Signature,
    WebAuthnSignature,
    parse_primitive,
    parse_signature,
    recover_signer,
    verify_primitive,
)
from mock_rails.tempo.tx.signers import (
    AnySigner,
    KeychainSigner,
    P256Signer,
    Secp256k1Signer,
    WebAuthnSigner,
)
from tests.unit.mock_rails.tempo.tx.samples import ACCOUNT_0, ACCOUNT_1, KEY_0

DIGEST = bytes(range(32))
SECP256K1 = Secp256k1Signer(KEY_0)
P256 = P256Signer(KEY_0)
WEBAUTHN = WebAuthnSigner(KEY_0)
SIGNERS: list[AnySigner] = [
    SECP256K1,
    P256,
    P256Signer(KEY_0, pre_hash=True),
    WEBAUTHN,
    KeychainSigner(ACCOUNT_1, SECP256K1),
    KeychainSigner(ACCOUNT_1, P256),
    KeychainSigner(ACCOUNT_1, WEBAUTHN),
]


@pytest.mark.parametrize("signer", SIGNERS)
def test_every_kind_survives_the_wire_and_names_its_signer(signer: AnySigner) -> None:
    """And signs the same way twice."""
    signature = signer.sign(DIGEST)
    read = parse_signature(signature.encode())

    assert read == signature == signer.sign(DIGEST)
    assert recover_signer(read, DIGEST) == (signer.address, signer.key_id)


@pytest.mark.parametrize("signer", SIGNERS)
def test_no_kind_speaks_for_another_digest(signer: AnySigner) -> None:
    """A secp256k1 signature recovers a stranger, the others fail outright."""
    signature = signer.sign(DIGEST)
    try:
        stranger = recover_signer(signature, bytes(32))
    except SignatureError:
        return
    assert stranger != (signer.address, signer.key_id)


def test_an_access_key_signs_for_one_account_only() -> None:
    """Version 2 binds the root account, which version 1 did not."""
    signature = KeychainSigner(ACCOUNT_1, P256).sign(DIGEST)
    with pytest.raises(SignatureError, match="does not match"):
        replace(signature, root=ACCOUNT_0).recover(DIGEST)


@pytest.mark.parametrize(
    ("signer", "key_type"), [(SECP256K1, 0), (P256, 1), (WEBAUTHN, 2), (SIGNERS[6], 2)]
)
def test_kinds_have_the_numbers_of_key_authorizations(signer: AnySigner, key_type: int) -> None:
    """0 secp256k1, 1 P256, 2 WebAuthn; a keychain signature has its access key's."""
    assert signer.sign(DIGEST).key_type == key_type


def test_only_webauthn_data_is_charged_as_calldata() -> None:
    """Facts 4.5, also below a keychain signature."""
    passkey = WEBAUTHN.sign(DIGEST)
    assert SECP256K1.sign(DIGEST).charged_data == b""
    assert P256.sign(DIGEST).charged_data == b""
    assert passkey.charged_data == passkey.data
    assert KeychainSignature(ACCOUNT_1, passkey).charged_data == passkey.data


def test_lengths_are_those_of_the_specification() -> None:
    """65, 1 + 129, 1 + data + 128, 1 + 20 + inner."""
    passkey = WEBAUTHN.sign(DIGEST)
    assert len(SECP256K1.sign(DIGEST).encode()) == 65
    assert len(P256.sign(DIGEST).encode()) == 130
    assert len(passkey.encode()) == 1 + len(passkey.data) + 128
    assert len(KeychainSignature(ACCOUNT_1, passkey).encode()) == 21 + len(passkey.encode())


@pytest.mark.parametrize(("v", "y_parity"), [(0, 0), (1, 1), (27, 0), (28, 1)])
def test_v_is_read_in_both_conventions_and_written_in_one(v: int, y_parity: int) -> None:
    """Facts 1.2: canonical is 27 and 28."""
    scalars = (5).to_bytes(32) + (6).to_bytes(32)
    signature = parse_signature(scalars + bytes([v]))
    assert signature == Secp256k1Signature(y_parity, 5, 6)
    assert signature.encode() == scalars + bytes([27 + y_parity])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "0 bytes"),
        (bytes(64), "64 bytes are not a signature"),
        (bytes(64) + b"\x1d", "v must be 0, 1, 27 or 28, got 29"),
        (b"\x01" + bytes(128), "P256 signature needs 130 bytes, got 129"),
        (b"\x01" + bytes(128) + b"\x02", "prehash byte must be 0 or 1, got 2"),
        (b"\x02" + bytes(127), "128 to 2048 bytes, got 127"),
        (b"\x02" + bytes(2049), "128 to 2048 bytes, got 2049"),
        (b"\x04" + bytes(19), "too short to name its account"),
        (b"\x04" + bytes(20), "0 bytes"),
        (b"\x04" + bytes(20) + b"\x04" + bytes(85), "only a key's own signature"),
        (b"\x05" + bytes(99), "multisig"),
        (b"\x06" + bytes(99), "100 bytes are not a signature"),
    ],
)
def test_other_bytes_are_refused_with_the_reason(data: bytes, reason: str) -> None:
    """Wrong lengths, wrong flags, nesting, kinds this chain does not have."""
    with pytest.raises(SignatureError, match=reason):
        parse_signature(data)


def test_version_1_keychain_signatures_have_an_error_of_their_own() -> None:
    """The node's text, since a developer with an old SDK will search for it."""
    with pytest.raises(LegacyKeychainError, match=r"use V2 \(type 0x04\)"):
        parse_signature(b"\x03" + ACCOUNT_1 + bytes(65))


@pytest.mark.parametrize("signer", [SECP256K1, P256, WEBAUTHN])
def test_vouchers_take_any_primitive_signature(signer: AnySigner) -> None:
    """Channel vouchers and the SignatureVerifier (facts 2.8, 2.11)."""
    assert verify_primitive(DIGEST, signer.sign(DIGEST).encode()) == signer.address


@pytest.mark.parametrize("version", [3, 4])
def test_vouchers_refuse_access_keys(version: int) -> None:
    """Of either version."""
    data = bytes([version]) + ACCOUNT_1 + SECP256K1.sign(DIGEST).encode()
    with pytest.raises(SignatureError, match="only a key's own signature"):
        verify_primitive(DIGEST, data)
    with pytest.raises(SignatureError, match="only a key's own signature"):
        parse_primitive(data)


@pytest.mark.parametrize(
    "signature",
    [
        Secp256k1Signature(0, 0, 1),
        P256Signature(1, 1, 0, 0, pre_hash=False),
        WebAuthnSignature(b"", 1, 1, 1, 1),
    ],
)
def test_well_formed_nonsense_recovers_nobody(signature: Signature) -> None:
    """Parsing accepts the layout, recovery refuses the mathematics."""
    assert parse_signature(signature.encode()) == signature
    with pytest.raises(SignatureError):
        recover_signer(signature, DIGEST)
