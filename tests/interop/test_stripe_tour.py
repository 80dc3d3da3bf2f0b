"""Every endpoint once, by stripe-python as released: what it makes of each answer is one of its
own objects, and none is left out (issue 4).

What each endpoint does is tested elsewhere; here the released SDK has to get along with all.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import stripe

from mock_rails.core import Clock, RailContext
from mock_rails.stripe.endpoints import ENDPOINTS
from mock_rails.stripe.settings import StripeSettings
from tests.interop.stripe_support import Served, stripe_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

MONDAY_S = 1_772_409_600
BANK: Any = {"enabled": True, "allow_redirects": "never"}
CARD: Any = {"currency": "usd", "confirm": True, "automatic_payment_methods": BANK}
GRANTS = "/v1/test_helpers/shared_payment/granted_tokens"
ISSUED = "/v1/shared_payment/issued_tokens"


@pytest.fixture
def served() -> Iterator[Served]:
    context = RailContext.create("tour", Clock.frozen(MONDAY_S))
    with stripe_in_thread(context, StripeSettings(connected=("acct_seller",))) as one:
        yield one
        one.do(lambda rail: rail.check_conservation())


def pay(client: stripe.StripeClient, card: str = "bypassPending", **more: Any) -> Any:
    given: Any = {**CARD, "amount": 5_000, "payment_method": f"pm_card_{card}", **more}
    return client.v1.payment_intents.create(given)


def raw(client: stripe.StripeClient, verb: str, path: str, **params: Any) -> dict[str, Any]:
    """A call that the client has no method for."""
    return dict(client.raw_request(verb, path, **params).data)


def customers_and_methods(client: stripe.StripeClient) -> str:
    v1 = client.v1
    customer = v1.customers.create({"name": "Ada", "email": "ada@example.com"}).id
    v1.customers.update(customer, {"description": "x"})
    v1.customers.retrieve(customer)
    v1.customers.list({"email": "ada@example.com"})
    v1.customers.search({"query": "name:'Ada'"})
    method = v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}}).id
    v1.payment_methods.attach(method, {"customer": customer})
    v1.payment_methods.update(method, {"metadata": {"a": "b"}})
    v1.payment_methods.retrieve(method)
    v1.payment_methods.list({"customer": customer, "type": "card"})
    v1.customers.payment_methods.list(customer)
    v1.customers.payment_methods.retrieve(customer, method)
    v1.payment_methods.detach(method)
    gone = v1.customers.create({}).id
    assert v1.customers.delete(gone).deleted
    return customer


def intents(client: stripe.StripeClient, customer: str) -> None:
    v1 = client.v1
    intent = v1.payment_intents.create({"amount": 5_000, "currency": "usd"}).id
    v1.payment_intents.update(intent, {"customer": customer})
    v1.payment_intents.confirm(
        intent, {"payment_method": "pm_card_visa", "return_url": "https://example.com"}
    )
    v1.payment_intents.retrieve(intent)
    v1.payment_intents.list()
    v1.payment_intents.search({"query": "status:'succeeded'"})
    v1.payment_intents.cancel(pay(client, capture_method="manual").id)
    v1.payment_intents.capture(pay(client, capture_method="manual").id)
    setup = v1.setup_intents.create({"payment_method": "pm_card_visa"}).id
    v1.setup_intents.update(setup, {"metadata": {"a": "b"}})
    v1.setup_intents.confirm(setup, {"return_url": "https://example.com"})
    v1.setup_intents.retrieve(setup)
    v1.setup_intents.list()
    v1.setup_intents.cancel(v1.setup_intents.create().id)
    written: Any = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040}
    token = v1.tokens.create({"card": written}).id
    charge = v1.charges.create({"amount": 500, "currency": "usd", "source": token}).id
    assert v1.tokens.retrieve(token).used
    v1.charges.update(charge, {"description": "x"})
    v1.charges.retrieve(charge)
    v1.charges.list()
    v1.charges.search({"query": "amount>499"})
    held = v1.charges.create(
        {"amount": 500, "currency": "usd", "source": "tok_visa", "capture": False}
    )
    v1.charges.capture(held.id)


def money(client: stripe.StripeClient, served: Served) -> None:
    v1 = client.v1
    paid = pay(client, amount=90_000).id
    refund = v1.refunds.create({"payment_intent": paid, "amount": 100}).id
    v1.refunds.update(refund, {"metadata": {"a": "b"}})
    v1.refunds.retrieve(refund)
    v1.refunds.list({"payment_intent": paid})
    charge = v1.payment_intents.retrieve(paid).latest_charge
    assert raw(client, "get", f"/v1/charges/{charge}/refunds")["data"][0]["id"] == refund
    with pytest.raises(stripe.InvalidRequestError, match="cancel"):  # it has succeeded
        v1.refunds.cancel(refund)
    for card in ("createDispute", "createDispute", "createIssuerFraudRecord"):
        pay(client, card)
    later(served, 3_600)
    disputes = v1.disputes.list().data
    v1.disputes.retrieve(disputes[0].id)
    v1.disputes.update(disputes[0].id, {"evidence": {"product_description": "time"}})
    v1.disputes.close(disputes[1].id)
    warning = v1.radar.early_fraud_warnings.list().data[0]
    v1.radar.early_fraud_warnings.retrieve(warning.id)
    v1.balance.retrieve()
    transaction = v1.balance_transactions.list().data[0].id
    v1.balance_transactions.retrieve(transaction)
    raw(client, "get", "/v1/balance/history")
    raw(client, "get", f"/v1/balance/history/{transaction}")
    payout = v1.payouts.create({"amount": 100, "currency": "usd"}).id
    v1.payouts.update(payout, {"metadata": {"a": "b"}})
    v1.payouts.retrieve(payout)
    v1.payouts.list()
    v1.payouts.cancel(payout)


def connected(served: Served) -> None:
    """A platform's fee, listed by the platform."""
    client = served.client()
    pay(served.client(stripe_account="acct_seller"), application_fee_amount=100)
    fee = client.v1.application_fees.list().data[0]
    client.v1.application_fees.retrieve(fee.id)


