"""The shop of these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.mock_rails.stripe.billing.shop import Shop

if TYPE_CHECKING:
    import httpx


@pytest.fixture
def shop(http: httpx.AsyncClient) -> Shop:
    """A merchant's program."""
    return Shop(http)
