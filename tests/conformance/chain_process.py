"""A chain as a process of its own on a free port, as anybody would start it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_STOP_TIMEOUT_S = 10


class ChainDidNotStartError(Exception):
    """The process ended before it served; the message is what it said."""


@contextmanager
def chain_process() -> Iterator[str]:
    """Run `python -m mock_rails tempo`; yields its RPC address once it answers there."""
    command = [sys.executable, "-m", "mock_rails", "tempo", "--port", "0", "--json"]
    with tempfile.TemporaryFile(mode="w+") as complaints:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, text=True)
        try:
            assert process.stdout is not None
            announcement = process.stdout.readline()
            if not announcement:
                process.wait()
                complaints.seek(0)
                raise ChainDidNotStartError(complaints.read())
            yield json.loads(announcement)["url"]
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
