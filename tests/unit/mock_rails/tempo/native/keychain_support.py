"""What the keychain's tests share: its transactions, and the usual ways to authorize a key.

    world = World()
    by_root(world).call(AUTHORIZE, KEY, 0, config(limits=[(PATH_USD, 100, 0)]))
    by_key(world).do.spend(ALICE, PATH_USD, 30)

Each `by_...` is a new transaction of ALICE, signed by her root key or by an access key.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.tempo.addresses import ACCOUNT_KEYCHAIN
from mock_rails.tempo.native.contract import Revert
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.keychain import AccountKeychain
from tests.unit.mock_rails.tempo.native.support import (
    ALICE,
    NOW_S,
    Caller,
    events,
    make_block,
    make_scope,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mock_rails.tempo.world import World

KEY = b"\x4e" * 20
"""The access key that the tests authorize for ALICE."""
OTHER_KEY = b"\x4f" * 20
NEVER = 2**64 - 1
WITNESS = b"\x77" * 32
ZERO = bytes(20)

CONFIG = (
    "(uint64 expiry, bool enforceLimits, (address token, uint256 amount, uint64 period)[] limits,"
    " bool allowAnyCalls, (address target, (bytes4 selector, address[] recipients)[] rules)[]"
    " allowedCalls)"
)
AUTHORIZE = f"authorizeKey(address keyId, uint8 signatureType, {CONFIG} config)"
AUTHORIZE_WITH_WITNESS = AUTHORIZE.removesuffix(")") + ", bytes32 witness)"
AUTHORIZE_ADMIN = "authorizeAdminKey(address,uint8,bytes32)"
GET_KEY = "getKey(address account, address keyId)"
REVOKE = "revokeKey(address)"

NO_KEY = (0, ZERO, 0, False, False)
REVOKED_KEY = (0, ZERO, 0, False, True)


def config(
    *,
    expiry: int = NEVER,
    limits: Sequence[tuple[bytes, int, int]] | None = None,
    calls: Sequence[Any] | None = None,
) -> tuple[Any, ...]:
    """The configuration of `authorizeKey`: without limits or calls the key has no such bounds."""
    return (expiry, limits is not None, tuple(limits or ()), calls is None, tuple(calls or ()))


@dataclass(frozen=True)
class Transaction(Caller):
    """A transaction's calls of the keychain, and the keychain as the chain itself uses it."""

    @property
    def do(self) -> AccountKeychain:
        """The contract in an unmetered frame, for its Python interface."""
        return AccountKeychain(Frame(self.scope, ACCOUNT_KEYCHAIN, self.sender))

    @property
    def events(self) -> list[tuple[str, Any]]:
        """What the transaction has logged."""
        return events(self.scope, AccountKeychain)


def by_root(
    world: World, *, account: bytes = ALICE, now_s: int = NOW_S, key_id: bytes | None = None
) -> Transaction:
    """A transaction signed by the account's root key."""
    block = make_block(timestamp_s=now_s)
    scope = make_scope(world, origin=account, block=block, key_id=key_id)
    return Transaction(scope, AccountKeychain, ACCOUNT_KEYCHAIN, account)


def by_key(
    world: World, key_id: bytes = KEY, *, account: bytes = ALICE, now_s: int = NOW_S
) -> Transaction:
    """A transaction signed by an access key of the account."""
    return by_root(world, account=account, now_s=now_s, key_id=key_id)


@contextmanager
def refuses(error: str) -> Iterator[None]:
    """Expect the keychain's Python interface to refuse with this error."""
    with pytest.raises(Revert) as caught:
        yield
    assert AccountKeychain.errors[caught.value.data[:4]].name == error
