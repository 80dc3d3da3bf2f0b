"""Whatever answer of a session is lost, its deposit is paid once and is not stranded.

Facts: lightning 2.5, 2.6: no SDK answers a repeated open, and a deposit whose open was lost is gone
there. Here each call loses something in turn: the return invoice, the deposit, the open, a bearer,
the further deposit, the top-up, the close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.client.errors import OutcomeUnknownError, PaymentNotPreparedError
from sandbox.client.ledger import Tally
from sandbox.client.lightning.session import LightningSessionSettings, State
from sandbox.lightning import LocalApp
from tests.unit.sandbox.client.lightning.world import (
    FEE,
    SMALL,
    customer,
    debits,
    lossy,
    sell_small,
)
from tests.unit.sandbox.client.market import Line, credential_of
from tests.unit.sandbox.server.lightning.support import DEPOSIT, UNIT, World, opened

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

PAY, INVOICE, HTLC = "lightning.pay", "lightning.invoice", "lightning.htlc"
KEEP = LightningSessionSettings(close_on_exit=False)
RESERVED = DEPOSIT + DEPOSIT * 5 // 100


def arm(world: World, at: str, do: str, when: str = "nth=1", **args: Any) -> None:
    world.rail.context.faults.arm({"at": at, "do": do, "when": when, "args": args})


def action_of(request: httpx.Request) -> str | None:
    """What a credential of a session says."""
    from mpp import Credential

    text = credential_of(request)
    payload = Credential.from_authorization(text).payload if text else {}
    return payload.get("action")


class Selective(Line):
    """Only what says this action meets with accidents."""

    def __init__(self, world: World, action: str, *accidents: str) -> None:
        super().__init__(LocalApp(world.gate))
        self._action = action
        self._accidents = list(accidents)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass it on, or lose it."""
        self.accidents = []
        if action_of(request) == self._action and self._accidents:
            self.accidents = [self._accidents.pop(0)]
        return await super().handle_async_request(request)

    def said(self, action: str) -> int:
        """How many requests said it."""
        return sum(action_of(one) == action for one in self.sent)


async def spent(world: World) -> list[tuple[int, int]]:
    """What was paid into each session and spent of it, by the shop's book."""
    return [(one.deposit_sat, one.spent_sat) for one in await world.server.sessions()]


@pytest.mark.parametrize("accident", ["answer lost", "request lost", "no connection", "gateway"])
@pytest.mark.parametrize("times", [1, 2])
async def test_an_opens_answer_is_lost_and_given_again(accident: str, times: int) -> None:
    async with opened() as world:
        line = Selective(world, "open", *[accident] * times)
        async with customer(world, line) as client:
            assert (await client.get("/session")).text == "the goods"
            assert (await client.get("/session")).status_code == 200
            assert await spent(world) == [(DEPOSIT, 2 * UNIT)]
            assert world.app.served == ["/session"] * 2
            assert debits(world) == ["SUCCEEDED"]
        assert line.said("open") == times + 1


@pytest.mark.parametrize("accident", ["answer lost", "request lost", "no connection"])
async def test_an_open_that_is_never_answered_is_shown_again_by_the_next_request(
    accident: str,
) -> None:
    async with opened() as world:
        line = Selective(world, "open", *[accident] * 3)
        async with customer(world, line) as client:
            with pytest.raises(OutcomeUnknownError, match="opening was lost") as unknown:
                await client.get("/session")
            assert unknown.value.paid is True
            assert (await client.get("/session")).text == "the goods"
            assert await spent(world) == [(DEPOSIT, UNIT)]  # the stored answer costs nothing more
            assert debits(world) == ["SUCCEEDED"]
        assert client.lightning_ledger.tally() == Tally(UNIT + FEE, 0)


