"""`mpp-sandbox bench`: load on a devnet of its own, measured.

The benchmarks are another room that stands above this one (ARCHITECTURE.md): this command names
its door, `benchmarks.command`, and opens it only when it runs.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path  # noqa: TC003 (typer reads the annotation at run time)
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sandbox.cli.failing import one_clear_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DOOR: Final = "benchmarks.command"
_INTERRUPTED: Final = 130
_NEEDED: Final = ("locust", "hdrh", "psutil")
"""What the room imports in other processes or later: missing, it is said before anything runs."""
_EXAMPLES: Final = """Examples:

  mpp-sandbox bench --rail tempo --intent session --rate 50
  mpp-sandbox bench --intent charge --users 8 --duration 10
  mpp-sandbox bench --rail tempo --ladder --out build/bench/tempo
  mpp-sandbox bench --rate 200 --distributed --workers 2

A rate is an open schedule: latencies count from the moment when a request was due, so that a server
that stalls is seen to. Users ask as fast as they are served. A ladder raises the rate until the
server falls behind, and measures at 50, 70 and 85 % of that.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EXAMPLES)(bench)


def bench(  # noqa: PLR0913, PLR0917 - each is an option of its own
    intent: Annotated[
        str | None, typer.Option(metavar="NAME", help="free, charge, session or stream (all).")
    ] = None,
    rail: Annotated[
        str | None, typer.Option(metavar="NAME", help="tempo, stripe or lightning (all).")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="N", help="Requests a second, on an open schedule (10).")
    ] = None,
    users: Annotated[
        int | None,
        typer.Option(metavar="N", help="Customers; without a rate they ask as fast as they can."),
    ] = None,
    duration: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Of each leg (5).")
    ] = None,
    ladder: Annotated[
        bool, typer.Option("--ladder", help="Find the knee, then measure at shares of it.")
    ] = False,
    rounds: Annotated[
        int | None, typer.Option(metavar="N", help="Turns of the steady legs of a ladder (5).")
    ] = None,
    distributed: Annotated[
        bool, typer.Option("--distributed", help="Locust's master and workers make the load.")
    ] = False,
    workers: Annotated[int | None, typer.Option(metavar="N", help="So many of them (2).")] = None,
    web_port: Annotated[
        int | None, typer.Option(metavar="PORT", help="Show Locust's own page there meanwhile.")
    ] = None,
    seed: Annotated[str, typer.Option(help="Of keys, schedules and the devnet.")] = "1",
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The run's folder (build/bench/TIME).")
    ] = None,
) -> None:
    """Measure charges and sessions under load: latency, throughput, fees."""
    with one_clear_line():
        door = _open()
        given: dict[str, Any] = {"duration_s": duration, "rounds": rounds}
        asked = door.Asked(
            intent=intent, rail=rail, per_s=rate, users=users, ladder=ladder,
            distributed=distributed, workers=workers, web_port=web_port, seed=seed,
            **{name: value for name, value in given.items() if value is not None},
        )  # fmt: skip
        asked.checked()
        folder = out or door.new_folder()
        with _progress() as heard:
            command = door.again(["mpp-sandbox"], sys.argv[1:])
            done = door.bench(asked, folder, command=command, heard=heard)
        typer.echo("\n".join(done.lines))
        if done.interrupted:
            raise typer.Exit(_INTERRUPTED)


def _open() -> Any:
    """The benchmarks room, or what to install for it."""
    from mock_rails.core.errors import BadInput

    try:
        for needed in _NEEDED:
            if find_spec(needed) is None:
                raise ModuleNotFoundError(name=needed)
        return import_module(_DOOR)
    except ModuleNotFoundError as error:
        raise BadInput(
            f"Benchmarks need {error.name}, which is not installed.",
            hint="pip install 'mpp-sandbox[bench]'",
        ) from None


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """What is being done: a line that changes on a terminal, a line each elsewhere."""
    if not sys.stderr.isatty():
        yield lambda line: typer.echo(f"{line} …", err=True)
        return
    from rich.console import Console

    with Console(stderr=True).status("starting …") as status:
        yield lambda line: status.update(f"{line} …")
