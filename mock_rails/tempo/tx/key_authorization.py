"""Key authorizations: an account's signed consent to an access key, its limits and its scopes.

Spec: facts 1.5 (slot 13 of a 0x76). This is the codec; what an authorization does to the keychain,
and which combinations the keychain refuses, is the executor's and the native contract's business.
Absent and empty differ: no limits at all is unlimited, an empty list of limits allows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.tx import rlp
from mock_rails.tempo.tx.signatures import parse_primitive

if TYPE_CHECKING:
    from mock_rails.tempo.tx.rlp import Item
    from mock_rails.tempo.tx.signatures import PrimitiveSignature

_KEY_TYPES: Final = (0, 1, 2)
_REQUIRED: Final = 3
_FIELDS: Final = 9


@dataclass(frozen=True, slots=True)
class TokenLimit:
    """How much of a token the key may spend, once or (`period_s` > 0) every so many seconds."""

    token: bytes
    limit: int
    period_s: int = 0


@dataclass(frozen=True, slots=True)
class SelectorRule:
    """A function that the key may call; with recipients, only with one as its first argument."""

    selector: bytes
    recipients: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class CallScope:
    """A contract that the key may call; without rules, any of its functions."""

    target: bytes
    rules: tuple[SelectorRule, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyAuthorization:
    """Which key may act for the account, until when, and how far."""

    chain_id: int
    key_type: int
    key_id: bytes
    expiry_s: int | None = None
    limits: tuple[TokenLimit, ...] | None = None
    allowed_calls: tuple[CallScope, ...] | None = None
    witness: bytes | None = None
    is_admin: bool = False
    account: bytes | None = None

    def to_items(self) -> list[Item]:
        """The fields as RLP items: trailing absent ones dropped, inner ones empty strings."""
        limits: list[Item] | None = None
        if self.limits is not None:
            limits = [_limit_items(limit) for limit in self.limits]
        scopes: list[Item] | None = None
        if self.allowed_calls is not None:
            scopes = [_scope_items(scope) for scope in self.allowed_calls]
        expiry = None if self.expiry_s is None else _minimal(self.expiry_s)
        admin = b"\x01" if self.is_admin else None
        optional: list[Item | None] = [expiry, limits, scopes, self.witness, admin, self.account]
        while optional and optional[-1] is None:
            optional.pop()
        required: list[Item] = [_minimal(self.chain_id), _minimal(self.key_type), self.key_id]
        return required + [b"" if item is None else item for item in optional]

    def encode(self) -> bytes:
        """The RLP of the unsigned authorization."""
        return rlp.encode(self.to_items())

    def digest(self) -> bytes:
        """What the root key (or an admin key) signs."""
        return keccak256(self.encode())


@dataclass(frozen=True, slots=True)
class SignedKeyAuthorization:
    """A key authorization with the signature of whoever grants it."""

    authorization: KeyAuthorization
    signature: PrimitiveSignature

    def to_items(self) -> list[Item]:
        """The RLP items of slot 13, the signature in canonical form."""
        return [self.authorization.to_items(), self.signature.encode()]

    def encode(self) -> bytes:
        """The RLP of slot 13."""
        return rlp.encode(self.to_items())

    def signer(self) -> bytes:
        """Who granted it; `SignatureError` if the signature matches nobody."""
        return self.signature.recover(self.authorization.digest())


def parse_key_authorization(item: Item) -> SignedKeyAuthorization:
    """Read slot 13; `RlpError` or `SignatureError` says what is wrong with it."""
    parts = rlp.to_list(item, "key authorization", sizes=range(2, 3))
    authorization = _parse_unsigned(parts[0])
    signature = parse_primitive(rlp.to_bytes(parts[1], "key authorization signature"))
    return SignedKeyAuthorization(authorization, signature)


def _parse_unsigned(item: Item) -> KeyAuthorization:
    fields = rlp.to_list(item, "key authorization", sizes=range(_REQUIRED, _FIELDS + 1))
    padding: list[Item] = [b""] * (_FIELDS - len(fields))
    expiry, limits, scopes, witness, admin, account = fields[_REQUIRED:] + padding
    key_type = rlp.to_uint(fields[1], 8, "key type")
    if key_type not in _KEY_TYPES:
        raise rlp.RlpError(f"key type must be 0, 1 or 2, got {key_type}")
    if admin not in (b"", b"\x01"):
        raise rlp.RlpError("key authorization is_admin must be 1 or absent")
    authorization = KeyAuthorization(
        chain_id=rlp.to_uint(fields[0], 64, "key authorization chain id"),
        key_type=key_type,
        key_id=rlp.to_bytes(fields[2], "key id", size=20),
        expiry_s=None if expiry == b"" else rlp.to_uint(expiry, 64, "key expiry"),
        limits=None if limits == b"" else _parse_limits(limits),
        allowed_calls=None if scopes == b"" else _parse_scopes(scopes),
        witness=None if witness == b"" else rlp.to_bytes(witness, "witness", size=32),
        is_admin=admin == b"\x01",
        account=rlp.to_optional_address(account, "key authorization account"),
    )
    # One authorization has one digest: refuse an absent last field and a period of 0 spelt out.
    if authorization.to_items() != fields:
        raise rlp.RlpError("key authorization is not in its canonical form")
    return authorization


def _parse_limits(item: Item) -> tuple[TokenLimit, ...]:
    limits = []
    for entry in rlp.to_list(item, "token limits"):
        token, limit, *period = rlp.to_list(entry, "token limit", sizes=range(2, 4))
        limits.append(
            TokenLimit(
                rlp.to_bytes(token, "token limit address", size=20),
                rlp.to_uint(limit, 256, "token limit amount"),
                rlp.to_uint(period[0], 64, "token limit period") if period else 0,
            )
        )
    return tuple(limits)


def _parse_scopes(item: Item) -> tuple[CallScope, ...]:
    scopes = []
    for entry in rlp.to_list(item, "call scopes"):
        target, rules = rlp.to_list(entry, "call scope", sizes=range(2, 3))
        scopes.append(
            CallScope(
                rlp.to_bytes(target, "call scope target", size=20),
                tuple([_parse_rule(rule) for rule in rlp.to_list(rules, "selector rules")]),
            )
        )
    return tuple(scopes)


def _parse_rule(item: Item) -> SelectorRule:
    selector, recipients = rlp.to_list(item, "selector rule", sizes=range(2, 3))
    return SelectorRule(
        rlp.to_bytes(selector, "selector", size=4),
        tuple(
            [
                rlp.to_bytes(recipient, "selector rule recipient", size=20)
                for recipient in rlp.to_list(recipients, "selector rule recipients")
            ]
        ),
    )


def _limit_items(limit: TokenLimit) -> list[Item]:
    items: list[Item] = [limit.token, _minimal(limit.limit)]
    if limit.period_s:
        items.append(_minimal(limit.period_s))
    return items


def _scope_items(scope: CallScope) -> list[Item]:
    return [scope.target, [[rule.selector, list(rule.recipients)] for rule in scope.rules]]


def _minimal(value: int) -> bytes:
    """The integer as the byte string that RLP wraps."""
    return value.to_bytes((value.bit_length() + 7) // 8)
