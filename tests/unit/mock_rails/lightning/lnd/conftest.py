"""Two nodes of one network in process, each behind its LND, with clients that hold the macaroon."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.lightning.lnd.api import LndApi
from mock_rails.lightning.rail import Lightning
from mock_rails.lightning.settings import LightningSettings
from mock_rails.lightning.topology import Topology

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mock_rails.core.rail import RailContext

MACAROON = "Grpc-Metadata-macaroon"


@dataclass
class Lnd:
    """One node's LND as a client sees it."""

    api: LndApi
    http: httpx.AsyncClient

    async def get(self, path: str, **query: Any) -> Any:
        """A call that must succeed."""
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, **fields: Any) -> Any:
        """A call that must succeed."""
        answer = await self.http.post(path, json=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, path: str, **fields: Any) -> tuple[int, int, str]:
        """A call that must fail: HTTP status, gRPC code and message, in a stream's form or not."""
        answer = await self.http.post(path, json=fields)
        document = answer.json()
        error = document.get("error", document)
        assert set(error) == {"code", "message", "details"}
        assert error["details"] == []
        return answer.status_code, error["code"], error["message"]

    async def invoice(self, **fields: Any) -> str:
        """A new invoice's text."""
        return str((await self.post("/v1/invoices", **fields))["payment_request"])

    async def send(self, invoice: str, **fields: Any) -> list[dict[str, Any]]:
        """Pay, and read the stream to its end."""
        fields = {"payment_request": invoice, "fee_limit_sat": 100, **fields}
        answer = await self.http.post("/v2/router/send", json=fields)
        assert answer.status_code == 200, answer.text
        return [json.loads(line)["result"] for line in answer.text.splitlines()]


@dataclass
class Nodes:
    """A merchant and a payer on one network."""

    rail: Lightning
    merchant: Lnd
    payer: Lnd


@pytest.fixture
def topology() -> str:
    """The network's preset; a test module may choose another."""
    return "default"


@pytest.fixture
def profile() -> str:
    """The LND's version; a test module may choose another."""
    return "0.21"


@pytest.fixture
def rail(context: RailContext, topology: str, profile: str) -> Lightning:
    """A network whose clock stands still on New Year of 2026."""
    settings = LightningSettings(lnd_profile=profile)
    return Lightning(context, settings, Topology.preset(topology))


@pytest.fixture
async def nodes(rail: Lightning) -> AsyncIterator[Nodes]:
    """Its two nodes; the network must be conserved at the end."""
    merchant, payer = LndApi(rail, "merchant"), LndApi(rail, "payer")
    async with _client(merchant) as first, _client(payer) as second:
        yield Nodes(rail, Lnd(merchant, first), Lnd(payer, second))
    rail.check_conservation()


@pytest.fixture
def merchant(nodes: Nodes) -> Lnd:
    """The one who makes invoices."""
    return nodes.merchant


@pytest.fixture
def payer(nodes: Nodes) -> Lnd:
    """The one who pays them."""
    return nodes.payer


def _client(api: LndApi) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(api),
        base_url="http://lnd",
        headers={MACAROON: api.macaroon()},
    )
