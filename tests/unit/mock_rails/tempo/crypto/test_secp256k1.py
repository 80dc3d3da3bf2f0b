"""ECDSA over secp256k1: what it signs it recovers, and what it must refuse it refuses."""

from __future__ import annotations

import pytest
from eth_keys import keys
from hypothesis import given
from hypothesis import strategies as st

from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.crypto.errors import SignatureError

DIGEST = bytes(range(32))
KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
ADDRESS = bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266")

digests = st.binary(min_size=32, max_size=32)
private_keys = st.integers(1, secp256k1.N - 1).map(lambda number: number.to_bytes(32))


@given(digests, private_keys)
def test_what_is_signed_recovers_to_the_signer(digest: bytes, key: bytes) -> None:
    """And s is always low, and a second signing gives the same signature (RFC 6979)."""
    signature = secp256k1.sign(digest, key)

    assert secp256k1.recover(digest, *signature) == secp256k1.address_of(key)
    assert secp256k1.recover_public_key(digest, *signature) == secp256k1.public_key_of(key)
    assert secp256k1.verify(digest, signature[1], signature[2], secp256k1.public_key_of(key))
    assert signature[2] <= secp256k1.HALF_N
    assert secp256k1.sign(digest, key) == signature


@given(digests)
def test_agrees_with_eth_keys(digest: bytes) -> None:
    """An implementation that shares no code with ours signs and derives the same."""
    key = keys.PrivateKey(KEY)
    theirs = key.sign_msg_hash(digest)

    assert secp256k1.public_key_of(KEY) == key.public_key.to_bytes()
    assert secp256k1.recover(digest, theirs.v, theirs.r, theirs.s) == ADDRESS


def test_a_high_s_is_refused_unless_asked_for() -> None:
    """EIP-2: (1 - parity, r, n - s) is the same signature spelt otherwise."""
    y_parity, r, s = secp256k1.sign(DIGEST, KEY)
    twin = (1 - y_parity, r, secp256k1.N - s)

    with pytest.raises(SignatureError, match="malleable"):
        secp256k1.recover(DIGEST, *twin)
    with pytest.raises(SignatureError, match="malleable"):
        secp256k1.verify(DIGEST, twin[1], twin[2], secp256k1.public_key_of(KEY))
    assert secp256k1.recover(DIGEST, *twin, allow_high_s=True) == ADDRESS


@pytest.mark.parametrize("r", [0, secp256k1.N, 2**256, -1])
def test_scalars_out_of_range_are_refused(r: int) -> None:
    """None of them may reach the C library, which would not say so."""
    with pytest.raises(SignatureError, match="between 1 and the order"):
        secp256k1.recover(DIGEST, 0, r, 1)
    with pytest.raises(SignatureError, match="between 1 and the order"):
        secp256k1.recover(DIGEST, 0, 1, r, allow_high_s=True)


@pytest.mark.parametrize("y_parity", [-1, 2, 4, 27])
def test_parities_that_would_abort_the_process_are_refused(y_parity: int) -> None:
    """libsecp256k1 calls abort() on a recovery id it does not know."""
    with pytest.raises(SignatureError, match="y parity"):
        secp256k1.recover(DIGEST, y_parity, 1, 1)


def test_an_r_that_is_on_no_point_recovers_nobody() -> None:
    """5 is not the x coordinate of any point of the curve."""
    with pytest.raises(SignatureError, match="recovers no public key"):
        secp256k1.recover(DIGEST, 0, 5, 1)


@pytest.mark.parametrize("digest", [b"", bytes(31), bytes(33)])
def test_digests_of_another_length_are_refused(digest: bytes) -> None:
    """The C library would read 32 bytes whatever is there."""
    signature = secp256k1.sign(DIGEST, KEY)
    with pytest.raises(SignatureError, match="32 bytes"):
        secp256k1.recover(digest, *signature)
    with pytest.raises(SignatureError, match="32 bytes"):
        secp256k1.sign(digest, KEY)
    with pytest.raises(SignatureError, match="32 bytes"):
        secp256k1.verify(digest, 1, 1, secp256k1.public_key_of(KEY))


@pytest.mark.parametrize("key", [bytes(32), b"\xff" * 32, bytes(31), b""])
def test_keys_out_of_range_are_refused(key: bytes) -> None:
    """Zero, above the order, or of another length."""
    for operation in (
        lambda: secp256k1.sign(DIGEST, key),
        lambda: secp256k1.public_key_of(key),
        lambda: secp256k1.address_of(key),
    ):
        with pytest.raises(SignatureError, match="private key"):
            operation()


def test_verification_tells_keys_apart() -> None:
    """The right signature under another key is false; bytes that are no key are an error."""
    _, r, s = secp256k1.sign(DIGEST, KEY)
    assert not secp256k1.verify(DIGEST, r, s, secp256k1.public_key_of(bytes(31) + b"\x01"))
    with pytest.raises(SignatureError, match="not a point"):
        secp256k1.verify(DIGEST, r, s, bytes(64))
    with pytest.raises(SignatureError, match="not a point"):
        secp256k1.verify(DIGEST, r, s, secp256k1.public_key_of(KEY)[:-1])