@pytest.mark.parametrize("accident", ["answer lost", "request lost"])
async def test_an_open_that_is_never_answered_serves_another_place_too(accident: str) -> None:
    """The deposit is the realm's: a bearer shows whether it arrived, and opens it where not."""
    async with opened() as world:
        line = Selective(world, "open", *[accident] * 3)
        async with customer(world, line) as client:
            with pytest.raises(OutcomeUnknownError):
                await client.get("/session")
            assert (await client.get("/session?more")).text == "the goods"
            assert debits(world) == ["SUCCEEDED"]
            assert await spent(world) == [(DEPOSIT, 2 * UNIT)]


@pytest.mark.parametrize("accident", ["answer lost", "request lost"])
async def test_an_open_that_is_never_answered_is_closed_and_comes_back(accident: str) -> None:
    async with opened() as world:
        line = Selective(world, "open", *[accident] * 3)
        async with customer(world, line) as client:
            with pytest.raises(OutcomeUnknownError):
                await client.get("/session")
        assert client.lightning_ledger.tally() == Tally(UNIT + FEE, 0)
        (session,) = await world.server.sessions()
        assert (session.status.value, session.refund_sat) == ("closed", DEPOSIT - UNIT)


async def test_an_open_that_is_never_answered_is_gone_on_with_by_the_next_run(
    tmp_path: Path,
) -> None:
    async with opened() as world:
        line = Selective(world, "open", *["request lost"] * 3)
        async with customer(world, line, state=tmp_path, lightning_session=KEEP) as client:
            with pytest.raises(OutcomeUnknownError):
                await client.get("/session")
        async with customer(world, state=tmp_path) as client:
            assert (await client.get("/session")).text == "the goods"
            assert await spent(world) == [(DEPOSIT, UNIT)]
        assert debits(world) == ["SUCCEEDED"]
        assert client.lightning_ledger.tally() == Tally(UNIT + FEE, 0)


async def test_the_deposits_payment_is_lost_and_looked_up() -> None:
    async with opened() as world, customer(world) as client:
        arm(world, PAY, "lose_response")
        assert (await client.get("/session")).status_code == 200
        assert debits(world) == ["SUCCEEDED"]
        assert await spent(world) == [(DEPOSIT, UNIT)]


async def test_the_return_invoice_is_lost_and_nothing_paid() -> None:
    async with opened() as world, customer(world) as client:
        arm(world, INVOICE, "lose_response", when="nth=2")
        with pytest.raises(PaymentNotPreparedError, match="no invoice for what is to come back"):
            await client.get("/session")
        assert client.lightning_ledger.tally() == Tally(0, 0)
        assert debits(world) == []
        assert (await client.get("/session")).status_code == 200


async def test_a_stuck_deposit_is_looked_up_and_opens_the_session_later() -> None:
    async with opened() as world, customer(world) as client:
        arm(world, HTLC, "stuck_then_settle", s=120)
        for _ in range(2):
            with pytest.raises(OutcomeUnknownError, match="under way") as unknown:
                await client.get("/session")
            assert unknown.value.paid is None
        assert client.lightning_ledger.tally() == Tally(0, RESERVED)
        world.clock.advance(121)
        assert (await client.get("/session")).status_code == 200
        assert debits(world) == ["SUCCEEDED"]
        assert await spent(world) == [(DEPOSIT, UNIT)]
        assert client.lightning_ledger.tally() == Tally(0, DEPOSIT + FEE)


async def test_a_stuck_deposit_outlives_the_run(tmp_path: Path) -> None:
    async with opened() as world:
        async with customer(world, state=tmp_path) as client:
            arm(world, HTLC, "stuck_then_settle", s=120)
            with pytest.raises(OutcomeUnknownError):
                await client.get("/session")
        async with customer(world, state=tmp_path) as client:
            with pytest.raises(OutcomeUnknownError):
                await client.get("/session")
        world.clock.advance(121)
        async with customer(world, state=tmp_path) as client:
            assert (await client.get("/session")).status_code == 200
        assert debits(world) == ["SUCCEEDED"]
        assert client.lightning_ledger.tally() == Tally(UNIT + FEE, 0)


