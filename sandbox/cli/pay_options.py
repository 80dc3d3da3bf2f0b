"""What `pay` can be told, and how it is read. A text that means nothing is a `BadInput`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from mock_rails.core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.cli.paying import Job
    from sandbox.client.budget import Budget
    from sandbox.client.cards import CardWallet

MOST_CONCURRENT: Final = 1_000
_METHODS: Final = ("tempo", "lightning", "stripe")
"""What this command has something to pay with."""
_CENT_DECIMALS: Final = 2
_FINER: Final = 4
"""Decimals of a token's dollars that a card's do not have."""
_VERB: Final = re.compile(r"[A-Za-z-]{1,40}")

Url = Annotated[str, typer.Argument(metavar="URL", help="http(s), or ws(s) with --stream.")]
Session = Annotated[
    bool,
    typer.Option("--session", help="Pay by session only: a channel's vouchers, or a deposit."),
]
Charge = Annotated[
    bool, typer.Option("--charge", help="Pay by charge only, and not by card: each by itself.")
]
By = Annotated[
    str | None,
    typer.Option("--method", metavar="METHOD", help="Pay by tempo, lightning or stripe only."),
]
Card = Annotated[
    str | None,
    typer.Option("--card", metavar="CARD", help="The test card that pays (pm_card_visa)."),
]
StripeUrl = Annotated[
    str | None,
    typer.Option("--stripe-url", metavar="URL", help="Stripe; else the running devnet's."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Ask, and show what would be paid; pay nothing.")
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
    typer.Option(
        "--max",
        metavar="AMOUNT",
        help="Spend no more than this in all, such as 0.05; by each kind of money.",
    ),
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


def reads_as_stream(job: Job, info: Mapping[str, Any]) -> bool:
    """Whether the running devnet answers this with a stream that a session pays for. Read as any
    other answer, it would wait for vouchers and deposits that nobody makes."""
    routes = (info.get("merchants") or {}).get("routes") or ()
    path = urlsplit(job.url).path
    return (
        job.is_devnets
        and job.requests == 1
        and any(one.endswith("/session") for one in job.prefer)
        and any(
            one["streams"] and one["path"] == path and job.method in one["methods"]
            for one in routes
        )
    )


def check_dry_run(url: str, *, dry_run: bool, stream: bool) -> None:
    """Refuse to ask for a price without a way to be told one."""
    if dry_run and stream and url.lower().startswith(("ws:", "wss:")):
        raise BadInput("--dry-run asks over HTTP.", hint="Write the URL with http.")


def choose_methods(
    *, session: bool, charge: bool, stream: bool, by: str | None, card: str | None
) -> tuple[str, ...]:
    """The methods that may be paid, best first."""
    from sandbox.client.client import PREFER

    if by is not None and by not in _METHODS:
        raise BadInput(f"{by[:60]!r} is no method.", hint="Write tempo, lightning or stripe.")
    if by == "stripe" and (session or charge or stream):
        raise BadInput("--session, --charge and --stream are not a card's.", hint="Leave one out.")
    if by in {"tempo", "lightning"} and card is not None:
        raise BadInput("--card is for stripe.", hint="Write --method stripe.")
    wanted = _METHODS if by is None else (by,)
    found = [one for one in PREFER if one.partition("/")[0] in wanted]
    if session or stream:
        return tuple(one for one in found if one.endswith("/session"))
    if charge:
        return tuple(one for one in found if one.endswith("/charge") and one != "stripe/charge")
    return tuple(found)


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
    if _VERB.fullmatch(text) is None:
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


def read_card(card: str | None, stripe_url: str | None, info: dict[str, Any]) -> CardWallet:
    """The card that pays: at the Stripe that is named, or the running devnet's."""
    from sandbox.client.cards import CardWallet
    from sandbox.client.cards.wallet import DEFAULT_CARD

    stripe = info.get("stripe") or {}
    return CardWallet(
        card or DEFAULT_CARD,
        stripe_url=stripe_url or stripe.get("url"),
        key=None if stripe_url is not None else stripe.get("key"),
    )


def read_card_budget(most: str | None) -> Budget | None:
    """What may be spent by card in all, in whole cents of the dollar."""
    if most is None:
        return None
    from sandbox.client.amounts import parse_amount
    from sandbox.client.budget import Budget

    cents = parse_amount(most, _CENT_DECIMALS + _FINER) // 10**_FINER
    return Budget(total=cents, allowed_currencies=["usd"], decimals=_CENT_DECIMALS)
