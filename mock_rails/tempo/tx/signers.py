"""Who can sign for an account, one class for each kind of key.

For tests, benches, the faucet and the node's own accounts (eth_sendTransaction): a chain that only
verifies cannot be tried out. Everything is deterministic: same key, same digest, same signature.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from mock_rails.tempo.crypto import p256, secp256k1, webauthn
from mock_rails.tempo.tx.signatures import (
    KeychainSignature,
    P256Signature,
    Secp256k1Signature,
    WebAuthnSignature,
    keychain_digest,
)

if TYPE_CHECKING:
    from mock_rails.tempo.tx.signatures import PrimitiveSignature, Signature


class AnySigner(Protocol):
    """What can sign a transaction."""

    @property
    def address(self) -> bytes:
        """The account that the signature speaks for."""

    @property
    def key_id(self) -> bytes | None:
        """The access key's address where one signs for the account, else None."""

    def sign(self, digest: bytes) -> Signature:
        """Sign a 32-byte digest."""


class PrimitiveSigner(AnySigner, Protocol):
    """What signs with a key itself, and so may grant access keys and sign vouchers."""

    def sign(self, digest: bytes) -> PrimitiveSignature:
        """Sign a 32-byte digest."""


@dataclass(frozen=True, slots=True)
class Secp256k1Signer:
    """An ordinary account."""

    key: bytes = field(repr=False)

    @property
    def address(self) -> bytes:
        """The key's address."""
        return secp256k1.address_of(self.key)

    @property
    def key_id(self) -> None:
        """None: the key signs for itself."""
        return

    def sign(self, digest: bytes) -> Secp256k1Signature:
        """Sign a 32-byte digest."""
        return Secp256k1Signature(*secp256k1.sign(digest, self.key))


@dataclass(frozen=True, slots=True)
class P256Signer:
    """An account of a P-256 key; `pre_hash` signs sha256(digest), as WebCrypto does."""

    key: bytes = field(repr=False)
    pre_hash: bool = False

    @property
    def address(self) -> bytes:
        """The key's address."""
        return p256.address_of(*p256.public_key_of(self.key))

    @property
    def key_id(self) -> None:
        """None: the key signs for itself."""
        return

    def sign(self, digest: bytes) -> P256Signature:
        """Sign a 32-byte digest."""
        message = sha256(digest).digest() if self.pre_hash else digest
        return P256Signature(
            *p256.sign(message, self.key), *p256.public_key_of(self.key), pre_hash=self.pre_hash
        )


@dataclass(frozen=True, slots=True)
class WebAuthnSigner:
    """An account of a passkey, for a relying party such as `localhost`."""

    key: bytes = field(repr=False)
    rp_id: str = "localhost"

    @property
    def address(self) -> bytes:
        """The key's address."""
        return p256.address_of(*p256.public_key_of(self.key))

    @property
    def key_id(self) -> None:
        """None: the key signs for itself."""
        return

    def sign(self, digest: bytes) -> WebAuthnSignature:
        """Answer the digest as a challenge."""
        data = webauthn.assertion_data(digest, rp_id=self.rp_id)
        r, s = p256.sign(webauthn.signed_digest(data, digest), self.key)
        return WebAuthnSignature(data, r, s, *p256.public_key_of(self.key))


@dataclass(frozen=True, slots=True)
class KeychainSigner:
    """An access key that signs for its root account."""

    root: bytes
    access_key: PrimitiveSigner

    @property
    def address(self) -> bytes:
        """The root account."""
        return self.root

    @property
    def key_id(self) -> bytes:
        """The access key's own address."""
        return self.access_key.address

    def sign(self, digest: bytes) -> KeychainSignature:
        """Sign a 32-byte digest, bound to the root account."""
        return KeychainSignature(
            self.root, self.access_key.sign(keychain_digest(digest, self.root))
        )
