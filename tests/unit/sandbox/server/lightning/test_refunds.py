"""Refunds: what goes back, once, and what becomes of it (facts: lightning 2.6, traps 4 and 5)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandbox.lightning import UNREACHABLE, PaymentFailed
from sandbox.methods.lightning_session import Refund
from sandbox.server.lightning import FeeLimit
from tests.unit.sandbox.server.lightning.support import (
    DEPOSIT,
    FEE_MSAT,
    UNIT,
    opened,
    problem,
)


async def test_a_refund_over_a_hop_needs_a_fee_limit() -> None:
    """Aperture sends none, which LND reads as free routes only."""
    async with opened(fee_limit=FeeLimit(least_sat=0, percent=0)) as world:
        session, _ = await world.open()
        closed = (await world.close(session)).json()
        assert closed == {
            "status": "closed",
            "refundSats": DEPOSIT - UNIT,
            "refundStatus": "failed",
        }
    async with opened() as world:
        session, _ = await world.open()
        assert (await world.close(session)).json()["refundStatus"] == "succeeded"
        (refund,) = world.rail.node("merchant").payments()
        assert (refund.amount_msat, refund.fee_msat) == ((DEPOSIT - UNIT) * 1_000, FEE_MSAT)


@pytest.mark.parametrize(("amount", "limit"), [(1, 2), (40, 2), (60, 3), (1_000, 50)])
def test_a_fee_limit_is_two_satoshis_or_a_twentieth(amount: int, limit: int) -> None:
    assert FeeLimit().of(amount) == limit


async def test_a_refund_to_an_expired_invoice_fails_and_the_session_stays_closed() -> None:
    """Facts 8, check 8."""
    async with opened() as world:
        session, _ = await world.open(return_invoice=await world.return_invoice(expiry_s=20))
        world.clock.advance(20)
        challenge = await world.challenge("/session")
        closed = await world.show(challenge, {"action": "close", **session}, "/session")
        assert closed.status_code == 200
        assert closed.json()["refundStatus"] == "failed"
        assert problem(await world.bearer(session)) == "session-closed"
        assert problem(await world.close(session)) == "session-closed"
        await world.server.look()
        assert (await world.record(session)).refund is Refund.FAILED


async def test_a_refund_that_is_late_says_failed_and_succeeds() -> None:
    async with opened(refund_timeout_s=1) as world:
        session, _ = await world.open()
        before = world.balance()
        world.arm("lightning.htlc", "stuck_then_settle", s=100)
        closed = (await world.close(session)).json()
        assert (closed["refundSats"], closed["refundStatus"]) == (DEPOSIT - UNIT, "failed")
        assert (await world.record(session)).refund is Refund.PENDING
        await world.server.look()
        assert (await world.record(session)).refund is Refund.PENDING
        world.clock.advance(101)
        await world.server.look()
        assert (await world.record(session)).refund is Refund.SUCCEEDED
        assert world.balance() - before == (DEPOSIT - UNIT) * 1_000
        assert len(list(world.rail.node("merchant").payments())) == 1


async def test_a_refund_whose_answer_was_lost_is_not_sent_again() -> None:
    async with opened() as world:
        session, _ = await world.open()
        before = world.balance()
        world.arm("lightning.pay", "lose_response")
        assert (await world.close(session)).json()["refundStatus"] == "failed"
        for _ in range(3):
            await world.server.look()
        assert (await world.record(session)).refund is Refund.SUCCEEDED
        assert world.balance() - before == (DEPOSIT - UNIT) * 1_000


async def test_a_refund_that_failed_is_one_attempt() -> None:
    async with opened() as world:
        session, _ = await world.open()
        world.arm("lightning.pay", "no_route")
        assert (await world.close(session)).json()["refundStatus"] == "failed"
        world.rail.context.faults.clear()
        for _ in range(3):
            await world.server.look()
        assert (await world.record(session)).refund is Refund.FAILED
        assert len(list(world.rail.node("merchant").payments())) == 1


async def test_a_refund_waits_for_a_node_that_is_not_there() -> None:
    """Nothing was attempted, so the one attempt is still to come."""
    async with opened() as world:
        session, _ = await world.open()
        before = world.balance()
        pay = world.merchant.pay

        async def gone(*_: Any, **__: Any) -> Any:
            raise PaymentFailed(UNREACHABLE)

        world.merchant.pay = gone  # type: ignore[method-assign]
        assert (await world.close(session)).json()["refundStatus"] == "failed"
        await world.server.look()
        assert (await world.record(session)).refund is Refund.PENDING
        world.merchant.pay = pay  # type: ignore[method-assign]
        await world.server.look()
        assert (await world.record(session)).refund is Refund.SUCCEEDED
        assert world.balance() - before == (DEPOSIT - UNIT) * 1_000


async def test_nothing_left_is_nothing_sent() -> None:
    async with opened() as world:
        world.app.words = DEPOSIT // UNIT
        session, _ = await world.open("/stream")
        assert (await world.close(session)).json() == {
            "status": "closed",
            "refundSats": 0,
            "refundStatus": "skipped",
        }
        assert list(world.rail.node("merchant").payments()) == []


async def test_racing_closes_send_one_refund() -> None:
    async with opened() as world:
        session, _ = await world.open()
        before = world.balance()
        challenges = [await world.challenge("/session") for _ in range(10)]
        world.clock.advance(299)
        looking = asyncio.ensure_future(world.server.look())
        answers = await asyncio.gather(
            *(world.show(one, {"action": "close", **session}, "/session") for one in challenges)
        )
        await looking
        closed = [one for one in answers if one.status_code == 200]
        assert len(closed) == 1
        assert world.balance() - before == (DEPOSIT - UNIT) * 1_000
