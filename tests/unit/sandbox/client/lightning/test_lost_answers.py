"""Whatever answer is lost, a charge is debited once at most, and its end is told.

Facts: lightning 1.5, 5.3, 8.10: a payment that was given up may succeed later, and naive clients
pay again. Here something is lost at every call in turn: when the shop's node makes the invoice,
when the payer's node pays, and when the shop answers.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox.client.errors import OutcomeUnknownError, PaymentNotPreparedError
from sandbox.client.ledger import Tally
from tests.unit.sandbox.client.lightning.world import (
    COST,
    PRICE,
    customer,
    debits,
    lossy,
    wallet,
)
from tests.unit.sandbox.server.lightning.support import World, opened

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.client.client import PaidClient

PAY, HTLC = "lightning.pay", "lightning.htlc"
RESERVED = PRICE + 5
"""The price with the most that its fee may be."""


def arm(world: World, at: str, do: str, when: str = "nth=1", **args: Any) -> None:
    world.rail.context.faults.arm({"at": at, "do": do, "when": when, "args": args})


def assert_bought_once(world: World, client: PaidClient) -> None:
    assert debits(world) == ["SUCCEEDED"]
    assert world.app.served == ["/charge"]
    assert client.lightning_ledger.tally() == Tally(COST, 0)


async def test_the_nodes_answer_is_lost_and_the_payment_looked_up() -> None:
    async with opened() as world, customer(world) as client:
        arm(world, PAY, "lose_response")
        answer = await client.get("/charge")
        assert answer.text == "the goods"
        assert_bought_once(world, client)


async def test_the_invoices_answer_is_lost_and_the_shop_offers_nothing_for_once() -> None:
    async with opened() as world, customer(world) as client:
        arm(world, "lightning.invoice", "lose_response")
        assert (await client.get("/charge")).status_code == 503
        assert (await client.get("/charge")).status_code == 200
        assert_bought_once(world, client)


@pytest.mark.parametrize("accident", ["answer lost", "request lost", "no connection", "gateway"])
@pytest.mark.parametrize("times", [1, 2])
async def test_the_shops_answer_is_lost(accident: str, times: int) -> None:
    async with opened() as world:
        line = lossy(world, *[accident] * times)
        async with customer(world, line) as client:
            answer = await client.get("/charge")
            assert (answer.status_code, answer.text) == (200, "the goods")
            assert_bought_once(world, client)
        assert len({one.headers["authorization"] for one in line.paid}) == 1


async def test_every_answer_is_lost_at_once() -> None:
    async with opened() as world, customer(world, lossy(world, "answer lost")) as client:
        arm(world, PAY, "lose_response")
        assert (await client.get("/charge")).status_code == 200
        assert_bought_once(world, client)


@pytest.mark.parametrize("accident", ["request lost", "no connection"])
async def test_a_shop_that_was_never_reached_is_shown_the_same_preimage_later(
    accident: str,
) -> None:
    async with opened() as world:
        line = lossy(world, *[accident] * 3)
        async with customer(world, line) as client:
            with pytest.raises(OutcomeUnknownError, match="payment was made") as unknown:
                await client.get("/charge")
            assert unknown.value.paid is True
            assert client.lightning_ledger.tally() == Tally(COST, 0)
            answer = await client.get("/charge")
            assert answer.text == "the goods"
            assert_bought_once(world, client)
            await client.get("/charge")  # the next purchase is a new one
            assert debits(world) == ["SUCCEEDED"] * 2


async def test_a_shop_that_has_delivered_says_so_and_only_then_is_paid_again() -> None:
    """All answers were lost; shown again the preimage is used, and that is told, not paid over."""
    async with opened() as world:
        line = lossy(world, *["answer lost"] * 3)
        async with customer(world, line) as client:
            with pytest.raises(OutcomeUnknownError) as unknown:
                await client.get("/charge")
            assert unknown.value.paid is True
            with pytest.raises(OutcomeUnknownError, match="answered HTTP 402"):
                await client.get("/charge")
            assert_bought_once(world, client)


async def test_a_stuck_payment_is_told_looked_up_and_never_paid_again() -> None:
    """Facts 8.10: the client gives up, the HTLC settles later, and the call is gone on with."""
    async with opened() as world, customer(world) as client:
        arm(world, HTLC, "stuck_then_settle", s=120)
        with pytest.raises(OutcomeUnknownError, match="under way") as unknown:
            await client.get("/charge")
        assert unknown.value.paid is None
        assert client.lightning_ledger.tally() == Tally(0, RESERVED)
        with pytest.raises(OutcomeUnknownError, match="under way"):
            await client.get("/charge")  # still: nothing else is paid meanwhile
        assert debits(world) == ["IN_FLIGHT"]
        world.clock.advance(121)
        answer = await client.get("/charge")
        assert answer.text == "the goods"
        assert_bought_once(world, client)


async def test_a_stuck_payment_that_fails_is_free_again_and_paid_anew() -> None:
    async with opened() as world, customer(world) as client:
        arm(world, HTLC, "stuck_then_fail", s=120)
        with pytest.raises(OutcomeUnknownError):
            await client.get("/charge")
        world.clock.advance(121)
        assert (await client.get("/charge")).status_code == 200
        assert debits(world) == ["FAILED", "SUCCEEDED"]
        assert client.lightning_ledger.tally() == Tally(COST, 0)


async def test_a_payment_that_settles_after_the_challenges_end_is_told_as_paid() -> None:
    async with opened() as world, customer(world) as client:
        arm(world, HTLC, "settle_late", s=900)
        with pytest.raises(OutcomeUnknownError):
            await client.get("/charge")
        world.clock.advance(901)
        with pytest.raises(OutcomeUnknownError, match="to a payment that was made") as unknown:
            await client.get("/charge")
        assert unknown.value.paid is True
        assert client.lightning_ledger.tally() == Tally(COST, 0)
        assert (await client.get("/charge")).status_code == 200  # and the next is a new purchase


async def test_another_place_is_not_paid_with_what_is_under_way() -> None:
    async with opened() as world, customer(world) as client:
        arm(world, HTLC, "stuck_then_settle", s=120)
        with pytest.raises(OutcomeUnknownError):
            await client.get("/charge")
        assert (await client.get("/charge?other")).status_code == 200
        assert debits(world) == ["IN_FLIGHT", "SUCCEEDED"]


async def test_reconcile_counts_what_has_settled_meanwhile() -> None:
    async with opened() as world, customer(world) as client:
        arm(world, HTLC, "stuck_then_settle", s=120)
        with pytest.raises(OutcomeUnknownError):
            await client.get("/charge")
        (left,) = await client.reconcile()
        assert left.payment.amount == RESERVED
        world.clock.advance(121)
        assert await client.reconcile() == ()
        assert client.lightning_ledger.tally() == Tally(COST, 0)
        assert (await client.get("/charge")).text == "the goods"
        assert_bought_once(world, client)


async def test_the_next_run_goes_on_with_a_stuck_payment(tmp_path: Path) -> None:
    async with opened() as world:
        async with customer(world, state=tmp_path) as client:
            arm(world, HTLC, "stuck_then_settle", s=120)
            with pytest.raises(OutcomeUnknownError):
                await client.get("/charge")
        world.clock.advance(121)
        async with customer(world, state=tmp_path) as client:
            assert client.lightning_ledger.tally() == Tally(0, RESERVED)
            assert (await client.get("/charge")).text == "the goods"
            assert_bought_once(world, client)
        async with customer(world, state=tmp_path) as client:
            assert client.lightning_ledger.tally() == Tally(COST, 0)


@pytest.mark.parametrize("remembers", [True, False])
async def test_what_no_shop_has_answered_for_is_shown_by_the_next_run(
    tmp_path: Path, remembers: bool
) -> None:
    """Whether or not the budget is remembered: a command's is its own, and its payments are not."""
    options: dict[str, Any] = {"state": tmp_path, "remembers_spending": remembers}
    async with opened() as world:
        line = lossy(world, *["request lost"] * 3)
        async with customer(world, line, **options) as client:
            with pytest.raises(OutcomeUnknownError):
                await client.get("/charge")
        async with customer(world, **options) as client:
            assert (await client.get("/charge?other")).status_code == 200
            assert (await client.get("/charge")).text == "the goods"
            assert debits(world) == ["SUCCEEDED"] * 2
            await client.get("/charge")
            assert debits(world) == ["SUCCEEDED"] * 3
        assert client.lightning_ledger.tally() == Tally((3 if remembers else 2) * COST, 0)


