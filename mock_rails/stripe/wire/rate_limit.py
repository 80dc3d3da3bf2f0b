"""Rate limits: so many requests in any second, by account and by endpoint (facts: stripe 2.7).

Off unless the settings name a limit. The second is one of sandbox time: on a frozen clock nothing
is given back until it moves.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from mock_rails.core.clock import US_PER_S
from mock_rails.stripe.errors import InvalidRequest

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from mock_rails.stripe.endpoint import Endpoint
    from mock_rails.stripe.wire.credentials import Caller

ENDPOINT_LIMIT: Final = 25
"""Requests a second to any one endpoint, live or not."""

GLOBAL: Final = "global-rate"
ENDPOINT: Final = "endpoint-rate"


class RateLimit:
    """The limits of all accounts."""

    def __init__(self, clock: Clock, per_second: int | None) -> None:
        self._clock = clock
        self._per_second = per_second
        self._recent: dict[tuple[str, ...], deque[int]] = {}

    def check(self, caller: Caller, endpoint: Endpoint) -> None:
        """Count a request, or refuse it with a 429 that says which limit it met."""
        if self._per_second is None:
            return
        now_us = self._clock.now_us()
        mode = "live" if caller.livemode else "test"
        limits = (
            (GLOBAL, (caller.account, mode), self._per_second),
            (ENDPOINT, (caller.account, mode, endpoint.verb, endpoint.path), ENDPOINT_LIMIT),
        )
        full = [
            reason
            for reason, of, limit in limits
            if len(recent := self._recent.setdefault(of, deque(maxlen=limit))) == limit
            and 0 <= now_us - recent[0] < US_PER_S
        ]
        if full:
            raise refusal(full[0])
        for _, of, _ in limits:
            self._recent[of].append(now_us)


def refusal(reason: str) -> InvalidRequest:
    """The 429 with that reason."""
    return InvalidRequest(
        "Request rate limit exceeded. Send fewer requests, or wait before the next.",
        code="rate_limit",
        status=429,
        headers={"Stripe-Rate-Limited-Reason": reason},
    )
