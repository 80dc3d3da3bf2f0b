"""Records a run: a devnet, and what a command does with it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core import snapshot
from mock_rails.core.clock import Clock
from mock_rails.core.errors import BadInput
from sandbox.devnet import Devnet
from sandbox.recording.capture import KEPT_SETTINGS, Capture
from sandbox.recording.held_clock import HeldClock
from sandbox.recording.library_time import pympp_goes_by
from sandbox.recording.recorder import Recorder, port_name, settled
from sandbox.recording.secrecy import Censor
from sandbox.settings import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sandbox.settings import DevnetSettings

_PAGE: Final = 100_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """A capture, and the journal's events while it was made."""

    capture: Capture
    events: list[dict[str, Any]]


async def record(
    settings: DevnetSettings,
    work: Callable[[Devnet], Awaitable[int]],
    *,
    command: Sequence[str] = (),
    faults: Sequence[Mapping[str, Any]] = (),
    start: Capture | None = None,
) -> Recorded:
    """Start a devnet, let `work` be done beside it, and return what came to its ports.

    `start` is a capture whose beginning this run shall have too. `faults` are armed before.
    """
    check_recordable(settings)
    real = Clock()
    wall_us = real.wall_us() if start is None else start.wall_us
    clock = HeldClock(wall_us)
    recorder = Recorder(clock, real if start is None else _Shifted(wall_us - real.wall_us()))
    devnet = Devnet(settings, clock=clock, tap=recorder.tap)
    with pympp_goes_by(clock):
        async with devnet:
            if start is not None:
                begin_as(devnet, start)
            for fault in faults:
                devnet.context.faults.arm(fault)
            await settled(real)
            capture = Capture(
                settings={name: getattr(settings, name) for name in KEPT_SETTINGS},
                wall_us=clock.wall_us(),
                snapshot=snapshot.take(devnet.context, devnet.parts),
                ports=ports_of(devnet),
                lines=recorder.lines,
                faults=list(faults),
            )
            after = devnet.context.journal.last_offset
            recorder.censor = Censor(_public(devnet))
            capture.command = recorder.censor.command(list(command))
            clock.begin()
            keeping = asyncio.ensure_future(recorder.keep_time())
            try:
                capture.exit_code = await work(devnet)
                await recorder.finish()
            finally:
                keeping.cancel()
                with suppress(asyncio.CancelledError):
                    await keeping
                clock.let_go()
            capture.notes = recorder.censor.notes
            recorder.censor = None
            events = [one._asdict() for one in devnet.context.journal.read(after, _PAGE)]
    return Recorded(capture, events)


def check_recordable(settings: DevnetSettings) -> None:
    """Refuse what a capture could not begin again: books elsewhere, processes of their own."""
    if settings.only != EVERYTHING:
        raise BadInput("A recording is of a whole devnet.", hint="Leave --only out.")
    if settings.workers > 1 or settings.store != "memory":
        raise BadInput(
            "A recording is of one process whose merchants keep their books in memory.",
            hint="Leave --workers and --store out.",
        )


def begin_as(devnet: Devnet, capture: Capture) -> None:
    """Make a devnet what it was before the first step of a capture."""
    snapshot.apply(dict(capture.snapshot), devnet.context, devnet.parts)


def ports_of(devnet: Devnet) -> dict[str, str]:
    """Where each port is, by its name in captures."""
    return {name: url.partition("://")[2] for name, url in urls_of(devnet).items()}


def urls_of(devnet: Devnet) -> dict[str, str]:
    """The same as addresses."""
    info = devnet.info()
    found = {
        "control": info["control"]["url"],
        "paid-api": info["merchants"]["url"],
        port_name("the Tempo chain"): info["tempo"]["url"],
        "stripe": info["stripe"]["url"],
    }
    lightning = info.get("lightning") or {}
    for kind in ("lnd", "phoenixd"):
        found |= {f"{kind}-{node}": one["url"] for node, one in lightning.get(kind, {}).items()}
    return found


def _public(devnet: Devnet) -> set[str]:
    """What this devnet tells everybody: phoenixd's password."""
    lightning = devnet.info().get("lightning") or {}
    return {one["password"] for one in lightning.get("phoenixd", {}).values()}


class _Shifted(Clock):
    """The real time, as far off as a capture is old."""

    def __init__(self, by_us: int) -> None:
        super().__init__()
        self._by_us = by_us

    def wall_us(self) -> int:
        """What the wall showed when the capture was made, and what has passed since."""
        return super().wall_us() + self._by_us
