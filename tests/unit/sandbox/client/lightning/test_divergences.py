"""Servers that differ from the draft, and some that mean no good (facts: lightning 2.6).

Aperture refunds after it has answered, says `failed` first and leaves out `refundSats` when it is
0; SDKs answer a repeated open or top-up as unknown. What a server says of money is one thing, what
arrived is another.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox.client.errors import OutcomeUnknownError
from sandbox.client.ledger import Tally
from sandbox.client.lightning.session import LightningSessionSettings, State
from sandbox.lightning import LocalApp
from sandbox.methods.lightning_session import Session, deduct
from tests.unit.sandbox.client.lightning.test_lost_sessions import action_of
from tests.unit.sandbox.client.lightning.world import FEE, SMALL, customer, debits, sell_small
from tests.unit.sandbox.server.lightning.support import DEPOSIT, UNIT, World, opened

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]

LEFT = DEPOSIT - UNIT


class Odd(httpx.AsyncBaseTransport):
    """The shop, but one action is answered in a way of its own."""

    def __init__(self, world: World, action: str, answer: Callable[[Answer], Answer]) -> None:
        self._action = action
        self._shop: Answer = LocalApp(world.gate).handle_async_request
        self._answer = answer(self._shop)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass it on, or be odd."""
        odd = action_of(request) == self._action
        return await (self._answer if odd else self._shop)(request)


def closing(**members: Any) -> Callable[[Answer], Answer]:
    """An answer to a close that the shop never sees."""

    def make(_: Answer) -> Answer:
        async def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json={"status": "closed", **members})

        return answer

    return make


def refused(kind: str, *, reaches_shop: bool = False) -> Callable[[Answer], Answer]:
    """A refusal of this kind, with the fresh challenge of a request without a credential."""

    def make(shop: Answer) -> Answer:
        async def answer(request: httpx.Request) -> httpx.Response:
            if reaches_shop:
                await (await shop(request)).aclose()
            asked = httpx.Request(request.method, request.url)
            found = await shop(asked)
            await found.aread()
            problem = {"type": f"https://paymentauth.org/problems/lightning/{kind}", "status": 402}
            headers = dict(found.headers)
            headers.pop("content-length", None)
            return httpx.Response(402, headers=headers, content=json.dumps(problem))

        return answer

    return make


async def test_a_refund_that_comes_after_failed_is_counted_when_it_comes() -> None:
    """Aperture's receipt usually says failed, for it refunds afterwards (facts 2.6.5)."""
    async with opened() as world:
        line = Odd(world, "close", closing(refundSats=LEFT, refundStatus="failed"))
        async with customer(world, line) as client:
            await client.get("/session")
            (outcome,) = await client.lightning_sessions.close_all()
            record = outcome.session
            assert (record.state, record.refund_status) == (State.CLOSED, "failed")
            assert client.lightning_ledger.tally() == Tally(UNIT + FEE, LEFT)
            await world.merchant.pay(
                record.return_invoice, amount_sat=LEFT, fee_limit_sat=5, timeout_s=5
            )
            assert await client.reconcile() == ()
            assert client.lightning_ledger.tally() == Tally(UNIT + FEE, 0)


async def test_a_refund_that_never_comes_is_spent_when_its_invoice_has_ended() -> None:
    async with opened() as world:
        line = Odd(world, "close", closing(refundSats=LEFT, refundStatus="failed"))
        async with customer(world, line) as client:
            await client.get("/session")
            await client.lightning_sessions.close_all()
            assert len(await client.reconcile()) == 1
            world.clock.advance(2_592_001)
            assert await client.reconcile() == ()
            assert client.lightning_ledger.tally() == Tally(DEPOSIT + FEE, 0)


@pytest.mark.parametrize("status", ["failed", "skipped"])
async def test_refund_sats_that_are_left_out_are_none(status: str) -> None:
    async with opened() as world:
        line = Odd(world, "close", closing(refundStatus=status))
        async with customer(world, line) as client:
            await client.get("/session")
            (outcome,) = await client.lightning_sessions.close_all()
            assert (outcome.error, outcome.session.refund_sat) == (None, 0)
            assert client.lightning_ledger.tally().spent == DEPOSIT + FEE


async def test_only_what_arrived_is_free_again_whatever_the_server_says() -> None:
    """An invoice without an amount is paid with whatever the server likes."""
    async with opened() as world:

        def cheats(_: Answer) -> Answer:
            async def answer(request: httpx.Request) -> httpx.Response:
                back = list(world.rail.node("payer").invoices())[-1]
                await world.merchant.pay(back.text, amount_sat=1, fee_limit_sat=5, timeout_s=5)
                said = {"status": "closed", "refundSats": LEFT, "refundStatus": "succeeded"}
                return httpx.Response(200, json=said)

            return answer

        async with customer(world, Odd(world, "close", cheats)) as client:
            await client.get("/session")
            (outcome,) = await client.lightning_sessions.close_all()
            assert outcome.session.received_sat == 1
            assert client.lightning_ledger.tally() == Tally(DEPOSIT + FEE - 1, 0)


