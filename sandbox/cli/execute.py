"""`mpp-sandbox exec -- CMD`: a devnet for as long as one program runs."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sandbox.cli.failing import one_clear_line
from sandbox.cli.options import Options, read_settings, takes_devnet_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.devnet import Devnet

_NODE: Final = "NODE_OPTIONS"
_CANNOT_RUN: Final = 126
_NOT_FOUND: Final = 127
_SIGNALLED: Final = 128
_FORWARDED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
    )(execute)


@takes_devnet_options
def execute(
    given: Options,
    command: Annotated[list[str], typer.Argument(metavar="-- CMD…", help="What to run.")],
) -> None:
    """Start a devnet on free ports, run a command that finds it in MPP_SANDBOX_* variables, stop.

    The exit code is the command's.
    """
    with one_clear_line():
        from mock_rails.server import run

        base = given["port_base"] or os.environ.get("MPP_SANDBOX_PORT_BASE") or "0"
        settings = read_settings({**given, "port_base": base})
        codes: list[int] = []
        # Loaded before the loop runs: Ctrl-C while they load would break into what comes first.
        from sandbox.devnet import Devnet

        run(_execute(Devnet(settings), command, codes))
    raise typer.Exit(codes[0])


async def _execute(devnet: Devnet, command: list[str], codes: list[int]) -> None:
    from sandbox.info import environment

    with _Signals() as signals:
        async with devnet:
            if signals.asked is not None:
                codes.append(_SIGNALLED + signals.asked)
                return
            known = _beside(os.environ, environment(devnet.info()))
            codes.append(await _run(command, known, signals))


async def run_beside(devnet: Devnet, command: list[str]) -> int:
    """Run a command beside a devnet that runs: its exit code."""
    from sandbox.info import environment

    with _Signals() as signals:
        known = _beside(os.environ, environment(devnet.info()))
        return await _run(command, known, signals)


def _beside(own: Mapping[str, str], devnet: Mapping[str, str]) -> dict[str, str]:
    """The command's environment: ours with the devnet's, whose options for Node come on top."""
    found = {**own, **devnet}
    if _NODE in own and _NODE in devnet:
        found[_NODE] = f"{own[_NODE]} {devnet[_NODE]}"
    return found


class _Signals:
    """Signals that we get are for the command. While it does not run they do not break into the
    start or the stop of the devnet, which are short: `asked` says that one came before it ran."""

    def __init__(self) -> None:
        self.asked: signal.Signals | None = None
        self.process: asyncio.subprocess.Process | None = None

    def __enter__(self) -> _Signals:
        loop = asyncio.get_running_loop()
        for one in _FORWARDED:
            loop.add_signal_handler(one, self._forward, one)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for one in _FORWARDED:
            loop.remove_signal_handler(one)

    def _forward(self, which: signal.Signals) -> None:
        """Ctrl-C in a terminal reaches the program by itself: it is in our process group."""
        if self.process is None:
            self.asked = which
        elif which is not signal.SIGINT or not os.isatty(0):
            with suppress(ProcessLookupError):
                self.process.send_signal(which)


async def _run(command: list[str], environment: dict[str, str], signals: _Signals) -> int:
    """Run it with our terminal."""
    try:
        process = await asyncio.create_subprocess_exec(*command, env=environment)
    except FileNotFoundError:
        typer.echo(f"mpp-sandbox: {command[0]}: there is no such command.", err=True)
        return _NOT_FOUND
    except OSError as error:
        typer.echo(f"mpp-sandbox: {command[0]} cannot be run: {error.strerror}.", err=True)
        return _CANNOT_RUN
    signals.process = process
    code = await process.wait()
    return code if code >= 0 else _SIGNALLED - code
