"""Single-use marks: which credentials, transactions and invoices were already taken.

A mark says "used" by being there. Putting one is atomic, so of any number of concurrent uses
exactly one gets True. Expiry is for credentials that are dead anyway after a time; it follows the
sandbox's clock, so a test that skips an hour forgets what an hour forgets.

The interface is pympp's own (`mpp.store.ExpiringStore`) with whole seconds and typed values: a
ReplayStore goes as it is into `Mpp(store=...)` or any charge method's `store=`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol

from mpp.store import ExpiringStore

from mock_rails.core.errors import BadInput
from sandbox.server.stores.keys import checked_key, checked_value

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock

SWEEP: Final = 8
"""How many expired marks each new one takes away: they go faster than they come, in no pause."""


class ReplayStore(ExpiringStore, Protocol):
    """Marks by key, each put once, some with an end."""

    async def get(self, key: str) -> str | None:
        """The value of a live mark, or None."""
        ...

    async def put(self, key: str, value: str, *, expires_at_s: int | None = None) -> None:
        """Set a mark whatever was there before: its value and its end."""
        ...

    async def delete(self, key: str) -> None:
        """Take a mark away, so that the key can be used again; absent ones are fine."""
        ...

    async def put_if_absent(self, key: str, value: str, *, expires_at_s: int | None = None) -> bool:
        """Set a mark unless a live one is there; True for exactly one of any that race.

        Without `expires_at_s` it stays until it is deleted. A mark lives while the clock shows
        less than `expires_at_s`; an end that has already come is an error, for such a mark would
        protect nothing.
        """
        ...

    async def put_if_absent_until(self, key: str, value: str, expires_at: float) -> bool:
        """pympp's name for it, with a fraction of a second, which is rounded up: a replay mark
        may live a moment too long but never too short."""
        if not math.isfinite(expires_at):
            raise BadInput(f"A mark ends at a finite Unix time, not {expires_at!r}.")
        return await self.put_if_absent(key, value, expires_at_s=math.ceil(expires_at))

    async def purge(self) -> int:
        """Forget all expired marks now; how many there were. New marks do so little by little."""
        ...

    async def close(self) -> None:
        """Close the whole `Store` these marks live in; closing twice is fine."""
        ...


def check_mark(key: str, value: str, expires_at_s: int | None, clock: Clock) -> None:
    """Refuse a mark that no backend would keep: its key, its value, or an end that is not a whole
    number of seconds or that the clock has reached."""
    checked_key(key)
    checked_value(value)
    if expires_at_s is None:
        return
    if type(expires_at_s) is not int:
        raise BadInput(f"A mark ends at a whole number of Unix seconds, not {expires_at_s!r}.")
    now_s = clock.now_s()
    if expires_at_s <= now_s:
        raise BadInput(
            f"A mark that ended at {expires_at_s} would protect nothing: it is {now_s}.",
            details={"expires_at_s": expires_at_s, "now_s": now_s},
        )
