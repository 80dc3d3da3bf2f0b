"""What Stripe has for test mode only: helpers that make the world do something (facts: stripe 1.4,
1.7, 1.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_rails.stripe.errors import InvalidRequest

if TYPE_CHECKING:
    from mock_rails.stripe.operation import Operation


def require_test_mode(op: Operation) -> None:
    """Refuse live keys: nobody can make the real world do something."""
    if op.livemode:
        raise InvalidRequest(
            "Test helpers can be used in test mode only: use a test mode key.",
            code="testmode_only",
        )
