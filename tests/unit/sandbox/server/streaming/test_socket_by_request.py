"""A paid WebSocket whose session is priced by the request: one price for all that it sends.

Facts: protocol 2.8 (unitType) and 2.9.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mpp import Credential

from mock_rails.core import Clock
from sandbox.methods.tempo_session.problems import InsufficientBalanceError
from sandbox.server.streaming import SocketPayment
from tests.unit.sandbox.server.streaming.fakes import FakeMeter, settlement
from tests.unit.sandbox.server.streaming.test_socket import Peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.server.offer import Settlement


def by_the_request(**options: Any) -> tuple[Peer, list[str]]:
    """A socket whose sessions pay for a request, and the credentials that bought one."""
    bought: list[str] = []

    async def buy(authorization: str) -> SocketPayment:
        words = Credential.from_authorization(authorization)
        if not words.payload.get("units"):
            raise InsufficientBalanceError("no voucher")
        bought.append(words.payload["action"])
        paid = settlement(FakeMeter(prepaid=len(bought)))
        return SocketPayment(replace(paid, meter=None), words.challenge.id)

    return Peer(None, buy=buy, **options), bought


async def test_a_session_for_a_request_is_paid_once_and_all_of_it_is_sent() -> None:
    peer, bought = by_the_request()
    async with peer:
        peer.authorize("open", units=1)
        paid = await peer.hear()
        assert (paid["mpp"], paid["data"]["spent"]) == ("payment-receipt", "10")
        assert await peer.kinds(3) == ["one", "two", "three"]
        ready = await peer.hear()
        assert (ready["mpp"], ready["data"]["spent"]) == ("payment-close-ready", "10")
        peer.authorize("close")
        assert await peer.kinds(1) == ["payment-receipt"]
        assert (await peer.hear())["code"] == 1000
    assert (peer.paid, bought) == (["open", "close"], ["open"])


async def test_a_request_that_is_not_covered_is_not_streamed() -> None:
    peer, bought = by_the_request()
    async with peer:
        peer.authorize("voucher")
        await peer.is_failed(402, 1008, "no voucher")
    assert bought == []


async def test_only_what_starts_a_stream_buys_it() -> None:
    waiting = asyncio.Event()

    async def slow(_: Settlement) -> AsyncIterator[str]:
        yield "one"
        await waiting.wait()

    peer, bought = by_the_request()
    async with peer:
        peer.stream = slow
        peer.authorize("topUp", units=1)
        assert await peer.kinds(1) == ["payment-receipt"]
        peer.authorize("voucher", units=1)
        assert await peer.kinds(2) == ["payment-receipt", "one"]
        peer.authorize("voucher", units=1, challenge_id="second")
        assert await peer.kinds(1) == ["payment-receipt"]
        waiting.set()
        assert await peer.kinds(1) == ["payment-close-ready"]
    assert (peer.paid, bought) == (["topUp", "voucher", "voucher"], ["voucher"])


async def test_who_wants_to_close_buys_nothing() -> None:
    peer, bought = by_the_request()
    async with peer:
        peer.may_pay.clear()
        peer.authorize("open", units=1)
        peer.request_close()
        await Clock().yield_to_loop()
        peer.may_pay.set()
        assert await peer.kinds(2) == ["payment-receipt", "payment-close-ready"]
    assert bought == []
