"""Runs rails as a process of their own: load the state, serve, and save the state at the end.

`python -m mock_rails` and `mpp-sandbox up` differ in what they start and print, not in this.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from mock_rails.core import snapshot
from mock_rails.core.errors import BadInput, Conflict, SandboxError
from mock_rails.held import Held
from mock_rails.server import Host, run, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from mock_rails.core.rail import Rail, RailContext


def run_rails(
    context: RailContext,
    rails: Sequence[Rail],
    hosts: Sequence[Host],
    *,
    state: Path | None,
    ready: Callable[[], None],
) -> None:
    """Serve until SIGINT or SIGTERM. With a state file: continue from it, and write it at the end.

    A state file that is not there yet is a first start. One that cannot be read, or written to, or
    that another process uses, is an error before anything listens.
    """
    with holding(state):
        load_state(state, context, rails)
        run(serve(hosts, ready=ready))
        save_state(state, context, rails)


@contextmanager
def holding(state: Path | None) -> Iterator[None]:
    """Keep a state file from other processes: of two, the last to stop would undo the first."""
    if state is None:
        yield
        return
    whole = state.resolve()
    try:
        hold = Held(whole.with_name(f".{whole.name}.lock"))
    except BlockingIOError:
        raise Conflict(
            f"The state file {state} is in use by another sandbox.",
            hint="Give each one its own, or stop the other first.",
        ) from None
    except FileNotFoundError:
        raise BadInput(
            f"The state file {state} cannot be written: there is no folder {state.parent}.",
            hint="Create the folder first.",
        ) from None
    except OSError as error:
        raise BadInput(f"The state file {state} cannot be written: {error.strerror}.") from None
    try:
        yield
    finally:
        hold.release()


def save_state(state: Path | None, context: RailContext, rails: Sequence[Rail]) -> None:
    """Write the state file, if there is to be one."""
    if state is not None:
        snapshot.save(state, snapshot.take(context, rails))


def load_state(state: Path | None, context: RailContext, rails: Sequence[Rail]) -> None:
    """Go on from a state file, if there is one."""
    if state is None or not state.exists():
        return
    try:
        snapshot.apply(snapshot.load(state), context, rails)
    except SandboxError as error:
        raise type(error)(
            f"The state file {state} cannot be used: {error.detail}",
            hint=error.hint or "Delete it to start afresh.",
        ) from error
