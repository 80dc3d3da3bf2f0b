"""The seller of these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.mock_rails.stripe.intents.shop import Shop

if TYPE_CHECKING:
    import httpx

    from mock_rails.stripe.rail import Stripe


@pytest.fixture
def shop(http: httpx.AsyncClient, rail: Stripe) -> Shop:
    """A seller at a Stripe of its own."""
    return Shop(http, rail)
