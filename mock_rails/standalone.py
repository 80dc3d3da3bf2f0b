"""Runs rails as a process of their own: load the state, serve, and save the state at the end.

`python -m mock_rails` and `mpp-sandbox up` differ in what they start and print, not in this.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from mock_rails.core import snapshot
from mock_rails.core.errors import BadInput, SandboxError
from mock_rails.server import Host, run, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from mock_rails.core.rail import Rail, RailContext

LONGEST_MS: Final = 24 * 60 * 60 * 1000


def run_rails(
    context: RailContext,
    rails: Sequence[Rail],
    hosts: Sequence[Host],
    *,
    state: Path | None,
    ready: Callable[[], None],
) -> None:
    """Serve until SIGINT or SIGTERM. With a state file: continue from it, and write it at the end.

    A state file that is not there yet is a first start. One that cannot be read, or written to,
    is an error before anything listens.
    """
    if state is not None:
        _load(state, context, rails)
    run(serve(hosts, ready=ready))
    if state is not None:
        snapshot.save(state, snapshot.take(context, rails))


def _load(state: Path, context: RailContext, rails: Sequence[Rail]) -> None:
    if state.exists():
        try:
            snapshot.apply(snapshot.load(state), context, rails)
        except SandboxError as error:
            raise type(error)(
                f"The state file {state} cannot be used: {error.detail}",
                hint=error.hint or "Delete it to start afresh.",
            ) from error
    elif not state.resolve().parent.is_dir():
        raise BadInput(
            f"The state file {state} cannot be written: there is no folder {state.parent}.",
            hint="Create the folder first.",
        )


def parse_duration_ms(text: str) -> int:
    """A span of time as people type it: `1`, `0.2` (seconds), `1s`, `200ms`; whole milliseconds."""
    number, scale = text.strip(), 1000
    if number.endswith("ms"):
        number, scale = number[:-2], 1
    elif number.endswith("s"):
        number = number[:-1]
    try:
        milliseconds = Decimal(number) * scale
        whole = int(milliseconds)
    except (InvalidOperation, ValueError, OverflowError):
        raise BadInput(f"{text!r} is no span of time.", hint="Write 1, 0.2, 1s or 200ms.") from None
    if whole != milliseconds or not 0 < whole <= LONGEST_MS:
        raise BadInput(
            f"{text!r} is not between 1 ms and one day, in whole milliseconds.",
            hint="Write 1, 0.2, 1s or 200ms.",
        )
    return whole


def parse_port(text: str) -> int:
    """A TCP port; 0 lets the system pick a free one."""
    if text.isascii() and text.isdigit() and int(text) <= 65_535:
        return int(text)
    raise BadInput(f"{text!r} is no port.", hint="Ports are 0 (any free one) to 65535.")


def parse_chain_id(text: str) -> int:
    """An EIP-155 chain id."""
    if text.isascii() and text.isdigit() and 0 < int(text) < 1 << 64:
        return int(text)
    raise BadInput(f"{text!r} is no chain id.", hint="It is a whole number above 0.")
