"""Gives every event of a rail the exchange that it belongs to: one id across HTTP and rails.

The gate gives an exchange its id when it says the first thing about it, and by then the block is
sealed and the card is charged: who belongs to whom is known afterwards, from the names that both
sides use (`sandbox.journaling.keys`). So it is worked out when somebody reads, and neither the
rails nor the hot path know of it.

Whose an event is, where several exchanges name the same challenge or transaction:

- an invoice belongs to the 402 that offered it;
- all else to the exchange that was paid by it; where none was, to the next one that tried, else to
  the last that did;
- what nobody has presented belongs to the 402 that asked for it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox.journaling.keys import Key, Rails, Tie, claimed, is_gate, offered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox.journaling.exchange import Event

_OFFERS: Final = frozenset({"invoice.created", "l402.challenged"})
"""What a 402 causes by asking."""


@dataclass(frozen=True, slots=True)
class Record:
    """One step: an event, and the exchanges that it is a step of. A block may be a step of several,
    and what nobody paid for of none."""

    event: Event
    exchanges: tuple[str, ...]
    tie: str | None = None
    """The name that they share, where the event did not say its exchange itself."""

    def to_json(self) -> dict[str, Any]:
        """The event with what was found out."""
        (first, *more) = self.exchanges or (None,)
        told: dict[str, Any] = {**self.event, "exchange": first}
        if more:
            told["exchanges"] = list(self.exchanges)
        if self.tie is not None:
            told["tie"] = self.tie
        return told


def join(events: Sequence[Event]) -> list[Record]:
    """The events in their order, each with its exchanges."""
    book, rails = _Book(events), Rails(events)
    return [_record(event, book, rails) for event in events]


def records_of(records: Sequence[Record], wanted: str) -> list[Record]:
    """The steps of one exchange, named by its id, or of all with one challenge, named by that."""
    named = Key(Tie.CHALLENGE, wanted)
    meant = {wanted} | {
        str(one.event["exchange"]) for one in records if named in _gate_keys(one.event)
    }
    return [one for one in records if not meant.isdisjoint(one.exchanges)]


def _record(event: Event, book: _Book, rails: Rails) -> Record:
    if event["exchange"] is not None:
        return Record(event, (str(event["exchange"]),))
    found: dict[str, str] = {}
    for key in dict.fromkeys(rails.keys(event)):
        owner = book.owner(key, event)
        if owner is not None:
            found.setdefault(owner, f"{key.tie} {key.name}")
            if event["kind"] != "block.sealed":
                break  # several names of one thing
    return Record(event, tuple(found), next(iter(found.values()), None))


def _gate_keys(event: Event) -> list[Key]:
    return [*claimed(event), *offered(event)] if is_gate(event) else []


@dataclass(slots=True)
class _Claim:
    """That an exchange names a key: when, and whether money was taken for it."""

    offset: int
    exchange: str
    paid: bool


class _Book:
    """Which exchanges name what."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._asking: dict[Key, str] = {}
        self._paying: defaultdict[Key, list[_Claim]] = defaultdict(list)
        for event in events:
            if is_gate(event):
                self._add(event)

    def _add(self, event: Event) -> None:
        exchange, offset = str(event["exchange"]), int(event["offset"])
        for key in offered(event):
            self._asking.setdefault(key, exchange)
        for key in claimed(event):
            paid = event["kind"] == "exchange.paid"
            self._paying[key].append(_Claim(offset, exchange, paid))

    def owner(self, key: Key, event: Event) -> str | None:
        """Whose an event of this name is."""
        asking, claims = self._asking.get(key), self._paying.get(key, [])
        if not claims or (event["kind"] in _OFFERS and asking is not None):
            return asking
        paid = [one for one in claims if one.paid]
        later = [one for one in claims if one.offset > event["offset"]]
        return (paid or later or claims[-1:])[0].exchange
