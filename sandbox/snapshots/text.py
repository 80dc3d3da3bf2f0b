"""A comparison in words: a table for each kind of money, a line for each thing that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.snapshots.model import Difference, Item, Ledger

_LEAST_DECIMALS: Final = 2
_LONGEST_ID: Final = 20
_TOKEN_DECIMALS: Final = 6
_TOKEN_AMOUNTS: Final = frozenset({"deposit", "accepted", "spent", "settled"})
"""A channel's amounts."""


def lines(difference: Difference) -> list[str]:
    """All of it, for people."""
    told = list(_progress(difference))
    for ledger in difference.ledgers:
        told += ["", *_ledger(ledger)]
    if difference.items:
        told += ["", *(_item(one) for one in difference.items)]
    for rail, where in difference.skipped.items():
        told += ["", f"{rail} is in the {where} snapshot only, and was not compared."]
    if not difference.ledgers and not difference.items:
        told += ["No money moved."]
    return told


def amount(base_units: int, decimals: int, *, signed: bool = False) -> str:
    """An amount with its point, without noughts that say nothing: 1.016396, 0.01, +12.00."""
    whole, fraction = divmod(abs(base_units), 10**decimals)
    digits = f"{fraction:0{decimals}}" if decimals else ""
    shown = digits.rstrip("0").ljust(min(_LEAST_DECIMALS, decimals), "0")
    sign = "-" if base_units < 0 else "+" if signed and base_units else ""
    return f"{sign}{whole:,}" + (f".{shown}" if shown else "")


def _progress(difference: Difference) -> Iterator[str]:
    if difference.blocks is None:
        return
    first, second = difference.blocks
    if second < first:
        yield f"The chain was set back from block {first} to {second}."
    elif second > first:
        count = difference.transactions
        what = "1 transaction" if count == 1 else f"{count} transactions"
        yield f"The chain went on from block {first} to {second}, with {what}."


def _ledger(ledger: Ledger) -> Iterator[str]:
    """Who had how much, who has, and what it comes to."""
    live = " (live)" if ledger.livemode else ""
    rows = [
        (
            one.name or _short(one.holder),
            amount(one.before, ledger.decimals),
            amount(one.after, ledger.decimals),
            amount(one.amount, ledger.decimals, signed=True),
        )
        for one in ledger.changes
    ]
    total = amount(ledger.total, ledger.decimals, signed=True)
    rows.append((_total(ledger), "", "", total))
    yield f"{ledger.rail}, {ledger.unit}{live}"
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    for row in rows:
        name, *numbers = row
        shown = [text.rjust(width) for text, width in zip(numbers, widths[1:], strict=True)]
        arrow = "->" if row[1] else "  "
        yield f"  {name:<{widths[0]}}  {shown[0]} {arrow} {shown[1]}  {shown[2]}"


def _total(ledger: Ledger) -> str:
    if not ledger.is_conserved:
        return f"IN ALL, and {amount(ledger.created, ledger.decimals)} was created"
    if not ledger.created:
        return "in all"
    return "created" if ledger.created > 0 else "destroyed"


def _item(item: Item) -> str:
    before, after = item.before or {}, item.after or {}
    if item.before is None:
        said = _fields(after)
    elif item.after is None:
        said = _fields(before)
    else:
        changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        said = ", ".join(f"{one} {_value(before, one)} -> {_value(after, one)}" for one in changed)
    kind = item.kind.replace("_", " ")
    return f"{item.rail} {kind} {_short(item.id)} {item.verb}: {said}"


def _fields(values: dict[str, Any]) -> str:
    known = (name for name, value in values.items() if value is not None)
    return ", ".join(f"{name} {_value(values, name)}" for name in known)


def _value(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if value is None:
        return "none"
    return amount(int(value), _TOKEN_DECIMALS) if name in _TOKEN_AMOUNTS else str(value)


def _short(text: str) -> str:
    """An address or hash that can still be told from others; other names as they are."""
    owner, slash, key = text.rpartition("/")
    digits = key.removeprefix("0x")
    if len(key) <= _LONGEST_ID or digits.strip("0123456789abcdef"):
        return text
    return f"{owner}{slash}{key[:8]}…{key[-4:]}"
