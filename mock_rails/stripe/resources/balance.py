"""The balance of an account (facts: stripe 1.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import balance
from mock_rails.stripe.endpoint import Endpoint

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Call


def retrieve(call: Call) -> dict[str, Any]:
    """What may be paid out, and what will be, in each currency."""
    return balance.shown(call.operation)


ENDPOINTS: Final = (Endpoint("GET", "/v1/balance", retrieve),)
