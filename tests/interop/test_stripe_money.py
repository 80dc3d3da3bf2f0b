"""stripe-python's balance, refunds, disputes and payouts, as released (facts 1.6, 1.8, 2.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import stripe

from mock_rails.core import Clock, RailContext
from mock_rails.stripe.settings import StripeSettings
from tests.interop.stripe_support import Served, stripe_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_rails.stripe.rail import Stripe

MONDAY_S = 1_772_409_600
DAY_S = 86_400


@pytest.fixture
def served() -> Iterator[Served]:
    """A Stripe on a Monday that lasts until somebody moves its clock."""
    with stripe_in_thread(RailContext.create("money", Clock.frozen(MONDAY_S))) as one:
        yield one
        one.do(lambda rail: rail.check_conservation())


def pay(client: stripe.StripeClient, amount: int = 1_000, card: str = "visa") -> Any:
    """A payment by test card, with its charge."""
    return client.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "usd",
            "payment_method": f"pm_card_{card}",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "expand": ["latest_charge.balance_transaction"],
        }
    )


def later(served: Served, seconds: int) -> None:
    """Let sandbox time pass."""

    def pass_time(rail: Stripe) -> None:
        rail.context.clock.advance(timedelta(seconds=seconds))
        rail.catch_up()

    served.do(pass_time)


def test_money_becomes_available_and_is_paid_out(served: Served) -> None:
    client = served.client()
    booked = pay(client).latest_charge.balance_transaction
    assert isinstance(booked, stripe.BalanceTransaction)
    assert (booked.amount, booked.fee, booked.net, booked.status) == (1_000, 59, 941, "pending")
    assert booked.fee_details[0].type == "stripe_fee"
    assert booked.available_on == MONDAY_S + 2 * DAY_S

    balance = client.v1.balance.retrieve()
    assert (balance.available[0].amount, balance.pending[0].amount) == (0, 941)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payouts.create({"amount": 500, "currency": "usd"})
    assert refused.value.code == "balance_insufficient"

    later(served, 2 * DAY_S)
    balance = client.v1.balance.retrieve()
    assert (balance.available[0].amount, balance.pending[0].amount) == (941, 0)
    payout = client.v1.payouts.create(
        {"amount": 900, "currency": "usd", "metadata": {"week": "10"}}
    )
    assert payout.status == "pending"
    later(served, 2 * DAY_S)
    payout = client.v1.payouts.retrieve(payout.id, {"expand": ["balance_transaction"]})
    assert payout.status == "paid"
    assert isinstance(payout.balance_transaction, stripe.BalanceTransaction)
    assert payout.balance_transaction.net == -900
    assert [one.id for one in client.v1.payouts.list({"status": "paid"}).data] == [payout.id]
    types = [one.type for one in client.v1.events.list({"limit": 100}).data]
    assert types[:4] == ["payout.paid", "payout.updated", "payout.created", "balance.available"]


def test_a_payout_is_canceled_and_an_instant_one_costs(served: Served) -> None:
    client = served.client()
    pay(client, 10_000, "bypassPending")
    payout = client.v1.payouts.create({"amount": 1_000, "currency": "usd"})
    assert client.v1.payouts.cancel(payout.id).status == "canceled"
    instant = client.v1.payouts.create({"amount": 5_000, "currency": "usd", "method": "instant"})
    fees = client.v1.balance_transactions.list({"source": instant.id}).data[0]
    assert (fees.fee, fees.net) == (75, -5_075)


def test_refunds(served: Served) -> None:
    client = served.client()
    payment = pay(client)
    part = client.v1.refunds.create(
        {
            "payment_intent": payment.id,
            "amount": 400,
            "reason": "requested_by_customer",
            "metadata": {"order": "7"},
        }
    )
    assert (part.status, part.amount, part.reason) == ("succeeded", 400, "requested_by_customer")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": payment.id, "amount": 601})
    assert refused.value.param == "amount"
    rest = client.v1.refunds.create(
        {"charge": payment.latest_charge.id, "expand": ["charge", "balance_transaction"]}
    )
    assert isinstance(rest.charge, stripe.Charge)
    assert rest.charge.refunded is True
    assert isinstance(rest.balance_transaction, stripe.BalanceTransaction)
    assert (rest.balance_transaction.fee, rest.balance_transaction.net) == (0, -600)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": payment.id})
    assert refused.value.code == "charge_already_refunded"

    cleared = client.v1.refunds.update(part.id, {"metadata": {"order": ""}})
    assert cleared.to_dict()["metadata"] == {}
    found = client.v1.refunds.list({"payment_intent": payment.id, "limit": 1})
    assert [one.id for one in found.auto_paging_iter()] == [rest.id, part.id]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.cancel(rest.id)


def test_refunds_that_take_their_time(served: Served) -> None:
    client = served.client()
    pending = client.v1.refunds.create({"payment_intent": pay(client, card="pendingRefund").id})
    failing = client.v1.refunds.create({"payment_intent": pay(client, card="refundFail").id})
    assert (pending.status, failing.status) == ("pending", "succeeded")
    later(served, 60)
    assert client.v1.refunds.retrieve(pending.id).status == "succeeded"
    failed = client.v1.refunds.retrieve(failing.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    types = [one.type for one in client.v1.events.list({"limit": 3}).data]
    assert types == ["refund.failed", "refund.updated", "charge.refund.updated"]


def test_a_payment_by_shared_payment_token_is_refunded_as_any_other(served: Served) -> None:
    """MPP refunds are plain Stripe refunds on the receipt's PaymentIntent (1.6)."""
    client = served.client()
    token = client.raw_request(
        "post",
        "/v1/test_helpers/shared_payment/granted_tokens",
        payment_method="pm_card_visa",
        usage_limits={"currency": "usd", "max_amount": 1_000},
    )
    payment = client.v1.payment_intents.create(
        {  # type: ignore[typeddict-unknown-key]
            "amount": 1_000,
            "currency": "usd",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "shared_payment_granted_token": client.deserialize(token, api_mode="V1").id,
        }
    )
    refund = client.v1.refunds.create({"payment_intent": payment.id, "expand": ["charge"]})
    assert isinstance(refund.charge, stripe.Charge)
    assert refund.charge.payment_method_details is not None
    assert refund.charge.payment_method_details["shared_payment_granted_token"].startswith("spt_")


