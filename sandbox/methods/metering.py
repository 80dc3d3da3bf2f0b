"""What every session's problems have in common: a unit that is not covered can be waited for."""

from __future__ import annotations

from mpp.errors import PaymentError


class NotCoveredError(PaymentError):
    """What was paid in and not yet spent does not cover the next unit. Nothing was charged; a
    stream may wait until it does."""
