"""ECDSA over secp256k1: the chain's usual signature, by libsecp256k1.

Recovery is the most expensive step of every payment (about 48 us), so this talks to the library
through coincurve's own binding and adds next to nothing. coincurve's key classes are not used:
`PrivateKey` computes two public keys before it signs, and `PublicKey.verify` wants DER.

Keys are 32 raw bytes, public keys 64 raw bytes (x || y, no prefix), addresses 20.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from coincurve import GLOBAL_CONTEXT
from coincurve._libsecp256k1 import ffi as _ffi  # type: ignore[import-not-found]
from coincurve._libsecp256k1 import lib as _lib

from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.crypto.hashing import keccak256

N: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""The order of the curve's group."""

HALF_N: Final = N // 2
"""The largest s that is not malleable (EIP-2)."""

_CONTEXT: Final[Any] = GLOBAL_CONTEXT.ctx
_UNCOMPRESSED: Final = _lib.SECP256K1_EC_UNCOMPRESSED
_RECOVERABLE: Final = _ffi.typeof("secp256k1_ecdsa_recoverable_signature *")
_SIGNATURE: Final = _ffi.typeof("secp256k1_ecdsa_signature *")
_PUBLIC_KEY: Final = _ffi.typeof("secp256k1_pubkey *")
_POINT: Final = _ffi.typeof("unsigned char[65]")
_COMPACT: Final = _ffi.typeof("unsigned char[64]")
_SIZE: Final = _ffi.typeof("size_t *")
_INT: Final = _ffi.typeof("int *")


def recover_public_key(
    digest: bytes, y_parity: int, r: int, s: int, *, allow_high_s: bool = False
) -> bytes:
    """The public key (64 bytes) that signed the digest; `SignatureError` if there is none.

    A high s is refused unless allowed: each signature would else have a second form (EIP-2).
    """
    # The library aborts the process on a recovery id out of range, and reads 32 bytes whatever
    # the digest's length: both must be checked here.
    if y_parity not in {0, 1}:
        raise SignatureError(f"signature y parity must be 0 or 1, got {y_parity}")
    if len(digest) != 32:
        raise SignatureError(f"a digest has 32 bytes, got {len(digest)}")
    _check_scalars(r, s, allow_high_s=allow_high_s)
    signature = _ffi.new(_RECOVERABLE)
    compact = r.to_bytes(32) + s.to_bytes(32)
    _lib.secp256k1_ecdsa_recoverable_signature_parse_compact(_CONTEXT, signature, compact, y_parity)
    point = _ffi.new(_PUBLIC_KEY)
    if not _lib.secp256k1_ecdsa_recover(_CONTEXT, point, signature, digest):
        raise SignatureError("signature recovers no public key")
    return _serialize(point)


def recover(digest: bytes, y_parity: int, r: int, s: int, *, allow_high_s: bool = False) -> bytes:
    """The address that signed the digest; `SignatureError` if there is none."""
    return keccak256(recover_public_key(digest, y_parity, r, s, allow_high_s=allow_high_s))[12:]


def verify(digest: bytes, r: int, s: int, public_key: bytes) -> bool:
    """Whether the public key (64 bytes) signed the digest.

    A fifth cheaper than recovery: for whoever knows the signer's key already, such as a channel
    that takes its payer's thousandth voucher. A high s is refused.
    """
    if len(digest) != 32:
        raise SignatureError(f"a digest has 32 bytes, got {len(digest)}")
    _check_scalars(r, s, allow_high_s=False)
    point = _ffi.new(_PUBLIC_KEY)
    if len(public_key) != 64 or not _lib.secp256k1_ec_pubkey_parse(
        _CONTEXT, point, b"\x04" + public_key, 65
    ):
        raise SignatureError("public key is not a point of secp256k1")
    signature = _ffi.new(_SIGNATURE)
    compact = r.to_bytes(32) + s.to_bytes(32)
    _lib.secp256k1_ecdsa_signature_parse_compact(_CONTEXT, signature, compact)
    return bool(_lib.secp256k1_ecdsa_verify(_CONTEXT, signature, digest, point))


def sign(digest: bytes, key: bytes) -> tuple[int, int, int]:
    """The signature (y parity, r, s) of the digest; s is low, the nonce is RFC 6979's."""
    _check_key(key)
    if len(digest) != 32:
        raise SignatureError(f"a digest has 32 bytes, got {len(digest)}")
    signature = _ffi.new(_RECOVERABLE)
    if not _lib.secp256k1_ecdsa_sign_recoverable(
        _CONTEXT, signature, digest, key, _ffi.NULL, _ffi.NULL
    ):
        raise SignatureError("private key is not in the range of secp256k1")
    compact = _ffi.new(_COMPACT)
    recovery_id = _ffi.new(_INT)
    _lib.secp256k1_ecdsa_recoverable_signature_serialize_compact(
        _CONTEXT, compact, recovery_id, signature
    )
    scalars = _ffi.buffer(compact)[:]
    return recovery_id[0], int.from_bytes(scalars[:32]), int.from_bytes(scalars[32:])


def public_key_of(key: bytes) -> bytes:
    """The public key (64 bytes) of a private key."""
    _check_key(key)
    point = _ffi.new(_PUBLIC_KEY)
    if not _lib.secp256k1_ec_pubkey_create(_CONTEXT, point, key):
        raise SignatureError("private key is not in the range of secp256k1")
    return _serialize(point)


@lru_cache(maxsize=1024)
def address_of(key: bytes) -> bytes:
    """The address of a private key; remembered, for a faucet or a bench signs with few keys."""
    return keccak256(public_key_of(key))[12:]


def _serialize(point: Any) -> bytes:
    output = _ffi.new(_POINT)
    _lib.secp256k1_ec_pubkey_serialize(_CONTEXT, output, _ffi.new(_SIZE, 65), point, _UNCOMPRESSED)
    serialized: bytes = _ffi.buffer(output)[1:]
    return serialized


def _check_scalars(r: int, s: int, *, allow_high_s: bool) -> None:
    if not (0 < r < N and 0 < s < N):
        raise SignatureError("signature r and s must be between 1 and the order of secp256k1")
    if s > HALF_N and not allow_high_s:
        raise SignatureError("signature s is in the upper half of its range (malleable)")


def _check_key(key: bytes) -> None:
    if len(key) != 32:
        raise SignatureError(f"a private key has 32 bytes, got {len(key)}")
