"""A client and our own gate: sessions, charges beside them, streams, WebSockets, and budgets.

Facts, protocol 2.5 (sessions), 2.8 (event streams), 2.9 (WebSockets), 2.10 (client behaviour).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.server import Host
from sandbox.client.budget import Budget, Limit
from sandbox.client.errors import BudgetExceededError, OutcomeUnknownError, PaymentNotMadeError
from sandbox.client.ledger import Tally
from sandbox.client.session import ChannelState, SessionSettings
from sandbox.client.streaming import StreamError, StreamPaymentError
from sandbox.streaming.events import NEED_VOUCHER, json_event
from tests.unit.sandbox.client.bazaar import DEPOSIT, PRICE, TOKENS
from tests.unit.sandbox.client.market import TOKEN, Line, credential_of, paid_by
from tests.unit.sandbox.client.streaming.merchant import Scripted

if TYPE_CHECKING:
    from tests.unit.sandbox.client.bazaar import Bazaar


async def test_requests_share_a_channel_that_is_closed_at_the_end(bazaar: Bazaar) -> None:
    async with bazaar.customer() as client:
        for _ in range(3):
            made = paid_by(await client.get(f"{bazaar.url}/search?q=cats"))
            assert made.method == "tempo/session"
        await asyncio.gather(*(client.get(f"{bazaar.url}/search") for _ in range(5)))
        [channel] = client.sessions.channels()
        assert made.channel_id == f"0x{channel.id.hex()}"
        assert client.ledger.tally() == Tally(8 * PRICE, 0)
        assert client.ledger.tally(Limit.PER_SESSION, made.channel_id) == Tally(8 * PRICE, 0)
    [closed] = client.sessions.channels()
    assert (closed.state, closed.captured) == (ChannelState.CLOSED, 8 * PRICE)
    assert len(bazaar.served) == 8


async def test_the_deposit_grows_when_it_runs_out(bazaar: Bazaar) -> None:
    async with bazaar.customer() as client:
        for _ in range(DEPOSIT // PRICE + 2):
            paid_by(await client.post(f"{bazaar.url}/search", content=b"question"))
        [channel] = client.sessions.channels()
        assert channel.deposit > DEPOSIT
    assert len(bazaar.served) == DEPOSIT // PRICE + 2


async def test_the_clients_preference_decides_between_charge_and_session(bazaar: Bazaar) -> None:
    async with bazaar.customer() as client:
        assert paid_by(await client.get(f"{bazaar.url}/both")).method == "tempo/session"
    async with bazaar.customer(prefer=["tempo/charge"]) as client:
        assert paid_by(await client.get(f"{bazaar.url}/both")).method == "tempo/charge"
        response = await client.get(f"{bazaar.url}/search")
        assert response.status_code == 402


async def test_a_budget_ends_a_session(bazaar: Bazaar) -> None:
    budget = Budget(per_session=3 * PRICE, allowed_currencies=[TOKEN])
    async with bazaar.customer(budget=budget, prefer=["tempo/session"]) as client:
        for _ in range(3):
            paid_by(await client.get(f"{bazaar.url}/search"))
        with pytest.raises(BudgetExceededError) as refusal:
            await client.get(f"{bazaar.url}/search")
        assert refusal.value.limit == "per_session"
    assert len(bazaar.served) == 3


async def test_a_lost_answer_is_given_again_by_our_gate(bazaar: Bazaar) -> None:
    # The same Idempotency-Key, the same response, one charge (protocol 1.1, row 16).
    for path, kind in (("/both", "tempo/charge"), ("/search", "tempo/session")):
        bazaar.served.clear()
        async with httpx.AsyncHTTPTransport() as wire:
            line = Line(wire, "answer lost")
            http = httpx.AsyncClient(transport=line)
            async with http, bazaar.customer(http=http, prefer=[kind]) as client:
                made = paid_by(await client.get(bazaar.url + path))
                assert made.method == kind
                spent = client.ledger.tally()
                assert spent == Tally(int(made.request["amount"]), 0)
            assert len(bazaar.served) == 1
            first, second = line.paid[:2]
            assert credential_of(first) == credential_of(second)


async def test_a_stream_is_paid_as_it_is_read(bazaar: Bazaar) -> None:
    # More events than the first voucher pays for, and more than the deposit (protocol 2.8).
    async with bazaar.customer() as client:
        async with client.stream(f"{bazaar.url}/stream") as events:
            words = [data async for data in events]
        assert words == [f"word {at}" for at in range(TOKENS)]
        assert events.receipt is not None
        assert events.receipt["spent"] == str(TOKENS * PRICE)
        assert client.ledger.tally().spent >= TOKENS * PRICE
    [channel] = client.sessions.channels()
    assert channel.captured == TOKENS * PRICE


async def test_a_stream_that_is_left_costs_what_was_read(bazaar: Bazaar) -> None:
    async with bazaar.customer() as client:
        async with client.stream(f"{bazaar.url}/stream") as events:
            async for _ in events:
                if events.delivered == 3:
                    break
        assert (await client.get(f"{bazaar.url}/search")).status_code == 200
    [channel] = client.sessions.channels()
    # Nothing is charged that is undelivered beyond what was authorised and sent.
    assert channel.captured is not None
    assert 4 * PRICE <= channel.captured <= channel.signed


async def test_a_budget_ends_a_stream(bazaar: Bazaar) -> None:
    budget = Budget(total=10 * PRICE, allowed_currencies=[TOKEN])
    read: list[str] = []
    async with bazaar.customer(budget=budget) as client:

        async def listen() -> None:
            async with client.stream(f"{bazaar.url}/stream") as events:
                read.extend([data async for data in events])

        with pytest.raises(BudgetExceededError):
            await listen()
    assert len(read) <= 10


async def test_what_is_no_stream_is_an_error(bazaar: Bazaar) -> None:
    async with bazaar.customer(prefer=["tempo/charge"]) as client:
        with pytest.raises(StreamError, match="application/json"):
            async with client.stream(f"{bazaar.url}/free"):
                pass
        with pytest.raises(StreamError, match="404"):
            async with client.stream(f"{bazaar.url}/nowhere"):
                pass
        with pytest.raises(PaymentNotMadeError, match="tempo/session"):
            async with client.stream(f"{bazaar.url}/stream"):
                pass


@pytest.mark.parametrize("scheme", ["ws", "http"])
async def test_a_websocket_is_paid_as_it_is_read(bazaar: Bazaar, scheme: str) -> None:
    url = bazaar.url.replace("http://", f"{scheme}://") + "/socket"
    async with bazaar.customer() as client:
        async with client.websocket(url) as messages:
            words = [data async for data in messages]
        assert words == [f"word {at}" for at in range(TOKENS)]
        assert messages.receipt is not None
        assert messages.receipt["spent"] == str(TOKENS * PRICE)
        assert client.ledger.tally().spent >= TOKENS * PRICE
        # The channel serves ordinary requests meanwhile and afterwards.
        assert (await client.get(f"{bazaar.url}/search")).status_code == 200
    [channel] = client.sessions.channels()
    assert channel.captured == (TOKENS + 1) * PRICE


async def test_a_session_goes_on_from_the_book(bazaar: Bazaar, tmp_path: Any) -> None:
    stay = SessionSettings(close_on_exit=False)
    for _ in range(2):
        async with bazaar.customer(state=tmp_path, session=stay) as client:
            paid_by(await client.get(f"{bazaar.url}/search"))
            [channel] = client.sessions.channels()
            assert channel.state is ChannelState.OPEN
    async with bazaar.customer(state=tmp_path) as client:
        paid_by(await client.get(f"{bazaar.url}/search"))
    [channel] = client.sessions.channels()
    assert channel.captured == 3 * PRICE


async def test_a_voucher_whose_answer_is_lost_for_good_is_reported(bazaar: Bazaar) -> None:
    async with httpx.AsyncHTTPTransport() as wire:
        line = Line(wire)
        http = httpx.AsyncClient(transport=line)
        async with http, bazaar.customer(http=http, prefer=["tempo/session"]) as client:
            paid_by(await client.get(f"{bazaar.url}/search"))
            line.accidents += ["answer lost"] * 3
            with pytest.raises(OutcomeUnknownError):
                await client.get(f"{bazaar.url}/search")
            line.accidents.clear()
            paid_by(await client.get(f"{bazaar.url}/search"))
    [channel] = client.sessions.channels()
    assert channel.captured is not None
    assert channel.captured <= 3 * PRICE


async def test_a_free_stream_gets_no_voucher_of_another_servers_channel(bazaar: Bazaar) -> None:
    """Channel ids are public: whoever knows one could ask for it, and hand it to the payee."""
    posted: list[httpx.Request] = []

    async def thief(request: httpx.Request) -> httpx.Response:
        if request.url.host != "thief.example":
            return await wire.handle_async_request(request)
        if request.method == "POST":
            posted.append(request)
            return httpx.Response(204)
        asked = {
            "channelId": made.channel_id,
            "requiredCumulative": str(5 * PRICE),
            "acceptedCumulative": str(PRICE),
            "deposit": str(DEPOSIT),
        }
        return httpx.Response(
            200,
            headers={"Content-Type": "text/event-stream"},
            content=json_event(NEED_VOUCHER, asked).encode(),
        )

    async with httpx.AsyncHTTPTransport() as wire:
        http = httpx.AsyncClient(transport=httpx.MockTransport(thief))
        async with http, bazaar.customer(http=http) as client:
            made = paid_by(await client.get(f"{bazaar.url}/search"))
            with pytest.raises(StreamPaymentError):
                async with client.stream("http://thief.example/free") as events:
                    [data async for data in events]
            assert client.ledger.tally() == Tally(PRICE, 0)
            [channel] = client.sessions.channels()
            assert channel.signed == PRICE
    assert posted == []


async def test_a_stream_whose_opening_was_taken_for_a_message_is_asked_for_again(
    bazaar: Bazaar,
) -> None:
    """Some servers answer an opening with 204 and no content (facts, protocol 2.5): the channel is
    there, and the stream is still to be paid for."""
    paid: list[int] = []

    async def world(request: httpx.Request) -> httpx.Response:
        if credential_of(request) is not None and not paid:
            request = httpx.Request("POST", request.url, headers=request.headers)
            request.headers["Content-Length"] = "0"
        response = await wire.handle_async_request(request)
        if credential_of(request) is not None:
            paid.append(response.status_code)
        return response

    async with httpx.AsyncHTTPTransport() as wire:
        http = httpx.AsyncClient(transport=httpx.MockTransport(world))
        async with http, bazaar.customer(http=http) as client:
            async with client.stream(f"{bazaar.url}/stream") as events:
                words = [data async for data in events]
            assert words == [f"word {at}" for at in range(TOKENS)]
            assert paid[:2] == [204, 200]


async def test_a_websocket_that_does_not_open_has_cost_nothing(
    bazaar: Bazaar, unused_tcp_port: int
) -> None:
    """The credential goes into the first frame: without a connection nobody has seen it."""
    here, there = f"http://127.0.0.1:{unused_tcp_port}", httpx.URL(bazaar.url)

    async def world(request: httpx.Request) -> httpx.Response:
        if str(request.url).startswith(here):
            url = request.url.copy_with(port=there.port)
            request = httpx.Request(request.method, url, headers=request.headers)
        return await wire.handle_async_request(request)

    async with httpx.AsyncHTTPTransport() as wire:
        http = httpx.AsyncClient(transport=httpx.MockTransport(world))
        stay = SessionSettings(close_on_exit=False)
        async with http, bazaar.customer(http=http, session=stay) as client:
            with pytest.raises(StreamError, match="did not open"):
                async with client.websocket(here.replace("http", "ws") + "/socket"):
                    pass
            assert client.ledger.tally().spent == 0
            assert client.ledger.unknown == ()


async def test_a_websocket_that_ends_without_a_word_has_an_unknown_outcome(
    bazaar: Bazaar,
) -> None:
    """It has our credential, and said neither yes nor no; the chain has no channel yet."""
    there = httpx.URL(bazaar.url)

    async def world(request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(port=there.port)
        same = httpx.Request(request.method, url, headers=request.headers)
        return await wire.handle_async_request(same)

    async with httpx.AsyncHTTPTransport() as wire, Host(Scripted(then=1000)) as mute:
        http = httpx.AsyncClient(transport=httpx.MockTransport(world))
        stay = SessionSettings(close_on_exit=False)
        async with http, bazaar.customer(http=http, session=stay) as client:
            with pytest.raises(OutcomeUnknownError):
                async with client.websocket(f"{mute.ws_url}/socket") as messages:
                    [data async for data in messages]
            assert client.ledger.tally() == Tally(0, PRICE)
            [channel] = client.sessions.channels()
            assert channel.state is ChannelState.OPENING
