"""Challenges that may be answered again: the voucher goes with the request, in one round trip.

A voucher is a larger total of the same channel and not a payment of its own, so a session's
challenge may be answered until it expires (facts, protocol 2.5 and 2.10); a charge's is for one
payment and is never kept. A challenge is kept for the method and URL that it was given for, query
included, so that no other place sees the credential; and only after the server has taken it with a
receipt. A server that twice refuses what it was sent ahead is asked first from then on.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from sandbox.client.payer import ChannelPayer
from sandbox.client.selection import SPARE, Choice, is_expired

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from sandbox.client.payer import Order

MOST: Final = 256
"""Places whose challenges are kept; the longest unused is forgotten first."""

_PATIENCE: Final = 2


class _Place(NamedTuple):
    """What is known of one method and URL."""

    choice: Choice | None = None
    refusals: int = 0


class KeptChallenges:
    """One client's challenges that may be answered again."""

    def __init__(self, clock: Clock, *, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._places: OrderedDict[tuple[str, str], _Place] = OrderedDict()

    def __len__(self) -> int:
        """How many places are remembered."""
        return len(self._places)

    def find(self, order: Order) -> Choice | None:
        """What to answer before it is asked; None if the server is to be asked first."""
        key = _key(order)
        place = self._places.get(key)
        if place is None or place.choice is None:
            return None
        self._places.move_to_end(key)
        challenge, payer = place.choice
        if is_expired(challenge, self._clock.utc() + SPARE):
            return None
        # Only a payer that can is kept, and to ask it for its whole protocol again takes time.
        can_pay_ahead = cast("ChannelPayer", payer).can_pay_ahead
        return place.choice if can_pay_ahead(challenge, order) else None

    def taken(self, order: Order, choice: Choice, *, has_receipt: bool) -> None:
        """The server accepted a credential for this challenge. Without a receipt nobody knows
        whether it cost anything, and the next request asks."""
        challenge, payer = choice
        key = _key(order)
        place = self._places.get(key, _Place())
        if place.choice is choice and has_receipt:
            return
        if challenge.intent != "session" or not isinstance(payer, ChannelPayer):
            return
        keeps = has_receipt and challenge.digest is None and place.refusals < _PATIENCE
        self._places[key] = place._replace(choice=choice if keeps else None)
        self._places.move_to_end(key)
        if len(self._places) > self._most:
            self._places.popitem(last=False)

    def taken_ahead(self, order: Order) -> None:
        """What was sent ahead was accepted: earlier refusals had other reasons."""
        place = self._places.get(_key(order))
        if place is not None and place.refusals:
            self._places[_key(order)] = place._replace(refusals=0)

    def refused_ahead(self, order: Order) -> None:
        """What was sent ahead was refused: the challenge is not answered again."""
        place = self._places.get(_key(order), _Place())
        self._places[_key(order)] = _Place(None, place.refusals + 1)


def _key(order: Order) -> tuple[str, str]:
    return order.method, order.url.partition("#")[0]
