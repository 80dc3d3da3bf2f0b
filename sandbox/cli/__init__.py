"""The command line: `mpp-sandbox up` starts the devnet and prints what to do with it.

A command is a module here with a function `register(app)`, named in `_COMMANDS`. Nothing of the
rails is imported before a command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Annotated, Final

import typer

from mock_rails import __version__

_COMMANDS: Final = (
    "up",
    "status",
    "execute",
    "pay",
    "accounts",
    "channels",
    "fund",
    "inspect",
    "watch",
    "journal",
    "record",
    "replay",
    "time",
    "faults",
    "failures",
    "snapshot",
    "simulate",
    "bench",
    "report",
)

_USAGE: Final = 2
_INTERRUPTED: Final = 130

app = typer.Typer(
    name="mpp-sandbox",
    help="A local devnet for the Machine Payments Protocol: no container, no account, no network.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and leave.",
            is_eager=True,
            callback=_print_version,
        ),
    ] = False,
) -> None:
    """Options that need no command; the callbacks act on them."""


for _name in _COMMANDS:
    import_module(f"sandbox.cli.{_name}").register(app)


def main() -> None:
    """The console script. Wrong usage is one line as well, with exit code 2."""
    try:
        sys.exit(app(prog_name="mpp-sandbox", standalone_mode=False) or 0)
    except typer.Abort:
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not try to flush to it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if not hasattr(error, "format_message"):  # what typer raises about the command line has it
            raise
        if said := " ".join(str(error.format_message()).split()):
            context = getattr(error, "ctx", None)
            path = "mpp-sandbox" if context is None else context.command_path
            said = said.replace("Value error, ", "")  # the word of what typer checks choices by
            typer.echo(f"mpp-sandbox: {said.rstrip('.')}. See `{path} --help`.", err=True)
        sys.exit(_USAGE)
