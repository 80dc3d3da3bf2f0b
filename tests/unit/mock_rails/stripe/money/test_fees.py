"""What Stripe charges (facts: stripe 3), and how it is rounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_rails.stripe import fees
from mock_rails.stripe.fees import PRICES, Price, processing_fee, single_fee
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.settings import StripeSettings

if TYPE_CHECKING:
    from mock_rails.core.rail import RailContext

# The amounts of the sheet's table. 0.3145 is 31 cents, 0.358 is 36; 1.5 % of a cent is nothing.
CARD = [(50, 31), (100, 33), (200, 36), (500, 45), (1_000, 59), (10_000, 320)]
STABLECOIN = [(1, 0), (50, 1), (100, 2), (200, 3), (500, 8), (1_000, 15), (10_000, 150)]


@pytest.mark.parametrize(("amount", "fee"), CARD)
def test_a_card_costs_2_9_percent_and_30_cents(rail: Stripe, amount: int, fee: int) -> None:
    with rail.operation() as op:
        total, details = processing_fee(op, "card", amount, "usd")
    assert total == fee
    assert details == [
        {
            "amount": fee,
            "application": None,
            "currency": "usd",
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]


@pytest.mark.parametrize(("amount", "fee"), STABLECOIN)
def test_a_stablecoin_payment_costs_1_5_percent(rail: Stripe, amount: int, fee: int) -> None:
    with rail.operation() as op:
        total, details = processing_fee(op, "crypto", amount, "usd")
    assert total == fee
    assert [one["amount"] for one in details] == ([fee] if fee else [])


def test_a_card_from_abroad_costs_1_5_percent_more_rounded_once(rail: Stripe) -> None:
    with rail.operation() as op:
        assert processing_fee(op, "card", 1_010, "usd", country="DE")[0] == 74  # 44.44 + 30
        assert processing_fee(op, "card", 1_010, "usd", country="US")[0] == 59  # 29.29 + 30
        assert processing_fee(op, "crypto", 1_000, "usd", country="DE")[0] == 15


def test_rounding_down_is_a_setting(context: RailContext) -> None:
    down = Stripe(context, StripeSettings(round_half_up=False))
    with down.operation() as op:
        assert processing_fee(op, "card", 200, "usd")[0] == 35  # 35.8
        assert processing_fee(op, "crypto", 100, "usd")[0] == 1  # 1.5


def test_other_prices_are_a_setting(context: RailContext) -> None:
    prices = {"card": Price(500, 5)}  # what microtransactions once cost
    cheap = Stripe(context, StripeSettings(prices=prices))
    with cheap.operation() as op:
        assert processing_fee(op, "card", 100, "usd")[0] == 10
        assert processing_fee(op, "crypto", 1_000, "usd")[0] == 15  # as published


def test_fees_with_a_least_amount(rail: Stripe) -> None:
    with rail.operation() as op:
        assert single_fee(op, "instant_payout", 1_000, "usd")[0] == 50
        assert single_fee(op, "instant_payout", 10_000, "usd")[0] == 150
        assert single_fee(op, "dispute", 10_000, "usd")[0] == 1_500
        assert single_fee(op, "shared_payment_token", 10_000, "usd")[0] == 15


def test_fees_with_a_largest_amount(context: RailContext) -> None:
    rail = Stripe(context)
    with rail.operation() as op:
        assert fees.fee(op, ("ach_debit",), 10_000, "usd") == 80
        assert fees.fee(op, ("ach_debit",), 1_000_000, "usd") == 500


def test_fixed_parts_follow_the_currency_by_its_least_charge(rail: Stripe) -> None:
    """Prices of other countries are not published in the sheet; least charges are (2.9)."""
    with rail.operation() as op:
        assert processing_fee(op, "card", 10_000, "gbp")[0] == 290 + 18
        assert processing_fee(op, "card", 10_000, "mxn")[0] == 290 + 600
        assert processing_fee(op, "card", 10_000, "jpy")[0] == 290 + 30


def test_every_price_says_where_it_is_from() -> None:
    for name, price in PRICES.items():
        assert all((price.source, price.read_on)), name
    assert PRICES["shared_payment_token"].confidence == "low"
    assert PRICES["shared_payment_token"].payer == "issuer"
    assert PRICES["refund"] == Price()  # the fee is kept instead
