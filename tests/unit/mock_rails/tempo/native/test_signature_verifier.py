"""The signature verifier: every kind of signature, and keys of the keychain (facts 2.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pytempo.contracts.abis import SIGNATURE_VERIFIER_ABI

from mock_rails.tempo.addresses import SIGNATURE_VERIFIER, ZERO_ADDRESS
from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.native.signature_verifier import SignatureVerifier
from mock_rails.tempo.tx.signers import (
    KeychainSigner,
    P256Signer,
    Secp256k1Signer,
    WebAuthnSigner,
)
from mock_rails.tempo.world import World
from tests.unit.mock_rails.tempo.native.keychain_support import (
    AUTHORIZE,
    AUTHORIZE_ADMIN,
    REVOKE,
    WITNESS,
    by_root,
    config,
)
from tests.unit.mock_rails.tempo.native.published import declared, published
from tests.unit.mock_rails.tempo.native.support import (
    ALICE,
    BOB,
    NOW_S,
    Caller,
    make_block,
    make_scope,
    reverts,
)

if TYPE_CHECKING:
    from mock_rails.tempo.tx.signers import PrimitiveSigner

RECOVER = "recover(bytes32,bytes)"
VERIFY = "verify(address,bytes32,bytes)"
KEYCHAIN = "verifyKeychain(address,bytes32,bytes)"
ADMIN = "verifyKeychainAdmin(address,bytes32,bytes)"
DIGEST = keccak256(b"\x12\x34")
OTHER_DIGEST = keccak256(b"\x99")
SCALAR = b"\x11" * 32
SIGNERS = {
    "secp256k1": Secp256k1Signer(SCALAR),
    "p256": P256Signer(SCALAR),
    "p256 hashing again": P256Signer(SCALAR, pre_hash=True),
    "webauthn": WebAuthnSigner(SCALAR),
}
SECP256K1 = SIGNERS["secp256k1"]
SIGNATURE = SECP256K1.sign(DIGEST).encode()
P256_SIGNATURE = SIGNERS["p256"].sign(DIGEST).encode()


@pytest.fixture
def world() -> World:
    """An empty world."""
    return World()


def verifier(world: World, now_s: int = NOW_S) -> Caller:
    """Somebody who asks."""
    scope = make_scope(world, block=make_block(timestamp_s=now_s))
    return Caller(scope, SignatureVerifier, SIGNATURE_VERIFIER, BOB)


def in_the_name_of(account: bytes, key: PrimitiveSigner, digest: bytes = DIGEST) -> bytes:
    """A keychain signature of the digest."""
    return KeychainSigner(account, key).sign(digest).encode()


# -- the ABI ---------------------------------------------------------------------------------------


def test_the_selectors_are_those_of_the_node() -> None:
    """Facts 2.11."""
    named = {key.hex(): method.abi.name for key, method in SignatureVerifier.methods.items()}
    assert named == {
        "19045a25": "recover",
        "1a86b550": "verify",
        "6c0c731e": "verifyKeychain",
        "5f6fc5b7": "verifyKeychainAdmin",
    }
    errors = {selector.hex(): error.name for selector, error in SignatureVerifier.errors.items()}
    assert errors.items() >= {"257aa23b": "InvalidFormat", "8baa579f": "InvalidSignature"}.items()


def test_the_abi_is_the_published_one() -> None:
    assert declared(SignatureVerifier) == published(SIGNATURE_VERIFIER_ABI)


def test_its_reverts_are_told_from_others_by_their_title() -> None:
    """Facts 1.9."""
    assert SignatureVerifier.title == "Signature verifier error"


# -- recover and verify ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SIGNERS)
def test_the_signer_is_recovered(world: World, kind: str) -> None:
    signer = SIGNERS[kind]
    signature = signer.sign(DIGEST).encode()
    assert verifier(world).call(RECOVER, DIGEST, signature, static=True) == signer.address


@pytest.mark.parametrize("kind", SIGNERS)
def test_a_signature_is_verified(world: World, kind: str) -> None:
    signer = SIGNERS[kind]
    signature = signer.sign(DIGEST).encode()
    assert verifier(world).call(VERIFY, signer.address, DIGEST, signature) is True
    assert verifier(world).call(VERIFY, BOB, DIGEST, signature) is False
    assert verifier(world).call(VERIFY, ZERO_ADDRESS, DIGEST, signature) is False


def test_secp256k1_recovers_somebody_else_from_another_digest(world: World) -> None:
    assert verifier(world).call(VERIFY, SECP256K1.address, OTHER_DIGEST, SIGNATURE) is False


@pytest.mark.parametrize("kind", ["p256", "p256 hashing again", "webauthn"])
def test_p256_refuses_another_digest(world: World, kind: str) -> None:
    signature = SIGNERS[kind].sign(DIGEST).encode()
    with reverts("InvalidSignature"):
        verifier(world).call(RECOVER, OTHER_DIGEST, signature)


@pytest.mark.parametrize("v", [0, 1, 27, 28])
def test_v_may_be_written_either_way(world: World, v: int) -> None:
    recovered = verifier(world).call(RECOVER, DIGEST, SIGNATURE[:64] + bytes([v]))
    assert (recovered == SECP256K1.address) == (v % 27 == SIGNATURE[64] % 27)


HIGH_S = secp256k1.N - int.from_bytes(SIGNATURE[32:64])
BAD = {
    "nothing": (b"", "InvalidFormat"),
    "64 bytes": (SIGNATURE[:64], "InvalidFormat"),
    "66 bytes": (SIGNATURE + b"\0", "InvalidFormat"),
    "v is 5": (SIGNATURE[:64] + b"\x05", "InvalidFormat"),
    "a short P-256": (P256_SIGNATURE[:-1], "InvalidFormat"),
    "a short WebAuthn": (b"\x02" + bytes(100), "InvalidFormat"),
    "keychain V1": (b"\x03" + ALICE + SIGNATURE, "InvalidFormat"),
    "keychain V2": (b"\x04" + ALICE + SIGNATURE, "InvalidFormat"),
    "multisig": (b"\x05" + ALICE + SIGNATURE, "InvalidFormat"),
    "r is 0": (bytes(32) + SIGNATURE[32:], "InvalidSignature"),
    "r is too large": (b"\xff" * 32 + SIGNATURE[32:], "InvalidSignature"),
    "r is no point": (bytes(31) + b"\x05" + SIGNATURE[32:], "InvalidSignature"),
    "s is high": (
        SIGNATURE[:32] + HIGH_S.to_bytes(32) + bytes([55 - SIGNATURE[64]]),
        "InvalidSignature",
    ),
    "a P-256 of zeros": (b"\x01" + bytes(129), "InvalidSignature"),
    "a WebAuthn of zeros": (b"\x02" + bytes(300), "InvalidSignature"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_signature_reverts(world: World, name: str) -> None:
    """Each as on a node."""
    signature, error = BAD[name]
    with reverts(error):
        verifier(world).call(RECOVER, DIGEST, signature)
    with reverts(error):
        verifier(world).call(VERIFY, SECP256K1.address, DIGEST, signature)


# -- keys of the keychain --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SIGNERS)
def test_an_active_access_key_is_verified(world: World, kind: str) -> None:
    key = SIGNERS[kind]
    key_type = key.sign(DIGEST).key_type
    signature = in_the_name_of(ALICE, key)
    assert verifier(world).call(KEYCHAIN, ALICE, DIGEST, signature) is False
    by_root(world).call(AUTHORIZE, key.address, key_type, config(expiry=NOW_S + 9))
    assert verifier(world).call(KEYCHAIN, ALICE, DIGEST, signature) is True
    assert verifier(world).call(ADMIN, ALICE, DIGEST, signature) is False
    assert verifier(world, NOW_S + 9).call(KEYCHAIN, ALICE, DIGEST, signature) is False


@pytest.mark.parametrize("text", [KEYCHAIN, ADMIN])
def test_an_active_admin_key_is_verified_as_either(world: World, text: str) -> None:
    by_root(world).call(AUTHORIZE_ADMIN, SECP256K1.address, 0, WITNESS)
    signature = in_the_name_of(ALICE, SECP256K1)
    assert verifier(world).call(text, ALICE, DIGEST, signature) is True
    by_root(world).call(REVOKE, SECP256K1.address)
    assert verifier(world).call(text, ALICE, DIGEST, signature) is False


def test_the_root_key_is_an_admin_and_no_access_key(world: World) -> None:
    root = SECP256K1.address
    signature = in_the_name_of(root, SECP256K1)
    assert verifier(world).call(ADMIN, root, DIGEST, signature) is True
    assert verifier(world).call(KEYCHAIN, root, DIGEST, signature) is False


@pytest.mark.parametrize("text", [KEYCHAIN, ADMIN])
def test_the_envelope_names_the_account(world: World, text: str) -> None:
    by_root(world, account=ALICE).call(AUTHORIZE_ADMIN, SECP256K1.address, 0, WITNESS)
    by_root(world, account=BOB).call(AUTHORIZE_ADMIN, SECP256K1.address, 0, WITNESS)
    signature = in_the_name_of(ALICE, SECP256K1)
    assert verifier(world).call(text, BOB, DIGEST, signature) is False
    moved = b"\x04" + BOB + signature[21:]
    assert verifier(world).call(text, BOB, DIGEST, moved) is False


@pytest.mark.parametrize("text", [KEYCHAIN, ADMIN])
def test_a_key_is_verified_by_its_own_kind_of_signature(world: World, text: str) -> None:
    """A P-256 point signs as P-256 or as WebAuthn: the same address, another key type."""
    key = SIGNERS["p256"]
    by_root(world).call(AUTHORIZE_ADMIN, key.address, 1, WITNESS)
    assert verifier(world).call(text, ALICE, DIGEST, in_the_name_of(ALICE, key)) is True
    passkey = SIGNERS["webauthn"]
    assert passkey.address == key.address
    assert verifier(world).call(text, ALICE, DIGEST, in_the_name_of(ALICE, passkey)) is False


@pytest.mark.parametrize("text", [KEYCHAIN, ADMIN])
@pytest.mark.parametrize(
    ("signature", "error"),
    [
        (SIGNATURE, "InvalidFormat"),
        (b"", "InvalidFormat"),
        (b"\x04" + ALICE, "InvalidFormat"),
        (b"\x04" + ALICE + b"\x04" + ALICE + SIGNATURE, "InvalidFormat"),
        (b"\x03" + ALICE + SIGNATURE, "InvalidFormat"),
        (b"\x04" + ALICE + bytes(65), "InvalidSignature"),
    ],
    ids=["a key's own", "nothing", "no inner one", "nested", "V1", "zeros"],
)
def test_only_a_keychain_signature_will_do(
    world: World, text: str, signature: bytes, error: str
) -> None:
    with reverts(error):
        verifier(world).call(text, ALICE, DIGEST, signature)


# -- gas -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "arguments", "price"),
    [
        (RECOVER, (DIGEST, SIGNATURE), 3_042),
        (VERIFY, (SECP256K1.address, DIGEST, SIGNATURE), 3_048),
        (RECOVER, (DIGEST, P256_SIGNATURE), 8_054),
    ],
)
def test_a_curve_has_a_price(
    world: World, text: str, arguments: tuple[bytes, ...], price: int
) -> None:
    """Measured on a node: 3,000 or 8,000 and the calldata."""
    assert verifier(world).gas(text, *arguments) == price


def test_webauthn_costs_what_p256_costs(world: World) -> None:
    signature = SIGNERS["webauthn"].sign(DIGEST).encode()
    calldata_words = (4 + 3 * 32 + -(-len(signature) // 32) * 32 + 31) // 32
    assert verifier(world).gas(RECOVER, DIGEST, signature) == 8_000 + 6 * calldata_words


def test_a_format_error_costs_no_more_than_its_calldata(world: World) -> None:
    with reverts("InvalidFormat"):
        verifier(world).call(RECOVER, DIGEST, b"", gas=24)
    with reverts("OutOfGas"):
        verifier(world).call(RECOVER, OTHER_DIGEST, P256_SIGNATURE, gas=8_053)


def test_the_keychain_is_read_at_its_price(world: World) -> None:
    """One slot for an access key; the second look of the admin form finds it warm."""
    by_root(world).call(AUTHORIZE_ADMIN, SECP256K1.address, 0, WITNESS)
    arguments = (ALICE, DIGEST, in_the_name_of(ALICE, SECP256K1))
    calldata = 6 * 8
    assert verifier(world).gas(KEYCHAIN, *arguments) == calldata + 3_000 + 2_100
    assert verifier(world).gas(ADMIN, *arguments) == calldata + 3_000 + 2_100 + 100
