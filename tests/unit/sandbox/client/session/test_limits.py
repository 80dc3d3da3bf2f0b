"""What a payer refuses before it signs, and how its deposit is bounded (facts, protocol 2.10)."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.client.budget import Budget
from sandbox.client.errors import BudgetExceededError, PaymentRefusedError
from sandbox.client.payer import Order
from sandbox.client.session import DepositLimitError, SessionSettings
from tests.unit.sandbox.client.session.merchant import (
    CURRENCY,
    HOST,
    PRICE,
    URL,
    V1,
    Street,
)


def budget(**limits: Any) -> Budget:
    """A budget in the shop's currency."""
    return Budget(allowed_currencies=[CURRENCY], **limits)


async def test_the_deposit_is_bounded_by_the_settings() -> None:
    async with Street(settings=SessionSettings(max_deposit=350, close_on_exit=False)) as street:
        for _ in range(3):
            await street.buy()
        assert street.payer.channels()[0].deposit == 350
        with pytest.raises(DepositLimitError):
            await street.buy()
        assert street.shop.actions() == ["open", "voucher", "voucher"]
        assert street.ledger.tally().spent == 3 * PRICE
        assert street.ledger.open == ()


async def test_a_deposit_of_one_s_own_choice() -> None:
    async with Street(settings=SessionSettings(deposit=400, top_up=150, close_on_exit=False)) as (
        street
    ):
        for _ in range(5):
            await street.buy()
        assert street.payer.channels()[0].deposit == 550


@pytest.mark.parametrize("limit", ["total", "per_session", "per_recipient"])
async def test_the_deposit_is_bounded_by_what_is_left_of_the_budget(limit: str) -> None:
    async with Street(budget=budget(**{limit: 250})) as street:
        await street.buy()
        await street.buy()
        assert street.payer.channels()[0].deposit == 250
        with pytest.raises(BudgetExceededError) as refused:
            await street.buy()
        assert (refused.value.limit, refused.value.left) == (limit, 50)
        assert street.payer.channels()[0].signed == 2 * PRICE


async def test_a_price_above_the_limit_signs_nothing() -> None:
    async with Street(budget=budget(per_request=PRICE - 1)) as street:
        with pytest.raises(BudgetExceededError):
            await street.buy()
        assert street.shop.seen == []
        assert street.payer.channels() == []
        assert street.ledger.open == ()


async def test_top_ups_stay_within_the_budget() -> None:
    async with Street(budget=budget(total=450), suggested_deposit=2 * PRICE) as street:
        for _ in range(4):
            await street.buy()
        # 200, then 200 more; the budget has 50 left, which is no further request.
        assert street.payer.channels()[0].deposit == 400
        with pytest.raises(BudgetExceededError):
            await street.buy()


async def test_a_server_s_smallest_step_is_reserved_as_well() -> None:
    """`minVoucherDelta`: the voucher authorises more than the price, so the budget must allow it;
    the requests that follow use it up."""
    async with Street(min_voucher_delta=250, budget=budget(total=1_000)) as street:
        await street.buy()
        await street.buy()
        (channel,) = street.payer.channels()
        assert (channel.signed, channel.claimed) == (350, 200)
        assert street.ledger.tally() == (200, 150)
        await street.buy()
        assert street.payer.channels()[0].signed == 350
        assert street.ledger.tally() == (300, 50)


async def test_a_server_that_takes_vouchers_and_refuses_to_serve_gains_nothing() -> None:
    async with Street(budget=budget(total=1_000)) as street:
        await street.buy()
        honest = street.shop.request
        challenge = await street.challenge()
        for _ in range(10):
            attempt = await street.payer.prepare(challenge, Order(URL, "GET", HOST))
            assert attempt.cumulative == 2 * PRICE
            street.clock.advance(1)
            assert await attempt.refused(await street.http.get(URL))
        assert street.payer.channels()[0].signed == 2 * PRICE
        assert street.ledger.tally() == (PRICE, PRICE)
        assert street.shop.request is honest


async def test_an_escrow_that_nobody_vouches_for_is_not_approved() -> None:
    async with Street(V1, escrow=b"\x66" * 20) as street:
        challenge = await street.challenge()
        assert not street.payer.can_pay(challenge)
        with pytest.raises(PaymentRefusedError):
            await street.payer.prepare(challenge, Order(URL, "GET", HOST))


async def test_chains_without_a_node_are_not_paid_on() -> None:
    async with Street(chain_id=4217) as street:
        assert not street.payer.can_pay(await street.challenge())
