"""The test cards and the limits of currencies (facts: stripe 2.1-2.3, 2.9)."""

from __future__ import annotations

import pytest

from mock_rails.stripe import cards
from mock_rails.stripe.currencies import check_amount, check_currency, in_words
from mock_rails.stripe.errors import InvalidRequest


@pytest.mark.parametrize(
    ("spelling", "number"),
    [
        ("visa", "4242424242424242"),
        ("visa_chargeDeclined", "4000000000000002"),
        ("chargeDeclined", "4000000000000002"),
        ("chargeDeclinedExpiredCard", "4000000000000069"),
        ("visa_chargeDeclinedExpiredCard", "4000000000000069"),
        ("visa_debit", "4000056655665556"),
        ("createDispute", "4000000000000259"),
    ],
)
def test_a_card_has_an_id_a_token_and_a_number_with_or_without_visa(
    spelling: str, number: str
) -> None:
    card = cards.by_number(number)
    assert card is not None
    assert cards.by_id(f"pm_card_{spelling}") is card
    assert cards.by_token(f"tok_{spelling}") is card


@pytest.mark.parametrize("stranger", ["pm_1234", "pm_card_gold", "tok_gold", "spt_1", "visa", ""])
def test_other_ids_are_no_cards(stranger: str) -> None:
    assert cards.by_id(stranger) is None
    assert cards.by_token(stranger) is None
    assert cards.by_number(stranger) is None


def test_every_card_has_a_number_and_a_name_of_its_own() -> None:
    assert len({card.number for card in cards.CARDS}) == len(cards.CARDS)
    assert len({card.name for card in cards.CARDS}) == len(cards.CARDS)


def test_each_decline_says_something_else() -> None:
    """Sellers repeat the message to the payer (facts: stripe 2.2)."""
    said = [
        decline.message
        for name, decline in cards.DECLINES.items()
        if name not in ("generic_decline", "fraudulent")
    ]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize(
    ("code", "decline_code", "message"),
    [
        (None, None, "Your card was declined."),
        ("expired_card", None, "Your card has expired."),
        ("card_declined", "insufficient_funds", "Your card has insufficient funds."),
        (None, "do_not_honor", "Your card was declined."),
        ("withdrawal_count_limit_exceeded", None, "Your card was declined."),
    ],
)
def test_a_decline_can_be_had_by_its_codes(
    code: str | None, decline_code: str | None, message: str
) -> None:
    decline = cards.decline_of(code, decline_code)
    assert decline.code == code or (code is None and decline.code == "card_declined")
    assert decline.message == message
    if decline_code is not None:
        assert decline.decline_code == decline_code


@pytest.mark.parametrize(
    ("currency", "least"), [("usd", 50), ("gbp", 30), ("jpy", 50), ("huf", 17_500), ("xof", 1)]
)
def test_a_currency_has_a_least_amount(currency: str, least: int) -> None:
    check_amount(least, currency)
    with pytest.raises(InvalidRequest) as refused:
        check_amount(least - 1, currency)
    assert (refused.value.stripe_code, refused.value.param) == ("amount_too_small", "amount")


def test_amounts_have_eight_digits_at_most() -> None:
    check_amount(99_999_999, "usd")
    with pytest.raises(InvalidRequest) as refused:
        check_amount(100_000_000, "usd")
    assert refused.value.stripe_code == "amount_too_large"


@pytest.mark.parametrize(
    ("amount", "currency"), [(1_001, "kwd"), (1_055, "bhd"), (1_010, "isk"), (150, "ugx")]
)
def test_some_currencies_take_round_amounts_only(amount: int, currency: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_amount(amount, currency)
    assert refused.value.param == "amount"


def test_codes_are_taken_in_either_case_and_unknown_ones_refused() -> None:
    assert check_currency("USD") == "usd"
    with pytest.raises(InvalidRequest) as refused:
        check_currency("usdc")
    assert refused.value.param == "currency"


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [(50, "usd", "0.50 usd"), (500, "jpy", "500 jpy"), (1_230, "kwd", "1.230 kwd")],
)
def test_amounts_are_written_as_people_do(amount: int, currency: str, words: str) -> None:
    assert in_words(amount, currency) == words
