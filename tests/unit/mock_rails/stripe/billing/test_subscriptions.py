"""Subscriptions (draft-stripe-subscription-00; facts: stripe 1.9, 1.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.mock_rails.stripe.billing.shop import DAY_S, NEW_YEAR_S

if TYPE_CHECKING:
    from mock_rails.stripe.rail import Stripe
    from tests.unit.mock_rails.stripe.billing.shop import Shop

MONTH_S = 31 * DAY_S


async def test_the_first_invoice_is_paid_in_the_same_call(rail: Stripe, shop: Shop) -> None:
    customer, price = await shop.customer(), await shop.price()
    made = await shop.subscribe(customer, price, payment_behavior="error_if_incomplete")
    assert made["status"] == "active"
    invoice = await shop.get(f"invoices/{made['latest_invoice']}")
    assert (invoice["status"], invoice["amount_paid"]) == ("paid", 1_000)
    assert invoice["billing_reason"] == "subscription_create"
    assert invoice["parent"]["subscription_details"]["subscription"] == made["id"]
    item = made["items"]["data"][0]
    assert item["current_period_end"] - item["current_period_start"] == MONTH_S
    (payment,) = (await shop.get("invoice_payments", invoice=invoice["id"]))["data"]
    intent = await shop.get(f"payment_intents/{payment['payment']['payment_intent']}")
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 1_000)
    rail.check_conservation()


async def test_its_events_come_in_stripes_order(shop: Shop) -> None:
    customer, price = await shop.customer(), await shop.price()
    before = len(await shop.event_types())
    await shop.subscribe(customer, price)
    named = [one for one in (await shop.event_types())[before:] if one != "charge.updated"]
    assert named == [
        "customer.subscription.created",
        "invoice.created",
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
    ]


@pytest.mark.parametrize("card", ["pm_card_chargeCustomerFail", "pm_card_authenticationRequired"])
async def test_error_if_incomplete_leaves_nothing_behind(
    rail: Stripe, shop: Shop, card: str
) -> None:
    customer, price = await shop.customer(card), await shop.price()
    refused = await shop.subscribe(
        customer, price, status=402, payment_behavior="error_if_incomplete"
    )
    assert refused["error"]["type"] == "card_error"
    assert (await shop.get("subscriptions", status="all"))["data"] == []
    assert (await shop.get("invoices"))["data"] == []
    assert (await shop.get("payment_intents"))["data"] == []
    assert "customer.subscription.created" not in await shop.event_types()
    rail.check_conservation()


async def test_allow_incomplete_waits_for_another_card(shop: Shop) -> None:
    customer, price = await shop.customer("pm_card_chargeCustomerFail"), await shop.price()
    made = await shop.subscribe(customer, price, payment_behavior="allow_incomplete")
    assert made["status"] == "incomplete"
    method = await shop.post("payment_methods/pm_card_visa/attach", customer=customer)
    invoice = made["latest_invoice"]
    paid = await shop.post(f"invoices/{invoice}/pay", payment_method=method["id"])
    assert paid["status"] == "paid"
    assert (await shop.get(f"subscriptions/{made['id']}"))["status"] == "active"


async def test_default_incomplete_is_paid_by_confirming_its_intent(shop: Shop) -> None:
    customer, price = await shop.customer(), await shop.price()
    made = await shop.subscribe(customer, price, payment_behavior="default_incomplete")
    assert made["status"] == "incomplete"
    invoice = await shop.get(f"invoices/{made['latest_invoice']}")
    intent = invoice["confirmation_secret"]["client_secret"].partition("_secret_")[0]
    await shop.post(f"payment_intents/{intent}/confirm", payment_method="pm_card_visa")
    assert (await shop.get(f"invoices/{invoice['id']}"))["status"] == "paid"
    assert (await shop.get(f"subscriptions/{made['id']}"))["status"] == "active"


async def test_what_is_not_paid_within_23_hours_expires(rail: Stripe, shop: Shop) -> None:
    customer, price = await shop.customer(), await shop.price()
    made = await shop.subscribe(customer, price, payment_behavior="default_incomplete")
    rail.context.clock.advance(23 * 3_600 - 1)
    assert (await shop.get(f"subscriptions/{made['id']}"))["status"] == "incomplete"
    rail.context.clock.advance(1)
    assert (await shop.get(f"subscriptions/{made['id']}"))["status"] == "incomplete_expired"
    assert (await shop.get(f"invoices/{made['latest_invoice']}"))["status"] == "void"


async def test_a_test_clock_renews_it_month_after_month(rail: Stripe, shop: Shop) -> None:
    clock = await shop.clock()
    customer = await shop.customer(test_clock=clock)
    made = await shop.subscribe(customer, await shop.price())
    end_s = made["items"]["data"][0]["current_period_end"]
    await shop.advance(clock, end_s)
    renewal = (await shop.get(f"subscriptions/{made['id']}"))["latest_invoice"]
    assert (await shop.get(f"invoices/{renewal}"))["status"] == "draft"
    await shop.advance(clock, end_s + 3_600)
    invoice = await shop.get(f"invoices/{renewal}")
    assert (invoice["status"], invoice["billing_reason"]) == ("paid", "subscription_cycle")
    assert invoice["created"] == end_s
    assert invoice["status_transitions"]["paid_at"] == end_s + 3_600
    (charge, _) = (await shop.get("charges", customer=customer))["data"]
    assert charge["created"] == end_s + 3_600, "what happens on the way has the way's date"
    assert "invoice.upcoming" in await shop.event_types()
    rail.check_conservation()


async def test_without_a_test_clock_the_sandboxs_clock_renews_it(rail: Stripe, shop: Shop) -> None:
    customer, price = await shop.customer(), await shop.price(interval="day")
    await shop.subscribe(customer, price)
    rail.context.clock.advance(10 * DAY_S + 3_600)
    invoices = (await shop.get("invoices", status="paid", limit=100))["data"]
    assert len(invoices) == 11
    starts = sorted(one["period_start"] for one in invoices)
    assert starts == [NEW_YEAR_S + at * DAY_S for at in range(11)]


async def test_a_renewal_that_fails_is_tried_three_times_more_and_ends_it(shop: Shop) -> None:
    clock = await shop.clock()
    customer = await shop.customer(test_clock=clock)
    made = await shop.subscribe(customer, await shop.price())
    bad = await shop.post("payment_methods/pm_card_chargeCustomerFail/attach", customer=customer)
    await shop.post(f"customers/{customer}", invoice_settings__default_payment_method=bad["id"])
    end_s = made["items"]["data"][0]["current_period_end"]
    await shop.advance(clock, end_s + 3_600)
    late = await shop.get(f"subscriptions/{made['id']}")
    assert late["status"] == "past_due"
    invoice = await shop.get(f"invoices/{late['latest_invoice']}")
    assert invoice["next_payment_attempt"] == end_s + 3_600 + DAY_S
    await shop.advance(clock, end_s + 10 * DAY_S)
    ended = await shop.get(f"subscriptions/{made['id']}")
    assert ended["status"] == "canceled"
    assert ended["cancellation_details"]["reason"] == "payment_failed"
    invoice = await shop.get(f"invoices/{late['latest_invoice']}")
    assert (invoice["attempt_count"], invoice["status"]) == (4, "open")


async def test_a_renewal_that_failed_goes_on_with_a_good_card(shop: Shop) -> None:
    clock = await shop.clock()
    customer = await shop.customer(test_clock=clock)
    made = await shop.subscribe(customer, await shop.price())
    bad = await shop.post("payment_methods/pm_card_chargeCustomerFail/attach", customer=customer)
    await shop.post(f"subscriptions/{made['id']}", default_payment_method=bad["id"])
    end_s = made["items"]["data"][0]["current_period_end"]
    await shop.advance(clock, end_s + 3_600)
    good = await shop.post("payment_methods/pm_card_visa/attach", customer=customer)
    await shop.post(f"subscriptions/{made['id']}", default_payment_method=good["id"])
    await shop.advance(clock, end_s + 3_600 + DAY_S)
    assert (await shop.get(f"subscriptions/{made['id']}"))["status"] == "active"


async def test_canceling_now_ends_it_now(shop: Shop) -> None:
    customer, price = await shop.customer(), await shop.price()
    made = await shop.subscribe(customer, price)
    answer = await shop.http.delete(f"/v1/subscriptions/{made['id']}")
    assert answer.json()["status"] == "canceled"
    assert (await shop.event_types())[-1] == "customer.subscription.deleted"
    again = await shop.http.delete(f"/v1/subscriptions/{made['id']}")
    assert again.status_code == 404
    assert (await shop.get("subscriptions"))["data"] == []
    assert len((await shop.get("subscriptions", status="ended"))["data"]) == 1


async def test_canceling_at_the_end_lets_the_period_run_out(shop: Shop) -> None:
    clock = await shop.clock()
    customer = await shop.customer(test_clock=clock)
    made = await shop.subscribe(customer, await shop.price())
    end_s = made["items"]["data"][0]["current_period_end"]
    changed = await shop.post(f"subscriptions/{made['id']}", cancel_at_period_end="true")
    assert (changed["status"], changed["cancel_at"]) == ("active", end_s)
    await shop.advance(clock, end_s)
    ended = await shop.get(f"subscriptions/{made['id']}")
    assert (ended["status"], ended["ended_at"]) == ("canceled", end_s)
    assert len((await shop.get("invoices"))["data"]) == 1


@pytest.mark.parametrize(
    ("form", "param", "status"),
    [
        ({"trial_period_days": 3}, "trial_period_days", 501),
        ({"add_invoice_items__0__price": "x"}, "add_invoice_items", 501),
        ({"billing_cycle_anchor": 1}, "billing_cycle_anchor", 501),
        ({"items__0__quantity": 0}, "items[0][quantity]", 400),
        ({"items__0__price": "price_none"}, "items[0][price]", 404),
        ({"customer": "cus_none"}, "customer", 404),
        ({"default_payment_method": "pm_none"}, "default_payment_method", 404),
        ({"payment_behavior": "hope"}, "payment_behavior", 400),
    ],
)
async def test_what_is_wrong_or_not_emulated_is_named(
    shop: Shop, form: dict[str, object], param: str, status: int
) -> None:
    given = {"customer": await shop.customer(), "items__0__price": await shop.price(), **form}
    refused = await shop.post("subscriptions", status, **given)
    assert refused["error"]["param"] == param
    assert (await shop.get("subscriptions", status="all"))["data"] == []


async def test_a_customer_without_a_card_cannot_subscribe(shop: Shop) -> None:
    customer = (await shop.post("customers", name="Bob"))["id"]
    refused = await shop.subscribe(customer, await shop.price(), status=400)
    assert refused["error"]["code"] == "resource_missing"


async def test_nor_with_somebody_elses(shop: Shop) -> None:
    customer, other = await shop.customer(), await shop.customer()
    method = await shop.post("payment_methods/pm_card_visa/attach", customer=other)
    refused = await shop.subscribe(
        customer, await shop.price(), status=400, default_payment_method=method["id"]
    )
    assert refused["error"]["param"] == "default_payment_method"


async def test_an_open_invoice_is_voided_or_given_up(shop: Shop) -> None:
    customer, price = await shop.customer(), await shop.price()
    for deed, status in (("void", "void"), ("mark_uncollectible", "uncollectible")):
        made = await shop.subscribe(customer, price, payment_behavior="default_incomplete")
        done = await shop.post(f"invoices/{made['latest_invoice']}/{deed}")
        assert done["status"] == status
        pay = f"invoices/{made['latest_invoice']}/pay"
        if status == "void":
            refused = await shop.post(pay, 400)
            assert "void" in refused["error"]["message"]
        else:
            assert (await shop.post(pay))["status"] == "paid", "a bad debt may still be paid"


async def test_an_invoice_that_was_paid_elsewhere_charges_nothing(rail: Stripe, shop: Shop) -> None:
    customer, price = await shop.customer(), await shop.price()
    made = await shop.subscribe(customer, price, payment_behavior="default_incomplete")
    paid = await shop.post(f"invoices/{made['latest_invoice']}/pay", paid_out_of_band="true")
    assert paid["status"] == "paid"
    assert (await shop.get("charges"))["data"] == []
    assert (await shop.get(f"subscriptions/{made['id']}"))["status"] == "active"
    rail.check_conservation()


async def test_a_snapshot_in_the_middle_of_a_month_renews_at_its_end(
    rail: Stripe, shop: Shop
) -> None:
    clock = await shop.clock()
    customer = await shop.customer(test_clock=clock)
    made = await shop.subscribe(customer, await shop.price())
    end_s = made["items"]["data"][0]["current_period_end"]
    document = rail.snapshot()
    rail.reset()
    rail.restore(document)
    await shop.advance(clock, end_s + 3_600)
    assert len((await shop.get("invoices", status="paid"))["data"]) == 2


async def test_an_item_is_found_by_its_id(shop: Shop) -> None:
    made = await shop.subscribe(await shop.customer(), await shop.price())
    (item,) = made["items"]["data"]
    assert await shop.get(f"subscription_items/{item['id']}") == item
    missing = await shop.http.get("/v1/subscription_items/si_none")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "resource_missing")


async def test_an_invoice_is_sent_and_its_payments_are_at_their_address(shop: Shop) -> None:
    made = await shop.subscribe(await shop.customer(), await shop.price())
    path = f"invoices/{made['latest_invoice']}"
    assert (await shop.post(f"{path}/send"))["status"] == "paid"
    assert (await shop.event_types())[-1] == "invoice.sent"
    shown = await shop.get(path, **{"expand[]": "payments"})
    listed = await shop.http.get(shown["payments"]["url"])
    assert listed.json()["data"] == shown["payments"]["data"]
    waiting = await shop.subscribe(
        await shop.customer(), await shop.price(), payment_behavior="default_incomplete"
    )
    path = f"invoices/{waiting['latest_invoice']}"
    await shop.post(f"{path}/void")
    assert "void" in (await shop.post(f"{path}/send", 400))["error"]["message"]


async def test_lists_of_billing_take_a_time(shop: Shop) -> None:
    await shop.subscribe(await shop.customer(), await shop.price())
    for noun in ("products", "prices", "subscriptions", "invoices", "invoice_payments", "events"):
        assert (await shop.get(noun, **{"created[gte]": NEW_YEAR_S}))["data"], noun
        assert not (await shop.get(noun, **{"created[gt]": NEW_YEAR_S}))["data"], noun
