"""`mpp-sandbox status`: what is running, for people, for programs and for a shell."""

from __future__ import annotations

import shlex
from enum import StrEnum
from typing import Annotated

import typer

from sandbox.cli.failing import one_clear_line
from sandbox.cli.running import ControlUrl, find


class Output(StrEnum):
    """How it is written."""

    TEXT = "text"
    JSON = "json"
    ENV = "env"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(status)


def status(
    output: Annotated[
        Output, typer.Option("-o", "--output", help="How to write it.")
    ] = Output.TEXT,
    control_url: ControlUrl = None,
) -> None:
    """Say what the running devnet is: `eval "$(mpp-sandbox status -o env)"` sets its variables."""
    with one_clear_line(), find(control_url) as devnet:
        info = devnet.info
        if output is Output.JSON:
            import orjson

            typer.echo(orjson.dumps(info).decode())
        elif output is Output.ENV:
            from sandbox.info import environment

            for name, value in environment(info).items():
                typer.echo(f"export {name}={shlex.quote(value)}")
        else:
            from sandbox import banner

            balances = {
                one["address"]: int(one["balances"]["pathUSD"])
                for one in devnet.get("/accounts")["accounts"]
            }
            typer.echo(banner.text(info, balances))
