"""Balances and balance transactions (facts: stripe 1.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_rails.core.errors import ConservationError
from mock_rails.stripe import ledger
from mock_rails.stripe.errors import Missing
from tests.unit.mock_rails.stripe.money.support import DAY_S, get, happened, later, paid, pay

if TYPE_CHECKING:
    import httpx

    from mock_rails.stripe.rail import Stripe

NOTHING = {"amount": 0, "currency": "usd", "source_types": {"card": 0}}


async def test_a_balance_without_money(http: httpx.AsyncClient) -> None:
    balance = await get(http, "/v1/balance")
    assert balance["object"] == "balance"
    assert balance["livemode"] is False
    assert balance["available"] == balance["pending"] == balance["connect_reserved"] == [NOTHING]


async def test_a_payment_is_pending_until_two_business_days_have_passed(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    charge = paid(rail)  # on New Year of 2026, a Thursday
    booked = await get(http, f"/v1/balance_transactions/{charge['balance_transaction']}")
    assert booked == booked | {
        "object": "balance_transaction",
        "amount": 1_000,
        "fee": 59,
        "net": 941,
        "type": "charge",
        "reporting_category": "charge",
        "source": charge.id,
        "status": "pending",
        "available_on": rail.context.clock.now_s() + 4 * DAY_S,  # the Monday after
    }
    assert (await get(http, "/v1/balance"))["pending"][0]["amount"] == 941

    later(rail, 4 * DAY_S - 1)
    assert (await get(http, "/v1/balance"))["available"][0]["amount"] == 0
    later(rail, 1)
    balance = await get(http, "/v1/balance")
    assert balance["available"] == [
        {"amount": 941, "currency": "usd", "source_types": {"card": 941}}
    ]
    assert balance["pending"] == [NOTHING]
    booked = await get(http, f"/v1/balance_transactions/{booked['id']}")
    assert booked["status"] == "available"


async def test_a_day_s_money_is_released_at_once_and_told_once(rail: Stripe) -> None:
    for hour in range(3):
        paid(rail, 1_000 + hour)
        later(rail, 3_600)
    later(rail, DAY_S)
    paid(rail, 5_000)  # another day's
    later(rail, 3 * DAY_S)
    assert happened(rail, "balance.") == ["balance.available"]
    (event,) = [one for one in rail.state.all("events") if one["type"] == "balance.available"]
    assert event["data"]["object"]["available"][0]["amount"] == 941 + 942 + 943
    later(rail, DAY_S)
    assert happened(rail, "balance.") == ["balance.available"] * 2


def test_the_bypass_card_s_money_is_available_at_once(rail: Stripe) -> None:
    """Facts: stripe 2.1."""
    paid(rail, card="bypassPending")
    with rail.operation() as op:
        assert ledger.amount_in(op, "usd", "available") == 941
    assert happened(rail, "balance.") == []


def test_currencies_are_kept_apart(rail: Stripe) -> None:
    paid(rail, 1_000, currency="eur")
    paid(rail, 1_000)
    later(rail, 4 * DAY_S)
    with rail.operation() as op:
        assert ledger.amounts(op, "available") == {"eur": 941, "usd": 941}


def test_a_call_that_fails_takes_its_postings_back(rail: Stripe) -> None:
    def fails() -> None:
        with rail.operation() as op:
            pay(op)
            op.get("charges", "ch_none")

    with pytest.raises(Missing):
        fails()
    assert rail.snapshot()["tables"] == {}
    assert rail.agenda.next_due() is None
    paid(rail)
    later(rail, 4 * DAY_S)
    assert happened(rail, "balance.") == ["balance.available"]


def test_a_snapshot_holds_what_is_pending(rail: Stripe) -> None:
    paid(rail)
    saved = rail.snapshot()
    later(rail, 4 * DAY_S)
    rail.reset()
    rail.restore(saved)
    rail.check_conservation()
    rail.catch_up()
    with rail.operation() as op:
        assert ledger.amounts(op, "available") == {"usd": 941}
    assert happened(rail, "balance.") == ["balance.available"]


async def test_balance_transactions_can_be_filtered(rail: Stripe, http: httpx.AsyncClient) -> None:
    first = paid(rail)
    later(rail, 60)
    second = paid(rail, 2_000, currency="eur")
    path = "/v1/balance_transactions"

    async def sources(**filters: object) -> list[str]:
        return [one["source"] for one in (await get(http, path, **filters))["data"]]

    assert await sources() == [second.id, first.id]
    assert await sources(currency="eur") == [second.id]
    assert await sources(source=first.id) == [first.id]
    assert await sources(type="refund") == []
    assert await sources(type="charge", limit=1) == [second.id]
    assert await sources(**{"created[lt]": second["created"]}) == [first.id]


def test_live_and_test_money_do_not_meet(rail: Stripe) -> None:
    with rail.operation(livemode=True) as op:
        pay(op)
    with rail.operation() as op:
        assert ledger.amounts(op, "pending") == {}
    with rail.operation(livemode=True) as op:
        assert ledger.amounts(op, "pending") == {"usd": 941}
    rail.check_conservation()


# -- the books themselves --------------------------------------------------------------------------


def test_a_posting_from_nowhere_is_refused(rail: Stripe) -> None:
    with pytest.raises(ConservationError), rail.operation() as op:
        ledger.post(op, "usd", {"available": 5, "world/cards": -4})


def test_the_check_finds_money_that_no_transaction_explains(rail: Stripe) -> None:
    with rail.operation() as op:
        ledger.post(op, "usd", {"available": 5, "world/cards": -5})
    with pytest.raises(ConservationError, match="balance transactions"):
        rail.check_conservation()


@pytest.mark.parametrize(("field", "value"), [("fee", 58), ("net", 940), ("status", "available")])
def test_the_check_finds_a_transaction_that_was_tampered_with(
    rail: Stripe, field: str, value: object
) -> None:
    charge = paid(rail)
    booked = rail.state.find("balance_transactions", charge["balance_transaction"])
    assert booked is not None
    rail.state.update(booked, {field: value})
    with pytest.raises(ConservationError):
        rail.check_conservation()


def test_the_check_finds_a_purse_that_was_tampered_with(rail: Stripe) -> None:
    paid(rail)
    fees = rail.state.find(ledger.TABLE, "test/usd/stripe/fees")
    assert fees is not None
    rail.state.update(fees, {"amount": 0})
    with pytest.raises(ConservationError, match="the usd books are off by -59"):
        rail.check_conservation()
