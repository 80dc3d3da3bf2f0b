"""Where the demo plays: a devnet in a process of its own, on free ports, as users run it."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import orjson

from mock_rails.core.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterator

_STOP_TIMEOUT_S = 30


class DevnetDidNotStart(SandboxError):
    """The devnet ended before it was ready."""

    code = "devnet-did-not-start"
    title = "The devnet did not start"


@contextlib.contextmanager
def running_devnet(*options: str) -> Iterator[dict[str, Any]]:
    """A devnet and what it says about itself; it is stopped as by Ctrl-C."""
    command = [sys.executable, "-m", "sandbox.cli", "up", "--json", "--port-base", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise DevnetDidNotStart(f"`{' '.join(command[1:])}` ended with {process.wait()}.")
        yield orjson.loads(line)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_TIMEOUT_S)
        if process.poll() is None:
            process.kill()
        process.communicate()
