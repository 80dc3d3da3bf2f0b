"""A card as a buyer writes it down: number, expiry, security code; or a token (stripe 1.6, 2.2)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mock_rails.stripe import card_tokens, cards
from mock_rails.stripe.errors import CardError, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.cards import TestCard
    from mock_rails.stripe.operation import Operation


class CardRefused(CardError):
    """The card said no before it was made, or saved: nothing remains of it."""

    commits = False


def read(
    op: Operation, details: Mapping[str, Any] | None, inside: str
) -> tuple[TestCard, dict[str, Any]]:
    """The test card that the details are of, and what a token of it says besides (whose it is).
    `inside` is the parameter that holds them."""
    if details is None:
        raise InvalidRequest(
            f"Missing required param: {inside}.", code="parameter_missing", param=inside
        )
    token = details.get("token")
    if token is not None:
        return card_tokens.redeem(op, token, param=f"{inside}[token]")
    for name in ("number", "exp_month", "exp_year"):
        if name not in details:
            where = f"{inside}[{name}]"
            raise InvalidRequest(
                f"Missing required param: {where}.", code="parameter_missing", param=where
            )
    _refuse_expired(op, details, inside)
    number = details["number"].replace(" ", "").replace("-", "")
    card = cards.by_number(number)
    if card is None:
        _refuse_number(number, inside)
        raise CardRefused(
            "Your card was declined. Your request was in test mode, but used a non test card. "
            "For a list of valid test cards, visit: https://stripe.com/docs/testing.",
            code="card_declined",
            decline_code="test_mode_live_card",
        )
    cvc = details.get("cvc")
    wanted = 4 if card.brand == "amex" else 3
    if cvc is not None and not (cvc.isascii() and cvc.isdecimal() and len(cvc) == wanted):
        raise CardRefused(
            "Your card's security code is invalid.", code="invalid_cvc", param=f"{inside}[cvc]"
        )
    return card, {}


def _refuse_number(number: str, inside: str) -> None:
    """Refuse what cannot be the number of any card."""
    if not (number.isascii() and number.isdecimal() and 12 <= len(number) <= 19):
        raise CardRefused(
            "The card number is not a valid credit card number.",
            code="invalid_number",
            param=f"{inside}[number]",
        )
    if not _luhn(number):
        decline = cards.DECLINES["incorrect_number"]
        raise CardRefused(decline.message, code=decline.code, param=f"{inside}[number]")


def _luhn(number: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def whole_year(year: int) -> int:
    """A year that may have been written with two digits."""
    return year + 2000 if 0 <= year < 100 else year


def _refuse_expired(op: Operation, details: Mapping[str, Any], inside: str) -> None:
    today = datetime.fromtimestamp(op.at_s, UTC)
    month, year = details["exp_month"], whole_year(details["exp_year"])
    if not 1 <= month <= 12:
        raise CardRefused(
            "Your card's expiration month is invalid.",
            code="invalid_expiry_month",
            param=f"{inside}[exp_month]",
        )
    if not today.year <= year <= today.year + 50 or (year, month) < (today.year, today.month):
        raise CardRefused(
            "Your card's expiration year is invalid.",
            code="invalid_expiry_year",
            param=f"{inside}[exp_year]",
        )
