"""Card tokens: a card number that a browser has handed in, named by a `tok_…` that can be used
once (facts: stripe 1.1, 1.6). `tok_visa` and the like are test cards and no tokens of anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import cards
from mock_rails.stripe.errors import InvalidRequest, Missing

if TYPE_CHECKING:
    from mock_rails.stripe.cards import TestCard
    from mock_rails.stripe.operation import Operation

TABLE: Final = "tokens"


def redeem(op: Operation, token: str, *, param: str) -> tuple[TestCard, dict[str, Any]]:
    """The card of a token, and what its owner wrote beside the number: when it expires, and whose
    it is (as parameters of a PaymentMethod). The token is used up."""
    named = cards.by_token(token)
    if named is not None:
        return named, {}
    record = op.find(TABLE, token)
    card = None if record is None else cards.by_number(record.hidden["number"])
    if record is None or card is None:
        raise Missing("token", token, param=param)
    if record["used"]:
        raise InvalidRequest(
            f"You cannot use a Stripe token more than once: {token}.",
            code="token_already_used",
            param=param,
        )
    op.update(record, {"used": True})
    expiry = {name: record["card"][name] for name in ("exp_month", "exp_year")}
    return card, {"card": expiry, "billing_details": record.hidden["billing_details"]}
