"""A session that is priced by the request, over the WebSocket of its route (facts: protocol 2.9).

The chain, the session server and the gate are the real ones; the socket stands for the GET.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
from mpp import Credential
from websockets.asyncio.client import connect

from mock_rails.core.journal import Journal
from mock_rails.server import Host
from sandbox.methods.tempo_session import Status
from sandbox.server.challenges import Challenges
from sandbox.server.gate import Gate
from sandbox.server.route import Route
from tests.unit.sandbox.server.session.support import make_world
from tests.unit.sandbox.server.support import REALM, SECRET, challenge_of
from tests.unit.sandbox.server.test_streams import model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.methods.tempo_session import Payload
    from tests.unit.sandbox.server.session.support import Payer

PRICE = 100
STREAM = ["message", "message", "message", "payment-close-ready"]


class Reader:
    """A payer with a channel, who reads sockets with it."""

    def __init__(self, payer: Payer, host: Host, journal: Journal) -> None:
        self.payer = payer
        self.journal = journal
        self._host = host

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[Any]:
        async with connect(f"{self._host.ws_url}/socket?q=1") as ws:
            yield ws

    async def authorize(self, ws: Any, payload: Payload) -> None:
        """Say what a client says that has asked the same URL over HTTP for its challenge."""
        async with httpx.AsyncClient(base_url=self._host.url) as http:
            challenge = challenge_of(await http.get("/socket?q=1"))
        source = self.payer.credential(payload).source
        made = Credential(challenge.to_echo(), payload.to_json(), source).to_authorization()
        await ws.send(json.dumps({"mpp": "authorization", "authorization": made}))

    async def buy(self, payload: Payload) -> list[dict[str, Any]]:
        """Start a stream; what came, to the end or to the error."""
        heard: list[dict[str, Any]] = []
        async with self.socket() as ws:
            await self.authorize(ws, payload)
            while not heard or heard[-1]["mpp"] not in {"payment-close-ready", "payment-error"}:
                heard.append(json.loads(await ws.recv()))
        return heard


@asynccontextmanager
async def open_reader() -> AsyncIterator[Reader]:
    async with make_world() as world:
        offer = world.offer(amount=PRICE, unit_type="request", streams=True)
        journal = Journal(world.clock)
        gate = Gate(
            model,
            [Route("/goods", (offer,), streams=True, socket_path="/socket")],
            challenges=Challenges(realm=REALM, secret=SECRET, clock=world.clock),
            store=world.store,
            clock=world.clock,
            journal=journal,
        )
        async with Host(gate) as host:
            yield Reader(world.payer(offer), host, journal)


async def test_each_socket_costs_one_request_and_delivers_all_of_it() -> None:
    async with open_reader() as reader:
        opened = await reader.buy(await reader.payer.make_open(1_000))
        assert [frame["mpp"] for frame in opened] == ["payment-receipt", *STREAM]
        assert [frame["data"] for frame in opened[1:4]] == ["a", "b", "c"]
        assert {opened[at]["data"]["spent"] for at in (0, -1)} == {"100"}
        assert opened[0]["data"]["txHash"]

        told = [
            (one.kind, one.data.get("status"), one.data.get("amount"))
            for one in reader.journal.read()
            if one.kind != "exchange.challenged"
        ]
        assert told == [
            ("exchange.paid", None, 0),  # the channel was opened: a receipt is all that is due
            ("exchange.delivered", 204, None),
            ("exchange.paid", None, PRICE),
            ("exchange.delivered", 200, None),
        ]

        again = await reader.buy(reader.payer.make_voucher(200))
        assert [frame["mpp"] for frame in again] == ["payment-receipt", *STREAM]
        assert {again[at]["data"]["spent"] for at in (0, -1)} == {"200"}
        channel = await reader.payer.record()
        assert (channel.spent, channel.units, channel.accepted) == (200, 2, 200)


async def test_a_voucher_that_covers_no_request_is_refused_before_anything_is_sent() -> None:
    async with open_reader() as reader:
        await reader.buy(await reader.payer.make_open(1_000))
        (error,) = await reader.buy(reader.payer.make_voucher(PRICE))
        assert (error["mpp"], error["status"]) == ("payment-error", 402)
        assert (await reader.payer.record()).spent == PRICE


async def test_the_channel_is_closed_over_the_socket_for_what_was_spent() -> None:
    async with open_reader() as reader, reader.socket() as ws:
        await reader.authorize(ws, await reader.payer.make_open(1_000))
        frames = [json.loads(await ws.recv()) for _ in range(5)]
        spent = int(frames[-1]["data"]["spent"])
        await reader.authorize(ws, reader.payer.make_close(spent))
        receipt = json.loads(await ws.recv())
        assert (receipt["data"]["spent"], len(receipt["data"]["txHash"])) == ("100", 66)
        assert (await reader.payer.record()).status is Status.CLOSED
