"""How a command fails: one line on stderr and an exit code, never a traceback."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from mock_rails.core.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def one_clear_line() -> Iterator[None]:
    """Turn the sandbox's errors into a line and exit code 1."""
    try:
        yield
    except SandboxError as error:
        typer.echo(f"mpp-sandbox: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(1) from None
