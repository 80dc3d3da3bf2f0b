"""Streamed routes behind the gate: metered as SSE and as a WebSocket (facts: protocol 2.8, 2.9)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.asyncio.client import connect

from mock_rails.server import Host
from tests.unit.sandbox.server.streaming.fakes import FakeMeter
from tests.unit.sandbox.server.support import (
    FakeOffer,
    Shop,
    challenge_of,
    credential,
    paid,
    problem,
)


async def model(scope: Any, receive: Any, send: Any) -> None:
    """An application that streams three tokens, or says one thing to who asks for no stream."""
    if scope["type"] == "lifespan":
        for answer in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{answer}.complete"})
        return
    plain = scope["query_string"] == b"plain"
    kind = b"text/plain" if plain else b"text/event-stream"
    headers = [(b"content-type", kind), (b"cache-control", b"public")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for token in ("a", "b", "c"):
        body = f"data: {token}\n\n".encode()
        await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def metered(units: int) -> FakeOffer:
    """A session's offer with so many units left."""
    offer = FakeOffer(intent="session", is_single_use=False)
    offer.meter = FakeMeter(units)
    offer.meter.never_waits = True
    return offer


def stream_shop(offer: FakeOffer) -> Shop:
    return Shop(offer, app=model, streams=True, socket_path="/socket", methods=frozenset({"GET"}))


async def test_a_paid_stream_is_charged_by_the_event_and_ends_with_its_receipt() -> None:
    offer = metered(10)
    async with stream_shop(offer) as shop:
        answer = await shop.pay()
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "payment-receipt" in answer.headers  # D13: how things stood at the beginning
        assert "public" not in answer.headers["cache-control"]
        assert answer.headers["cache-control"].startswith("private")
        assert answer.text.count("data: ") == 4
        assert answer.text.index("event: payment-receipt") > answer.text.index("data: c")
        assert offer.meter.charged == 3
        assert shop.kinds()[-1] == "exchange.delivered"


async def test_an_answer_that_is_no_stream_has_the_receipt_as_a_header() -> None:
    offer = metered(10)
    async with stream_shop(offer) as shop:
        answer = await shop.pay("/goods?plain")
        assert answer.status_code == 200
        assert "payment-receipt" in answer.headers
        assert answer.headers["cache-control"] == "private"
        assert offer.meter.charged == 1


async def test_what_is_not_covered_is_not_begun() -> None:
    async with stream_shop(metered(0)) as shop:
        answer = await shop.pay("/goods?plain")
        assert (answer.status_code, problem(answer)) == (402, "insufficient-balance")
        assert challenge_of(answer).id


@pytest.mark.parametrize("socket", ["/socket", "/socket?q=1"])
async def test_the_socket_of_a_route_streams_for_the_same_challenge(socket: str) -> None:
    offer = metered(10)
    async with stream_shop(offer) as shop, Host(shop.gate) as host:
        query = socket.removeprefix("/socket")
        header = credential(challenge_of(await shop.get(f"/goods{query}")))
        async with connect(host.ws_url + socket) as ws:
            await ws.send(json.dumps({"mpp": "authorization", "authorization": header}))
            frames = [json.loads(await ws.recv()) for _ in range(5)]
        assert [frame["mpp"] for frame in frames] == [
            "payment-receipt",
            "message",
            "message",
            "message",
            "payment-close-ready",
        ]
        assert [frame["data"] for frame in frames[1:4]] == ["a", "b", "c"]
        assert offer.meter.charged == 3


async def test_a_bad_frame_is_refused_with_the_gates_words() -> None:
    async with stream_shop(metered(10)) as shop, Host(shop.gate) as host:
        challenge = challenge_of(await shop.get("/more"))
        async with connect(f"{host.ws_url}/socket") as ws:
            header = paid(challenge)["Authorization"]
            await ws.send(json.dumps({"mpp": "authorization", "authorization": header}))
            error = json.loads(await ws.recv())
        assert (error["mpp"], error["status"]) == ("payment-error", 402)
        assert shop.kinds()[-1] == "exchange.refused"
