"""Payouts (facts: stripe 1.8, 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def available(rail: Stripe) -> int:
    with rail.operation() as op:
        return ledger.amount_in(op, "usd", "available")


def in_bank(rail: Stripe) -> int:
    purse = rail.state.find(ledger.TABLE, "test/usd/world/banks")
    return 0 if purse is None else int(purse["amount"])


async def test_available_money_goes_to_the_bank(rail: Stripe, http: httpx.AsyncClient) -> None:
    paid(rail, 10_000, card="bypassPending")
    payout = await post(http, "/v1/payouts", amount=9_000, currency="usd")
    monday = rail.context.clock.now_s() + 4 * DAY_S
    assert payout == payout | {
        "object": "payout",
        "amount": 9_000,
        "status": "pending",
        "method": "standard",
        "automatic": False,
        "arrival_date": monday,
    }
    assert available(rail) == 680
    booked = await get(http, f"/v1/balance_transactions/{payout['balance_transaction']}")
    assert (booked["type"], booked["amount"], booked["fee"]) == ("payout", -9_000, 0)

    later(rail, DAY_S)  # Friday
    assert (await get(http, f"/v1/payouts/{payout['id']}"))["status"] == "in_transit"
    assert in_bank(rail) == 0
    later(rail, 3 * DAY_S)
    assert (await get(http, f"/v1/payouts/{payout['id']}"))["status"] == "paid"
    assert in_bank(rail) == 9_000
    assert happened(rail, "payout.") == ["payout.created", "payout.updated", "payout.paid"]


async def test_pending_money_cannot_be_paid_out(rail: Stripe, http: httpx.AsyncClient) -> None:
    paid(rail, 10_000)
    error = await refusal(http, "/v1/payouts", amount=1, currency="usd")
    assert error["code"] == "balance_insufficient"
    assert error["type"] == "invalid_request_error"
    assert happened(rail, "payout.") == []
    later(rail, 4 * DAY_S)
    await post(http, "/v1/payouts", amount=9_680, currency="usd")
    error = await refusal(http, "/v1/payouts", amount=1, currency="usd")
    assert error["code"] == "balance_insufficient"
    error = await refusal(http, "/v1/payouts", amount=1, currency="eur")
    assert error["code"] == "balance_insufficient"


async def test_an_instant_payout_costs_1_5_percent(rail: Stripe, http: httpx.AsyncClient) -> None:
    paid(rail, 10_000, card="bypassPending")
    error = await refusal(http, "/v1/payouts", amount=9_680, currency="usd", method="instant")
    assert error["code"] == "balance_insufficient"
    payout = await post(http, "/v1/payouts", amount=8_000, currency="usd", method="instant")
    booked = await get(http, f"/v1/balance_transactions/{payout['balance_transaction']}")
    assert (booked["amount"], booked["fee"], booked["net"]) == (-8_000, 120, -8_120)
    assert payout["status"] == "in_transit"
    later(rail, 1_800)
    assert (await get(http, f"/v1/payouts/{payout['id']}"))["status"] == "paid"
    assert in_bank(rail) == 8_000


async def test_a_payout_can_be_canceled_until_it_leaves(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    paid(rail, 10_000, card="bypassPending")
    payout = await post(http, "/v1/payouts", amount=4_000, currency="usd")
    canceled = await post(http, f"/v1/payouts/{payout['id']}/cancel")
    assert canceled["status"] == "canceled"
    assert canceled["failure_balance_transaction"]
    assert available(rail) == 9_680
    second = await post(http, "/v1/payouts", amount=4_000, currency="usd")
    later(rail, 4 * DAY_S)
    error = await refusal(http, f"/v1/payouts/{second['id']}/cancel")
    assert "paid" in error["message"]
    assert happened(rail, "payout.")[:2] == ["payout.created", "payout.canceled"]
    assert in_bank(rail) == 4_000


@pytest.mark.parametrize("days", [0, 1, 4])
async def test_the_bank_can_send_a_payout_back(
    rail: Stripe, http: httpx.AsyncClient, days: int
) -> None:
    paid(rail, 10_000, card="bypassPending")
    payout = await post(http, "/v1/payouts", amount=4_000, currency="usd")
    later(rail, days * DAY_S)
    path = f"/_sandbox/payouts/{payout['id']}/fail"
    answer = await http.post(path, json={"failure_code": "account_closed"})
    assert answer.status_code == 200, answer.text
    failed = await get(http, f"/v1/payouts/{payout['id']}")
    assert (failed["status"], failed["failure_code"]) == ("failed", "account_closed")
    assert available(rail) == 9_680
    later(rail, 4 * DAY_S)
    assert in_bank(rail) == 0
    assert happened(rail, "payout.")[-1] == "payout.failed"
    assert (await http.post(path, json={})).status_code == 400


async def test_payouts_are_listed_by_status_and_arrival(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    paid(rail, 10_000, card="bypassPending")
    first = await post(http, "/v1/payouts", amount=1_000, currency="usd")
    later(rail, 4 * DAY_S)
    second = await post(http, "/v1/payouts", amount=1_000, currency="usd", description="rent")

    async def ids(**filters: object) -> list[str]:
        return [found["id"] for found in (await get(http, "/v1/payouts", **filters))["data"]]

    assert await ids() == [second["id"], first["id"]]
    assert await ids(status="paid") == [first["id"]]
    assert await ids(**{"arrival_date[gt]": first["arrival_date"]}) == [second["id"]]


async def test_nothing_belongs_to_a_payout_that_was_asked_for_by_hand(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    paid(rail, 10_000, card="bypassPending")
    payout = await post(http, "/v1/payouts", amount=1_000, currency="usd")
    answer = await http.get("/v1/balance_transactions", params={"payout": payout["id"]})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "payout"


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"currency": "usd"}, "amount"),
        ({"amount": "0", "currency": "usd"}, "amount"),
        ({"amount": "1"}, "currency"),
        ({"amount": "1", "currency": "xyz"}, "currency"),
        ({"amount": "1", "currency": "usd", "method": "slow"}, "method"),
        ({"amount": "1", "currency": "usd", "destination": "ba_none"}, "destination"),
    ],
)
async def test_requests_that_are_wrong(
    http: httpx.AsyncClient, params: dict[str, str], param: str
) -> None:
    assert (await refusal(http, "/v1/payouts", **params))["param"] == param
