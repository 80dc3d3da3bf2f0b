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

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `bench` wrote.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=_REPORT_EXAMPLES)(report)


def report(run: Run) -> None:
    """Draw a load run: one page, its figures and tables, beside the data."""
    with one_clear_line():
        typer.echo("\n".join(_open().reported(run)))


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
