"""The signatures a Tempo account can sign with: three primitive kinds, and access keys on top.

Spec: facts 1.4. Bytes come in, an object goes out that can recover its signer and write itself in
canonical form (v is 27 or 28). Parsing checks the layout only; `recover` checks the mathematics.
Both raise `SignatureError`.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

from mock_rails.tempo.crypto import p256, secp256k1, webauthn
from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.crypto.hashing import keccak256

KEY_TYPE_SECP256K1: Final = 0
KEY_TYPE_P256: Final = 1
KEY_TYPE_WEBAUTHN: Final = 2

MAX_WEBAUTHN_DATA_BYTES: Final = webauthn.MAX_SIGNATURE_BYTES - 128
"""What r, s, x and y leave of a WebAuthn signature's length."""

_P256_PREFIX: Final = 0x01
_WEBAUTHN_PREFIX: Final = 0x02
_KEYCHAIN_V1_PREFIX: Final = 0x03
_KEYCHAIN_V2_PREFIX: Final = 0x04
_MULTISIG_PREFIX: Final = 0x05

_SECP256K1_BYTES: Final = 65
_P256_BYTES: Final = 1 + 129
_POINT_BYTES: Final = 128


class LegacyKeychainError(SignatureError):
    """A keychain signature of the first version, which says nothing about its account."""

    def __init__(self) -> None:
        super().__init__("legacy V1 keychain signature is no longer accepted, use V2 (type 0x04)")


class Signer(NamedTuple):
    """Whom a signature speaks for: the account, and its access key if that is what signed."""

    address: bytes
    key_id: bytes | None


@dataclass(frozen=True, slots=True)
class Secp256k1Signature:
    """The usual signature: 65 bytes r, s, v without a prefix."""

    y_parity: int
    r: int
    s: int

    @property
    def key_type(self) -> int:
        """The kind of key, as key authorizations number them."""
        return KEY_TYPE_SECP256K1

    @property
    def charged_data(self) -> bytes:
        """Data that costs calldata gas on top of the kind's surcharge (facts 4.5): none."""
        return b""

    def encode(self) -> bytes:
        """The canonical bytes, with v 27 or 28."""
        return self.r.to_bytes(32) + self.s.to_bytes(32) + (b"\x1c" if self.y_parity else b"\x1b")

    def recover(self, digest: bytes) -> bytes:
        """The address that signed the digest."""
        return secp256k1.recover(digest, self.y_parity, self.r, self.s)


@dataclass(frozen=True, slots=True)
class P256Signature:
    """A signature by a P-256 key; `pre_hash` if the signer's library insisted on hashing again."""

    r: int
    s: int
    x: int
    y: int
    pre_hash: bool

    @property
    def key_type(self) -> int:
        """The kind of key, as key authorizations number them."""
        return KEY_TYPE_P256

    @property
    def charged_data(self) -> bytes:
        """Data that costs calldata gas on top of the kind's surcharge (facts 4.5): none."""
        return b""

    def encode(self) -> bytes:
        """The canonical bytes."""
        words = b"".join([word.to_bytes(32) for word in (self.r, self.s, self.x, self.y)])
        return bytes([_P256_PREFIX]) + words + bytes([self.pre_hash])

    def recover(self, digest: bytes) -> bytes:
        """The address of the key, once it is shown to have signed the digest."""
        message = sha256(digest).digest() if self.pre_hash else digest
        p256.verify(message, self.r, self.s, self.x, self.y)
        return p256.address_of(self.x, self.y)


@dataclass(frozen=True, slots=True)
class WebAuthnSignature:
    """A signature by a passkey; `data` is authenticatorData || clientDataJSON."""

    data: bytes
    r: int
    s: int
    x: int
    y: int

    @property
    def key_type(self) -> int:
        """The kind of key, as key authorizations number them."""
        return KEY_TYPE_WEBAUTHN

    @property
    def charged_data(self) -> bytes:
        """Data that costs calldata gas on top of the kind's surcharge (facts 4.5)."""
        return self.data

    def encode(self) -> bytes:
        """The canonical bytes."""
        words = b"".join([word.to_bytes(32) for word in (self.r, self.s, self.x, self.y)])
        return bytes([_WEBAUTHN_PREFIX]) + self.data + words

    def recover(self, digest: bytes) -> bytes:
        """The address of the key, once it is shown to have signed the digest."""
        message = webauthn.signed_digest(self.data, digest)
        p256.verify(message, self.r, self.s, self.x, self.y)
        return p256.address_of(self.x, self.y)


