"""Disputes (facts: stripe 1.8, 2.3, 3, 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.stripe import ledger
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


async def disputed(rail: Stripe, http: httpx.AsyncClient, card: str) -> dict[str, Any]:
    """The dispute of a payment of 10.00, which is pending meanwhile."""
    charge = paid(rail, card=card)
    later(rail, 1)
    (dispute,) = (await get(http, "/v1/disputes", charge=charge.id))["data"]
    found: dict[str, Any] = dispute
    return found


def available(rail: Stripe) -> int:
    with rail.operation() as op:
        return ledger.amount_in(op, "usd", "available")


async def test_a_chargeback_takes_the_payment_and_a_fee(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    dispute = await disputed(rail, http, "createDispute")
    charge = rail.state.find("charges", dispute["charge"])
    assert charge is not None
    assert charge["disputed"] is True
    assert dispute == dispute | {
        "object": "dispute",
        "amount": 1_000,
        "reason": "fraudulent",
        "status": "needs_response",
        "is_charge_refundable": False,
        "payment_intent": charge["payment_intent"],
    }
    assert dispute["payment_method_details"]["card"]["case_type"] == "chargeback"
    (taken,) = dispute["balance_transactions"]
    assert (taken["type"], taken["amount"], taken["fee"], taken["net"]) == (
        "adjustment",
        -1_000,
        1_500,
        -2_500,
    )
    assert available(rail) == -2_500
    assert happened(rail, "charge.dispute") == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    ]


async def test_a_charged_back_payment_cannot_be_refunded_too(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    dispute = await disputed(rail, http, "createDispute")
    error = await refusal(http, "/v1/refunds", charge=dispute["charge"], amount=1)
    assert error["code"] == "charge_disputed"


async def test_winning_evidence_brings_the_money_back_but_not_the_fee(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    dispute = await disputed(rail, http, "createDisputeProductNotReceived")
    assert dispute["reason"] == "product_not_received"
    path = f"/v1/disputes/{dispute['id']}"
    answered = await post(http, path, **{"evidence[uncategorized_text]": "winning_evidence"})
    assert answered["status"] == "under_review"
    assert answered["evidence_details"]["submission_count"] == 1
    assert answered["evidence_details"]["has_evidence"] is True
    later(rail, 60)
    won = await get(http, path)
    assert won["status"] == "won"
    assert [one["reporting_category"] for one in won["balance_transactions"]] == [
        "dispute",
        "dispute_reversal",
    ]
    assert available(rail) == -1_500
    assert happened(rail, "charge.dispute")[2:] == [
        "charge.dispute.updated",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    refund = await post(http, "/v1/refunds", charge=dispute["charge"])
    assert refund["amount"] == 1_000


async def test_losing_evidence_loses(rail: Stripe, http: httpx.AsyncClient) -> None:
    dispute = await disputed(rail, http, "createDispute")
    path = f"/v1/disputes/{dispute['id']}"
    await post(http, path, **{"evidence[uncategorized_text]": "losing_evidence"})
    later(rail, 60)
    assert (await get(http, path))["status"] == "lost"
    assert available(rail) == -2_500
    error = await refusal(http, "/v1/refunds", charge=dispute["charge"])
    assert error["code"] == "charge_disputed"
    buyer = rail.state.find(ledger.TABLE, "test/usd/world/cards")
    assert buyer is not None
    assert buyer["amount"] == 0


async def test_evidence_can_be_staged_and_is_submitted_once(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    dispute = await disputed(rail, http, "createDispute")
    path = f"/v1/disputes/{dispute['id']}"
    staged = await post(http, path, submit="false", **{"evidence[customer_name]": "Ada"})
    assert staged["status"] == "needs_response"
    assert staged["evidence"]["customer_name"] == "Ada"
    assert staged["evidence_details"]["submission_count"] == 0
    labelled = await post(http, path, **{"metadata[case]": "9"})
    assert labelled["status"] == "needs_response"
    sent = await post(http, path, submit="true")
    assert sent["status"] == "under_review"
    error = await refusal(http, path, **{"evidence[customer_name]": "Eve"})
    assert error["param"] == "evidence"
    later(rail, 30 * DAY_S)
    assert (await get(http, path))["status"] == "under_review"  # no bank of the tests decides
    answer = await http.post(f"/_sandbox/disputes/{dispute['id']}/decide", json={"decision": "won"})
    assert answer.status_code == 200, answer.text
    assert (await get(http, path))["status"] == "won"


async def test_closing_a_dispute_accepts_it(rail: Stripe, http: httpx.AsyncClient) -> None:
    dispute = await disputed(rail, http, "createDispute")
    closed = await post(http, f"/v1/disputes/{dispute['id']}/close")
    assert closed["status"] == "lost"
    assert "lost" in (await refusal(http, f"/v1/disputes/{dispute['id']}/close"))["message"]
    rail.check_conservation()


async def test_a_dispute_that_nobody_answers_is_lost_when_it_is_due(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    dispute = await disputed(rail, http, "createDispute")
    due_s = dispute["evidence_details"]["due_by"] - rail.context.clock.now_s()
    later(rail, due_s - 1)
    assert (await get(http, f"/v1/disputes/{dispute['id']}"))["status"] == "needs_response"
    later(rail, 1)
    assert (await get(http, f"/v1/disputes/{dispute['id']}"))["status"] == "lost"


async def test_an_inquiry_takes_no_money(rail: Stripe, http: httpx.AsyncClient) -> None:
    dispute = await disputed(rail, http, "createDisputeInquiry")
    assert dispute["status"] == "warning_needs_response"
    assert dispute["is_charge_refundable"] is True
    assert dispute["balance_transactions"] == []
    assert available(rail) == 0
    path = f"/v1/disputes/{dispute['id']}"
    await post(http, path, **{"evidence[uncategorized_text]": "winning_evidence"})
    later(rail, 60)
    assert (await get(http, path))["status"] == "warning_closed"
    assert "charge.dispute.funds_withdrawn" not in happened(rail)


async def test_an_inquiry_can_escalate(rail: Stripe, http: httpx.AsyncClient) -> None:
    dispute = await disputed(rail, http, "createDisputeInquiry")
    await post(http, "/v1/refunds", charge=dispute["charge"], amount=400)
    path = f"/v1/disputes/{dispute['id']}"
    await post(http, path, **{"evidence[uncategorized_text]": "escalate_inquiry_evidence"})
    later(rail, 60)
    escalated = await get(http, path)
    assert escalated["status"] == "needs_response"
    assert escalated["amount"] == 600
    assert escalated["payment_method_details"]["card"]["case_type"] == "chargeback"
    assert available(rail) == -600 - 1_500
    later(rail, 9 * DAY_S)
    assert (await get(http, path))["status"] == "lost"


async def test_an_inquiry_ends_by_itself(rail: Stripe, http: httpx.AsyncClient) -> None:
    dispute = await disputed(rail, http, "createDisputeInquiry")
    later(rail, 120 * DAY_S)
    assert (await get(http, f"/v1/disputes/{dispute['id']}"))["status"] == "warning_closed"


async def test_a_payment_can_be_disputed_in_parts(rail: Stripe, http: httpx.AsyncClient) -> None:
    charge = paid(rail, 1_001, card="createMultipleDisputes")
    later(rail, 1)
    found = (await get(http, "/v1/disputes", charge=charge.id))["data"]
    assert [(one["reason"], one["amount"]) for one in found] == [
        ("product_not_received", 500),
        ("fraudulent", 500),
    ]
    error = await refusal(http, "/v1/refunds", charge=charge.id, amount=2)
    assert error["param"] == "amount"
    assert (await post(http, "/v1/refunds", charge=charge.id))["amount"] == 1


async def test_what_was_refunded_before_cannot_be_disputed(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    with rail.operation() as op:
        from mock_rails.stripe.resources import refunds
        from tests.unit.mock_rails.stripe.money.support import pay

        charge = pay(op, card="createDispute")
        refunds.create(op, {"charge": charge.id})
    later(rail, 1)
    assert (await get(http, "/v1/disputes"))["data"] == []
    assert charge["disputed"] is False


@pytest.mark.parametrize(
    ("params", "status", "param"),
    [
        ({"evidence[receipt]": "file_1"}, 501, "evidence[receipt]"),
        ({"evidence[appeal][reason]": "no"}, 501, "evidence[appeal]"),
        ({"evidence[alibi]": "no"}, 400, "evidence[alibi]"),
        ({"submit": "perhaps"}, 400, "submit"),
    ],
)
async def test_evidence_that_cannot_be_taken(
    rail: Stripe, http: httpx.AsyncClient, params: dict[str, str], status: int, param: str
) -> None:
    dispute = await disputed(rail, http, "createDispute")
    answer = await http.post(f"/v1/disputes/{dispute['id']}", data=params)
    assert answer.status_code == status
    assert answer.json()["error"]["param"] == param


async def test_a_bank_can_warn_of_fraud_without_disputing(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    charge = paid(rail, card="createIssuerFraudRecord")
    later(rail, 1)
    (warning,) = (await get(http, "/v1/radar/early_fraud_warnings", charge=charge.id))["data"]
    assert warning == warning | {
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": charge.id,
        "payment_intent": charge["payment_intent"],
    }
    assert await get(http, f"/v1/radar/early_fraud_warnings/{warning['id']}") == warning
    assert happened(rail, "radar.") == ["radar.early_fraud_warning.created"]
    assert (await get(http, "/v1/disputes"))["data"] == []
