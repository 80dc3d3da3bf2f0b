"""How commands write: colours where a terminal wants them, money and hashes as people read them.

Colours only ever repeat what the words say. There are none in a pipe (click takes them out), none
with NO_COLOR (no-color.org) and none on a dumb terminal.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

_DAY_US: Final = 24 * 3_600 * 10**6
_LONGEST_ID: Final = 20


def paint(text: str, colour: str, *, bold: bool = False) -> str:
    """The text in a colour, if colours are wanted."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return typer.style(text, fg=colour, bold=bold)


def paint_state(state: str) -> str:
    """A channel's or a session's state, as wide as a column of them."""
    colour = {"open": "green", "closed": "bright_black"}.get(state, "yellow")
    return paint(f"{state:<8}", colour)


def say(text: str = "") -> None:
    """A line for people, on stderr: stdout is what was asked for."""
    typer.echo(text, err=True)


def show_json(document: Any) -> None:
    """A line for programs."""
    import orjson

    typer.echo(orjson.dumps(document, default=str).decode())
    sys.stdout.flush()


def fail(text: str, code: int) -> NoReturn:
    """End with one line on stderr."""
    say(f"mpp-sandbox: {' '.join(text.split())}")
    raise typer.Exit(code)


def refuse_usage(text: str) -> NoReturn:
    """End as the shell expects of a command that was called wrongly."""
    fail(text, 2)


def money(amount: int, currency: str | None = None, tokens: Mapping[str, str] | None = None) -> str:
    """An amount in dollars; with the token's name where it is not pathUSD, the usual one.

    `tokens` names the tokens by address. An unknown one may have other decimals. A card's currency
    is in its smallest unit, and Lightning's in satoshis.
    """
    from sandbox.banner import dollars
    from sandbox.cash import cash, is_cash

    if currency == "sat":
        return f"{amount:,} sat"
    if currency is not None and is_cash(currency):
        return cash(amount, currency)
    if currency is None or tokens is None:
        return dollars(amount)
    name = tokens.get(currency.lower())
    if name is None:
        return f"{amount} base units of {shorten(currency)}"
    return dollars(amount) if name == "pathUSD" else f"{dollars(amount)} {name}"


def shorten(text: str) -> str:
    """An address or hash that can still be told from others."""
    return text if len(text) <= _LONGEST_ID else f"{text[:8]}…{text[-4:]}"


def latency(elapsed_us: int) -> str:
    """A span in the unit that suits it."""
    if elapsed_us < 1_000:
        return f"{elapsed_us} µs"
    if elapsed_us < 10_000:
        return f"{elapsed_us // 1_000}.{elapsed_us % 1_000 // 100} ms"
    if elapsed_us < 10**6:
        return f"{elapsed_us // 1_000} ms"
    return f"{elapsed_us // 10**6}.{elapsed_us % 10**6 // 10_000:02} s"


def clock_time(at_us: int) -> str:
    """The time of day (UTC) of a moment in microseconds since 1970."""
    second = at_us % _DAY_US // 10**6
    return f"{second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}"


def one_line(text: str, width: int) -> str:
    """The text in so many columns, the last one a mark where it was cut."""
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 1]}…"
