"""The market and the bazaar of the client's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from mock_rails.server import Host
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.rail import Chain
from sandbox.chain import TempoRpc
from tests.unit.sandbox.client.bazaar import open_bazaar
from tests.unit.sandbox.client.market import Market

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.unit.sandbox.client.bazaar import Bazaar


@pytest.fixture
async def market() -> AsyncIterator[Market]:
    """A chain on a free port, for pympp signs and settles by URL."""
    chain = Chain()
    async with Host(TempoApi(chain)) as host, httpx.AsyncClient() as http:
        yield Market(chain, host.url, http, TempoRpc(host.url, http=http))


@pytest.fixture
async def bazaar() -> AsyncIterator[Bazaar]:
    """Session, charge, both, and a stream by the event, over HTTP and WebSocket."""
    async with open_bazaar() as opened:
        yield opened
