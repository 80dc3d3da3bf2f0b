"""What the merchant is told while its store fails: at once why, and then once a minute.

Every request fails then, and a line for each would fill the very disk that is full.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from sandbox.server.stores.errors import StoreError

_LOG: Final = logging.getLogger("sandbox.server")

_QUIET_S: Final = 60


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
