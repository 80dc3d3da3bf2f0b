"""The Lightning rail as released clients meet it: a process of its own, or nodes on real ports.

with running_lightning("--lnd-version", "0.20") as network:   # for Node
    network["lnd"]["payer"]["url"]

async with serving(rail) as (merchant, payer):                # for Python
    merchant.url, merchant.macaroon
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from mock_rails.lightning.api import listeners
from mock_rails.server import Host
from tests.interop.node_support import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from mock_rails.lightning.rail import Lightning


@dataclass(frozen=True, slots=True)
class ServedNode:
    """One node on a port."""

    url: str
    macaroon: str

    async def call(self, verb: str, path: str, **fields: Any) -> Any:
        """One of LND's calls, by a plain client; it must succeed."""
        headers = {"Grpc-Metadata-macaroon": self.macaroon}
        async with httpx.AsyncClient(base_url=self.url, headers=headers) as http:
            answer = await http.request(verb, path, json=fields or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def invoice(self, sat: int, memo: str = "") -> str:
        """A new invoice's text."""
        made = await self.call("POST", "/v1/invoices", value=sat, memo=memo)
        return str(made["payment_request"])


@contextmanager
def running_lightning(*options: str) -> Iterator[dict[str, Any]]:
    """The Lightning rail alone, as a process: what it says of itself."""
    command = [sys.executable, "-m", "mock_rails", "lightning", "--port", "0", "--json", *options]
    with running(command) as rail:
        yield rail


@asynccontextmanager
async def serving(rail: Lightning) -> AsyncIterator[tuple[ServedNode, ServedNode]]:
    """The merchant's and the payer's LND on free ports; the network must be conserved."""
    async with AsyncExitStack() as stack:
        served = []
        for one in listeners(rail, port=0):
            host = await stack.enter_async_context(Host(one.app, name=one.name))
            if one.speaks == "lnd":
                served.append(ServedNode(host.url, one.app.macaroon()))
        merchant, payer = served
        yield merchant, payer
    rail.check_conservation()
