"""One Stripe in process: the rail, its wire, and an HTTP client with a test key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mock_rails.core.rail import RailContext

KEY = "sk_test_x"


@pytest.fixture
def rail(context: RailContext) -> Stripe:
    """A Stripe whose clock stands still on New Year of 2026."""
    return Stripe(context)


@pytest.fixture
def api(rail: Stripe) -> StripeApi:
    """Its wire."""
    return StripeApi(rail)


@pytest.fixture
async def http(api: StripeApi) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that wire with a secret test key."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api),
        base_url="http://stripe",
        headers={"authorization": f"Bearer {KEY}"},
    ) as client:
        yield client
