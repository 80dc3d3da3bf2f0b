"""Prices in dollars at a rate that moves: a challenge keeps its price (facts: lightning 5.5)."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx

from sandbox.lightning import LocalApp, Rate, UsdPrice
from sandbox.server.route import Route
from tests.unit.sandbox.server.lightning.support import START_S, World, gate_of, opened, problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MOVES_S = 60


@asynccontextmanager
async def shop() -> AsyncIterator[World]:
    """A cent for a quote and for a search; after a minute a bitcoin is worth half of it."""
    async with opened() as world:
        rate = Rate(100_000, [(START_S + MOVES_S, 50_000)], clock=world.clock)
        cent = UsdPrice("0.01", rate)
        routes = [
            Route("/quote", (world.server.charge(cent),)),
            Route("/search", (world.server.session(cent, deposit_units=10),)),
        ]
        gate = gate_of(world.app, world.server, world.journal, world.store, world.clock, routes)
        http = httpx.AsyncClient(transport=LocalApp(gate), base_url="http://shop.test")
        world.http = await world.stack.enter_async_context(http)
        yield world


async def test_a_challenge_that_was_made_before_is_paid_at_its_price() -> None:
    async with shop() as world:
        old = await world.challenge("/quote")
        world.clock.advance(MOVES_S)
        new = await world.challenge("/quote")
        assert (old.request["amount"], new.request["amount"]) == ("10", "20")
        for challenge in (old, new):
            paid = {"preimage": await world.pay(challenge)}
            assert (await world.show(challenge, paid, "/quote")).status_code == 200
        paid_for = [one for one in world.journal.read() if one.kind == "exchange.paid"]
        assert [int(one.data["amount"]) for one in paid_for] == [10, 20]


async def test_a_price_that_was_never_asked_is_nobodys_challenge() -> None:
    async with shop() as world:
        challenge = await world.challenge("/quote")
        paid = {"preimage": await world.pay(challenge)}
        world.clock.advance(MOVES_S)
        cheaper = await world.challenge("/charge")
        assert problem(await world.show(cheaper, paid, "/quote")) == "unknown-challenge"
        assert (await world.show(challenge, paid, "/quote")).status_code == 200


async def test_a_session_spends_what_each_bearers_challenge_says() -> None:
    async with shop() as world:
        session, answer = await world.open("/search")
        assert answer.status_code == 200
        early = await world.challenge("/search")
        assert early.request["depositAmount"] == "100"
        world.clock.advance(MOVES_S)
        late = await world.challenge("/search")
        assert (late.request["amount"], late.request["depositAmount"]) == ("20", "200")
        for challenge, spent in ((early, 20), (late, 40)):
            payload = {"action": "bearer", **session}
            assert (await world.show(challenge, payload, "/search")).status_code == 200
            assert (await world.record(session)).spent_sat == spent
        assert (await world.close(session, "/search")).json()["refundSats"] == 60