async def test_a_stuck_deposit_that_fails_is_free_again_and_another_is_paid() -> None:
    async with opened() as world, customer(world) as client:
        arm(world, HTLC, "stuck_then_fail", s=120)
        with pytest.raises(OutcomeUnknownError):
            await client.get("/session")
        world.clock.advance(121)
        assert (await client.get("/session")).status_code == 200
        assert debits(world) == ["FAILED", "SUCCEEDED"]
        assert client.lightning_ledger.tally() == Tally(0, DEPOSIT + FEE)


async def test_a_deposit_that_arrives_after_its_challenges_end_is_told_as_paid() -> None:
    """Nothing can be opened with it any more; what comes back of it is still counted."""
    async with opened() as world, customer(world) as client:
        arm(world, HTLC, "settle_late", s=900)
        with pytest.raises(OutcomeUnknownError):
            await client.get("/session")
        world.clock.advance(901)
        with pytest.raises(OutcomeUnknownError, match="opened no session") as unknown:
            await client.get("/session")
        assert unknown.value.paid is True
        (left,) = client.lightning_ledger.unknown
        assert left.payment.amount == DEPOSIT + FEE
        assert (await client.get("/session")).status_code == 200  # a new one


@pytest.mark.parametrize("accident", ["answer lost", "request lost", "no connection"])
async def test_a_bearers_answer_is_lost_and_it_costs_one_unit(accident: str) -> None:
    """By its Idempotency-Key, for a bearer is the one action that is done again."""
    async with opened() as world:
        line = Selective(world, "bearer", accident)
        async with customer(world, line) as client:
            await client.get("/session")
            assert (await client.get("/session")).text == "the goods"
            assert await spent(world) == [(DEPOSIT, 2 * UNIT)]


async def test_a_bearer_that_is_never_answered_is_told_and_the_session_stays() -> None:
    async with opened() as world:
        line = Selective(world, "bearer", *["answer lost"] * 3)
        async with customer(world, line) as client:
            await client.get("/session")
            with pytest.raises(OutcomeUnknownError, match="in a session was lost") as unknown:
                await client.get("/session")
            assert unknown.value.paid is None
            assert (await client.get("/session")).status_code == 200
            assert await spent(world) == [(DEPOSIT, 3 * UNIT)]


