"""Streams over real connections: lines, lost answers, clients that leave (facts: lightning 4.2)."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus

from mock_rails.core.rail import RailContext
from mock_rails.lightning.lnd import api as lnd_api
from mock_rails.lightning.lnd.api import LndApi
from mock_rails.lightning.rail import Lightning
from mock_rails.server import Host
from tests.unit.mock_rails.lightning.lnd.conftest import MACAROON, Lnd, Nodes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FOLLOW = "/v1/invoices/subscribe"
SEND = "/v2/router/send"
UNKNOWN_HASH = base64.urlsafe_b64encode(bytes(32)).decode()


@pytest.fixture
def rail() -> Lightning:
    """A network by the wall's clock: these tests have real connections."""
    return Lightning(RailContext.create("streams"))


@pytest.fixture
async def nodes(rail: Lightning) -> AsyncIterator[Nodes]:
    """Its two nodes on free ports."""
    merchant, payer = LndApi(rail, "merchant"), LndApi(rail, "payer")
    first, second = Host(merchant), Host(payer)
    await asyncio.gather(first.start(), second.start())
    async with (
        httpx.AsyncClient(base_url=first.url, headers={MACAROON: merchant.macaroon()}) as one,
        httpx.AsyncClient(base_url=second.url, headers={MACAROON: payer.macaroon()}) as two,
    ):
        yield Nodes(rail, Lnd(merchant, one), Lnd(payer, two))
    await asyncio.gather(first.stop(), second.stop())
    rail.check_conservation()


async def until(rail: Lightning, lnd: Lnd, streams: int) -> None:
    """Wait until a node serves so many streams."""
    async with asyncio.timeout(10):
        while lnd.api.streams != streams:
            await rail.context.clock.yield_to_loop()


def address(lnd: Lnd, path: str, query: str = "") -> str:
    return str(lnd.http.base_url).replace("http", "ws").rstrip("/") + path + query


# -- lines ----------------------------------------------------------------------------------------


async def test_a_follower_is_told_of_what_is_made_and_what_is_settled(nodes: Nodes) -> None:
    making = asyncio.create_task(late_invoice(nodes))
    async with nodes.merchant.http.stream("GET", FOLLOW) as answer:
        lines = answer.aiter_lines()
        made = json.loads(await anext(lines))["result"]
        assert (made["state"], made["memo"]) == ("OPEN", "late")
        await nodes.payer.send(made["payment_request"])
        settled = json.loads(await anext(lines))["result"]
        assert (settled["state"], settled["settle_index"]) == ("SETTLED", "1")
        await making
    await until(nodes.rail, nodes.merchant, 0)


async def late_invoice(nodes: Nodes) -> None:
    """An invoice once somebody follows: the stream's headers come with its first line."""
    await until(nodes.rail, nodes.merchant, 1)
    await nodes.merchant.invoice(value=1, memo="late")


async def test_a_follower_catches_up_from_the_indices_it_knows(nodes: Nodes) -> None:
    for value in (1, 2, 3):
        await nodes.payer.send(await nodes.merchant.invoice(value=value))
    query = {"add_index": "1", "settle_index": "2"}
    async with nodes.merchant.http.stream("GET", FOLLOW, params=query) as answer:
        lines = answer.aiter_lines()
        told = [json.loads(await anext(lines))["result"] for _ in range(3)]
    assert [one["add_index"] for one in told] == ["2", "3", "3"]
    assert told[-1]["settle_index"] == "3"


async def test_one_invoice_is_followed_to_its_end(nodes: Nodes) -> None:
    made = await nodes.merchant.post("/v1/invoices", value=1)
    name = base64.urlsafe_b64encode(base64.b64decode(made["r_hash"])).decode()
    async with nodes.merchant.http.stream("GET", f"/v2/invoices/subscribe/{name}") as answer:
        lines = answer.aiter_lines()
        assert json.loads(await anext(lines))["result"]["state"] == "OPEN"
        await nodes.payer.send(made["payment_request"])
        assert [json.loads(line)["result"]["state"] async for line in lines] == ["SETTLED"]


async def test_a_payment_is_told_while_it_is_under_way(nodes: Nodes) -> None:
    fault = {"at": "lightning.htlc", "do": "stuck_then_settle", "args": {"s": 1}}
    nodes.rail.context.faults.arm(fault)
    fields = {"payment_request": await nodes.merchant.invoice(value=1), "fee_limit_sat": 9}
    async with nodes.payer.http.stream("POST", SEND, json=fields) as answer:
        lines = answer.aiter_lines()
        first = json.loads(await anext(lines))["result"]
        assert first["status"] == "IN_FLIGHT"
        track = base64.urlsafe_b64encode(bytes.fromhex(first["payment_hash"])).decode()
        tracked = await nodes.payer.http.get(
            f"/v2/router/track/{track}", params={"no_inflight_updates": "true"}
        )
        *_, last = [json.loads(line)["result"] async for line in lines]
    assert last["status"] == "SUCCEEDED"
    assert tracked.json()["result"] == last


async def test_an_error_before_the_first_line_has_its_own_status(nodes: Nodes) -> None:
    answer = await nodes.payer.http.post(SEND, json={}, headers={MACAROON: "00"})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == 2
    assert answer.text.endswith("}\n")


