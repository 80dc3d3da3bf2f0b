"""Customers (facts: stripe 1.6, 1.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.mock_rails.stripe.intents.shop import Shop

NOW_S = 1_767_225_600


async def test_a_customer_is_made_read_changed_and_listed(shop: Shop) -> None:
    ada = await shop.customer(
        name="Ada",
        email="ada@example.com",
        phone="1",
        metadata={"a": "1", "b": "2"},
        address={"city": "London", "line1": "1 Row"},
        shipping={"name": "Ada", "address": {"city": "London"}},
        preferred_locales=["en"],
        tax_exempt="reverse",
    )
    assert ada["id"].startswith("cus_")
    assert (ada["balance"], ada["delinquent"], ada["test_clock"]) == (0, False, None)
    assert ada["address"]["city"] == "London"
    assert await shop.get(f"/v1/customers/{ada['id']}") == ada

    changed = await shop.post(
        f"/v1/customers/{ada['id']}", name="Ada L.", phone="", metadata={"a": "", "c": "3"}
    )
    assert (changed["name"], changed["phone"]) == ("Ada L.", None)
    assert changed["metadata"] == {"b": "2", "c": "3"}
    event = shop.rail.state.all("events")[-1]
    assert event["type"] == "customer.updated"
    assert event["data"]["previous_attributes"] == {
        "name": "Ada",
        "phone": "1",
        "metadata": {"a": "1", "b": "2"},
    }
    bob = await shop.customer(email="bob@example.com")
    found = await shop.get("/v1/customers")
    assert [one["id"] for one in found["data"]] == [bob["id"], ada["id"]]
    found = await shop.get("/v1/customers", email="ada@example.com")
    assert [one["id"] for one in found["data"]] == [ada["id"]]


@pytest.mark.parametrize(
    ("params", "status", "param"),
    [
        ({"email": "nobody"}, 400, "email"),
        ({"test_clock": "clock_1"}, 404, "test_clock"),
        ({"payment_method": "pm_1"}, 404, "payment_method"),
        ({"tax_exempt": "yes"}, 400, "tax_exempt"),
        ({"source": "tok_visa"}, 501, "source"),
        ({"balance": 100}, 501, "balance"),
        ({"shoe_size": 46}, 400, "shoe_size"),
        ({"metadata": {"k" * 41: "v"}}, 400, f"metadata[{'k' * 41}]"),
        (
            {"invoice_settings": {"default_payment_method": "pm_1"}},
            404,
            "invoice_settings[default_payment_method]",
        ),
    ],
)
async def test_wrong_parameters_leave_nobody_behind(
    shop: Shop, params: dict[str, Any], status: int, param: str
) -> None:
    assert (await shop.refused(status, "/v1/customers", **params))["param"] == param
    assert shop.rail.state.all("customers") == []


async def test_a_method_can_come_with_the_customer_and_be_the_default(shop: Shop) -> None:
    ada = await shop.customer(
        payment_method="pm_card_visa",
        invoice_settings={"default_payment_method": "pm_card_visa"},
    )
    default = ada["invoice_settings"]["default_payment_method"]
    saved = await shop.get(f"/v1/customers/{ada['id']}/payment_methods")
    assert [one["id"] for one in saved["data"]] == [default]
    assert shop.told() == ["payment_method.attached", "customer.created"]


async def test_a_card_that_declines_makes_no_customer(shop: Shop) -> None:
    await shop.refused(402, "/v1/customers", payment_method="pm_card_chargeDeclined")
    assert shop.rail.state.all("customers") == []


async def test_the_default_method_must_be_the_customers(shop: Shop) -> None:
    ada, bob = await shop.customer(payment_method="pm_card_visa"), await shop.customer()
    method = (await shop.get("/v1/payment_methods", customer=ada["id"]))["data"][0]["id"]
    settings = {"default_payment_method": method}
    error = await shop.refused(400, f"/v1/customers/{bob['id']}", invoice_settings=settings)
    assert error["param"] == "invoice_settings[default_payment_method]"
    await shop.post(f"/v1/customers/{ada['id']}", invoice_settings=settings)
    ada = await shop.post(
        f"/v1/customers/{ada['id']}", invoice_settings={"default_payment_method": ""}
    )
    assert ada["invoice_settings"]["default_payment_method"] is None


async def test_one_that_is_deleted_is_gone_but_remembered(shop: Shop) -> None:
    ada = await shop.customer(payment_method="pm_card_visa")
    method = (await shop.get("/v1/payment_methods", customer=ada["id"]))["data"][0]["id"]
    intent = await shop.pay(method, customer=ada["id"])
    path = f"/v1/customers/{ada['id']}"
    status, gone = await shop.call("DELETE", path)
    assert (status, gone) == (200, {"id": ada["id"], "object": "customer", "deleted": True})
    assert await shop.get(path) == gone
    assert (await shop.get("/v1/customers"))["data"] == []
    assert (await shop.refused(404, path))["code"] == "resource_missing"
    assert (await shop.get(f"/v1/payment_methods/{method}"))["customer"] is None
    assert (await shop.intent(intent))["customer"] == ada["id"]
    assert shop.told()[-2:] == ["payment_method.detached", "customer.deleted"]
    status, _ = await shop.call("DELETE", path)
    assert status == 404


async def test_those_on_a_test_clock_live_at_its_time_and_in_its_list(shop: Shop) -> None:
    frozen_s = NOW_S - 86_400
    clock = await shop.post("/v1/test_helpers/test_clocks", frozen_time=frozen_s)
    ada = await shop.customer(test_clock=clock["id"])
    bob = await shop.customer()
    assert (ada["created"], ada["test_clock"]) == (frozen_s, clock["id"])
    found = await shop.get("/v1/customers")
    assert [one["id"] for one in found["data"]] == [bob["id"]]
    found = await shop.get("/v1/customers", test_clock=clock["id"])
    assert [one["id"] for one in found["data"]] == [ada["id"]]
    intent = await shop.pay("pm_card_visa", customer=ada["id"])
    assert intent["created"] == frozen_s
    charge = await shop.get(f"/v1/charges/{intent['latest_charge']}")
    assert charge["created"] == frozen_s
    for _ in range(2):
        await shop.customer(test_clock=clock["id"])
    error = await shop.refused(400, "/v1/customers", test_clock=clock["id"])
    assert error["param"] == "test_clock"


async def test_test_customers_are_not_there_in_live_mode(shop: Shop) -> None:
    ada = await shop.customer()
    shop.headers["authorization"] = "Bearer sk_" + "live_x"
    status, _ = await shop.call("GET", f"/v1/customers/{ada['id']}")
    assert status == 404


async def _subscribed(shop: Shop) -> tuple[dict[str, Any], str]:
    """A customer with a saved card, and what it pays 10 dollars a month for."""
    ada = await shop.customer(
        payment_method="pm_card_visa",
        invoice_settings={"default_payment_method": "pm_card_visa"},
    )
    price = await shop.post(
        "/v1/prices",
        unit_amount=1000,
        currency="usd",
        recurring={"interval": "month"},
        product_data={"name": "Weather"},
    )
    subscription = await shop.post(
        "/v1/subscriptions", customer=ada["id"], items=[{"price": price["id"]}]
    )
    assert subscription["status"] == "active"
    return ada, f"/v1/subscriptions/{subscription['id']}"


async def test_who_is_deleted_pays_for_nothing_any_more(shop: Shop) -> None:
    ada, path = await _subscribed(shop)
    shown = await shop.get(f"/v1/customers/{ada['id']}", expand=["subscriptions"])
    assert [one["status"] for one in shown["subscriptions"]["data"]] == ["active"]
    await shop.call("DELETE", f"/v1/customers/{ada['id']}")
    assert (await shop.get(path))["status"] == "canceled"
    assert shop.told()[-2:] == ["customer.deleted", "customer.subscription.deleted"]
    shop.rail.context.clock.advance(40 * 86_400)
    found = await shop.get("/v1/charges")
    assert len(found["data"]) == 1


async def test_a_card_that_was_taken_away_fails_the_renewal_and_nothing_else(shop: Shop) -> None:
    ada, path = await _subscribed(shop)
    method = ada["invoice_settings"]["default_payment_method"]
    await shop.post(f"/v1/payment_methods/{method}/detach")
    shop.rail.context.clock.advance(32 * 86_400)
    await shop.get("/v1/balance")
    assert (await shop.get(path))["status"] == "past_due"
    assert "invoice.payment_failed" in shop.told()
