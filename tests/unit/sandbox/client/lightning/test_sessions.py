"""A session over Lightning: one deposit, many requests, the rest comes back (facts: 2)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.lightning.invoices import InvoiceRequest
from sandbox.client.budget import Budget, Limit
from sandbox.client.errors import BudgetExceededError
from sandbox.client.ledger import Tally
from sandbox.client.lightning.errors import DepositRefusedError, UnknownSessionError
from sandbox.client.lightning.session import LightningSessionSettings, State
from tests.unit.sandbox.client.lightning.world import FEE, SMALL, customer, debits, sell_small
from tests.unit.sandbox.client.market import paid_by
from tests.unit.sandbox.server.lightning.support import DEPOSIT, UNIT, opened

if TYPE_CHECKING:
    from pathlib import Path

KEEP = LightningSessionSettings(close_on_exit=False)


def budget(**limits: int) -> Budget:
    return Budget(allowed_currencies=("sat",), decimals=0, **limits)


async def test_one_deposit_pays_many_requests_and_the_rest_comes_back() -> None:
    async with opened() as world:
        before_msat = world.balance()
        async with customer(world) as client:
            for _ in range(5):
                answer = await client.get("/session")
                made = paid_by(answer)
                assert (answer.text, made.method) == ("the goods", "lightning/session")
            (record,) = client.lightning_sessions.sessions()
            assert made.reference == record.id.hex()
            assert client.lightning_ledger.tally() == Tally(0, DEPOSIT + FEE)
            closed = await client.lightning_sessions.close_session(record.id)
            assert closed.state is State.CLOSED
            assert (closed.refund_sat, closed.refund_status) == (DEPOSIT - 5 * UNIT, "succeeded")
            assert closed.received_sat == DEPOSIT - 5 * UNIT
            assert client.lightning_ledger.tally() == Tally(5 * UNIT + FEE, 0)
        assert before_msat - world.balance() == (5 * UNIT + FEE) * 1_000
        assert debits(world) == ["SUCCEEDED"]


async def test_the_return_invoice_names_no_amount_and_lives_for_a_month() -> None:
    """LND's own default of a day would end long sessions without a refund (facts 2.3)."""
    async with opened() as world, customer(world) as client:
        await client.get("/session")
        (back,) = world.rail.node("payer").invoices()
        assert (back.amount_msat, back.expiry_s) == (None, 2_592_000)
        assert back.description == "Session refund"


async def test_sessions_are_closed_when_the_client_ends_unless_it_is_told_to_keep_them() -> None:
    async with opened() as world:
        async with customer(world) as client:
            await client.get("/session")
        (session,) = await world.server.sessions()
        assert session.status.value == "closed"
        async with customer(world, lightning_session=KEEP) as client:
            await client.get("/session")
        assert {one.status.value for one in await world.server.sessions()} == {"closed", "open"}


async def test_requests_at_once_share_one_session() -> None:
    async with opened() as world, customer(world) as client:
        answers = await asyncio.gather(*(client.get("/session") for _ in range(8)))
        assert [one.status_code for one in answers] == [200] * 8
        assert debits(world) == ["SUCCEEDED"]
        (session,) = await world.server.sessions()
        assert session.spent_sat == 8 * UNIT