async def test_a_client_that_leaves_ends_its_stream_and_not_its_payment(nodes: Nodes) -> None:
    fault = {"at": "lightning.htlc", "do": "stuck_then_settle", "args": {"s": 1}}
    nodes.rail.context.faults.arm(fault)
    fields = {"payment_request": await nodes.merchant.invoice(value=1), "fee_limit_sat": 9}
    async with nodes.payer.http.stream("POST", SEND, json=fields) as answer:
        first = json.loads(await anext(answer.aiter_lines()))["result"]
    await until(nodes.rail, nodes.payer, 0)
    async with asyncio.timeout(10):
        async for payment in nodes.rail.node("payer").follow_payment(
            bytes.fromhex(first["payment_hash"])
        ):
            status = payment.status
    assert status == "SUCCEEDED"


async def test_streams_are_limited(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lnd_api, "MOST_STREAMS", 0)
    answer = await nodes.merchant.http.get(FOLLOW)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, 8)


async def test_a_server_that_stops_says_so_to_its_followers(rail: Lightning) -> None:
    api = LndApi(rail, "merchant")
    host = Host(api)
    await host.start()
    async with httpx.AsyncClient(base_url=host.url, headers={MACAROON: api.macaroon()}) as http:
        following = asyncio.create_task(http.get(FOLLOW))
        await until(rail, Lnd(api, http), 1)
        await host.stop()
        answer = await following
    assert answer.status_code == 503
    assert answer.json()["error"]["message"] == "server shutting down"


# -- answers that do not come ---------------------------------------------------------------------


async def test_an_invoice_whose_answer_is_lost_was_made(nodes: Nodes) -> None:
    nodes.rail.context.faults.arm({"at": "lightning.invoice", "do": "lose_response"})
    with pytest.raises(httpx.RemoteProtocolError):
        await nodes.merchant.invoice(value=1, memo="lost")
    listed = await nodes.merchant.get("/v1/invoices")
    assert [one["memo"] for one in listed["invoices"]] == ["lost"]


async def test_a_payment_whose_answer_is_lost_was_paid(nodes: Nodes) -> None:
    invoice = await nodes.merchant.invoice(value=1)
    nodes.rail.context.faults.arm({"at": "lightning.pay", "do": "lose_response"})
    with pytest.raises(httpx.RemoteProtocolError):
        await nodes.payer.send(invoice)
    listed = await nodes.payer.get("/v1/payments")
    assert [one["status"] for one in listed["payments"]] == ["SUCCEEDED"]


async def test_an_invoice_that_hangs_is_called_off_with_its_client(nodes: Nodes) -> None:
    nodes.rail.context.faults.arm({"at": "lightning.invoice", "do": "hang", "when": "nth=1"})
    with pytest.raises(httpx.ReadTimeout):
        await nodes.merchant.http.post("/v1/invoices", json={}, timeout=0.2)
    assert (await nodes.merchant.get("/v1/invoices"))["invoices"] == []
    await nodes.merchant.invoice(value=1)


async def test_a_node_that_is_down_does_nothing_for_anybody(nodes: Nodes) -> None:
    """Aimed at one node (facts 7.1.5); the other is there, and so is this one later."""
    invoice = await nodes.merchant.invoice(value=1)
    nodes.rail.context.faults.arm(
        {"at": "lightning.node", "do": "down", "where": {"node": "payer"}}
    )
    for verb, path in (("POST", SEND), ("GET", "/v1/getinfo"), ("GET", "/v1/payments")):
        with pytest.raises(httpx.RemoteProtocolError):
            await nodes.payer.http.request(verb, path, json={"payment_request": invoice})
    with pytest.raises(InvalidMessage):
        async with connect(address(nodes.payer, FOLLOW)):
            pass
    await nodes.merchant.get("/v1/getinfo")
    nodes.rail.context.faults.clear()
    assert (await nodes.payer.get("/v1/payments", include_incomplete=True))["payments"] == []
    assert (await nodes.payer.send(invoice))[-1]["status"] == "SUCCEEDED"


# -- WebSockets -----------------------------------------------------------------------------------


async def frames(socket: Any) -> list[Any]:
    return [json.loads(frame) async for frame in socket]


async def test_a_payment_over_a_websocket(nodes: Nodes) -> None:
    """The method in the query, the message as the first frame, the macaroon as a header."""
    fields = {"payment_request": await nodes.merchant.invoice(value=1), "fee_limit_sat": 9}
    headers = {MACAROON: nodes.payer.api.macaroon()}
    url = address(nodes.payer, SEND, "?method=POST")
    async with connect(url, additional_headers=headers) as socket:
        await socket.send(json.dumps(fields))
        told = [one["result"]["status"] for one in await frames(socket)]
    assert told == ["IN_FLIGHT", "IN_FLIGHT", "SUCCEEDED"]


async def test_a_browser_carries_the_macaroon_in_the_protocol(nodes: Nodes) -> None:
    carried: Any = "Grpc-Metadata-Macaroon+" + nodes.merchant.api.macaroon("readonly")
    async with connect(address(nodes.merchant, FOLLOW), subprotocols=[carried]) as socket:
        assert socket.subprotocol == carried
        await until(nodes.rail, nodes.merchant, 1)
        await nodes.merchant.invoice(value=1, memo="seen")
        assert json.loads(await socket.recv())["result"]["memo"] == "seen"
    await until(nodes.rail, nodes.merchant, 0)


async def test_errors_are_frames_as_well(nodes: Nodes) -> None:
    async with connect(address(nodes.merchant, FOLLOW)) as socket:
        (told,) = await frames(socket)
    assert told["error"]["message"] == "expected 1 macaroon, got 0"
    async with connect(address(nodes.payer, SEND, "?method=POST")) as socket:
        await socket.send('{"foo": 1}')
        (told,) = await frames(socket)
    assert told["code"] == 3


async def test_there_is_no_websocket_where_there_is_no_stream(nodes: Nodes) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with connect(address(nodes.merchant, "/v1/getinfo")):
            pass
