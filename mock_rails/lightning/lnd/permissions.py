"""Who may do what at a node: macaroons as LND bakes and checks them (facts: lightning 4.2, 6).

The root key comes from the node's own, so the same seed has the same macaroons and a test can keep
them in a file. What is wrong with a macaroon is an error of unknown kind, HTTP 500, never 401: so
it is in LND.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from mock_rails.lightning.errors import LightningError
from mock_rails.lightning.macaroon import MacaroonError, bake, read, varint, verify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.core.clock import Clock
    from mock_rails.lightning.node import Node

Permission = tuple[str, str]
"""What it is about, and `read` or `write`."""

HEADER: Final = "grpc-metadata-macaroon"

ROLES: Final[Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "admin": (
        ("address", ("read", "write")),
        ("info", ("read", "write")),
        ("invoices", ("read", "write")),
        ("macaroon", ("generate", "read", "write")),
        ("message", ("read", "write")),
        ("offchain", ("read", "write")),
        ("onchain", ("read", "write")),
        ("peers", ("read", "write")),
        ("signer", ("generate", "read")),
    ),
    "invoice": (
        ("address", ("read", "write")),
        ("invoices", ("read", "write")),
        ("onchain", ("read",)),
    ),
    "readonly": (
        ("address", ("read",)),
        ("info", ("read",)),
        ("invoices", ("read",)),
        ("macaroon", ("read",)),
        ("message", ("read",)),
        ("offchain", ("read",)),
        ("onchain", ("read",)),
        ("peers", ("read",)),
        ("signer", ("read",)),
    ),
}
"""What the three macaroons that LND writes at its first start allow."""

_BAKERY_VERSION: Final = 3
_KNOWN_AT_MOST: Final = 1_000
_BEFORE: Final = "time-before "


def bake_for(node: Node, role: str) -> bytes:
    """A node's admin, invoice or readonly macaroon."""
    return bake(_root_key(node), _identifier(node, role))


class Permissions:
    """The door of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._verified: dict[
            tuple[bytes, str], tuple[frozenset[Permission], tuple[bytes, ...]]
        ] = {}

    def check(self, macaroons: list[str], wanted: Permission) -> None:
        """Raise what LND says to somebody who may not."""
        if len(macaroons) != 1:
            raise LightningError(f"expected 1 macaroon, got {len(macaroons)}")
        key = (self._node.state.key, macaroons[0])
        known = self._verified.get(key)
        if known is None:
            known = self._verify(macaroons[0])
            if len(self._verified) >= _KNOWN_AT_MOST:
                self._verified.clear()
            self._verified[key] = known
        allowed, caveats = known
        for caveat in caveats:
            _meet(caveat, self._node.rail.context.clock)
        if wanted not in allowed:
            raise LightningError("permission denied")

    def _verify(self, text: str) -> tuple[frozenset[Permission], tuple[bytes, ...]]:
        try:
            raw = bytes.fromhex(text)
        except ValueError:
            raise LightningError("encoding/hex: the macaroon is not hexadecimal") from None
        try:
            identifier = read(raw).identifier
        except MacaroonError as error:
            raise LightningError(error.detail) from None
        try:
            caveats = verify(raw, _root_key(self._node))
        except MacaroonError as error:
            raise LightningError(f"verification failed: {error.detail}") from None
        for role, granted in ROLES.items():
            if identifier == _identifier(self._node, role):
                return frozenset((what, how) for what, hows in granted for how in hows), caveats
        raise LightningError("verification failed: no macaroon of this node has that identifier")


def _meet(caveat: bytes, clock: Clock) -> None:
    """Conditions that are not known are not met."""
    text = caveat.decode("utf-8", "replace")
    if text.startswith(_BEFORE):
        try:
            met = clock.utc() < datetime.fromisoformat(text.removeprefix(_BEFORE))
        except (ValueError, TypeError):
            met = False
        reason = "macaroon has expired"
    else:
        met, reason = False, "caveat not recognized"
    if not met:
        raise LightningError(f'verification failed: caveat "{text[:100]}" not satisfied: {reason}')


def _root_key(node: Node) -> bytes:
    return sha256(b"lnd macaroon root key" + node.state.key).digest()


def _identifier(node: Node, role: str) -> bytes:
    """The bakery's identifier: its version, then a protobuf of a nonce, the root key's number and
    what is allowed."""
    nonce = sha256(b"lnd macaroon nonce" + node.state.key + role.encode()).digest()[:16]
    out = bytes([_BAKERY_VERSION]) + _member(1, nonce) + _member(2, b"0")
    for what, hows in ROLES[role]:
        allowed = _member(1, what.encode()) + b"".join(_member(2, how.encode()) for how in hows)
        out += _member(3, allowed)
    return out


def _member(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2]) + varint(len(data)) + data
