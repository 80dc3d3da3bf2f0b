"""`mpp-sandbox report`, `calibrate`, `validate`: what a load run has to say.

The rooms do not see each other (ARCHITECTURE.md), so these commands name the other's door,
`benchmarks.report.command`, and open it only when they run.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from sandbox.cli.failing import one_clear_line

_DOOR: Final = "benchmarks.report.command"
_REPORT_EXAMPLES: Final = """Examples:
  mpp-sandbox bench --rail tempo --out run
  mpp-sandbox report run
"""
_CALIBRATE_EXAMPLES: Final = """Examples:
  mpp-sandbox bench --rail tempo --ladder --out run
  mpp-sandbox calibrate run -o profile.json
  mpp-sandbox simulate charge-vs-session --set timing=profile.json
"""
_VALIDATE_EXAMPLES: Final = """Examples:
  mpp-sandbox calibrate run -o profile.json
  mpp-sandbox bench --rail tempo --ladder --seed 2 --out another
  mpp-sandbox validate profile.json another
"""

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `bench` wrote.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=_REPORT_EXAMPLES)(report)
    app.command(epilog=_CALIBRATE_EXAMPLES)(calibrate)
    app.command(epilog=_VALIDATE_EXAMPLES)(validate)


def report(run: Run) -> None:
    """Draw a load run: one page, its figures and tables, beside the data."""
    with one_clear_line():
        typer.echo("\n".join(_open().reported(run)))


def calibrate(
    run: Run,
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="FILE", help="The profile, ending in .json.")
    ] = Path("profile.json"),
) -> None:
    """Take the simulator's service times from a load run."""
    with one_clear_line():
        typer.echo("\n".join(_open().calibrated(run, out, _progress)))


def validate(
    profile: Annotated[Path, typer.Argument(metavar="PROFILE", help="What `calibrate` wrote.")],
    run: Run,
) -> None:
    """Foretell another load run by simulation, and tell how far off that was."""
    with one_clear_line():
        typer.echo("\n".join(_open().validated(profile, run)))


def _progress(line: str) -> None:
    typer.echo(f"{line} …", err=True)


def _open() -> Any:
    """The reading half of the benchmarks room, or what to install for it."""
    from mock_rails.core.errors import BadInput

    try:
        return import_module(_DOOR)
    except ModuleNotFoundError as error:
        raise BadInput(
            f"Reports need {error.name}, which is not installed.",
            hint="pip install 'mpp-sandbox[bench]'",
        ) from None
