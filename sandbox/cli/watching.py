"""One line for each thing that happens, as `mpp-sandbox watch` shows it. Pure: events in, text out.

An exchange is told when it has come to its end, so that its line says all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.cli.writing import clock_time, latency, money, one_line, paint, shorten
from sandbox.journaling.exchange import TERMINAL, Outcome, read_exchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.journaling.exchange import Event, Exchange

_GOOD: Final = frozenset({Outcome.DELIVERED, Outcome.REPLAYED})
_TARGET: Final = 24
_MOST_OPEN: Final = 10_000


class Watcher:
    """Puts the events of each exchange together."""

    def __init__(self) -> None:
        self._open: dict[str, list[Event]] = {}

    def exchange(self, event: Event) -> Exchange | None:
        """The exchange that this event completes, if it does."""
        name = event["exchange"]
        if name is None or not str(event["kind"]).startswith("exchange."):
            return None
        found = [*self._open.pop(name, ()), event]
        if event["kind"] in TERMINAL:
            return read_exchange(found)
        self._open[name] = found
        if len(self._open) > _MOST_OPEN:  # their ends were lost, as with a killed worker
            del self._open[next(iter(self._open))]
        return None


def exchange_line(exchange: Exchange, tokens: Mapping[str, str]) -> str:
    """An exchange in 80 columns: when, what, how it ended, for how much, how long it took."""
    price = exchange.price
    amount = "" if price is None else money(*price, tokens)
    status = "" if exchange.status is None else str(exchange.status)
    words = exchange.words
    target = one_line(f"{exchange.method} {exchange.target}", _TARGET)
    return " ".join(
        (
            clock_time(exchange.ended_at_us),
            f"{target:<{_TARGET}}",
            paint(f"{words:<13} {status:<3}", _colour(exchange)),
            f"{amount:>7}",
            f"{exchange.method_and_intent:<13}",
            f"{latency(exchange.elapsed_us):>6}",
        )
    ).rstrip()


def exchange_json(exchange: Exchange) -> dict[str, Any]:
    """The same for programs."""
    price = exchange.price
    return {
        "id": exchange.id,
        "at_us": exchange.ended_at_us,
        "method": exchange.method,
        "path": exchange.path,
        "query": exchange.query or None,
        "outcome": exchange.outcome.name.lower(),
        "status": exchange.status,
        "offer": exchange.method_and_intent or None,
        "action": exchange.action,
        "amount": None if price is None else str(price[0]),
        "currency": None if price is None else price[1],
        "challenge": exchange.challenge or _first(exchange),
        "tx_hash": exchange.tx_hash,
        "channel": exchange.channel,
        "elapsed_us": exchange.elapsed_us,
        "problem": exchange.problem,
        "reason": exchange.reason,
    }


def channel_line(event: Event) -> str | None:
    """What happened to a channel, if that is what the event is about."""
    data: Mapping[str, Any] = event["data"]
    kind = str(event["kind"])
    if event["rail"] != "session" or "channel" not in data:
        return None
    told = [f"{name} {money(int(data[name]))}" for name in _SUMS if data.get(name) is not None]
    words = kind.replace(".", " ").replace("-", " ")
    line = f"{clock_time(event['at_us'])} {words} {shorten(data['channel'])}  {', '.join(told)}"
    return paint(line.rstrip(), "blue")


_SUMS: Final = ("deposit", "captured", "settled", "exposure", "fee")


def _first(exchange: Exchange) -> str | None:
    return str(exchange.offers[0]["challenge"]) if exchange.offers else None


def _colour(exchange: Exchange) -> str:
    if exchange.outcome in _GOOD:
        return "green"
    return "yellow" if exchange.outcome is Outcome.CHALLENGED else "red"
