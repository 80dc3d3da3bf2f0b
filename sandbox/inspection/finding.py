"""Finds what an id, or the beginning of one, stands for in the journal, and what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import BadInput, NotFound
from sandbox.journaling.exchange import Event, Exchange, read_exchange
from sandbox.journaling.joining import join

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

SHORTEST: Final = 4
"""Characters of an id that are enough to look for it."""

CARD: Final = "stripe/charge"
"""How an offer that cards pay is called."""

LIGHTNING: Final = "lightning/"
"""How the names of offers that are paid over Lightning begin."""

_MOST_PAYERS: Final = 20
_SHOWN_IDS: Final = 4


class Kind(StrEnum):
    """What an id can stand for."""

    EXCHANGE = "exchange"
    CHALLENGE = "challenge"
    TRANSACTION = "transaction"
    CHANNEL = "channel"
    INTENT = "PaymentIntent"
    LIGHTNING = "Lightning payment"
    """By its payment hash, which is also the id of the session that it is the deposit of."""


_IN_EITHER_CASE: Final = frozenset({Kind.CHALLENGE, Kind.INTENT})
"""Ids whose capitals and small letters are different."""


class Ambiguous(BadInput):
    """The beginning that was given is that of several ids."""

    code = "ambiguous-id"
    title = "Several ids begin so"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found. `exchanges` are those that were meant, `before` the 402s that led to them,
    `others` the steps of the rails and of sessions that belong to them, each with its exchange."""

    kind: Kind
    id: str
    exchanges: tuple[Exchange, ...]
    before: tuple[Exchange, ...]
    others: tuple[Event, ...]

    @property
    def card_challenges(self) -> list[str]:
        """The challenges that a card may have paid, in order."""
        offered = [
            str(offer.get("challenge"))
            for one in (*self.before, *self.exchanges)
            for offer in one.offers
            if offer.get("offer") == CARD
        ]
        paid = [one.challenge for one in self.exchanges if one.challenge and one.offer == CARD]
        named = [self.id] if self.kind is Kind.CHALLENGE else []
        return list(dict.fromkeys([*named, *paid, *offered]))

    @property
    def transactions(self) -> list[str]:
        """The hashes of the transactions that it is about, in order."""
        hashes = [one.tx_hash for one in self.exchanges]
        hashes += [event["data"].get("tx") for event in self.others]
        if self.kind is Kind.TRANSACTION:
            hashes.append(self.id)
        return list(dict.fromkeys(one for one in hashes if one))

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "kind": self.kind.value,
            "id": self.id,
            "exchanges": [one.to_json() for one in self.exchanges],
            "before": [one.to_json() for one in self.before],
            "events": list(self.others),
        }


def find(events: Sequence[Event], wanted: str) -> Finding:
    """What this id, or beginning of one, stands for.

    Raises `NotFound` where the journal knows nothing of it, `Ambiguous` where several things are
    meant, and `BadInput` where it is too short to mean anything.
    """
    wanted = wanted.strip()
    if len(wanted) < SHORTEST:
        raise BadInput(f"{wanted!r} is too short.", hint=f"Give at least {SHORTEST} characters.")
    kind, full = _identify(events, wanted)
    by_exchange: dict[str, list[Event]] = {}
    for event in events:
        if event["exchange"] is not None:
            by_exchange.setdefault(event["exchange"], []).append(event)
    meant = [
        read_exchange(found)
        for found in by_exchange.values()
        if any((kind, full) in _names(event) for event in found)
    ]
    before: list[Exchange] = []
    is_account = kind is Kind.CHANNEL or (
        kind is Kind.LIGHTNING and any(one.session for one in meant)
    )
    if not is_account:
        meant, before = _with_their_story(meant, by_exchange)
    story = {one.id for one in (*before, *meant)}
    deposits = {one.payment_hash for one in meant if one.session}
    others = [
        record.to_json()
        for record in join(events)
        if record.event["exchange"] is None
        and (
            not story.isdisjoint(record.exchanges)
            or any(name == full or name in deposits for _, name in _names(record.event))
        )
    ]
    return Finding(kind, full, tuple(meant), tuple(before), tuple(others))


def _identify(events: Iterable[Event], wanted: str) -> tuple[Kind, str]:
    found: dict[tuple[Kind, str], None] = {}
    for event in events:
        for kind, name in _names(event):
            start = wanted if kind in _IN_EITHER_CASE else wanted.lower()
            if kind is Kind.LIGHTNING:
                start = start.removeprefix("0x")
            if name == start:
                return kind, name
            if kind is not Kind.EXCHANGE and name.startswith(start):
                found[kind, name] = None
    if not found:
        raise NotFound(
            f"The journal knows no exchange, challenge, payment or channel {wanted[:80]}.",
            hint="It keeps the newest events only. `mpp-sandbox watch` shows those that come.",
        )
    if len(found) > 1:
        shown = ", ".join(f"{kind} {name}" for kind, name in list(found)[:_SHOWN_IDS])
        more = len(found) - _SHOWN_IDS
        raise Ambiguous(
            f"{wanted} may be {shown}{f' or {more} others' if more > 0 else ''}.",
            hint="Give more of it.",
        )
    return next(iter(found))


def _names(event: Event) -> Iterator[tuple[Kind, str]]:
    """All that an event can be found by."""
    data: Mapping[str, Any] = event["data"]
    if event["exchange"] is not None:
        yield Kind.EXCHANGE, event["exchange"]
    if data.get("challenge"):
        yield Kind.CHALLENGE, data["challenge"]
    for offer in data.get("offers") or ():
        yield Kind.CHALLENGE, offer.get("challenge", "")
    for member in ("txHash", "tx"):
        if data.get(member):
            yield Kind.TRANSACTION, data[member]
    if event["kind"] == "block.sealed":
        for tx_hash in data.get("transactions") or ():
            yield Kind.TRANSACTION, tx_hash
    for member in ("payment_hash", "sessionId"):
        if data.get(member):
            yield Kind.LIGHTNING, str(data[member]).removeprefix("0x")
    if data.get("channel"):
        yield Kind.CHANNEL, data["channel"]
    elif str(data.get("offer", "")).startswith(LIGHTNING) and data.get("reference"):
        yield Kind.LIGHTNING, data["reference"]
    elif str(data.get("offer", "")).endswith("/session") and data.get("reference"):
        yield Kind.CHANNEL, data["reference"]
    elif data.get("offer") == CARD and data.get("reference"):
        yield Kind.INTENT, data["reference"]


def _with_their_story(
    meant: list[Exchange], by_exchange: Mapping[str, list[Event]]
) -> tuple[list[Exchange], list[Exchange]]:
    """The exchanges that were meant with the payments that followed, and the 402s before them.

    A 402 and its payment are two requests, which a challenge's id ties together.
    """
    known = {one.id for one in meant}
    asked = [one for one in meant if one.challenge is None]
    offered = {offer.get("challenge") for one in asked for offer in one.offers}
    paid_with = {one.challenge for one in meant if one.challenge}
    before: list[Exchange] = []
    after: list[Exchange] = []
    for name, events in by_exchange.items():
        told = [event["data"] for event in events]
        if name in known:
            continue
        if any(data.get("challenge") in offered for data in told):
            after.append(read_exchange(events))
        elif any(offer.get("challenge") in paid_with for data in told for offer in _offers(data)):
            before.append(read_exchange(events))
    if after or len(asked) < len(meant):  # a 402 that was answered is told before the answer
        before = asked + before
        meant = [one for one in meant if one.challenge is not None]
    return meant + after[:_MOST_PAYERS], before


def _offers(data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return data.get("offers") or ()
