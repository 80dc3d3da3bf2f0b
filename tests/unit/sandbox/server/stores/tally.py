"""The record that the stores' tests keep: a count, as a channel counts what it spent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Tally:
    """A count and a note."""

    count: int
    note: str = ""


class TallyCodec:
    """Tallies as JSON."""

    def encode(self, record: Tally) -> dict[str, Any]:
        return {"count": record.count, "note": record.note}

    def decode(self, document: dict[str, Any]) -> Tally:
        return Tally(document["count"], document["note"])


def one_more(tally: Tally | None) -> Tally:
    """The change most tests make."""
    return Tally(1) if tally is None else replace(tally, count=tally.count + 1)


def become(tally: Tally | None) -> Any:
    """A change to this, whatever was there."""
    return lambda _: tally
