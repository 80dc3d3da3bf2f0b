"""The signature verifier: any signature an account can make, checked for contracts (TIP-1020).

A contract that asks here need not know whether its user signs with secp256k1, P-256 or a passkey;
and since TIP-1049 it can ask whether an access key signed in an account's name. Facts 2.11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.addresses import ACCOUNT_KEYCHAIN
from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.native.contract import Error, NativeContract, Revert, view
from mock_rails.tempo.native.keychain import AccountKeychain
from mock_rails.tempo.tx.signatures import (
    KEY_TYPE_SECP256K1,
    KeychainSignature,
    parse_primitive,
    parse_signature,
)

if TYPE_CHECKING:
    from mock_rails.tempo.tx.signatures import Signature

SECP256K1_GAS: Final = 3_000
P256_GAS: Final = 8_000
"""P-256 signatures, bare or in WebAuthn."""


class SignatureVerifier(NativeContract):
    """Pure but for the keychain's state. A bad signature reverts; a good one by another is false.

    Bytes that are no signature of the kind asked for are `InvalidFormat`, at no extra gas.
    """

    title = "Signature verifier error"

    InvalidFormat = Error("InvalidFormat()")
    InvalidSignature = Error("InvalidSignature()")

    @view("recover(bytes32 hash, bytes signature) returns (address signer)")
    def recover(self, digest: bytes, signature: bytes) -> bytes:
        """Who signed the digest."""
        try:
            parsed = parse_primitive(signature)
        except SignatureError:
            raise self.InvalidFormat() from None
        self._charge(parsed)
        try:
            return parsed.recover(digest)
        except SignatureError:
            raise self.InvalidSignature() from None

    @view("verify(address signer, bytes32 hash, bytes signature) returns (bool)")
    def verify(self, signer: bytes, digest: bytes, signature: bytes) -> bool:
        """Whether this signer signed the digest."""
        return self.recover(digest, signature) == signer

    @view("verifyKeychain(address account, bytes32 hash, bytes signature) returns (bool)")
    def verify_keychain(self, account: bytes, digest: bytes, signature: bytes) -> bool:
        """Whether an active access key signed in the account's name; the root key is not one."""
        parsed, key_id = self._recover_keychain(digest, signature)
        return parsed.root == account and self._is_active(account, key_id, parsed.key_type)

    @view("verifyKeychainAdmin(address account, bytes32 hash, bytes signature) returns (bool)")
    def verify_keychain_admin(self, account: bytes, digest: bytes, signature: bytes) -> bool:
        """Whether the account's root key or an active admin key signed, in the keychain's form."""
        parsed, key_id = self._recover_keychain(digest, signature)
        if parsed.root != account:
            return False
        if key_id == account:
            return True
        keychain = self.contract(AccountKeychain, ACCOUNT_KEYCHAIN)
        return keychain.is_admin(account, key_id) and self._is_active(
            account, key_id, parsed.key_type
        )

    def _recover_keychain(self, digest: bytes, signature: bytes) -> tuple[KeychainSignature, bytes]:
        """A keychain signature and the access key that made it."""
        try:
            parsed = parse_signature(signature)
        except SignatureError:
            raise self.InvalidFormat() from None
        if not isinstance(parsed, KeychainSignature):
            raise self.InvalidFormat()
        self._charge(parsed)
        try:
            _, key_id = parsed.recover(digest)
        except SignatureError:
            raise self.InvalidSignature() from None
        return parsed, key_id

    def _is_active(self, account: bytes, key_id: bytes, key_type: int) -> bool:
        keychain = self.contract(AccountKeychain, ACCOUNT_KEYCHAIN)
        try:
            keychain.validate_key(account, key_id, key_type)
        except Revert:
            return False
        return True

    def _charge(self, signature: Signature) -> None:
        """The price of the curve, whatever comes out."""
        secp256k1 = signature.key_type == KEY_TYPE_SECP256K1
        self.frame.meter.charge(SECP256K1_GAS if secp256k1 else P256_GAS)
