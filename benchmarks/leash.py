"""A program that ends with whoever started it: `python -m benchmarks.leash MODULE ARGUMENTS…`.

A benchmark that is killed can end nobody. But the pipe that it held as their standard input ends
then: a thread waits for that, which costs nothing, and has the program stop as Ctrl-C would.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from threading import Event, Thread, main_thread
from typing import Final

GRACE_S: Final = 20
"""How long a program may take to end, for merchants close their channels first."""
_CHUNK: Final = 4_096


def main() -> None:
    """Run the module as a program of its own, until it ends or the input does."""
    Thread(target=_hold, daemon=True).start()
    sys.argv[:] = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def end() -> None:
    """Stop this process as Ctrl-C would, and end it hard if that does not help; from a thread."""
    ident = main_thread().ident
    assert ident is not None
    signal.pthread_kill(ident, signal.SIGINT)  # to that thread, so that it does not wait on
    Event().wait(GRACE_S)
    os._exit(1)


def _hold() -> None:
    # Not by sys.stdin: a thread that waits in there is in the way when the interpreter ends.
    while os.read(0, _CHUNK):
        pass
    end()


if __name__ == "__main__":
    main()