@pytest.mark.parametrize("answer", ["[]", "", '{"refundSats": true}', '{"refundSats": -5}'])
async def test_a_close_that_says_nothing_of_use_is_a_close(answer: str) -> None:
    async with opened() as world:

        def odd(_: Answer) -> Answer:
            async def told(request: httpx.Request) -> httpx.Response:
                return httpx.Response(200, content=answer)

            return told

        async with customer(world, Odd(world, "close", odd)) as client:
            await client.get("/session")
            (outcome,) = await client.lightning_sessions.close_all()
            assert outcome.session.state is State.CLOSED
            tally = client.lightning_ledger.tally()
            assert tally.spent + tally.reserved == DEPOSIT + FEE


async def test_a_repeated_open_that_is_called_unknown_is_found_by_a_bearer() -> None:
    """SDKs refuse it, and their clients lose the deposit: a session's id is its deposit's hash."""
    async with opened() as world:
        first = True

        def sdk(shop: Answer) -> Answer:
            async def answer(request: httpx.Request) -> httpx.Response:
                nonlocal first
                if first:
                    first = False
                    await (await shop(request)).aclose()
                    raise httpx.ReadError("the answer is lost")
                return await refused("unknown-challenge")(shop)(request)

            return answer

        async with customer(world, Odd(world, "open", sdk)) as client:
            assert (await client.get("/session")).text == "the goods"
            assert debits(world) == ["SUCCEEDED"]
            (session,) = await world.server.sessions()
            assert session.spent_sat == 2 * UNIT


async def test_a_server_that_takes_the_deposit_and_opens_nothing_gets_no_other_for_it() -> None:
    async with opened() as world:
        line = Odd(world, "open", refused("invalid-preimage"))
        async with customer(world, line) as client:
            with pytest.raises(OutcomeUnknownError, match="opened no session") as unknown:
                await client.get("/session")
            assert unknown.value.paid is True
            assert debits(world) == ["SUCCEEDED"]
            assert client.lightning_ledger.tally() == Tally(0, DEPOSIT + FEE)


async def test_a_top_up_that_is_refused_is_told_and_its_worth_shown_by_the_close() -> None:
    async with opened() as world:
        sell_small(world)
        line = Odd(world, "topUp", refused("unknown-challenge", reaches_shop=True))
        async with customer(world, line) as client:
            for _ in range(SMALL // UNIT):
                await client.get("/small")
            with pytest.raises(OutcomeUnknownError, match="to a deposit that was paid"):
                await client.get("/small")
            (outcome,) = await client.lightning_sessions.close_all()
            assert outcome.session.received_sat == SMALL  # it had been credited after all
            assert client.lightning_ledger.tally() == Tally(SMALL + 2 * FEE, 0)


async def test_a_server_that_has_forgotten_a_session_is_paid_another_and_told_apart() -> None:
    """A restart without a store: the deposit may still come back, and stays aside meanwhile."""
    async with opened() as world:
        line = Odd(world, "bearer", refused("session-not-found"))
        keep = LightningSessionSettings(close_on_exit=False)
        async with customer(world, line, lightning_session=keep) as client:
            await client.get("/session")
            assert (await client.get("/session")).status_code == 200
            first, second = client.lightning_sessions.sessions()
            assert (first.state, second.state) == (State.CLOSED, State.OPEN)
            assert len(client.lightning_ledger.unknown) == 1


async def test_a_server_that_holds_more_first_and_counts_what_was_used_later_is_lived_with() -> (
    None
):
    """Aperture deducts when a session is shown, and reconciles to the use afterwards (facts 2.6.6):
    the client's count is off meanwhile, it tops up when it is told to, and the end tells all."""
    async with opened() as world:
        sell_small(world)

        def metered(shop: Answer) -> Answer:
            async def answer(request: httpx.Request) -> httpx.Response:
                (session,) = await world.server.sessions()
                book = world.server._context.book
                held = min(UNIT, session.available_sat)
                await book.update(session.id, lambda one: deduct(one, held, 1, world.clock.now_s()))
                found = await shop(request)
                await found.aread()

                def reconciled(one: Session | None) -> Session:
                    assert one is not None
                    return replace(one, spent_sat=one.spent_sat - held)

                await book.update(session.id, reconciled)
                return found

            return answer

        async with customer(world, Odd(world, "bearer", metered)) as client:
            for _ in range(5):
                assert (await client.get("/small")).status_code == 200
            (outcome,) = await client.lightning_sessions.close_all()
            (session,) = await world.server.sessions()
            assert session.spent_sat == 5 * UNIT
            assert outcome.session.received_sat == session.deposit_sat - session.spent_sat
            fees = FEE * len(debits(world))
            assert client.lightning_ledger.tally() == Tally(5 * UNIT + fees, 0)