async def test_a_stuck_payment_of_a_command_is_gone_on_with_by_the_next(tmp_path: Path) -> None:
    options: dict[str, Any] = {"state": tmp_path, "remembers_spending": False}
    async with opened() as world:
        async with customer(world, **options) as client:
            arm(world, HTLC, "stuck_then_settle", s=120)
            with pytest.raises(OutcomeUnknownError):
                await client.get("/charge")
        async with customer(world, **options) as client:
            with pytest.raises(OutcomeUnknownError, match="under way"):
                await client.get("/charge")
        world.clock.advance(121)
        async with customer(world, **options) as client:
            assert (await client.get("/charge")).text == "the goods"
        assert debits(world) == ["SUCCEEDED"]
        assert world.app.served == ["/charge"]


async def test_a_caller_that_gives_up_does_not_pay_twice() -> None:
    """A call is cancelled while its node pays: the next one finds what it left."""
    async with opened() as world:
        patient = wallet(world, timeout_s=60)
        async with customer(world, pays=patient) as client:
            arm(world, HTLC, "stuck_then_settle", s=120)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await client.get("/charge")
            assert client.lightning_ledger.tally() == Tally(0, RESERVED)
            world.clock.advance(121)
            assert (await client.get("/charge")).text == "the goods"
            assert_bought_once(world, client)