async def test_a_deposit_that_is_used_up_grows_and_the_request_goes_on() -> None:
    async with opened() as world:
        sell_small(world)
        async with customer(world) as client:
            for _ in range(SMALL // UNIT + 1):
                assert (await client.get("/small")).status_code == 200
            (session,) = await world.server.sessions()
            assert (session.deposit_sat, session.spent_sat) == (2 * SMALL, SMALL + UNIT)
            (record,) = client.lightning_sessions.sessions()
            assert record.deposit_sat == 2 * SMALL
            assert client.lightning_ledger.tally() == Tally(0, 2 * (SMALL + FEE))
            await client.lightning_sessions.close_all()
            assert client.lightning_ledger.tally() == Tally(SMALL + UNIT + 2 * FEE, 0)


async def test_requests_at_once_top_up_for_each_other() -> None:
    """Each counts what it costs before it is sent, so that none is refused for another's sake."""
    async with opened() as world:
        sell_small(world)
        async with customer(world) as client:
            answers = await asyncio.gather(*(client.get("/small") for _ in range(20)))
            assert [one.status_code for one in answers] == [200] * 20
            (session,) = await world.server.sessions()
            assert session.spent_sat == 20 * UNIT
            assert session.deposit_sat == 42  # seven deposits of three units
        assert client.lightning_ledger.tally() == Tally(20 * UNIT + 7 * FEE, 0)


async def test_what_an_earlier_run_has_spent_is_told_by_the_server(tmp_path: Path) -> None:
    async with opened() as world:
        sell_small(world)
        async with customer(world, state=tmp_path, lightning_session=KEEP) as client:
            for _ in range(SMALL // UNIT):
                await client.get("/small")
        async with customer(world, state=tmp_path) as client:
            assert (await client.get("/small")).status_code == 200
            (session,) = await world.server.sessions()
            assert session.deposit_sat == 2 * SMALL


async def test_a_deposit_is_no_single_request() -> None:
    """`per_request` is held against the price, all other limits against the deposit."""
    async with opened() as world:
        limits = budget(per_request=UNIT, total=DEPOSIT + FEE)
        async with customer(world, lightning_budget=limits) as client:
            assert (await client.get("/session")).status_code == 200
            left = client.lightning_ledger.left(client.lightning_ledger.open[0].payment)
            assert left[Limit.TOTAL] == 0
        assert debits(world) == ["SUCCEEDED"]


@pytest.mark.parametrize(
    ("limit", "least"), [("per_request", UNIT), ("total", DEPOSIT), ("per_session", DEPOSIT)]
)
async def test_a_session_beyond_a_limit_is_not_begun(limit: str, least: int) -> None:
    async with opened() as world:
        async with customer(
            world, lightning_budget=budget(**{limit: least - 1}), prefer=["lightning/session"]
        ) as client:
            with pytest.raises(BudgetExceededError) as refused:
                await client.get("/session")
            assert refused.value.limit == limit
            assert client.lightning_ledger.tally() == Tally(0, 0)
        assert debits(world) == []
        assert list(world.rail.node("payer").invoices()) == []


async def test_a_further_deposit_beyond_a_limit_is_refused_and_the_session_stays() -> None:
    async with opened() as world:
        sell_small(world)
        limits = budget(per_session=SMALL + FEE)
        async with customer(world, lightning_budget=limits) as client:
            for _ in range(SMALL // UNIT):
                await client.get("/small")
            with pytest.raises(BudgetExceededError) as refused:
                await client.get("/small")
            assert refused.value.limit == "per_session"
            assert client.lightning_ledger.tally() == Tally(0, SMALL + FEE)
        assert debits(world) == ["SUCCEEDED"]


async def test_the_settings_bound_what_a_session_may_hold() -> None:
    async with opened() as world:
        sell_small(world)
        few = LightningSessionSettings(max_deposit_sat=SMALL - 1)
        async with customer(world, lightning_session=few) as client:
            with pytest.raises(DepositRefusedError, match="asks for a deposit of 6 sat"):
                await client.get("/small")
        one = LightningSessionSettings(max_deposit_sat=2 * SMALL - 1)
        async with customer(world, lightning_session=one) as client:
            for _ in range(SMALL // UNIT):
                await client.get("/small")
            with pytest.raises(DepositRefusedError, match="6 are in it"):
                await client.get("/small")


async def test_a_session_that_the_server_found_idle_is_settled_and_another_opened() -> None:
    async with opened(idle_timeout_s=300) as world, customer(world) as client:
        await client.get("/session")
        world.clock.advance(301)
        await world.server.look()
        assert (await client.get("/session")).status_code == 200
        first, second = client.lightning_sessions.sessions()
        assert (first.state, second.state) == (State.CLOSED, State.OPEN)
        assert first.received_sat == DEPOSIT - UNIT
        assert client.lightning_ledger.tally() == Tally(UNIT + FEE, DEPOSIT + FEE)
        assert debits(world) == ["SUCCEEDED"] * 2


async def test_a_session_goes_on_in_the_next_run(tmp_path: Path) -> None:
    async with opened() as world:
        async with customer(world, state=tmp_path, lightning_session=KEEP) as client:
            await client.get("/session")
        async with customer(world, state=tmp_path) as client:
            assert client.lightning_ledger.tally() == Tally(0, DEPOSIT + FEE)
            assert await client.reconcile() == ()  # nothing is in doubt about it
            await client.get("/session")
            assert len(client.lightning_sessions.sessions()) == 1
        (session,) = await world.server.sessions()
        assert (session.spent_sat, session.status.value) == (2 * UNIT, "closed")
        assert debits(world) == ["SUCCEEDED"]
        async with customer(world, state=tmp_path) as client:
            assert client.lightning_ledger.tally() == Tally(2 * UNIT + FEE, 0)
            assert client.lightning_sessions.sessions() == []


async def test_a_run_leaves_the_sessions_of_another_that_is_alive_alone(tmp_path: Path) -> None:
    async with opened() as world, customer(world, state=tmp_path) as first:
        await first.get("/session")
        async with customer(world, state=tmp_path) as second:
            assert second.lightning_sessions.sessions() == []
            await second.get("/session")
        assert (await first.get("/session")).status_code == 200
        one, other = sorted(await world.server.sessions(), key=lambda each: each.spent_sat)
        assert (one.status.value, other.status.value) == ("closed", "open")
        assert other.spent_sat == 2 * UNIT


@pytest.mark.parametrize("pays", [True, False])
async def test_a_session_of_a_network_that_is_gone_is_given_up(tmp_path: Path, pays: bool) -> None:
    """A devnet that was started anew knows neither the session nor its payment."""
    options: dict[str, Any] = {"state": tmp_path, "remembers_spending": False}
    async with opened() as world, customer(world, lightning_session=KEEP, **options) as client:
        await client.get("/session")
    async with opened() as world, customer(world, **options) as client:
        world.rail.node("merchant").create_invoice(InvoiceRequest())  # hashes come otherwise
        if pays:
            assert (await client.get("/session")).status_code == 200
            first, second = client.lightning_sessions.sessions()
            assert (first.state, second.state) == (State.CLOSED, State.OPEN)
        else:
            (outcome,) = await client.lightning_sessions.close_all()
            assert (outcome.session.state, outcome.error) == (State.CLOSED, None)


async def test_a_session_nobody_has_is_not_found() -> None:
    async with opened() as world, customer(world) as client:
        with pytest.raises(UnknownSessionError):
            await client.lightning_sessions.close_session(bytes(32))


async def test_a_charge_may_be_preferred_to_a_session() -> None:
    async with opened() as world, customer(world, prefer=["lightning/charge"]) as client:
        assert (await client.get("/session")).status_code == 402
        assert (await client.get("/charge")).status_code == 200
