"""A play finds the mistake that it is about: with it, its checks do not hold (issue 6).

One mistake is planted for each failure, in the shop or in the client, and nothing else is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.devnet import Devnet
from sandbox.failures import find, play
from sandbox.failures import webhook_twice_and_out_of_order as webhooks
from sandbox.methods.tempo_session import Channel
from sandbox.server.challenges import Challenges
from sandbox.server.repeats import Repeats
from sandbox.server.session.watch import Watch
from sandbox.server.single_use import SingleUse

if TYPE_CHECKING:
    import pytest


async def broken_checks(slug: str) -> list[str]:
    """What does not hold."""
    played = await play(find(slug))
    assert not played.holds
    return [step.text for step in played.steps if step.holds is False]


async def nothing(*_: Any, **__: Any) -> None:
    """What a shop does that forgot to."""


async def test_a_shop_without_idempotency_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Repeats, "begin", nothing)
    (broken,) = await broken_checks("response-lost-after-settlement")
    assert "HTTP 402 to a payment that was made" in broken  # and the client still pays no second


async def test_a_shop_without_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def settle(self: SingleUse, admitted: Any, request: Any) -> Any:
        return await admitted.offer.settle(admitted.credential, request)

    monkeypatch.setattr(SingleUse, "settle", settle)
    broken = await broken_checks("duplicate-credential")
    assert broken == ["the second is refused, and told a fresh price"]


async def test_a_shop_without_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Challenges, "check_expiry", lambda *_: 2_000_000_000)
    assert "it is refused as expired" in await broken_checks("expired-challenge-race")


async def test_a_shop_that_looks_at_the_clock_before_its_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Repeats, "after_end", nothing)
    (broken,) = await broken_checks("expired-challenge-race")
    assert broken == "it gets what it paid for"


async def test_a_shop_that_forgets_what_a_channel_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Channel, "available", property(lambda channel: channel.deposit))
    assert "nothing is delivered" in await broken_checks("voucher-replay")


async def test_a_shop_that_does_not_watch_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watch, "look", nothing)
    assert "the shop saw it, and took what it was owed" in await broken_checks("stale-channel")


async def test_a_shop_that_keeps_its_books_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Devnet.renew_merchants

    async def forgetful(self: Devnet) -> None:
        assert self.books is not None
        self.books.reset()
        await real(self)

    monkeypatch.setattr(Devnet, "renew_merchants", forgetful)
    broken = await broken_checks("server-crash-between-accept-and-deliver")
    assert "nothing is delivered for it" in broken


async def test_a_shop_that_does_not_know_events_by_their_ids(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def sends_all(self: webhooks.CarefulShop, scene: Any) -> list[str]:
        return list(self.orders)

    monkeypatch.setattr(webhooks.CarefulShop, "send_due", sends_all)
    assert await broken_checks("webhook-twice-and-out-of-order") == [
        "it sends the first order, once"
    ]
