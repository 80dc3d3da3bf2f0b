"""The keys of every account: which exist, until when, and who may change them (facts 2.6)."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from mock_rails.tempo import gas
from mock_rails.tempo.abi import Event
from mock_rails.tempo.addresses import ZERO_ADDRESS
from mock_rails.tempo.native.contract import Error, NativeContract, function, view
from mock_rails.tempo.native.storage import Mapping, Packed

NEVER_EXPIRES: Final = (1 << 64) - 1
"""The expiry of a key that has none."""

KeyInfo = tuple[int, bytes, int, bool, bool]
"""What `getKey` answers: type, key id, expiry, whether limits are enforced, whether revoked."""


class AccessKey(NamedTuple):
    """What is known of a key id; all zeros where there never was one."""

    signature_type: int = 0
    expiry_s: int = 0
    enforces_limits: bool = False
    is_revoked: bool = False
    is_admin: bool = False

    @property
    def exists(self) -> bool:
        """Whether the key was authorized and not revoked: every such key has an expiry."""
        return self.expiry_s > 0


class _AccessKeyKind:
    """A key in one storage word."""

    _word = Packed(8, 64, 8, 8, 8)

    def load(self, raw: Any) -> AccessKey:
        kind, expiry_s, enforces_limits, is_revoked, is_admin = self._word.load(raw)
        return AccessKey(kind, expiry_s, bool(enforces_limits), bool(is_revoked), bool(is_admin))

    def store(self, value: AccessKey) -> int:
        return self._word.store(tuple(int(field) for field in value))


class Keys(NativeContract):
    """The store of keys, and the checks that everything else in the keychain shares.

    All slots of the keychain are the protocol's bookkeeping: clearing one mints no storage credit.
    """

    title = "Account keychain error"

    keys = Mapping(0, _AccessKeyKind(), credit=False)
    """account, key id -> `AccessKey`."""

    KeyRevoked = Event("KeyRevoked(address indexed account, address indexed publicKey)")

    UnauthorizedCaller = Error("UnauthorizedCaller()")
    KeyNotFound = Error("KeyNotFound()")
    KeyExpired = Error("KeyExpired()")
    KeyAlreadyRevoked = Error("KeyAlreadyRevoked()")
    SignatureTypeMismatch = Error("SignatureTypeMismatch(uint8 expected, uint8 actual)")

    # -- reading ----------------------------------------------------------------------------------

    @view(
        "getKey(address account, address keyId) returns ((uint8 signatureType, address keyId,"
        " uint64 expiry, bool enforceLimits, bool isRevoked))"
    )
    def key_info(self, account: bytes, key_id: bytes) -> KeyInfo:
        """A key's entry, expired or not; an unknown or revoked one has key id zero."""
        key: AccessKey = self.keys[account, key_id]
        if not key.exists:
            return (0, ZERO_ADDRESS, 0, False, key.is_revoked)
        return (key.signature_type, key_id, key.expiry_s, key.enforces_limits, False)

    @view("getTransactionKey() returns (address)")
    def transaction_key(self) -> bytes:
        """The access key that signed the running transaction; zero if the root key did."""
        self.frame.meter.charge(gas.TRANSIENT)
        return self.frame.scope.key_id or ZERO_ADDRESS

    @view("isAdminKey(address account, address keyId) returns (bool)")
    def is_admin(self, account: bytes, key_id: bytes) -> bool:
        """Whether an access key may manage the account's other keys (TIP-1049)."""
        key: AccessKey = self.keys[account, key_id]
        return key.is_admin and self._is_active(key)

    # -- what a transaction is checked against ----------------------------------------------------

    def is_active(self, account: bytes, key_id: bytes) -> bool:
        """Whether an access key may sign for the account now."""
        return self._is_active(self.keys[account, key_id])

    def active_key(self, account: bytes, key_id: bytes) -> AccessKey:
        """An access key that may sign for the account now, or the reason why it may not."""
        key: AccessKey = self.keys[account, key_id]
        if key.is_revoked:
            raise self.KeyAlreadyRevoked()
        if not key.exists:
            raise self.KeyNotFound()
        if not self._is_active(key):
            raise self.KeyExpired()
        return key

    def validate_key(self, account: bytes, key_id: bytes, key_type: int) -> None:
        """Check that an access key of this type may sign for the account now."""
        key = self.active_key(account, key_id)
        if key.signature_type != key_type:
            raise self.SignatureTypeMismatch(key.signature_type, key_type)

    def _is_active(self, key: AccessKey) -> bool:
        return self.now_s < key.expiry_s

    # -- changing ---------------------------------------------------------------------------------

    def require_manager(self) -> None:
        """Keys are changed by the account itself, in a transaction of its root or an admin key."""
        scope, meter = self.frame.scope, self.frame.meter
        meter.charge(gas.TRANSIENT)
        if scope.key_id is not None and not self.is_admin(self.sender, scope.key_id):
            raise self.UnauthorizedCaller()
        meter.charge(gas.TRANSIENT)
        if self.sender != scope.origin:
            raise self.UnauthorizedCaller()

    @function("revokeKey(address keyId)")
    def revoke(self, key_id: bytes) -> None:
        """End a key for good: an id never comes back, so no old grant can be played again."""
        self.require_manager()
        key: AccessKey = self.keys[self.sender, key_id]
        if not key.exists:
            raise self.KeyNotFound()
        self.keys[self.sender, key_id] = AccessKey(is_revoked=True)
        self.emit(self.KeyRevoked, self.sender, key_id)