async def used_up(client: Any) -> None:
    for _ in range(SMALL // UNIT):
        assert (await client.get("/small")).status_code == 200


@pytest.mark.parametrize("accident", ["answer lost", "request lost", "no connection", "gateway"])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_top_ups_answer_is_lost_and_given_again(accident: str, times: int) -> None:
    async with opened() as world:
        sell_small(world)
        async with customer(world, Selective(world, "topUp", *[accident] * times)) as client:
            await used_up(client)
            assert (await client.get("/small")).status_code == 200
            assert await spent(world) == [(2 * SMALL, SMALL + UNIT)]
            assert debits(world) == ["SUCCEEDED"] * 2


@pytest.mark.parametrize("accident", ["answer lost", "request lost"])
async def test_a_top_up_that_is_never_answered_is_shown_again(
    accident: str, tmp_path: Path
) -> None:
    async with opened() as world:
        sell_small(world)
        line = Selective(world, "topUp", *[accident] * 3)
        async with customer(world, line, state=tmp_path, lightning_session=KEEP) as client:
            await used_up(client)
            with pytest.raises(OutcomeUnknownError, match="topUp"):
                await client.get("/small")
        async with customer(world, state=tmp_path) as client:
            (record,) = client.lightning_sessions.sessions()
            assert record.top_up is not None
            assert (await client.get("/small")).status_code == 200
        assert debits(world) == ["SUCCEEDED"] * 2
        assert client.lightning_ledger.tally() == Tally(SMALL + UNIT + 2 * FEE, 0)


async def test_a_stuck_further_deposit_is_looked_up_and_paid_once() -> None:
    async with opened() as world:
        sell_small(world)
        async with customer(world) as client:
            await used_up(client)
            arm(world, HTLC, "stuck_then_settle", s=120)
            for _ in range(2):
                with pytest.raises(OutcomeUnknownError, match="under way"):
                    await client.get("/small")
            world.clock.advance(121)
            assert (await client.get("/small")).status_code == 200
            assert debits(world) == ["SUCCEEDED"] * 2
            assert await spent(world) == [(2 * SMALL, SMALL + UNIT)]


async def test_a_further_deposit_that_nobody_acknowledged_is_shown_before_the_close() -> None:
    """What is not credited does not come back."""
    async with opened() as world:
        sell_small(world)
        line = Selective(world, "topUp", *["request lost"] * 3)
        async with customer(world, line) as client:
            await used_up(client)
            with pytest.raises(OutcomeUnknownError, match="topUp"):
                await client.get("/small")
        assert await spent(world) == [(2 * SMALL, SMALL)]
        assert client.lightning_ledger.tally() == Tally(SMALL + 2 * FEE, 0)


async def test_a_session_is_not_closed_while_a_further_deposit_is_under_way() -> None:
    async with opened() as world:
        sell_small(world)
        async with customer(world) as client:
            await used_up(client)
            arm(world, HTLC, "stuck_then_settle", s=120)
            with pytest.raises(OutcomeUnknownError, match="under way"):
                await client.get("/small")
            (early,) = await client.lightning_sessions.close_all()
            assert isinstance(early.error, OutcomeUnknownError)
            world.clock.advance(121)
            (late,) = await client.lightning_sessions.close_all()
            assert (late.error, late.session.received_sat) == (None, SMALL)
            assert client.lightning_ledger.tally() == Tally(SMALL + 2 * FEE, 0)


@pytest.mark.parametrize("accident", ["answer lost", "request lost", "no connection", "gateway"])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_closes_answer_is_lost_and_given_again(accident: str, times: int) -> None:
    async with opened() as world:
        line = Selective(world, "close", *[accident] * times)
        async with customer(world, line) as client:
            await client.get("/session")
            (outcome,) = await client.lightning_sessions.close_all()
            assert outcome.error is None
            assert outcome.session.refund_sat == DEPOSIT - UNIT
            assert client.lightning_ledger.tally() == Tally(UNIT + FEE, 0)
        assert len(list(world.rail.node("merchant").payments())) == 1


@pytest.mark.parametrize("accident", ["answer lost", "request lost"])
async def test_a_close_that_is_never_answered_is_said_again_by_the_next_run(
    accident: str, tmp_path: Path
) -> None:
    async with opened() as world:
        line = Selective(world, "close", *[accident] * 3)
        async with customer(world, line, state=tmp_path) as client:
            await client.get("/session")
            (outcome,) = await client.lightning_sessions.close_all()
            assert isinstance(outcome.error, OutcomeUnknownError)
            assert outcome.session.state is State.OPEN
            line._accidents += ["request lost"] * 3
        async with customer(world, state=tmp_path) as client:
            assert client.lightning_ledger.tally() == Tally(0, DEPOSIT + FEE)
        assert client.lightning_ledger.tally() == Tally(UNIT + FEE, 0)
        assert len(list(world.rail.node("merchant").payments())) == 1


async def test_everything_is_lost_once() -> None:
    async with opened() as world:
        arm(world, PAY, "lose_response")
        async with customer(world, lossy(world, "answer lost", "request lost")) as client:
            assert (await client.get("/session")).status_code == 200
            assert (await client.get("/session")).status_code == 200
            assert await spent(world) == [(DEPOSIT, 2 * UNIT)]
            assert debits(world) == ["SUCCEEDED"]
