"""`mpp-sandbox journal`: all that happened on all rails, step by step, and as files for tools."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sandbox.cli.failing import one_clear_line
from sandbox.cli.inspect import read_journal
from sandbox.cli.running import ControlUrl, RunningDevnet, find
from sandbox.cli.writing import clock_time, one_line, paint, shorten, show_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox.journaling import Record

_EXAMPLES: Final = """Examples:
  mpp-sandbox journal tail
  mpp-sandbox journal tail --follow --kind exchange.
  mpp-sandbox journal tail --exchange ex-12
  mpp-sandbox journal export > run.jsonl
  mpp-sandbox journal export --format har > run.har

An exchange is a paid request; --exchange takes its id, or a challenge's for the
402 and the payment together. What rails did is shown with the exchange that it
was done for. Secrets are not in the journal.
"""
_LINE: Final = 100
_SHOWN: Final = 20


class Format(StrEnum):
    """What a journal is written as."""

    JSONL = "jsonl"
    HAR = "har"


Kind = Annotated[
    str | None, typer.Option(metavar="KIND", help="Of this kind only, or that begins so.")
]
ExchangeId = Annotated[
    str | None, typer.Option(metavar="ID", help="Of this exchange or challenge only.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    journal = typer.Typer(
        help="Show and export what happened, step by step, on all rails.",
        epilog=_EXAMPLES,
        no_args_is_help=True,
    )
    journal.command("tail")(tail)
    journal.command("export")(export)
    app.add_typer(journal, name="journal")


def tail(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many of the newest.")
    ] = _SHOWN,
    kind: Kind = None,
    exchange: ExchangeId = None,
    json: Annotated[bool, typer.Option("--json", help="A JSON object for each.")] = False,
    control_url: ControlUrl = None,
) -> None:
    """Show the newest steps; with --follow, go on until Ctrl-C.

    A step that came before its exchange was known is shown again when it is.
    """
    with one_clear_line(), find(control_url) as devnet:
        from sandbox.journaling import join

        events = read_journal(devnet)
        chosen = _chosen(join(events), kind, exchange)
        for record in chosen[len(chosen) - lines :] if lines else []:
            _show(record, as_json=json)
        if not follow:
            return
        try:
            for record in _following(devnet, events):
                for one in _chosen([record], kind, exchange):
                    _show(one, as_json=json)
        except KeyboardInterrupt:
            return


def export(
    format: Annotated[Format, typer.Option(help="What to write.")] = Format.JSONL,
    kind: Kind = None,
    exchange: ExchangeId = None,
    control_url: ControlUrl = None,
) -> None:
    """Write the journal to stdout: a JSON object a line, or an HTTP archive (HAR 1.2).

    Browsers' developer tools open an archive: drop the file into their network panel.
    """
    with one_clear_line(), find(control_url) as devnet:
        from sandbox.journaling import archive, join

        chosen = _chosen(join(read_journal(devnet)), kind, exchange)
        if format is Format.HAR:
            info = devnet.info
            base_url = (info.get("merchants") or {}).get("url") or devnet.url
            stripe_url = (info.get("stripe") or {}).get("url")
            show_json(archive(chosen, base_url=base_url, stripe_url=stripe_url))
            return
        for record in chosen:
            show_json(record.to_json())


def _chosen(records: Sequence[Record], kind: str | None, exchange: str | None) -> list[Record]:
    from sandbox.journaling import records_of

    found = list(records) if exchange is None else records_of(records, exchange)
    return [one for one in found if kind is None or str(one.event["kind"]).startswith(kind)]


def _following(devnet: RunningDevnet, events: list[dict[str, Any]]) -> Iterator[Record]:
    """What comes, with its exchange; and what came, as soon as its exchange is known."""
    from sandbox.journaling import join

    after = events[-1]["offset"] if events else 0
    recent = events[-_REMEMBERED:]
    known = {one.event["offset"]: one.exchanges for one in join(recent)}
    for event in devnet.events(after):
        recent = [*recent[1 - _REMEMBERED :], event]
        joined = join(recent)
        for record in joined:
            offset = record.event["offset"]
            if offset == event["offset"] or known.get(offset) != record.exchanges:
                yield record
        known = {one.event["offset"]: one.exchanges for one in joined}


_REMEMBERED: Final = 200
"""Steps in which an exchange may still be found to have been at work."""


def _show(record: Record, *, as_json: bool) -> None:
    if as_json:
        show_json(record.to_json())
        return
    typer.echo(step_line(record))
    sys.stdout.flush()


def step_line(record: Record) -> str:
    """A step in a line: when, whose, what, and its values."""
    event = record.event
    whose = " ".join(record.exchanges) or "-"
    values = one_line(_values(event["data"]), _LINE)
    head = f"{event['offset']:>5} {clock_time(event['at_us'])} {whose:<7} {event['rail']:<9}"
    return f"{head} {paint(str(event['kind']), 'cyan')}  {values}".rstrip()


def _values(data: dict[str, Any]) -> str:
    """The values that are short; a reader who wants all takes JSON."""
    told = [
        f"{name}={shorten(str(value))}"
        for name, value in data.items()
        if isinstance(value, str | int) and not isinstance(value, bool) and name != "receipt"
    ]
    return " ".join(told)
