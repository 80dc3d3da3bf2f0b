"""Refunds (facts: stripe 1.6, 2.3, 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_rails.stripe import intents, ledger
from tests.unit.mock_rails.stripe.money.support import (
    DAY_S,
    get,
    happened,
    later,
    paid,
    post,
    refusal,
)

if TYPE_CHECKING:
    import httpx

    from mock_rails.stripe.rail import Stripe


async def test_a_payment_is_refunded_in_parts_until_nothing_is_left(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    charge = paid(rail)
    intent = charge["payment_intent"]
    first = await post(http, "/v1/refunds", payment_intent=intent, amount=300)
    assert first == first | {
        "object": "refund",
        "amount": 300,
        "charge": charge.id,
        "payment_intent": intent,
        "currency": "usd",
        "status": "succeeded",
        "reason": None,
    }
    assert (charge["amount_refunded"], charge["refunded"]) == (300, False)

    error = await refusal(http, "/v1/refunds", payment_intent=intent, amount=701)
    assert error["param"] == "amount"
    assert "7.01 usd" in error["message"]
    assert "7.00 usd" in error["message"]

    rest = await post(http, "/v1/refunds", charge=charge.id)
    assert rest["amount"] == 700
    assert charge["refunded"] is True
    for names in ({"charge": charge.id}, {"payment_intent": intent, "amount": 1}):
        error = await refusal(http, "/v1/refunds", **names)
        assert error["code"] == "charge_already_refunded"
        assert error["type"] == "invalid_request_error"
    rail.check_conservation()


async def test_the_fee_is_not_given_back(rail: Stripe, http: httpx.AsyncClient) -> None:
    charge = paid(rail)
    refund = await post(http, "/v1/refunds", charge=charge.id)
    booked = await get(http, f"/v1/balance_transactions/{refund['balance_transaction']}")
    assert booked == booked | {
        "type": "refund",
        "reporting_category": "refund",
        "amount": -1_000,
        "fee": 0,
        "fee_details": [],
        "net": -1_000,
        "source": refund["id"],
    }
    assert (await get(http, "/v1/balance"))["pending"][0]["amount"] == -59


async def test_a_refund_is_taken_from_where_the_charge_s_money_is(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    charge = paid(rail)
    await post(http, "/v1/refunds", charge=charge.id, amount=100)
    with rail.operation() as op:
        assert ledger.amounts(op, "pending") == {"usd": 841}
        assert ledger.amounts(op, "available") == {}
    later(rail, 4 * DAY_S)
    await post(http, "/v1/refunds", charge=charge.id, amount=100)
    with rail.operation() as op:
        assert ledger.amounts(op, "pending") == {"usd": 0}
        assert ledger.amounts(op, "available") == {"usd": 741}


async def test_the_events_of_a_refund(rail: Stripe, http: httpx.AsyncClient) -> None:
    charge = paid(rail)
    before = len(happened(rail))
    refund = await post(http, "/v1/refunds", charge=charge.id, amount=10)
    assert happened(rail)[before:] == ["refund.created", "charge.refunded"]
    await post(http, f"/v1/refunds/{refund['id']}", **{"metadata[order]": "7"})
    assert happened(rail)[before + 2 :] == ["charge.refund.updated", "refund.updated"]
    event = rail.state.all("events")[-1]
    assert event["data"]["previous_attributes"] == {"metadata": {}}
    assert event["data"]["object"]["metadata"] == {"order": "7"}


async def test_a_refund_that_is_pending_first(rail: Stripe, http: httpx.AsyncClient) -> None:
    charge = paid(rail, card="pendingRefund")
    refund = await post(http, "/v1/refunds", charge=charge.id)
    assert (refund["status"], refund["pending_reason"]) == ("pending", "processing")
    before = len(happened(rail))
    later(rail, 60)
    refund = await get(http, f"/v1/refunds/{refund['id']}")
    assert (refund["status"], refund["pending_reason"]) == ("succeeded", None)
    assert happened(rail)[before:] == ["charge.refund.updated", "refund.updated"]


async def test_a_refund_that_fails_gives_the_money_back(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    charge = paid(rail, card="refundFail")
    refund = await post(http, "/v1/refunds", charge=charge.id)
    assert refund["status"] == "succeeded"
    assert charge["refunded"] is True
    before = len(happened(rail))
    later(rail, 60)
    refund = await get(http, f"/v1/refunds/{refund['id']}")
    assert refund["status"] == "failed"
    assert refund["failure_reason"] == "expired_or_canceled_card"
    assert (charge["refunded"], charge["amount_refunded"]) == (False, 0)
    assert happened(rail)[before:] == ["charge.refund.updated", "refund.updated", "refund.failed"]
    returned = await get(http, f"/v1/balance_transactions/{refund['failure_balance_transaction']}")
    assert (returned["type"], returned["net"]) == ("refund_failure", 1_000)
    assert (await get(http, "/v1/balance"))["pending"][0]["amount"] == 941


async def test_what_was_not_captured_is_cancelled_instead(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    with rail.operation() as op:
        intent = intents.create(
            op,
            {
                "amount": 500,
                "currency": "usd",
                "payment_method": "pm_card_visa",
                "capture_method": "manual",
                "confirm": True,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            },
        )
    error = await refusal(http, "/v1/refunds", payment_intent=intent.id)
    assert error["param"] == "payment_intent"
    assert "Cancel its PaymentIntent" in error["message"]
    with rail.operation() as op:
        intents.capture(op, intent, {"amount_to_capture": 200})
    error = await refusal(http, "/v1/refunds", payment_intent=intent.id, amount=201)
    assert error["param"] == "amount"
    assert (await post(http, "/v1/refunds", payment_intent=intent.id))["amount"] == 200


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({}, "parameter_missing", "payment_intent"),
        ({"charge": "ch_none"}, "resource_missing", "charge"),
        ({"payment_intent": "pi_none"}, "resource_missing", "payment_intent"),
        ({"charge": "ch_none", "payment_intent": "pi_none"}, "parameters_exclusive", "charge"),
        ({"charge": "ch_none", "amount": "0"}, "parameter_invalid_integer", "amount"),
        ({"charge": "ch_none", "reason": "why"}, None, "reason"),
        ({"charge": "ch_none", "tip": "1"}, "parameter_unknown", "tip"),
    ],
)
async def test_requests_that_are_wrong(
    http: httpx.AsyncClient, params: dict[str, str], code: str | None, param: str
) -> None:
    error = await refusal(http, "/v1/refunds", **params)
    assert error.get("code") == code
    assert error["param"] == param


async def test_a_payment_that_never_happened_cannot_be_refunded(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    with rail.operation() as op:
        intent = intents.create(op, {"amount": 500, "currency": "usd"})
    error = await refusal(http, "/v1/refunds", payment_intent=intent.id)
    assert error["param"] == "payment_intent"
    assert "requires_payment_method" in error["message"]


async def test_only_a_refund_that_requires_action_can_be_canceled(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    charge = paid(rail)
    refund = await post(http, "/v1/refunds", charge=charge.id)
    error = await refusal(http, f"/v1/refunds/{refund['id']}/cancel")
    assert "succeeded" in error["message"]
    record = rail.state.find("refunds", refund["id"])
    assert record is not None
    rail.state.update(record, {"status": "requires_action"})
    canceled = await post(http, f"/v1/refunds/{refund['id']}/cancel")
    assert canceled["status"] == "canceled"
    assert charge["amount_refunded"] == 0
    rail.check_conservation()


async def test_refunds_are_listed_by_charge_payment_and_time(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    one, other = paid(rail), paid(rail)
    first = await post(http, "/v1/refunds", charge=one.id, amount=1)
    later(rail, 60)
    second = await post(http, "/v1/refunds", charge=other.id, amount=1)

    async def ids(**filters: object) -> list[str]:
        return [found["id"] for found in (await get(http, "/v1/refunds", **filters))["data"]]

    assert await ids() == [second["id"], first["id"]]
    assert await ids(charge=one.id) == [first["id"]]
    assert await ids(payment_intent=other["payment_intent"]) == [second["id"]]
    assert await ids(**{"created[gt]": first["created"]}) == [second["id"]]


async def test_a_refund_for_fraud_is_a_report_of_fraud(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    charge = paid(rail)
    await post(http, "/v1/refunds", charge=charge.id, amount=1, reason="duplicate")
    assert charge["fraud_details"] == {}
    await post(http, "/v1/refunds", charge=charge.id, reason="fraudulent")
    assert charge["fraud_details"] == {"user_report": "fraudulent"}


async def test_a_charge_shows_its_refunds_where_it_is_asked_to(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    """Facts: stripe 1.6: only when expanded."""
    one, other = paid(rail), paid(rail)
    mine = [(await post(http, "/v1/refunds", charge=one.id, amount=10))["id"] for _ in range(11)]
    await post(http, "/v1/refunds", charge=other.id)
    assert "refunds" not in await get(http, f"/v1/charges/{one.id}")
    shown = (await get(http, f"/v1/charges/{one.id}", **{"expand[]": "refunds"}))["refunds"]
    assert [found["id"] for found in shown["data"]] == mine[:0:-1]
    assert shown["has_more"] is True


async def test_a_refund_on_a_test_clock_waits_for_that_clock(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    """Facts: stripe 1.10: what happens on a clock carries its time, money included."""
    clock = await post(
        http, "/v1/test_helpers/test_clocks", frozen_time=rail.context.clock.now_s() + 90 * DAY_S
    )
    customer = await post(http, "/v1/customers", test_clock=clock["id"])
    intent = await post(
        http,
        "/v1/payment_intents",
        **{
            "amount": 1_000,
            "currency": "usd",
            "customer": customer["id"],
            "payment_method": "pm_card_pendingRefund",
            "confirm": "true",
            "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
        },
    )
    refund = await post(http, "/v1/refunds", payment_intent=intent["id"], amount=100)
    assert refund["created"] == clock["frozen_time"]
    later(rail, 20 * DAY_S)  # the sandbox's time is not the clock's
    assert (await get(http, f"/v1/refunds/{refund['id']}"))["status"] == "pending"
    assert (await get(http, "/v1/balance"))["pending"][0]["amount"] == 841

    path = f"/v1/test_helpers/test_clocks/{clock['id']}/advance"
    await post(http, path, frozen_time=clock["frozen_time"] + 10 * DAY_S)
    later(rail, 1)
    assert (await get(http, f"/v1/refunds/{refund['id']}"))["status"] == "succeeded"
    assert (await get(http, "/v1/balance"))["available"][0]["amount"] == 841


async def test_an_account_cannot_refund_another_s_charge(rail: Stripe) -> None:
    from mock_rails.stripe.errors import Missing
    from mock_rails.stripe.resources import refunds

    charge = paid(rail)

    def refund() -> None:
        with rail.operation("acct_other") as op:
            refunds.create(op, {"charge": charge.id})

    with pytest.raises(Missing):
        refund()
