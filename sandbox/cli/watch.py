"""`mpp-sandbox watch`: paid requests as they happen."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from sandbox.cli.failing import one_clear_line
from sandbox.cli.inspect import tokens_of
from sandbox.cli.running import ControlUrl, find
from sandbox.cli.writing import say, show_json

_EXAMPLES: Final = """Examples:
  mpp-sandbox watch
  mpp-sandbox watch --json | jq 'select(.outcome == "refused")'

A 402 and the payment after it are two exchanges, and so two lines.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EXAMPLES)(watch)


def watch(
    json: Annotated[bool, typer.Option("--json", help="A JSON object for each.")] = False,
    after: Annotated[
        int | None,
        typer.Option(min=0, metavar="OFFSET", help="Begin in the past: 0 is all that is kept."),
    ] = None,
    control_url: ControlUrl = None,
) -> None:
    """Show the merchants' exchanges as they happen, one line each, until Ctrl-C.

    A line says when, what, how it ended, for how much, by which method,
    and how long the server took.
    """
    with one_clear_line(), find(control_url) as devnet:
        from sandbox.cli.watching import Watcher, channel_line, exchange_json, exchange_line

        tokens = tokens_of(devnet.info)
        watcher = Watcher()
        talks = not json and sys.stderr.isatty()
        if talks:
            say(f"Watching {devnet.url}. Ctrl-C ends it.")
        try:
            for event in devnet.events(after):
                exchange = watcher.exchange(event)
                if json:
                    if exchange is not None:
                        show_json(exchange_json(exchange))
                    continue
                line = channel_line(event) if exchange is None else exchange_line(exchange, tokens)
                if line is not None:
                    typer.echo(line)
                    sys.stdout.flush()
        except KeyboardInterrupt:
            return
        if talks:
            say("The devnet has ended.")
