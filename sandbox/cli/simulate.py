"""`mpp-sandbox simulate`: the SimPy studies of the scenarios room, by name.

The two rooms do not see each other (ARCHITECTURE.md), so this command names the other's door,
`scenarios.command`, and opens it only when it runs: `--help` needs neither SimPy nor numpy.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path  # noqa: TC003 (typer reads the annotation at run time)
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sandbox.cli.failing import one_clear_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DOOR: Final = "scenarios.command"
_EXAMPLES: Final = """Examples:
  mpp-sandbox simulate list
  mpp-sandbox simulate describe charge-vs-session
  mpp-sandbox simulate charge-vs-session --set rtt_ms=50 --out results
"""
_SWEEP_EXAMPLES: Final = """Examples:
  mpp-sandbox sweep charge-vs-session --grid block_ms=100,500 --out results

A point that --out holds already is not run again.
"""

Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A parameter; repeatable.")
]
Replications = Annotated[
    int | None, typer.Option(metavar="N", help="So many; else until it is narrow.")
]
Seed = Annotated[int, typer.Option(metavar="N", help="The seed of all randomness.")]
Jobs = Annotated[int | None, typer.Option(metavar="N", help="Processes (one for each core).")]

Cluster = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="A Dask scheduler, such as tcp://10.0.0.5:8786."),
]


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command(epilog=_EXAMPLES)(simulate)
    app.command(epilog=_SWEEP_EXAMPLES)(sweep)


def simulate(
    study: Annotated[str, typer.Argument(metavar="STUDY|list|describe")],
    described: Annotated[str | None, typer.Argument(metavar="[STUDY]")] = None,
    settings: Settings = None,
    replications: Replications = None,
    seed: Seed = 1,
    jobs: Jobs = None,
    cluster: Cluster = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write records and figures.")
    ] = None,
) -> None:
    """Answer a question about charge and session by simulation."""
    with one_clear_line():
        door = _open()
        if study == "list":
            lines = door.listed()
        elif study == "describe":
            lines = door.described(described or "")
        else:
            with _progress(study) as heard:
                lines = door.simulated(
                    study, settings or [], replications, seed=seed, jobs=jobs, cluster=cluster,
                    out=out, progress=heard,
                )  # fmt: skip
        typer.echo("\n".join(lines))


def sweep(
    study: Annotated[str, typer.Argument(metavar="STUDY")],
    grid: Annotated[list[str], typer.Option(metavar="KEY=A,B", help="Values to try; repeatable.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where each point is kept.")],
    settings: Settings = None,
    replications: Replications = None,
    seed: Seed = 1,
    jobs: Jobs = None,
    cluster: Cluster = None,
) -> None:
    """Run a study at every point of a grid; what was done before is not done again."""
    with one_clear_line():
        with _progress(study) as heard:
            lines = _open().swept(
                study, grid, settings or [], replications, seed=seed, jobs=jobs, cluster=cluster,
                out=out, progress=heard,
            )  # fmt: skip
        typer.echo("\n".join(lines))


def _open() -> Any:
    """The scenarios room, or what to install for it."""
    from mock_rails.core.errors import BadInput

    try:
        return import_module(_DOOR)
    except ModuleNotFoundError as error:
        raise BadInput(
            f"Simulation needs {error.name}, which is not installed.",
            hint="pip install 'mpp-sandbox[simulate]'",
        ) from None


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal's stderr, gone when it is done; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, most: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, most: bar.update(task, completed=done, total=most)