def billing(client: stripe.StripeClient, customer: str) -> None:
    v1 = client.v1
    method = v1.payment_methods.attach("pm_card_visa", {"customer": customer}).id
    product = v1.products.create({"name": "Time"}).id
    v1.products.update(product, {"description": "x"})
    v1.products.retrieve(product)
    v1.products.list()
    v1.products.search({"query": "name:'Time'"})
    v1.products.delete(v1.products.create({"name": "Nothing"}).id)
    price = v1.prices.create(
        {"product": product, "currency": "usd", "unit_amount": 1_000,
         "recurring": {"interval": "month"}}
    ).id  # fmt: skip
    v1.prices.update(price, {"nickname": "x"})
    v1.prices.retrieve(price)
    v1.prices.list()
    v1.prices.search({"query": "active:'true'"})
    given: Any = {
        "customer": customer,
        "items": [{"price": price}],
        "default_payment_method": method,
    }
    subscription = v1.subscriptions.create(given)
    v1.subscriptions.update(subscription.id, {"metadata": {"a": "b"}})
    v1.subscriptions.retrieve(subscription.id)
    v1.subscriptions.list()
    v1.subscriptions.search({"query": "status:'active'"})
    item = v1.subscription_items.list({"subscription": subscription.id}).data[0]
    assert v1.subscription_items.retrieve(item.id).price.id == price
    invoice = str(subscription.latest_invoice)
    v1.invoices.retrieve(invoice)
    v1.invoices.list()
    v1.invoices.search({"query": "total>0"})
    v1.invoices.update(invoice, {"metadata": {"a": "b"}})
    v1.invoices.line_items.list(invoice)
    v1.invoices.send_invoice(invoice)
    payment = v1.invoice_payments.list({"invoice": invoice}).data[0]
    v1.invoice_payments.retrieve(payment.id)
    v1.subscriptions.cancel(subscription.id)
    for end in (v1.invoices.pay, v1.invoices.void_invoice, v1.invoices.mark_uncollectible):
        incomplete = v1.subscriptions.create({**given, "payment_behavior": "default_incomplete"})
        end(str(incomplete.latest_invoice))


