"""The nonce manager: parallel nonces, and transactions that expire instead of being counted.

The protocol nonce is the account's own. Every other nonce key is a sequence kept here, and the
highest key is no sequence at all: such a transaction is remembered by its context hash until its
`valid_before` has passed (TIP-1009; facts 1.7 and 2.5).
"""

from __future__ import annotations

from typing import ClassVar, Final

from mock_rails.tempo.abi import Event
from mock_rails.tempo.native.contract import Error, NativeContract, view
from mock_rails.tempo.native.storage import Mapping

EXPIRING_WINDOW_S: Final = 300
"""How far ahead `valid_before` of an expiring nonce may lie (fork T11; 30 s before that)."""

MAX_NONCE: Final = (1 << 64) - 1

_EXPIRIES: Final = 1
"""Slot of the replay set: context hash -> `valid_before`."""
_RING: Final = 2
"""Slot of the ring: position -> context hash, in the order of arrival."""
_RING_SPAN: Final = 3
"""Slot of the position that the next hash takes and, below it, of how many before it are in use."""
_SIZE_LIMIT: Final = 1 << 32

_EVICTIONS: Final = 2
"""Expired entries forgotten for each new one, so that the ring shrinks again after a burst."""


class NonceManager(NativeContract):
    """Nonces by account and key, and the replay set of expiring nonces.

    Only the executor advances and marks. What a mark costs is intrinsic gas, so the replay set is
    kept without metering.
    """

    title = "Tempo Transaction nonce error"

    ring_capacity: ClassVar[int] = 3_000_000
    """How many unexpired transactions the replay set holds."""

    nonces = Mapping(0)

    NonceIncremented = Event(
        "NonceIncremented(address indexed account, uint256 indexed nonceKey, uint64 newNonce)"
    )

    ProtocolNonceNotSupported = Error("ProtocolNonceNotSupported()")
    InvalidNonceKey = Error("InvalidNonceKey()")
    NonceOverflow = Error("NonceOverflow()")
    ExpiringNonceReplay = Error("ExpiringNonceReplay()")
    ExpiringNonceSetFull = Error("ExpiringNonceSetFull()")
    InvalidExpiringNonceExpiry = Error("InvalidExpiringNonceExpiry()")

    @view("getNonce(address account, uint256 nonceKey) returns (uint64 nonce)")
    def nonce(self, account: bytes, key: int) -> int:
        """The next nonce of a key; the protocol nonce (key 0) is read from the account instead."""
        if key == 0:
            raise self.ProtocolNonceNotSupported()
        return int(self.nonces[account, key])

    def advance(self, account: bytes, key: int) -> None:
        """Use up a key's nonce."""
        if key == 0:
            raise self.InvalidNonceKey()
        nonce = self.nonces[account, key] + 1
        if nonce > MAX_NONCE:
            raise self.NonceOverflow()
        self.nonces[account, key] = nonce
        self.emit(self.NonceIncremented, account, key, nonce)

    def use_expiring(self, context_hash: bytes, valid_before: int) -> None:
        """Remember a transaction until it expires, or refuse it."""
        now_s, world = self.now_s, self.frame.scope.world
        if not now_s < valid_before <= now_s + EXPIRING_WINDOW_S:
            raise self.InvalidExpiringNonceExpiry()
        seen = (self.address, _EXPIRIES, context_hash)
        if world.load(seen) > now_s:
            raise self.ExpiringNonceReplay()
        span = (self.address, _RING_SPAN)
        pointer, size = divmod(world.load(span), _SIZE_LIMIT)
        size = self._forget_expired(pointer, size, now_s)
        if size >= self.ring_capacity:
            raise self.ExpiringNonceSetFull()
        world.store((self.address, _RING, pointer), int.from_bytes(context_hash))
        world.store(seen, valid_before)
        world.store(span, (pointer + 1) % self.ring_capacity * _SIZE_LIMIT + size + 1)

    def _forget_expired(self, pointer: int, size: int, now_s: int) -> int:
        """Drop the oldest entries if they have expired, and answer how many are left.

        The node overwrites an expired entry when the ring comes round to it. Dropping it earlier
        cannot be observed, since its transaction is refused for being expired, and it keeps the
        state as small as the traffic of one window.
        """
        world = self.frame.scope.world
        for _ in range(min(size, _EVICTIONS)):
            oldest = (self.address, _RING, (pointer - size) % self.ring_capacity)
            seen = (self.address, _EXPIRIES, world.load(oldest).to_bytes(32))
            if world.load(seen) > now_s:
                break
            world.store(oldest, 0)
            world.store(seen, 0)
            size -= 1
        return size
