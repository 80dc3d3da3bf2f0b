"""Every trap of facts, lightning 2.6, and the ends of refunds."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox.lightning import LocalApp, PaymentFailed
from sandbox.methods.lightning_session import Refund, Status
from sandbox.server.lightning import LightningServer
from sandbox.server.stores import SqliteStore
from tests.unit.sandbox.server.lightning.support import (
    DEPOSIT,
    UNIT,
    World,
    authorization,
    gate_of,
    opened,
    problem,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


async def paid_open(world: World, url: str = "/session") -> tuple[Any, dict[str, Any]]:
    """A challenge whose deposit is paid, and the payload that opens a session with it."""
    challenge = await world.challenge(url)
    payload = {
        "action": "open",
        "preimage": await world.pay(challenge),
        "returnInvoice": await world.return_invoice(),
    }
    return challenge, payload


def top_up_of(session: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    """The paid deposit of an open, shown as a top-up of this session."""
    return {
        "action": "topUp",
        "sessionId": session["sessionId"],
        "topUpPreimage": payload["preimage"],
    }


@contextmanager
def closing_mid_claim(world: World, session: dict[str, Any]) -> Iterator[None]:
    """Whoever claims a deposit here finds the session closed when it comes to credit it."""
    book, identity = world.server._context.book, bytes.fromhex(session["sessionId"])
    claim = book.claim

    async def slow(*args: Any, **options: Any) -> None:
        await claim(*args, **options)
        await world.server.close(identity)

    book.claim = slow  # type: ignore[method-assign]
    try:
        yield
    finally:
        book.claim = claim  # type: ignore[method-assign]


# -- 1: one deposit, one use ----------------------------------------------------------------------


async def test_an_opens_deposit_is_no_top_up_of_its_own_session() -> None:
    async with opened() as world:
        challenge, payload = await paid_open(world)
        await world.show(challenge, payload, "/session")
        session = {"sessionId": challenge.request["paymentHash"], "preimage": payload["preimage"]}
        replay = {
            "action": "topUp",
            "sessionId": session["sessionId"],
            "topUpPreimage": payload["preimage"],
        }
        assert problem(await world.show(challenge, replay, "/session")) == "unknown-challenge"
        assert (await world.record(session)).deposit_sat == DEPOSIT


async def test_an_opens_deposit_is_no_top_up_of_another_session() -> None:
    async with opened() as world:
        other, _ = await world.open()
        challenge, payload = await paid_open(world)
        await world.show(challenge, payload, "/session")
        replay = {
            "action": "topUp",
            "sessionId": other["sessionId"],
            "topUpPreimage": payload["preimage"],
        }
        assert problem(await world.show(challenge, replay, "/session")) == "unknown-challenge"
        assert (await world.record(other)).deposit_sat == DEPOSIT


async def test_a_top_ups_deposit_opens_nothing_and_counts_once() -> None:
    async with opened() as world:
        session, _ = await world.open()
        other, _ = await world.open()
        challenge, payload = await paid_open(world)
        top_up = top_up_of(session, payload)
        assert (await world.show(challenge, top_up, "/session")).status_code == 200
        for again in (payload, {**top_up, "sessionId": other["sessionId"]}):
            assert problem(await world.show(challenge, again, "/session")) == "unknown-challenge"
        # A payload that differs a little is not the one that was answered, and no new deposit.
        assert problem(await world.show(challenge, {**top_up, "x": 1}, "/session")) == (
            "unknown-challenge"
        )
        assert (await world.record(session)).deposit_sat == 2 * DEPOSIT
        assert (await world.record(other)).deposit_sat == DEPOSIT


async def test_a_top_up_that_came_too_late_can_still_open_a_session() -> None:
    """The deposit is paid: a session that closed in that moment must not swallow it."""
    async with opened() as world:
        session, _ = await world.open()
        challenge, payload = await paid_open(world)
        top_up = top_up_of(session, payload)
        closed, late = await asyncio.gather(
            world.close(session), world.show(challenge, top_up, "/session")
        )
        if late.status_code == 200:
            assert closed.json()["refundSats"] == 2 * DEPOSIT - UNIT
        else:
            assert problem(late) == "session-closed"
            assert (await world.show(challenge, payload, "/session")).status_code == 200


async def test_a_claim_that_found_its_session_closed_is_given_back() -> None:
    """The narrow case of the one above: open when it was looked at, closed when it was changed."""
    async with opened() as world:
        session, _ = await world.open()
        challenge, payload = await paid_open(world)
        top_up = top_up_of(session, payload)
        with closing_mid_claim(world, session):
            assert problem(await world.show(challenge, top_up, "/session")) == "session-closed"
        assert (await world.show(challenge, payload, "/session")).status_code == 200


async def test_a_copy_of_a_top_up_frees_no_deposit_that_was_credited() -> None:
    """The copy finds the claim to be its session's own, and then the session closed: what was
    credited went back with the rest, and opens nothing."""
    async with opened() as world:
        session, _ = await world.open()
        challenge, payload = await paid_open(world)
        top_up = top_up_of(session, payload)
        assert (await world.show(challenge, top_up, "/session")).status_code == 200
        copy = {**top_up, "copy": True}
        with closing_mid_claim(world, session):
            assert problem(await world.show(challenge, copy, "/session")) == "session-closed"
        assert (await world.record(session)).refund_sat == 2 * DEPOSIT - UNIT
        assert problem(await world.show(challenge, payload, "/session")) == "unknown-challenge"
        assert len(await world.server.sessions()) == 1


async def test_a_claim_that_nobody_gave_back_strands_no_deposit() -> None:
    """The server died between claim and credit, and the session was closed meanwhile."""
    async with opened() as world:
        session, _ = await world.open()
        other, _ = await world.open()
        challenge, payload = await paid_open(world)
        hashed = bytes.fromhex(challenge.request["paymentHash"])
        identity, end_s = bytes.fromhex(session["sessionId"]), world.clock.now_s() + 300
        await world.server._context.book.claim(hashed, identity, end_s=end_s)
        assert problem(await world.show(challenge, payload, "/session")) == "unknown-challenge"
        await world.close(session)
        top_up = top_up_of(other, payload)
        answers = await asyncio.gather(
            world.show(challenge, payload, "/session"), world.show(challenge, top_up, "/session")
        )
        assert sorted(one.status_code for one in answers) == [200, 402]
        held = sum(one.deposit_sat for one in await world.server.sessions())
        assert held == 3 * DEPOSIT


async def test_a_server_that_died_between_claim_and_credit_credits_it_later() -> None:
    async with opened() as world:
        session, _ = await world.open()
        challenge = await world.challenge("/session")
        preimage = await world.pay(challenge)
        hashed = bytes.fromhex(challenge.request["paymentHash"])
        identity = bytes.fromhex(session["sessionId"])
        end_s = world.clock.now_s() + 300
        await world.server._context.book.claim(hashed, identity, end_s=end_s)
        top_up = {
            "action": "topUp",
            "sessionId": session["sessionId"],
            "topUpPreimage": preimage,
        }
        assert (await world.show(challenge, top_up, "/session")).status_code == 200
        assert (await world.record(session)).deposit_sat == 2 * DEPOSIT


# -- 2: an open changes nothing of a session that is -----------------------------------------------


async def test_another_open_with_the_deposit_does_not_forget_what_was_spent() -> None:
    async with opened() as world:
        challenge, payload = await paid_open(world)
        await world.show(challenge, payload, "/session")
        session = {"sessionId": challenge.request["paymentHash"], "preimage": payload["preimage"]}
        await world.bearer(session)
        other = {**payload, "returnInvoice": await world.return_invoice()}
        assert problem(await world.show(challenge, other, "/session")) == "unknown-challenge"
        record = await world.record(session)
        assert (record.spent_sat, record.return_invoice) == (2 * UNIT, payload["returnInvoice"])
        await world.close(session)
        again = await world.show(challenge, {**other, "x": 1}, "/session")
        assert problem(again) == "unknown-challenge"
        assert (await world.record(session)).status is Status.CLOSED


# -- 3: racing deductions --------------------------------------------------------------------------


async def test_racing_bearers_never_overspend(tmp_path: Path) -> None:
    for store in (None, await SqliteStore.open(tmp_path / "shop.db", _clock())):
        async with opened(store=store) as world:
            session, _ = await world.open()
            challenge = await world.challenge("/session")
            bearer = {"action": "bearer", **session}
            answers = await asyncio.gather(
                *(world.show(challenge, bearer, "/session") for _ in range(DEPOSIT // UNIT + 20))
            )
            paid = [one for one in answers if one.status_code == 200]
            assert len(paid) == DEPOSIT // UNIT - 1  # the open has paid for one
            assert {problem(one) for one in answers if one.status_code != 200} == {
                "insufficient-balance"
            }
            assert (await world.record(session)).spent_sat == DEPOSIT
            assert len(world.app.served) == DEPOSIT // UNIT
        if store is not None:
            await store.close()


async def test_racing_streams_of_two_processes_never_overspend(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "shop.db", _clock())
    async with opened(store=store) as world:
        twin_store = await SqliteStore.open(tmp_path / "shop.db", world.clock)
        twin = LightningServer(
            node=world.merchant, store=twin_store, clock=world.clock, journal=world.journal
        )
        gate = gate_of(world.app, twin, world.journal, twin_store, world.clock)
        async with httpx.AsyncClient(
            transport=LocalApp(gate), base_url="http://shop.test"
        ) as other:
            world.app.words = 100
            session, first = await world.open("/stream")
            headers = {
                "Authorization": authorization(
                    await world.challenge("/stream"), {"action": "bearer", **session}
                )
            }
            streams = [
                asyncio.ensure_future(read(http, headers)) for http in (world.http, other) * 2
            ]
            assert await world.until(session, lambda one: one.spent_sat == DEPOSIT)
            await world.close(session)
            delivered = sum([await one for one in streams])
            assert first.content.count(b"data: word") == 100
            assert delivered == DEPOSIT // UNIT - 100
        await twin.stop()
        await twin_store.close()
    await store.close()


async def read(http: httpx.AsyncClient, headers: dict[str, str]) -> int:
    """How many words a stream gave until it ended."""
    answer = await http.get("/stream", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.content.count(b"data: word")


def _clock() -> Any:
    from mock_rails.core import Clock
    from tests.unit.sandbox.server.lightning.support import START_S

    return Clock.frozen(START_S)


# -- 7: timers and waiters that outlive a process --------------------------------------------------


async def test_an_idle_session_is_closed_and_refunded() -> None:
    async with opened() as world:
        session, _ = await world.open()
        before = world.balance()
        world.clock.advance(299)
        await world.server.look()
        assert (await world.record(session)).status is Status.OPEN
        await world.bearer(session)
        world.clock.advance(299)
        await world.server.look()
        assert (await world.record(session)).status is Status.OPEN
        world.clock.advance(1)
        await world.server.look()
        record = await world.record(session)
        assert (record.status, record.refund) == (Status.CLOSED, Refund.SUCCEEDED)
        assert world.balance() - before == (DEPOSIT - 2 * UNIT) * 1_000
        assert "lightning.idle" in [one.kind for one in world.journal.read()]


async def test_the_watch_closes_by_itself() -> None:
    async with opened() as world:
        await world.server.start()
        session, _ = await world.open()
        for _ in range(40):
            world.clock.advance(10)
            await asyncio.sleep(0.001)
        assert await world.until(session, lambda one: one.refund is Refund.SUCCEEDED)


async def test_a_session_that_another_process_uses_is_not_idle() -> None:
    async with opened() as world:
        session, _ = await world.open()
        world.clock.advance(200)
        twin = LightningServer(node=world.merchant, store=world.store, clock=world.clock)
        identity = bytes.fromhex(session["sessionId"])
        await twin._context.actions._update(
            identity, lambda one: _touched(one, world.clock.now_s())
        )
        world.clock.advance(150)
        await world.server.look()
        assert (await world.record(session)).status is Status.OPEN
        world.clock.advance(150)
        await world.server.look()
        assert (await world.record(session)).status is Status.CLOSED
        await twin.look()  # it knew the session as well, and finds it closed
        await twin.stop()
        assert len(list(world.rail.node("merchant").payments())) == 1


def _touched(session: Any, now_s: int) -> Any:
    from sandbox.methods.lightning_session import touch

    return touch(session, now_s)


async def test_after_a_restart_idle_sessions_are_closed_and_refunds_found() -> None:
    async with opened() as world:
        idle, _ = await world.open()
        dead, _ = await world.open()
        # This process died after it had closed the second one, and before it sent the rest.
        from sandbox.methods.lightning_session import close_session

        now_s = world.clock.now_s()
        identity = bytes.fromhex(dead["sessionId"])
        await world.server._context.book.update(identity, lambda one: close_session(one, now_s))
        before = world.balance()
        restarted = LightningServer(node=world.merchant, store=world.store, clock=world.clock)
        world.clock.advance(300)
        await restarted.start()
        await restarted.look()
        for session in (idle, dead):
            record = await world.record(session)
            assert (record.status, record.refund) == (Status.CLOSED, Refund.SUCCEEDED)
        assert world.balance() - before == 2 * (DEPOSIT - UNIT) * 1_000
        await restarted.stop()


async def test_a_top_up_at_another_process_wakes_the_stream() -> None:
    async with opened() as world:
        twin = LightningServer(node=world.merchant, store=world.store, clock=world.clock)
        gate = gate_of(world.app, twin, world.journal, world.store, world.clock)
        world.app.words = 151
        challenge, payload = await paid_open(world, "/stream")
        session = {"sessionId": challenge.request["paymentHash"], "preimage": payload["preimage"]}
        headers = {"Authorization": authorization(challenge, payload)}
        async with httpx.AsyncClient(
            transport=LocalApp(gate), base_url="http://shop.test"
        ) as other:
            words = 0
            async with world.http.stream("GET", "/stream", headers=headers) as answer:
                async for line in answer.aiter_lines():
                    words += line.startswith("data: word")
                    if line == "event: payment-need-topup":
                        world.http, first = other, world.http
                        assert (await world.top_up(session)).status_code == 200
                        world.http = first
            assert words == 151
        await twin.stop()


async def test_a_shop_that_goes_away_can_give_everything_back() -> None:
    async with opened() as world:
        session, _ = await world.open()
        await world.server.stop(close_sessions=True)
        assert (await world.record(session)).refund is Refund.SUCCEEDED


# -- 8: one node for both --------------------------------------------------------------------------


async def test_client_and_server_on_one_node_pay_each_other_nothing() -> None:
    async with opened() as world:
        challenge = await world.challenge("/session")
        with pytest.raises(PaymentFailed, match="self-payments not allowed"):
            await world.merchant.pay(
                challenge.request["depositInvoice"], fee_limit_sat=10, timeout_s=5
            )


async def test_a_return_invoice_of_the_servers_own_node_gets_nothing_back() -> None:
    async with opened() as world:
        own = await world.merchant.create_invoice(amount_sat=None, memo="", expiry_s=600)
        session, answer = await world.open(return_invoice=own.bolt11)
        assert answer.status_code == 200
        assert (await world.close(session)).json()["refundStatus"] == "failed"
