"""What `pay` can be told, and how it is read. A text that means nothing is a `BadInput`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from mock_rails.core.errors import BadInput

if TYPE_CHECKING:
    from sandbox.client.budget import Budget

MOST_CONCURRENT: Final = 1_000
_METHOD: Final = re.compile(r"[A-Za-z-]{1,40}")

Url = Annotated[str, typer.Argument(metavar="URL", help="http(s), or ws(s) with --stream.")]
Session = Annotated[
    bool, typer.Option("--session", help="Pay by tempo/session only: vouchers on a channel.")
]
Charge = Annotated[
    bool, typer.Option("--charge", help="Pay by tempo/charge only: a transaction each.")
]
Requests = Annotated[
    int, typer.Option("-n", "--requests", min=1, metavar="N", help="Send it so many times.")
]
Concurrency = Annotated[
    int,
    typer.Option(
        "-c", "--concurrency", min=1, max=MOST_CONCURRENT, metavar="C", help="So many at once."
    ),
]
Stream = Annotated[
    bool, typer.Option("--stream", help="Read it as a stream, paying as it is read.")
]
Most = Annotated[
    str | None,
    typer.Option("--max", metavar="AMOUNT", help="Spend no more than this in all, such as 0.05."),
]
Currencies = Annotated[
    list[str] | None,
    typer.Option("--currency", metavar="ADDRESS", help="Another dollar token --max may be in."),
]
Method = Annotated[
    str | None, typer.Option("-X", "--request", metavar="METHOD", help="GET; with -d, POST.")
]
Data = Annotated[str | None, typer.Option("-d", "--data", metavar="BODY", help="A body, or @FILE.")]
Headers = Annotated[
    list[str] | None, typer.Option("-H", "--header", metavar="HEADER", help='"Name: value".')
]
Close = Annotated[
    bool, typer.Option("--close", help="Close channels at the end; else they stay open.")
]
Json = Annotated[bool, typer.Option("--json", help="Write the outcome as JSON.")]
Verbose = Annotated[
    bool, typer.Option("-v", "--verbose", help="Show the 402 conversation, decoded.")
]


def check_together(
    *, session: bool, charge: bool, stream: bool, requests: int, at_once: int
) -> None:
    """Refuse options that contradict each other."""
    if session and charge:
        raise BadInput("--session and --charge exclude each other.")
    if stream and (requests > 1 or charge):
        raise BadInput("--stream reads one stream, and streams are paid by session.")
    if at_once > 1 and requests == 1:
        raise BadInput("--concurrency is for several requests.", hint="Say how many with -n.")


def choose_methods(*, session: bool, charge: bool) -> tuple[str, ...]:
    """The methods that may be paid, best first."""
    from sandbox.client.client import PREFER

    if session:
        return ("tempo/session",)
    return ("tempo/charge",) if charge else PREFER


def read_url(text: str, *, stream: bool) -> str:
    """The URL, if it is one that can be requested so."""
    from sandbox.client.amounts import host_of

    host_of(text)
    if text.lower().startswith(("ws:", "wss:")) and not stream:
        raise BadInput("A WebSocket is a stream.", hint="Add --stream.")
    return text


def read_method(text: str | None, *, has_body: bool) -> str:
    """The HTTP method: as given, or what curl would take."""
    if text is None:
        return "POST" if has_body else "GET"
    if _METHOD.fullmatch(text) is None:
        raise BadInput(f"{text[:60]!r} is no HTTP method.", hint="Write GET, POST or the like.")
    return text.upper()


def read_body(data: str | None) -> bytes | None:
    """The body: the text itself, or what is in a file."""
    if data is None or not data.startswith("@"):
        return None if data is None else data.encode()
    try:
        return Path(data[1:]).read_bytes()
    except OSError as error:
        raise BadInput(f"The body {data[1:]} cannot be read: {error.strerror}.") from None


def read_header(text: str) -> tuple[str, str]:
    """A header's name and value."""
    name, colon, value = text.partition(":")
    is_name = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    if not (colon and is_name and value.isprintable() and value.isascii()):
        raise BadInput(f"{text[:60]!r} is no header.", hint='Write "Name: value".')
    return name, value.strip()


def read_budget(most: str | None, currencies: list[str], info: dict[str, Any]) -> Budget | None:
    """What may be spent in all, in dollar tokens of six decimals: the devnet's and well-known
    ones, counted together."""
    if most is None:
        return None
    from mpp.methods.tempo import _defaults

    from sandbox.client.budget import Budget

    tokens = (info.get("tempo") or {}).get("tokens", {})
    known = (_defaults.PATH_USD, _defaults.USDC, _defaults.OUSD)
    return Budget.parse(
        decimals=_defaults.PATH_USD_DECIMALS,
        allowed_currencies=[*tokens.values(), *known, *currencies],
        total=most,
    )
