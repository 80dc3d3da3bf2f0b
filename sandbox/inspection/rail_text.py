"""Writes out the steps of a payment that the rails told of: blocks, faults, Stripe's, webhooks.

They are the journal's joined records (`sandbox.journaling`), so that the one exchange is followed
across all of them (DESIGN 2.4). What happened over Lightning has a table of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.inspection.lightning_text import is_of_lightning, time_of_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sandbox.inspection.text import Paint

_MOST: Final = 24
_ROOM: Final = 27
"""So that a line fits into 80 columns."""
_FAULT: Final = "fault.fired"
_TOLD: Final = ("status", "object", "error", "fate", "url", "channel", "tx")
"""What is said of a step, in this order: what came, of what, and what went wrong."""


def rail_lines(steps: Iterable[Mapping[str, Any]], paint: Paint) -> Iterator[str]:
    """A line for each step: when, whose, on which rail, what."""
    found = [one for one in steps if not is_of_lightning(one)]
    if not found:
        return
    yield ""
    yield paint("On the rails", "cyan")
    if len(found) > _MOST:
        yield f"  … {len(found) - _MOST} steps before these"
    for one in found[-_MOST:]:
        kind = str(one["kind"])
        said = paint(f"{kind:<24}", "red" if kind == _FAULT else "white")
        whose = one.get("exchange") or "-"
        head = f"  {time_of_day(one['at_us'])}  {whose:<6} {one['rail']:<8}"
        yield f"{head} {said} {_facts(kind, one['data'])}".rstrip()


def _facts(kind: str, data: Mapping[str, Any]) -> str:
    if kind == _FAULT:
        words = [str(data[name]) for name in ("at", "do") if data.get(name)]
    elif "transactions" in data:
        count = len(data["transactions"])
        words = [f"number {data.get('number')},", f"{count} transaction{'' if count == 1 else 's'}"]
    else:
        words = [str(data[name]) for name in _TOLD if data.get(name)]
    text = " ".join(words)
    return text if len(text) <= _ROOM else f"{text[: _ROOM - 1]}…"
