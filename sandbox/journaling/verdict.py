"""What went wrong, told from the journal: the complaints that a customer or a merchant would have.

Nothing here is an opinion about a status code: a 402 that is not paid is fine, and so is a refused
credential. It is a complaint when money moved and nothing came of it, when nobody can say whether
it moved, or when it moved twice for one request.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox.journaling.exchange import Outcome, read_exchange
from sandbox.journaling.joining import join
from sandbox.journaling.keys import Key, Tie, claimed, is_gate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox.journaling.exchange import Event, Exchange

_TAKEN: Final = frozenset({Outcome.DELIVERED, Outcome.REPLAYED})


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that should not have happened."""

    kind: str
    exchange: str | None
    text: str

    def __str__(self) -> str:
        """As a line."""
        return f"{self.exchange}: {self.text}" if self.exchange else self.text


def complaints(events: Sequence[Event]) -> list[Complaint]:
    """All that went wrong, in order."""
    told: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        if is_gate(event):
            told[str(event["exchange"])].append(event)
    exchanges = [read_exchange(one) for one in told.values()]
    resolved = {one.challenge for one in exchanges if one.outcome in _TAKEN}
    return [*_bad_ends(exchanges, resolved), *_paid_twice(events), *_nobodys(events)]


def _bad_ends(exchanges: Sequence[Exchange], resolved: set[str | None]) -> Iterator[Complaint]:
    """Exchanges that took money and gave nothing for it, or may have. What the same credential was
    answered with later is settled."""
    for one in exchanges:
        what = f"{one.method} {one.target}"
        if one.challenge is not None and one.challenge in resolved:
            continue
        if one.outcome is Outcome.FAILED:
            yield Complaint(
                "not-delivered", one.id, f"{what} was paid and not delivered: {one.reason}"
            )
        elif one.outcome is Outcome.UNKNOWN:
            detail = (one.problem or {}).get("detail", "")
            yield Complaint("unknown", one.id, f"whether {what} was paid is unknown: {detail}")
        elif one.outcome is Outcome.PAID:
            yield Complaint("not-delivered", one.id, f"{what} was paid and never answered")


def _paid_twice(events: Sequence[Event]) -> Iterator[Complaint]:
    """Settlements that share a challenge, each of which took its own money."""
    seen: dict[str, tuple[str, Any]] = {}
    for event in events:
        if event["kind"] != "exchange.paid":
            continue
        data = event["data"]
        challenge = data.get("challenge")
        if challenge is None or not str(data.get("offer", "")).endswith("/charge"):
            continue
        first = seen.setdefault(challenge, (str(event["exchange"]), data.get("reference")))
        if first[1] != data.get("reference"):
            yield Complaint(
                "paid-twice", str(event["exchange"]), f"it was paid for again, after {first[0]}"
            )


def _nobodys(events: Sequence[Event]) -> Iterator[Complaint]:
    """Charges by card that went through and that no exchange owns up to: the money is gone."""
    paid = {
        key
        for event in events
        if event["kind"] in {"exchange.paid", "exchange.delivered"}
        for key in claimed(event)
    }
    for record in join(events):
        event = record.event
        if event["rail"] != "stripe" or event["kind"] != "payment_intent.succeeded":
            continue
        intent = Key(Tie.INTENT, str(event["data"].get("object")))
        if record.exchanges and record.tie and intent not in paid:
            yield Complaint(
                "not-delivered",
                record.exchanges[0],
                f"{intent.name} was charged, and nothing was delivered for it",
            )