PrimitiveSignature = Secp256k1Signature | P256Signature | WebAuthnSignature
"""A signature by a key itself."""


@dataclass(frozen=True, slots=True)
class KeychainSignature:
    """A signature by an access key (version 2) in the name of its root account."""

    root: bytes
    inner: PrimitiveSignature

    @property
    def key_type(self) -> int:
        """The kind of the access key."""
        return self.inner.key_type

    @property
    def charged_data(self) -> bytes:
        """Data that costs calldata gas on top of the kind's surcharge (facts 4.5)."""
        return self.inner.charged_data

    def encode(self) -> bytes:
        """The canonical bytes."""
        return bytes([_KEYCHAIN_V2_PREFIX]) + self.root + self.inner.encode()

    def recover(self, digest: bytes) -> tuple[bytes, bytes]:
        """The root account and the access key's address. Whether that key may is state."""
        return self.root, self.inner.recover(keychain_digest(digest, self.root))


Signature = PrimitiveSignature | KeychainSignature
"""Anything that can stand in the sender's slot."""


def keychain_digest(digest: bytes, root: bytes) -> bytes:
    """What an access key signs instead of the digest: bound to the account it speaks for."""
    return keccak256(bytes([_KEYCHAIN_V2_PREFIX]) + digest + root)


def parse_signature(data: bytes) -> Signature:
    """Read a signature of any kind; `SignatureError` says what is wrong with the bytes."""
    if len(data) != _SECP256K1_BYTES and data:
        if data[0] == _KEYCHAIN_V2_PREFIX:
            if len(data) < 21:
                raise SignatureError("keychain signature is too short to name its account")
            return KeychainSignature(data[1:21], parse_primitive(data[21:]))
        if data[0] == _KEYCHAIN_V1_PREFIX:
            raise LegacyKeychainError
    return parse_primitive(data)


def parse_primitive(data: bytes) -> PrimitiveSignature:
    """Read a signature by a key itself; access keys are refused."""
    if len(data) == _SECP256K1_BYTES:
        v = data[64]
        if v not in _Y_PARITIES:
            raise SignatureError(f"signature v must be 0, 1, 27 or 28, got {v}")
        return Secp256k1Signature(
            _Y_PARITIES[v], int.from_bytes(data[:32]), int.from_bytes(data[32:64])
        )
    prefix = data[0] if data else None
    if prefix == _P256_PREFIX:
        if len(data) != _P256_BYTES:
            raise SignatureError(f"P256 signature needs {_P256_BYTES} bytes, got {len(data)}")
        if data[129] > 1:
            raise SignatureError(f"P256 prehash byte must be 0 or 1, got {data[129]}")
        return P256Signature(*_words(data[1:129]), pre_hash=data[129] == 1)
    if prefix == _WEBAUTHN_PREFIX:
        if not _POINT_BYTES <= len(data) - 1 <= webauthn.MAX_SIGNATURE_BYTES:
            raise SignatureError(
                f"WebAuthn signature needs {_POINT_BYTES} to {webauthn.MAX_SIGNATURE_BYTES} bytes,"
                f" got {len(data) - 1}"
            )
        return WebAuthnSignature(data[1:-_POINT_BYTES], *_words(data[-_POINT_BYTES:]))
    if prefix in {_KEYCHAIN_V1_PREFIX, _KEYCHAIN_V2_PREFIX}:
        raise SignatureError("keychain signature where only a key's own signature may stand")
    if prefix == _MULTISIG_PREFIX:
        raise SignatureError("multisig signatures (type 0x05) are not part of this chain")
    raise SignatureError(f"{len(data)} bytes are not a signature of any known kind")


def recover_signer(signature: Signature, digest: bytes) -> Signer:
    """Whom the signature speaks for; `SignatureError` if it does not match the digest."""
    if isinstance(signature, KeychainSignature):
        return Signer(*signature.recover(digest))
    return Signer(signature.recover(digest), None)


def verify_primitive(digest: bytes, signature: bytes) -> bytes:
    """The address behind a channel voucher's or SignatureVerifier's signature bytes.

    Access keys are refused: what they may do is decided per transaction (facts 2.8, 2.11).
    """
    return parse_primitive(signature).recover(digest)


def _words(data: bytes) -> tuple[int, int, int, int]:
    """r, s, x, y."""
    return (
        int.from_bytes(data[:32]),
        int.from_bytes(data[32:64]),
        int.from_bytes(data[64:96]),
        int.from_bytes(data[96:128]),
    )


_Y_PARITIES: Final = {0: 0, 1: 1, 27: 0, 28: 1}
