"""Plays of what rails do find the mistake that they are about (issue 6).

One mistake is planted for each, in the shop or in the careful client, and nothing else is changed.
The plays of a halted chain and of a late payment have the mistake in them: who pays again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from sandbox.chain.sender import Sender
from sandbox.client.cards.attempt import CardAttempt
from sandbox.methods import stripe_transport
from sandbox.methods.stripe_transport import AnswerLost, StripeTransport
from sandbox.server.streaming.hold import Hold
from tests.unit.sandbox.failures.test_mistakes import broken_checks, nothing

if TYPE_CHECKING:
    import pytest


async def test_a_client_that_tries_another_token(monkeypatch: pytest.MonkeyPatch) -> None:
    async def tries_again(self: CardAttempt, response: httpx.Response) -> bool:
        await self.settle_by_stripe()
        return True

    monkeypatch.setattr(CardAttempt, "refused", tries_again)
    assert "its bank was asked three times" in await broken_checks("decline-storm")


async def test_a_shop_that_takes_a_lost_answer_for_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    real = StripeTransport.handle_async_request

    async def answered(self: StripeTransport, request: httpx.Request) -> httpx.Response:
        try:
            return await real(self, request)
        except AnswerLost:
            return httpx.Response(502, json={"error": {"message": "no answer"}}, request=request)

    monkeypatch.setattr(StripeTransport, "handle_async_request", answered)
    monkeypatch.setattr(stripe_transport, "ATTEMPTS", 1)
    (broken,) = await broken_checks("double-charge-by-retry")
    assert "a payment that was made" in broken  # and the client still pays no second


async def test_a_client_that_pays_any_fee(monkeypatch: pytest.MonkeyPatch) -> None:
    async def any_price(self: Sender) -> int:
        return 10**12

    monkeypatch.setattr(Sender, "_gas_price", any_price)
    assert "nothing was paid" in await broken_checks("fee-spike")


async def test_a_shop_that_forgets_to_charge_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hold, "charge", nothing)
    broken = await broken_checks("slow-reader-on-a-paid-stream")
    assert "after 45 seconds it owes what it has read" in broken


async def test_a_client_that_does_not_listen_to_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sender, "sync", nothing)
    (broken,) = await broken_checks("clock-skew")
    assert "Are the client's clock and the chain's the same?" in broken
