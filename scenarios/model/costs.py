"""What a visit costs in fees on each rail and intent: the tables, added up.

All amounts are base units, summed over payer and payee: whoever pays a fee, the trade has lost it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.execution.fees import fee_amount
from scenarios.facts import cards, lightning, tempo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HOPS: Final = 3
"""Channels between payer and payee; two nodes forward."""
_SURPLUS: Final = 2
"""A Lightning session's deposit, as a multiple of what is spent; the rest is sent back."""


def tempo_charge(requests: int, price: int, base_fee: int) -> int:
    """A transaction a request."""
    del price
    return requests * fee_amount(tempo.CHARGE, base_fee)


def tempo_session(requests: int, price: int, base_fee: int) -> int:
    """Open and close, whatever is in between."""
    del requests, price
    return fee_amount(tempo.OPEN, base_fee) + fee_amount(tempo.CLOSE, base_fee)


def tempo_session_again(requests: int, price: int, base_fee: int) -> int:
    """The same for a payer who had a channel closed before, whose slot is used again."""
    del requests, price
    return fee_amount(tempo.OPEN_AGAIN, base_fee) + fee_amount(tempo.CLOSE, base_fee)


def card_charge(requests: int, price: int, base_fee: int) -> int | None:
    """A token and a card payment a request; None below the least that a card can pay."""
    del base_fee
    if price < cards.LEAST:
        return None
    return requests * (cards.card_fee(price) + cards.TOKEN)


def card_once(requests: int, price: int, base_fee: int) -> int | None:
    """One card payment for the whole visit, paid before or after it."""
    return card_charge(1, requests * price, base_fee)


def lightning_charge(requests: int, price: int, base_fee: int) -> int:
    """An invoice a request."""
    del base_fee
    return requests * lightning.routing_fee(price, _HOPS)


def lightning_session(requests: int, price: int, base_fee: int) -> int:
    """A deposit of twice what is spent, and the other half sent back."""
    del base_fee
    spent = requests * price
    back = lightning.routing_fee((_SURPLUS - 1) * spent, _HOPS)
    return lightning.routing_fee(_SURPLUS * spent, _HOPS) + back


AGAIN: Final = "tempo session again"
WAYS: Final[Mapping[str, Callable[[int, int, int], int | None]]] = {
    "tempo charge": tempo_charge,
    "tempo session": tempo_session,
    AGAIN: tempo_session_again,
    "card charge": card_charge,
    "card once": card_once,
    "lightning charge": lightning_charge,
    "lightning session": lightning_session,
}
"""Each takes requests, price and base fee; None where the rail cannot carry it."""
