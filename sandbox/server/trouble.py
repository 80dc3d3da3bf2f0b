"""What the merchant is told of trouble that is expected: one line, and no traceback.

Of a store that fails: at once why, and then once a minute. Every request fails then, and a line for
each would fill the very disk that is full. Of a payment whose outcome is not known: what the rail
said (facts: protocol 1.5). Only what nobody expects has a traceback.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from mpp.errors import PaymentError

from mock_rails.core.errors import SandboxError

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from sandbox.server.stores.errors import StoreError

_LOG: Final = logging.getLogger("sandbox.server")

_QUIET_S: Final = 60
_TELLS: Final = (PaymentError, SandboxError, RuntimeError)
"""Whose words may be shown. An HTTP client's may hold a node's URL, and that a key."""

_UNKNOWN: Final = "the outcome of a payment is not known"


def tell_unknown(failure: BaseException) -> None:
    """Nobody knows whether a payment was made, because of this."""
    if isinstance(failure, PaymentError | SandboxError | OSError):
        _LOG.error("%s: %s", _UNKNOWN, _in_one_line(failure))
    else:
        _LOG.error(_UNKNOWN, exc_info=failure)


def _in_one_line(failure: BaseException) -> str:
    """The failure and its causes."""
    told, error = [], failure
    while True:
        words = " ".join(str(error).split()) if isinstance(error, _TELLS) else ""
        told.append(f"{type(error).__name__}: {words}" if words else type(error).__name__)
        if error.__cause__ is None:
            return " <- ".join(told)
        error = error.__cause__


class StoreTrouble:
    """The failures of one gate's store."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told_at_s: int | None = None
        self._untold = 0

    def tell(self, failure: StoreError) -> None:
        """A request was refused because of it."""
        now_s, last_s = self._clock.now_s(), self._told_at_s
        if last_s is not None and 0 <= now_s - last_s < _QUIET_S:
            self._untold += 1
            return
        more = f" ({self._untold} more requests since)" if self._untold else ""
        _LOG.error("%s: %s%s", failure.title, failure, more)
        self._told_at_s, self._untold = now_s, 0
