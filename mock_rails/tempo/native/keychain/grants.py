"""Authorizing keys: by a call of the account, or by an authorization that a transaction carries.

Both are the same grant, described by a `KeyAuthorization` (facts 1.5 and 2.6). The call proves who
grants by who sends it; the carried one is signed, and may be older than the transaction, or meant
for another chain or account, so it is checked for that first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.abi import Event, Function
from mock_rails.tempo.addresses import ZERO_ADDRESS
from mock_rails.tempo.native.contract import Error, function
from mock_rails.tempo.native.keychain.keys import NEVER_EXPIRES, AccessKey
from mock_rails.tempo.native.keychain.limits import Limits
from mock_rails.tempo.native.keychain.scopes import RawScope, Scopes, to_scope
from mock_rails.tempo.native.keychain.witnesses import Witnesses
from mock_rails.tempo.tx.key_authorization import KeyAuthorization, TokenLimit

if TYPE_CHECKING:
    from mock_rails.tempo.tx.key_authorization import SignedKeyAuthorization

RawConfig = tuple[int, bool, tuple[tuple[bytes, int, int], ...], bool, tuple[RawScope, ...]]
"""The configuration of `authorizeKey`: expiry, whether limits are enforced and which, whether any
call is allowed or else which."""

_KEY_TYPES: Final = 3
_CONFIG: Final = (
    "(uint64 expiry, bool enforceLimits, (address token, uint256 amount, uint64 period)[] limits,"
    " bool allowAnyCalls, (address target, (bytes4 selector, address[] recipients)[]"
    " selectorRules)[] allowedCalls) config"
)
_AUTHORIZE_KEY: Final = f"authorizeKey(address keyId, uint8 signatureType, {_CONFIG})"


class KeyAuthorizationError(Exception):
    """A key authorization that does not belong in the transaction that carries it.

    The text is the node's (facts 1.5, 1.9). What the keychain itself refuses, such as a key that
    exists, is one of its own errors.
    """


class Grants(Limits, Scopes, Witnesses):
    """How keys come to be."""

    KeyAuthorized = Event(
        "KeyAuthorized(address indexed account, address indexed publicKey, uint8 signatureType,"
        " uint64 expiry)"
    )
    AdminKeyAuthorized = Event(
        "AdminKeyAuthorized(address indexed account, address indexed publicKey)"
    )

    KeyAlreadyExists = Error("KeyAlreadyExists()")
    InvalidSignatureType = Error("InvalidSignatureType()")
    ZeroPublicKey = Error("ZeroPublicKey()")
    ExpiryInPast = Error("ExpiryInPast()")
    InvalidKeyId = Error("InvalidKeyId()")
    LegacyAuthorizeKeySelectorChanged = Error(
        "LegacyAuthorizeKeySelectorChanged(bytes4 newSelector)"
    )

    # -- by a call --------------------------------------------------------------------------------

    @function(_AUTHORIZE_KEY)
    def authorize_key(self, key_id: bytes, key_type: int, config: RawConfig) -> None:
        """Let a key sign for the caller, within limits."""
        self._authorize_by_call(key_id, key_type, config, None)

    @function(_AUTHORIZE_KEY.removesuffix(")") + ", bytes32 witness)")
    def authorize_key_with_witness(
        self, key_id: bytes, key_type: int, config: RawConfig, witness: bytes
    ) -> None:
        """The same, bound to a witness."""
        self._authorize_by_call(key_id, key_type, config, witness)

    @function("authorizeAdminKey(address keyId, uint8 signatureType, bytes32 witness)")
    def authorize_admin_key(self, key_id: bytes, key_type: int, witness: bytes) -> None:
        """Let a key sign for the caller without limits, and manage its other keys (TIP-1049)."""
        self.require_manager()
        self._grant(
            self.sender,
            KeyAuthorization(self._chain_id, key_type, key_id, witness=witness, is_admin=True),
        )

    @function(
        "authorizeKey(address keyId, uint8 signatureType, uint64 expiry, bool enforceLimits,"
        " (address token, uint256 amount)[] limits)"
    )
    def authorize_key_legacy(self, *_: object) -> None:
        """The form from before fork T3: refused, naming the one that took its place."""
        raise self.LegacyAuthorizeKeySelectorChanged(Function(_AUTHORIZE_KEY).selector)

    def _authorize_by_call(
        self, key_id: bytes, key_type: int, config: RawConfig, witness: bytes | None
    ) -> None:
        self.require_manager()
        expiry_s, enforce_limits, limits, allow_any_calls, allowed_calls = config
        authorization = KeyAuthorization(
            self._chain_id,
            key_type,
            key_id,
            expiry_s,
            tuple(TokenLimit(*limit) for limit in limits) if enforce_limits else None,
            None if allow_any_calls else tuple(map(to_scope, allowed_calls)),
            witness,
        )
        self._grant(self.sender, authorization)

    # -- by a transaction that carries a signed authorization -------------------------------------

    def authorize(self, account: bytes, signed: SignedKeyAuthorization, signer: bytes) -> None:
        """Apply the authorization that a transaction of the account carries.

        `signer` is who signed the authorization, not the transaction. Raises
        `KeyAuthorizationError`, or one of the keychain's errors.
        """
        authorization = signed.authorization
        self._require_fitting(account, authorization)
        self._require_granter(account, authorization, signer)
        key_id = self.frame.scope.key_id
        if key_id not in {None, authorization.key_id} and not self.is_admin(account, key_id):
            raise KeyAuthorizationError(
                "access keys cannot authorize other keys, only the root key can authorize new keys"
            )
        self._grant(account, authorization)

    def _require_fitting(self, account: bytes, authorization: KeyAuthorization) -> None:
        """It is meant for this chain and this account, and does not contradict itself."""
        if authorization.chain_id != self._chain_id:
            raise KeyAuthorizationError(
                f"KeyAuthorization chain_id mismatch: expected {self._chain_id},"
                f" got {authorization.chain_id}"
            )
        if authorization.account not in {None, account}:
            raise KeyAuthorizationError(
                f"KeyAuthorization account mismatch: expected 0x{account.hex()},"
                f" got 0x{(authorization.account or b'').hex()}"
            )
        restrictions = (authorization.expiry_s, authorization.limits, authorization.allowed_calls)
        if authorization.is_admin and restrictions != (None, None, None):
            raise KeyAuthorizationError(
                "KeyAuthorization of an admin key must not have an expiry, limits or allowed calls"
            )

    def _require_granter(
        self, account: bytes, authorization: KeyAuthorization, signer: bytes
    ) -> None:
        """The root key may grant; so may an admin key, whose signature must name the account.

        An admin key's address may manage several accounts, so a grant that names none could be
        played against each of them.
        """
        if signer == account:
            return
        if not self.is_admin(account, signer):
            raise KeyAuthorizationError(
                f"KeyAuthorization must be signed by root account 0x{account.hex()},"
                f" but was signed by 0x{signer.hex()}"
            )
        if authorization.account is None:
            raise KeyAuthorizationError(
                "KeyAuthorization signed by an admin key must name its account"
            )

    # -- either way -------------------------------------------------------------------------------

    def _grant(self, account: bytes, authorization: KeyAuthorization) -> None:
        key_id, expiry_s = authorization.key_id, authorization.expiry_s
        if key_id == ZERO_ADDRESS:
            raise self.ZeroPublicKey()
        if key_id == account:
            raise self.InvalidKeyId()
        if expiry_s is None:
            expiry_s = NEVER_EXPIRES
        if expiry_s <= self.now_s:
            raise self.ExpiryInPast()
        key: AccessKey = self.keys[account, key_id]
        if key.exists:
            raise self.KeyAlreadyExists()
        if key.is_revoked:
            raise self.KeyAlreadyRevoked()
        if authorization.key_type >= _KEY_TYPES:
            raise self.InvalidSignatureType()
        limits, witness = authorization.limits, authorization.witness
        if limits is not None and len({limit.token for limit in limits}) != len(limits):
            raise self.InvalidSpendingLimit()
        if witness is not None:
            self.require_unburnt(account, witness)
        self.keys[account, key_id] = AccessKey(
            authorization.key_type, expiry_s, limits is not None, is_admin=authorization.is_admin
        )
        self.grant_limits(account, key_id, limits or ())
        if authorization.allowed_calls is not None:
            self.grant_scopes(account, key_id, authorization.allowed_calls)
        self.emit(self.KeyAuthorized, account, key_id, authorization.key_type, expiry_s)
        if authorization.is_admin:
            self.emit(self.AdminKeyAuthorized, account, key_id)
        if witness is not None:
            self.emit(self.KeyAuthorizationWitness, account, witness)

    @property
    def _chain_id(self) -> int:
        return self.frame.scope.block.chain_id