async def test_a_node_that_is_not_there_has_paid_nothing() -> None:
    async with opened() as world:
        closed = type(world.payer)("http://127.0.0.1:9", "00")
        async with customer(world, pays=wallet(world, closed)) as client:
            with pytest.raises(PaymentNotPreparedError, match="cannot be reached"):
                await client.get("/charge")
            assert client.lightning_ledger.tally() == Tally(0, 0)
        await closed.aclose()


@pytest.mark.parametrize("do", ["no_route", "insufficient_balance", "incorrect_details", "timeout"])
async def test_a_payment_that_certainly_failed_is_free_again(do: str) -> None:
    async with opened() as world, customer(world) as client:
        arm(world, PAY, do)
        with pytest.raises(PaymentNotPreparedError, match="payment failed"):
            await client.get("/charge")
        assert client.lightning_ledger.tally() == Tally(0, 0)
        assert (await client.get("/charge")).status_code == 200
        assert client.lightning_ledger.tally() == Tally(COST, 0)


async def test_the_shop_fails_after_it_was_paid() -> None:
    """Consumed stays consumed even if delivery fails (facts 1.3.7)."""
    async with opened() as world:
        world.app.status = 500
        async with customer(world) as client:
            with pytest.raises(OutcomeUnknownError) as unknown:
                await client.get("/charge")
            assert unknown.value.paid is True
            assert debits(world) == ["SUCCEEDED"]
            assert client.lightning_ledger.tally() == Tally(COST, 0)


async def test_a_refused_payment_is_not_paid_once_more() -> None:
    """A server that takes the money and asks again gets nothing more for this call."""

    class Thief(httpx.AsyncBaseTransport):
        """Never lets a credential through."""

        def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
            self._inner = inner

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            """What a request without a payment is answered."""
            request.headers.pop("authorization", None)
            return await self._inner.handle_async_request(request)

    async with opened() as world:
        async with customer(world, Thief(lossy(world))) as client:
            with pytest.raises(OutcomeUnknownError, match="answered HTTP 402 to a payment"):
                await client.get("/charge")
            assert client.lightning_ledger.tally() == Tally(COST, 0)
        assert debits(world) == ["SUCCEEDED"]