def clocks_and_events(client: stripe.StripeClient, served: Served) -> None:
    v1 = client.v1
    clock = v1.test_helpers.test_clocks.create({"frozen_time": MONDAY_S}).id
    customer = v1.customers.create({"test_clock": clock}).id
    method = v1.payment_methods.attach("pm_card_visa", {"customer": customer}).id
    given: Any = {
        "customer": customer,
        "default_payment_method": method,
        "items": [{"price": v1.prices.list().data[0].id}],
    }
    renewed = v1.subscriptions.create(given)
    renewal_s = renewed["items"].data[0].current_period_end
    v1.test_helpers.test_clocks.advance(clock, {"frozen_time": renewal_s})
    later(served, 10)
    v1.test_helpers.test_clocks.retrieve(clock)
    v1.test_helpers.test_clocks.list()
    draft = v1.invoices.list({"subscription": renewed.id}).data[0]
    assert draft.status == "draft"
    v1.invoices.finalize_invoice(draft.id)
    v1.test_helpers.test_clocks.delete(clock)
    endpoint = v1.webhook_endpoints.create(
        {"url": "http://127.0.0.1:9/hook", "enabled_events": ["*"]}
    ).id
    v1.webhook_endpoints.update(endpoint, {"description": "x"})
    v1.webhook_endpoints.retrieve(endpoint)
    v1.webhook_endpoints.list()
    v1.webhook_endpoints.delete(endpoint)
    v1.events.retrieve(v1.events.list().data[0].id)


def machine_payments(client: stripe.StripeClient) -> None:
    limits = {"currency": "usd", "max_amount": 500}
    method = {"payment_method": "pm_card_visa", "usage_limits": limits}
    granted = raw(client, "post", GRANTS, **method)["id"]
    raw(client, "get", f"/v1/shared_payment/granted_tokens/{granted}")
    raw(client, "post", f"{GRANTS}/{granted}/revoke")
    seller = {"seller_details": {"network_business_profile": "internal"}}
    issued = raw(client, "post", ISSUED, **method, **seller)["id"]
    raw(client, "get", f"{ISSUED}/{issued}")
    raw(client, "post", f"{ISSUED}/{issued}/revoke")
    me = raw(client, "get", "/v2/network/business_profiles/me")
    raw(client, "get", f"/v2/network/business_profiles/{me['id']}")
    address = raw(client, "post", "/v1/crypto/deposit_addresses", network="tempo")["id"]
    raw(client, "get", f"/v1/crypto/deposit_addresses/{address}")
    raw(client, "get", "/v1/crypto/deposit_addresses", network="tempo")
    crypto = {"mode": "deposit", "deposit_options": {"networks": ["tempo"]}}
    deposit: Any = {
        "amount": 101,
        "currency": "usd",
        "confirm": True,
        "payment_method_data": {"type": "crypto"},
        "allowed_payment_method_types": ["crypto"],
        "payment_method_options": {"crypto": crypto},
    }
    intent = client.v1.payment_intents.create(deposit).id
    raw(client, "post", f"/v1/payment_intents/{intent}/update_crypto_refund_address",
        network="tempo", refund_address="0x" + "51" * 20)  # fmt: skip
    raw(client, "post", f"/v1/test_helpers/payment_intents/{intent}/simulate_crypto_deposit",
        network="tempo", token_currency="usdc", buyer_wallet="0x" + "52" * 20,
        transaction_hash="0x" + "0" * 53 + "testsuccess")  # fmt: skip


def later(served: Served, seconds: int) -> None:
    """Let sandbox time pass."""
    served.do(lambda rail: rail.context.clock.advance(timedelta(seconds=seconds)))


def test_the_sdk_gets_along_with_every_endpoint(served: Served) -> None:
    client = served.client()
    customer = customers_and_methods(client)
    intents(client, customer)
    money(client, served)
    connected(served)
    billing(client, customer)
    clocks_and_events(client, served)
    machine_payments(client)
    called = served.do(lambda _: {(one.verb, one.route) for one in served.log.newest()})
    every = {(one.verb, one.path) for one in ENDPOINTS if not one.path.startswith("/_sandbox/")}
    assert every - called == set()
