"""Test clocks (facts: stripe 1.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.mock_rails.stripe.billing.shop import DAY_S, NEW_YEAR_S

if TYPE_CHECKING:
    from mock_rails.stripe.rail import Stripe
    from tests.unit.mock_rails.stripe.billing.shop import Shop

YEAR_S = 366 * DAY_S


async def test_a_clock_does_not_run_backwards(shop: Shop) -> None:
    clock = await shop.clock()
    for to_s in (NEW_YEAR_S, NEW_YEAR_S - 1):
        refused = await shop.post(
            f"test_helpers/test_clocks/{clock}/advance", 400, frozen_time=to_s
        )
        assert refused["error"]["param"] == "frozen_time"


async def test_nor_more_than_two_intervals_at_once(shop: Shop) -> None:
    clock = await shop.clock()
    customer = await shop.customer(test_clock=clock)
    await shop.subscribe(customer, await shop.price(interval="day"))
    path = f"test_helpers/test_clocks/{clock}/advance"
    refused = await shop.post(path, 400, frozen_time=NEW_YEAR_S + 2 * DAY_S + 1)
    assert str(NEW_YEAR_S + 2 * DAY_S) in refused["error"]["message"]
    await shop.advance(clock, NEW_YEAR_S + 2 * DAY_S)


async def test_its_customers_are_listed_only_with_it(shop: Shop) -> None:
    clock = await shop.clock()
    customer = await shop.customer(test_clock=clock)
    assert (await shop.get("customers"))["data"] == []
    found = (await shop.get("customers", test_clock=clock))["data"]
    assert [one["id"] for one in found] == [customer]


async def test_three_customers_fit_on_it(shop: Shop) -> None:
    clock = await shop.clock()
    for _ in range(3):
        await shop.post("customers", test_clock=clock)
    refused = await shop.post("customers", 400, test_clock=clock)
    assert refused["error"]["param"] == "test_clock"


async def test_it_takes_its_customers_with_it(rail: Stripe, shop: Shop) -> None:
    clock = await shop.clock()
    customer = await shop.customer(test_clock=clock)
    await shop.subscribe(customer, await shop.price())
    gone = await shop.http.delete(f"/v1/test_helpers/test_clocks/{clock}")
    assert gone.json()["deleted"] is True
    assert (await shop.http.get(f"/v1/customers/{customer}")).status_code == 404
    assert (await shop.get("subscriptions", status="all"))["data"] == []
    rail.context.clock.advance(YEAR_S)
    assert len((await shop.get("invoices"))["data"]) == 1


async def test_it_is_deleted_by_itself_after_a_month(rail: Stripe, shop: Shop) -> None:
    clock = await shop.clock()
    rail.context.clock.advance(30 * DAY_S)
    assert (await shop.http.get(f"/v1/test_helpers/test_clocks/{clock}")).status_code == 404


async def test_its_events_are_told(shop: Shop) -> None:
    clock = await shop.clock()
    await shop.advance(clock, NEW_YEAR_S + DAY_S)
    assert await shop.event_types() == [
        "test_helpers.test_clock.created",
        "test_helpers.test_clock.advancing",
        "test_helpers.test_clock.ready",
    ]


async def test_live_keys_have_no_test_clocks(shop: Shop) -> None:
    clock = await shop.clock()
    shop.http.headers["authorization"] = "Bearer sk_" + "live_x"
    path = "test_helpers/test_clocks"
    later = NEW_YEAR_S + DAY_S
    for refused in (
        await shop.post(path, 400, frozen_time=NEW_YEAR_S),
        await shop.post(f"{path}/{clock}/advance", 400, frozen_time=later),
        (await shop.http.get(f"/v1/{path}")).json(),
        (await shop.http.get(f"/v1/{path}/{clock}")).json(),
        (await shop.http.delete(f"/v1/{path}/{clock}")).json(),
    ):
        assert refused["error"]["code"] == "testmode_only"
