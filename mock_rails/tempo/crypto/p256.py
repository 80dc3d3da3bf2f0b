"""ECDSA over P-256 (secp256r1): the signatures of passkeys and of browsers' WebCrypto keys.

Spec: facts 1.4. OpenSSL does the work; it is imported by the first signature that needs it.
"""

from __future__ import annotations

from typing import Final

from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.crypto.hashing import keccak256

N: Final = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
"""The order of the curve's group."""

HALF_N: Final = N // 2
"""The largest s that is not malleable."""


def address_of(x: int, y: int) -> bytes:
    """The address of a public key: the same rule as for secp256k1."""
    return keccak256(x.to_bytes(32) + y.to_bytes(32))[12:]


def verify(digest: bytes, r: int, s: int, x: int, y: int) -> None:
    """Raise `SignatureError` unless the key (x, y) signed the 32-byte digest with a low s."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    if not (0 < r < N and 0 < s < N):
        raise SignatureError("signature r and s must be between 1 and the order of P-256")
    if s > HALF_N:
        raise SignatureError("signature s is in the upper half of its range (malleable)")
    try:
        key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError as error:
        raise SignatureError("public key is not a point of P-256") from error
    try:
        key.verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(utils.Prehashed(SHA256())))
    except InvalidSignature as error:
        raise SignatureError("P256 signature does not match its public key") from error


def sign(digest: bytes, key: bytes) -> tuple[int, int]:
    """The signature (r, s) of the 32-byte digest; s is low, the nonce is RFC 6979's."""
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    private = ec.derive_private_key(_scalar(key), ec.SECP256R1())
    algorithm = ec.ECDSA(utils.Prehashed(SHA256()), deterministic_signing=True)
    r, s = utils.decode_dss_signature(private.sign(digest, algorithm))
    return r, min(s, N - s)


def public_key_of(key: bytes) -> tuple[int, int]:
    """The public key (x, y) of a private key."""
    from cryptography.hazmat.primitives.asymmetric import ec

    numbers = ec.derive_private_key(_scalar(key), ec.SECP256R1()).public_key().public_numbers()
    return numbers.x, numbers.y


def _scalar(key: bytes) -> int:
    scalar = int.from_bytes(key)
    if len(key) != 32 or not 0 < scalar < N:
        raise SignatureError("a P-256 private key is 32 bytes between 1 and the curve's order")
    return scalar
