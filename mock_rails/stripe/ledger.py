"""The books: double entry, in the smallest unit of each currency (facts: stripe 1.8).

Every posting moves money between purses and sums to nothing, so nothing appears or vanishes. A
purse is one account's money of one kind (`available`, `pending`, …) or the outside world's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.core.errors import ConservationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.model import State

NAME: Final = "ledger"


def post(state: State, currency: str, entries: Mapping[str, int]) -> None:
    """Move money between purses; the entries sum to nothing."""
    if sum(entries.values()) != 0:
        raise ConservationError(f"a posting of {sum(entries.values())} {currency} from nowhere")
    books: dict[str, int] = dict(state.value(NAME, {}))
    for purse, amount in entries.items():
        key = f"{currency}/{purse}"
        books[key] = books.get(key, 0) + amount
    state.put(NAME, books)


def check(state: State) -> None:
    """Raise unless all purses of each currency sum to nothing."""
    sums: dict[str, int] = {}
    for key, amount in state.value(NAME, {}).items():
        currency = key.partition("/")[0]
        sums[currency] = sums.get(currency, 0) + amount
    for currency, amount in sums.items():
        if amount:
            raise ConservationError(f"the {currency} books are off by {amount}")
