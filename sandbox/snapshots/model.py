"""What a comparison of two snapshots says: who has more or less, and what came, went or changed.

A `Ledger` is all the money of one kind; the changes of its holders add up to what was created. An
`Item` is one thing with a life: a channel, a PaymentIntent, an invoice. Amounts are base units.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """What one holder had before and after."""

    holder: str
    """An address, an account's purse, a node."""
    before: int
    after: int
    name: str | None = None
    """What the holder is called, where it has a name."""

    @property
    def amount(self) -> int:
        """How much more it is now."""
        return self.after - self.before

    def to_json(self) -> dict[str, Any]:
        """For programs; amounts are text."""
        return {
            "holder": self.holder,
            "name": self.name,
            "before": str(self.before),
            "after": str(self.after),
            "change": str(self.amount),
        }


@dataclass(frozen=True, slots=True)
class Ledger:
    """One kind of money on one rail: the holders for whom it changed."""

    rail: str
    unit: str
    """A token, a currency, `msat`."""
    decimals: int
    """How many digits of an amount people write behind the point."""
    changes: tuple[Change, ...]
    created: int = 0
    """How much more there is in all: minted less burned; of channels, opened less closed."""
    address: str | None = None
    """The token's address, where the unit is a token."""
    livemode: bool = False
    """Stripe's live money, which never meets test money."""

    @property
    def total(self) -> int:
        """What the changes add up to."""
        return sum(one.amount for one in self.changes)

    @property
    def is_conserved(self) -> bool:
        """Whether nothing appeared or vanished unexplained."""
        return self.total == self.created

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "rail": self.rail,
            "unit": self.unit,
            "decimals": self.decimals,
            **({} if self.address is None else {"address": self.address}),
            **({"livemode": True} if self.livemode else {}),
            "changes": [one.to_json() for one in self.changes],
            "total": str(self.total),
            "created": str(self.created),
            "conserved": self.is_conserved,
        }


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that came, went or changed; of fields that did not change, the present value."""

    rail: str
    kind: str
    id: str
    before: dict[str, Any] | None
    """None if it was not there."""
    after: dict[str, Any] | None
    """None if it is not there any more."""

    @property
    def verb(self) -> str:
        """What happened to it: `new`, `gone` or `changed`."""
        return "new" if self.before is None else "gone" if self.after is None else "changed"

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "rail": self.rail,
            "kind": self.kind,
            "id": self.id,
            "what": self.verb,
            "before": self.before,
            "after": self.after,
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that two snapshots differ in, as far as money goes."""

    ledgers: tuple[Ledger, ...]
    items: tuple[Item, ...]
    blocks: tuple[int, int] | None = None
    """The newest block of each, where both have a chain."""
    transactions: int = 0
    """How many transactions the second's newer blocks hold, as far as they are kept."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Rails that are in one of the two only, and in which: nothing can be said about them."""

    @property
    def is_conserved(self) -> bool:
        """Whether nothing appeared or vanished unexplained anywhere."""
        return all(one.is_conserved for one in self.ledgers)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "blocks": None if self.blocks is None else list(self.blocks),
            "transactions": self.transactions,
            "ledgers": [one.to_json() for one in self.ledgers],
            "items": [one.to_json() for one in self.items],
            "skipped": self.skipped,
            "conserved": self.is_conserved,
        }


def changes(
    before: dict[str, int], after: dict[str, int], names: dict[str, str] | None = None
) -> tuple[Change, ...]:
    """The holders whose amount changed, those that lost most first."""
    found = [
        Change(holder, before.get(holder, 0), after.get(holder, 0), (names or {}).get(holder))
        for holder in sorted({*before, *after})
        if before.get(holder, 0) != after.get(holder, 0)
    ]
    return tuple(sorted(found, key=lambda one: one.amount))


def items(
    rail: str, kind: str, before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]
) -> list[Item]:
    """The things that came, went or changed, in the order of the second and then the first."""
    order = [*after, *(one for one in before if one not in after)]
    return [
        Item(rail, kind, one, before.get(one), after.get(one))
        for one in order
        if before.get(one) != after.get(one)
    ]
