"""A year of renewals: every month is paid once, and the books say so (facts: stripe 1.8-1.10)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.stripe import periods
from tests.unit.mock_rails.stripe.billing.shop import DAY_S, NEW_YEAR_S

if TYPE_CHECKING:
    from mock_rails.stripe.rail import Stripe
    from tests.unit.mock_rails.stripe.billing.shop import Shop

PRICE = 1_000
FEE = 59
"""2.9 % and 30 cents of ten dollars."""


async def _everything(shop: Shop, path: str, **query: Any) -> list[dict[str, Any]]:
    listed = await shop.get(path, limit=100, **query)
    assert not listed["has_more"]
    data: list[dict[str, Any]] = listed["data"]
    return data


@pytest.mark.parametrize("day", [0, 30])
async def test_a_year_of_months_on_a_test_clock(rail: Stripe, shop: Shop, day: int) -> None:
    begun_s = NEW_YEAR_S + day * DAY_S
    clock = await shop.clock(begun_s)
    customer = await shop.customer(test_clock=clock)
    await shop.subscribe(customer, await shop.price(PRICE))
    for month in range(1, 13):
        await shop.advance(clock, periods.after(begun_s, "month", month) + 3_600)
        rail.check_conservation()
        assert len(await _everything(shop, "charges", customer=customer)) == month + 1
    invoices = await _everything(shop, "invoices", customer=customer)
    assert {one["status"] for one in invoices} == {"paid"}
    starts = sorted(one["period_start"] for one in invoices)
    assert starts == [periods.after(begun_s, "month", month) for month in range(13)]
    if day == 30:  # begun on the 31st: the last day of shorter months, and the 31st of longer
        dates = [datetime.fromtimestamp(one, UTC) for one in starts]
        assert [one.day for one in dates] == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31]
    await shop.advance(clock, starts[-1] + 10 * DAY_S)
    balance = await shop.get("balance")
    sums = [balance[part][0]["amount"] for part in ("available", "pending")]
    assert sums == [13 * (PRICE - FEE), 0]
    transactions = await _everything(shop, "balance_transactions")
    assert sum(one["net"] for one in transactions) == sums[0]
    assert {one["status"] for one in transactions} == {"available"}


async def test_a_year_in_which_a_card_fails_twice(rail: Stripe, shop: Shop) -> None:
    """Each failed renewal is tried again, and paid when there is a good card: nothing is charged
    twice, and nothing forgotten."""
    clock = await shop.clock()
    customer = await shop.customer(test_clock=clock)
    await shop.subscribe(customer, await shop.price(PRICE))
    for month in range(1, 13):
        bad = month in (3, 8)
        card = "pm_card_chargeCustomerFail" if bad else "pm_card_visa"
        await _pay_with(shop, customer, card)
        due_s = periods.after(NEW_YEAR_S, "month", month) + 3_600
        await shop.advance(clock, due_s)
        (subscription,) = await _everything(shop, "subscriptions", test_clock=clock)
        assert subscription["status"] == ("past_due" if bad else "active")
        if bad:
            await _pay_with(shop, customer, "pm_card_visa")
            await shop.advance(clock, due_s + DAY_S)
            (subscription,) = await _everything(shop, "subscriptions", test_clock=clock)
            assert subscription["status"] == "active"
        rail.check_conservation()
    charges = await _everything(shop, "charges", customer=customer)
    assert sorted(one["status"] for one in charges) == ["failed"] * 2 + ["succeeded"] * 13
    invoices = await _everything(shop, "invoices", customer=customer)
    assert [one["status"] for one in invoices] == ["paid"] * 13


async def _pay_with(shop: Shop, customer: str, card: str) -> None:
    method = await shop.post(f"payment_methods/{card}/attach", customer=customer)
    await shop.post(f"customers/{customer}", invoice_settings__default_payment_method=method["id"])
