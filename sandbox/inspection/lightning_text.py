"""Writes out what happened over Lightning: invoices, payments, and every hop's HTLC.

No preimage is in the journal, so none is shown (facts: lightning 7.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sandbox.inspection.text import Paint

RAIL: Final = "lightning"

_MOST: Final = 24
_MSAT: Final = 1_000
_DAY_S: Final = 24 * 3_600
_US: Final = 1_000_000
_COLOURS: Final = {"settled": "green", "succeeded": "green", "failed": "red", "canceled": "red"}


def lightning_lines(events: Iterable[Mapping[str, Any]], paint: Paint) -> Iterator[str]:
    """The rail's events of a payment, and the merchants' of a session."""
    found = [one for one in events if is_of_lightning(one)]
    if not found:
        return
    yield ""
    yield paint("Over Lightning", "cyan")
    if len(found) > _MOST:
        yield f"  … {len(found) - _MOST} events before these"
    for one in found[-_MOST:]:
        what = str(one["kind"]).removeprefix(f"{RAIL}.")
        last = what.rpartition(".")[2]
        said = paint(f"{what:<18}", _COLOURS.get(last, "white"))
        yield f"  {time_of_day(one['at_us'])}  {said} {_facts(one['data'])}".rstrip()


def sats(amount_msat: int) -> str:
    """Millisatoshis as satoshis, exactly."""
    whole, rest = divmod(amount_msat, _MSAT)
    return f"{whole:,}.{rest:03} sat" if rest else f"{whole:,} sat"


def is_of_lightning(event: Mapping[str, Any]) -> bool:
    """Whether an event tells of the network, or of a session's end."""
    return event.get("rail") == RAIL or str(event["kind"]).startswith(f"{RAIL}.")


def _facts(data: Mapping[str, Any]) -> str:
    words: list[str] = []
    if "from" in data:
        words.append(f"{data['from']} -> {data['to']}")
    elif "node" in data:
        words.append(str(data["node"]))
    if isinstance(data.get("amount_msat"), int):
        words.append(sats(data["amount_msat"]))
    if data.get("fee_msat"):
        words.append(f"and {sats(data['fee_msat'])} for the route")
    if "refundSats" in data:
        words.append(f"{data['refundSats']} sat to send back")
    words += [str(data[name]) for name in ("failure", "reason") if data.get(name)]
    return "  ".join(words)


def time_of_day(at_us: int) -> str:
    """The second of the day, UTC."""
    second = at_us // _US % _DAY_S
    return f"{second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}"
