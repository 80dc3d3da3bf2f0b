"""A running devnet, and a client of its control."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from sandbox.devnet import Devnet
from sandbox.settings import DevnetSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def devnet() -> AsyncIterator[Devnet]:
    async with Devnet(DevnetSettings().with_free_ports()) as devnet:
        yield devnet


@pytest.fixture
async def http(devnet: Devnet) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{devnet.control_url}/_sandbox", timeout=30) as client:
        yield client
