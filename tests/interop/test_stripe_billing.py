"""stripe-python subscribes, renews, cancels and voids (draft-stripe-subscription-00; facts 1.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe

from tests.interop.stripe_support import Served, stripe_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW_YEAR_S = 1_767_225_600


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with stripe_in_thread() as one:
        yield one


def monthly(client: stripe.StripeClient) -> Any:
    """A price of $10 a month."""
    product = client.v1.products.create({"name": "Reports", "metadata": {"a": "b"}})
    return client.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 1_000,
            "recurring": {"interval": "month"},
        }
    )


def subscriber(client: stripe.StripeClient, card: str = "pm_card_visa", **more: Any) -> Any:
    """A customer who pays with this card."""
    customer = client.v1.customers.create({"email": "ada@example.com", **more})
    method = client.v1.payment_methods.attach(card, {"customer": customer.id})
    settings: Any = {"default_payment_method": method.id}
    return client.v1.customers.update(customer.id, {"invoice_settings": settings})


def test_the_drafts_steps_give_a_paid_subscription(served: Served) -> None:
    client = served.client()
    customer = subscriber(client)
    subscription = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": monthly(client).id, "quantity": 1}],
            "default_payment_method": customer.invoice_settings.default_payment_method,
            "collection_method": "charge_automatically",
            "payment_behavior": "error_if_incomplete",
            "proration_behavior": "none",
            "metadata": {"mpp_challenge_id": "abc"},
            "expand": ["latest_invoice.payments"],
        },
        {"idempotency_key": "mpp_abc"},
    )
    assert subscription.status == "active"
    assert subscription.latest_invoice.status == "paid"
    again = client.v1.subscriptions.retrieve(subscription.id)
    assert again["items"].data[0].price.unit_amount == 1_000
    canceled = client.v1.subscriptions.cancel(subscription.id)
    assert canceled.status == "canceled"
    served.do(lambda rail: rail.check_conservation())


def test_a_refused_card_is_a_card_error_and_no_subscription(served: Served) -> None:
    client = served.client()
    customer = subscriber(client, "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        client.v1.subscriptions.create(
            {
                "customer": customer.id,
                "items": [{"price": monthly(client).id}],
                "payment_behavior": "error_if_incomplete",
            }
        )
    assert client.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data == []


def test_a_clock_renews_it(served: Served) -> None:
    client = served.client()
    clock = client.v1.test_helpers.test_clocks.create({"frozen_time": NEW_YEAR_S})
    customer = subscriber(client, test_clock=clock.id)
    subscription = client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": monthly(client).id}]}
    )
    end_s = subscription["items"].data[0].current_period_end
    client.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": end_s + 3_600})
    assert client.v1.test_helpers.test_clocks.retrieve(clock.id).status == "ready"
    paid = client.v1.invoices.list({"subscription": subscription.id, "status": "paid"})
    assert [one.billing_reason for one in paid.auto_paging_iter()] == [
        "subscription_cycle",
        "subscription_create",
    ]
    assert client.v1.test_helpers.test_clocks.delete(clock.id).deleted is True


def test_invoices_are_paid_voided_and_given_up(served: Served) -> None:
    client = served.client()
    customer, price = subscriber(client), monthly(client)

    def begin() -> str:
        made = client.v1.subscriptions.create(
            {
                "customer": customer.id,
                "items": [{"price": price.id}],
                "payment_behavior": "default_incomplete",
            }
        )
        return str(made.latest_invoice)

    assert client.v1.invoices.pay(begin()).status == "paid"
    assert client.v1.invoices.void_invoice(begin()).status == "void"
    assert client.v1.invoices.mark_uncollectible(begin()).status == "uncollectible"


def test_versions_before_basil_see_the_fields_where_they_were(served: Served) -> None:
    old = served.client(stripe_version="2024-06-20")
    customer = subscriber(old)
    made = old.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": monthly(old).id}]}
    )
    assert made.current_period_end == made["items"].data[0].current_period_end
    invoice = old.v1.invoices.retrieve(str(made.latest_invoice))
    assert (invoice.subscription, invoice.paid) == (made.id, True)
    assert invoice.payment_intent.startswith("pi_")