def test_a_dispute_is_won(served: Served) -> None:
    client = served.client()
    payment = pay(client, card="createDispute")
    later(served, 1)
    (dispute,) = client.v1.disputes.list({"payment_intent": payment.id}).data
    assert (dispute.status, dispute.reason, dispute.amount) == (
        "needs_response",
        "fraudulent",
        1_000,
    )
    assert dispute.balance_transactions[0].net == -2_500
    staged = client.v1.disputes.update(
        dispute.id, {"evidence": {"customer_name": "Ada"}, "submit": False}
    )
    assert staged.evidence_details.has_evidence is True
    client.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
    )
    later(served, 60)
    won = client.v1.disputes.retrieve(dispute.id)
    assert won.status == "won"
    assert [one.net for one in won.balance_transactions] == [-2_500, 1_000]
    types = [one.type for one in client.v1.events.list({"limit": 100}).data]
    assert types[:2] == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]


def test_a_dispute_is_accepted_and_an_inquiry_takes_nothing(served: Served) -> None:
    client = served.client()
    pay(client, card="createDispute")
    pay(client, card="createDisputeInquiry")
    pay(client, card="createIssuerFraudRecord")
    later(served, 1)
    inquiry, chargeback = client.v1.disputes.list().data
    assert client.v1.disputes.close(chargeback.id).status == "lost"
    assert (inquiry.status, inquiry.balance_transactions) == ("warning_needs_response", [])
    (warning,) = client.v1.radar.early_fraud_warnings.list().data
    assert client.v1.radar.early_fraud_warnings.retrieve(warning.id).actionable is True


def test_a_platform_s_share() -> None:
    settings = StripeSettings(connected=("acct_shop",))
    with stripe_in_thread(settings=settings) as served:
        client = served.client()
        payment = client.v1.payment_intents.create(
            {
                "amount": 1_000,
                "currency": "usd",
                "payment_method": "pm_card_visa",
                "confirm": True,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                "application_fee_amount": 100,
            },
            {"stripe_account": "acct_shop"},
        )
        (fee,) = client.v1.application_fees.list().data
        assert (fee.amount, fee.account, fee.charge) == (100, "acct_shop", payment.latest_charge)
        assert client.v1.application_fees.retrieve(fee.id).refunded is False
        assert client.v1.balance.retrieve().pending[0].amount == 100
        shop = client.v1.balance.retrieve(options={"stripe_account": "acct_shop"})
        assert shop.pending[0].amount == 841


def test_every_cent_is_in_a_balance_transaction(served: Served) -> None:
    client = served.client()
    for amount in range(100, 130):
        pay(client, amount)
    found = list(client.v1.balance_transactions.list({"limit": 7}).auto_paging_iter())
    assert len(found) == 30
    assert all(one.net == one.amount - one.fee for one in found)
    assert client.v1.balance.retrieve().pending[0].amount == sum(one.net for one in found)
