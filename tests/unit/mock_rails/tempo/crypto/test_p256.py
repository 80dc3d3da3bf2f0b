"""P-256 signatures: RFC 6979's vector, and every way to be wrong."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_rails.tempo.crypto import p256
from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.crypto.hashing import keccak256

# RFC 6979 A.2.5: P-256, SHA-256, message "sample".
RFC_KEY = bytes.fromhex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
RFC_X = 0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6
RFC_Y = 0x7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299
RFC_R = 0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
RFC_S = 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8
RFC_DIGEST = sha256(b"sample").digest()


def test_signs_as_rfc_6979_says_but_with_a_low_s() -> None:
    """The RFC's s is high, and the chain wants the other one."""
    assert p256.public_key_of(RFC_KEY) == (RFC_X, RFC_Y)
    assert p256.sign(RFC_DIGEST, RFC_KEY) == (RFC_R, p256.N - RFC_S)
    p256.verify(RFC_DIGEST, RFC_R, p256.N - RFC_S, RFC_X, RFC_Y)


@given(st.binary(min_size=32, max_size=32))
def test_what_is_signed_verifies_and_nothing_else_does(digest: bytes) -> None:
    """A flipped bit in the digest is another message."""
    r, s = p256.sign(digest, RFC_KEY)
    p256.verify(digest, r, s, RFC_X, RFC_Y)
    other = bytes([digest[0] ^ 1]) + digest[1:]
    with pytest.raises(SignatureError, match="does not match"):
        p256.verify(other, r, s, RFC_X, RFC_Y)


def test_a_high_s_is_refused() -> None:
    """The RFC's own signature is the malleable twin."""
    with pytest.raises(SignatureError, match="malleable"):
        p256.verify(RFC_DIGEST, RFC_R, RFC_S, RFC_X, RFC_Y)


@pytest.mark.parametrize(("r", "s"), [(0, 1), (1, 0), (p256.N, 1), (1, p256.N)])
def test_scalars_out_of_range_are_refused(r: int, s: int) -> None:
    """Before OpenSSL sees them."""
    with pytest.raises(SignatureError, match="between 1 and the order"):
        p256.verify(RFC_DIGEST, r, s, RFC_X, RFC_Y)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (RFC_X, RFC_Y ^ 1), (2**256 - 1, 1)])
def test_points_off_the_curve_are_refused(x: int, y: int) -> None:
    """An invalid-curve attack starts with one."""
    with pytest.raises(SignatureError, match="not a point"):
        p256.verify(RFC_DIGEST, 1, 1, x, y)


def test_the_address_is_the_hash_of_the_point() -> None:
    """Facts 1.4: keccak(x || y)[12:]."""
    assert p256.address_of(RFC_X, RFC_Y) == keccak256(RFC_X.to_bytes(32) + RFC_Y.to_bytes(32))[12:]


@pytest.mark.parametrize("key", [bytes(32), b"\xff" * 32, b"\x01"])
def test_keys_out_of_range_are_refused(key: bytes) -> None:
    """Zero, above the order, or of another length."""
    with pytest.raises(SignatureError, match="private key"):
        p256.sign(RFC_DIGEST, key)
