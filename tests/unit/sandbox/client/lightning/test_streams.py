"""A stream that a session pays for by the chunk, topped up while it is read (facts: 2.4)."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox.client.budget import Budget
from sandbox.client.errors import BudgetExceededError, PaymentNotPreparedError
from sandbox.client.ledger import Tally
from sandbox.client.lightning.session import LightningSessionSettings
from sandbox.client.streaming import StreamPaymentError, StreamProtocolError
from sandbox.lightning import LocalApp
from tests.unit.sandbox.client.lightning.world import (
    FEE,
    SMALL,
    customer,
    debits,
    sell_small,
)
from tests.unit.sandbox.server.lightning.support import UNIT, World, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


async def test_a_stream_within_its_deposit_ends_with_a_receipt() -> None:
    async with opened() as world:
        world.app.words = 5
        async with customer(world) as client:
            async with client.stream("/stream") as words:
                read = [word async for word in words]
            assert read == [*(f"word {number}" for number in range(5)), "[DONE]"]
            (record,) = client.lightning_sessions.sessions()
            assert words.receipt is not None
            assert words.receipt["reference"] == record.id.hex()
            assert (words.receipt["spent"], words.receipt["units"]) == (5 * UNIT, 5)
            await client.lightning_sessions.close_all()
            assert client.lightning_ledger.tally() == Tally(5 * UNIT + FEE, 0)


async def test_a_deposit_that_runs_out_grows_on_a_second_connection() -> None:
    """6 sat at 2 a word are three words; ten words take three further deposits."""
    async with opened() as world:
        sell_small(world)
        world.app.words = 10
        async with customer(world) as client:
            async with client.stream("/stream/small") as words:
                read = [word async for word in words]
            assert len(read) == 11
            assert words.receipt is not None
            assert words.receipt["units"] == 10
            (session,) = await world.server.sessions()
            assert (session.deposit_sat, session.spent_sat) == (4 * SMALL, 10 * UNIT)
            assert world.app.served == ["/stream/small"]  # a top-up begins no stream
            await client.lightning_sessions.close_all()
            assert client.lightning_ledger.tally() == Tally(10 * UNIT + 4 * FEE, 0)
        assert debits(world) == ["SUCCEEDED"] * 4


async def test_two_streams_of_one_session_top_up_for_both() -> None:
    async with opened() as world:
        sell_small(world)
        world.app.words = 8

        async with customer(world) as client:

            async def read() -> int:
                async with client.stream("/stream/small") as words:
                    return len([word async for word in words])

            assert await asyncio.gather(read(), read()) == [9, 9]
            (session,) = await world.server.sessions()
            assert session.spent_sat == 16 * UNIT
            assert session.deposit_sat - session.spent_sat <= 2 * SMALL


async def test_a_budget_that_does_not_allow_more_ends_the_stream_at_once() -> None:
    async with opened() as world:
        sell_small(world)
        limits = Budget(allowed_currencies=("sat",), per_session=SMALL + FEE)
        async with customer(world, lightning_budget=limits) as client:
            with pytest.raises(BudgetExceededError):
                async with client.stream("/stream/small") as words:
                    _ = [word async for word in words]
            assert words.delivered == SMALL // UNIT
            assert client.lightning_ledger.tally() == Tally(0, SMALL + FEE)
        assert debits(world) == ["SUCCEEDED"]


async def test_a_further_deposit_that_finds_no_route_ends_the_stream_at_once() -> None:
    async with opened() as world:
        sell_small(world)
        fault = {"at": "lightning.pay", "do": "no_route", "when": "nth=2"}
        world.rail.context.faults.arm(fault)
        async with customer(world) as client:
            with pytest.raises(PaymentNotPreparedError, match="NO_ROUTE"):
                async with client.stream("/stream/small") as words:
                    _ = [word async for word in words]
            async with client.stream("/stream/small") as words:  # and the session goes on
                assert await anext(aiter(words)) == "word 0"


async def test_who_stops_reading_pays_for_what_was_sent() -> None:
    async with opened() as world, customer(world) as client:
        async with client.stream("/stream") as words:
            async for word in words:
                if word == "word 2":
                    break
        (session,) = await world.server.sessions()
        assert session.spent_sat < 300


class Scripted(httpx.AsyncBaseTransport):
    """The shop, but for paid streams: those say what a test wants, chunk by chunk."""

    def __init__(self, world: World, script: Callable[[str], AsyncIterator[bytes]]) -> None:
        self._shop = LocalApp(world.gate)
        self._script = script
        self.top_ups = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """A paid request for the stream is answered by the script."""
        from mpp import Credential

        field = request.headers.get("authorization")
        if field is None:
            return await self._shop.handle_async_request(request)
        credential = Credential.from_authorization(field)
        if credential.payload["action"] == "topUp":
            self.top_ups += 1
        if credential.payload["action"] != "open":
            return await self._shop.handle_async_request(request)
        opened_by = await self._shop.handle_async_request(request)
        await opened_by.aclose()
        asked: dict[str, Any] = json.loads(_decoded(credential.challenge.request))
        return httpx.Response(
            200,
            headers={"content-type": "text/event-stream"},
            stream=_Stream(self._script(asked["paymentHash"])),
        )


class _Stream(httpx.AsyncByteStream):
    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._source:
            yield chunk

    async def aclose(self) -> None:
        await self._source.aclose()  # type: ignore[attr-defined]


def _decoded(text: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def event(name: str, session: str, **members: Any) -> bytes:
    data = {"sessionId": session, "balanceSpent": 6, "balanceRequired": 2, **members}
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


async def test_the_first_connection_is_read_while_the_second_pays() -> None:
    """What the server says meanwhile is heard: here a word that needs no deposit."""
    heard = asyncio.Event()

    async with opened() as world:

        async def script(session: str) -> AsyncIterator[bytes]:
            yield event("payment-need-topup", session)
            yield b"data: meanwhile\n\n"
            await asyncio.wait_for(heard.wait(), 5)
            yield b"data: [DONE]\n\n"

        line = Scripted(world, script)
        async with customer(world, line) as client, client.stream("/stream") as words:
            source = aiter(words)
            assert await anext(source) == "meanwhile"
            heard.set()
            assert await anext(source) == "[DONE]"


async def test_a_server_that_waits_no_longer_is_heard_while_the_deposit_is_stuck() -> None:
    """`session-timeout` ends the stream without a receipt; the deposit is looked up later."""
    async with opened() as world:
        fault = {"at": "lightning.htlc", "do": "stuck_then_settle", "args": {"s": 120}}
        world.rail.context.faults.arm({**fault, "when": "nth=2"})

        async def script(session: str) -> AsyncIterator[bytes]:
            yield event("payment-need-topup", session)
            await asyncio.sleep(0.1)
            yield event("session-timeout", session)

        keep = LightningSessionSettings(close_on_exit=False)
        line = Scripted(world, script)
        async with customer(world, line, lightning_session=keep) as client:
            with pytest.raises(StreamPaymentError, match="long enough") as over:
                async with client.stream("/stream") as words:
                    _ = [word async for word in words]
            assert over.value.details == {"balanceSpent": 6, "balanceRequired": 2}
            (record,) = client.lightning_sessions.sessions()
            assert record.top_up is not None
            assert debits(world) == ["SUCCEEDED", "IN_FLIGHT"]


@pytest.mark.parametrize("name", ["payment-need-topup", "session-timeout"])
async def test_a_server_cannot_ask_for_another_session(name: str) -> None:
    async with opened() as world:

        async def script(session: str) -> AsyncIterator[bytes]:
            yield event(name, session[::-1])

        line = Scripted(world, script)
        async with customer(world, line) as client:
            with pytest.raises(StreamProtocolError, match="another session"):
                async with client.stream("/stream") as words:
                    _ = [word async for word in words]
        assert line.top_ups == 0


async def test_events_of_a_later_protocol_are_passed_over() -> None:
    async with opened() as world:

        async def script(session: str) -> AsyncIterator[bytes]:
            yield event("payment-news", session)
            yield b"data: word\n\ndata: [DONE]\n\n"

        line = Scripted(world, script)
        async with customer(world, line) as client, client.stream("/stream") as words:
            assert [word async for word in words] == ["word", "[DONE]"]
