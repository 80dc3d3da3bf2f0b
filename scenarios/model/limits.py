"""What holds an agent back: its own budget, and a server's rate limit.

Both answer at once and cost no event. A budget belongs to the payer and is asked before a request
is sent; a rate limit belongs to the server, which refuses with 429 and says when to come again.
"""

from __future__ import annotations


class Budget:
    """So much money in each period; what is left at its end is not carried over."""

    __slots__ = ("_period", "_spent", "amount", "period_s")

    def __init__(self, amount: int, period_s: float) -> None:
        self.amount = amount
        self.period_s = period_s
        self._period = 0
        self._spent = 0

    def wait_s(self, now_s: float, price: int) -> float:
        """0 where the price can be spent now, and then it is; else how long until it can."""
        if now_s >= (self._period + 1) * self.period_s:
            # Not by the quotient alone: who waited until the end may divide to just below it.
            self._period = max(int(now_s / self.period_s), self._period + 1)
            self._spent = 0
        if price > self.amount:
            return float("inf")
        if self._spent + price <= self.amount:
            self._spent += price
            return 0.0
        return (self._period + 1) * self.period_s - now_s


class RateLimit:
    """A bucket of tokens that fills at a rate: so many requests at once, so many a second."""

    __slots__ = ("_at_s", "_tokens", "burst", "per_s")

    def __init__(self, per_s: float, burst: int) -> None:
        self.per_s = per_s
        self.burst = burst
        self._tokens = float(burst)
        self._at_s = 0.0

    def retry_after_s(self, now_s: float) -> float:
        """0 where the request may pass, and then it takes a token; else when one will be there."""
        self._tokens = min(self.burst, self._tokens + (now_s - self._at_s) * self.per_s)
        self._at_s = now_s
        if self._tokens >= 1 - 1e-9:  # who comes when told to finds its token
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self.per_s
