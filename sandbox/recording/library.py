"""Captures in tests: one call that needs no event loop.

result = replay(TEXT)               # the same requests again
assert result.divergence is None, result.report()

result = run_again(TEXT)            # the same command again, beside a devnet that begins alike
assert not result.complaints, result.report()
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from mock_rails.core.errors import BadInput
from sandbox.recording.capture import Capture
from sandbox.recording.record import record
from sandbox.recording.replay import Replayed, replayed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.devnet import Devnet


def replay(text: str, *, until: int | None = None) -> Replayed:
    """Play a capture, given as its text."""
    return asyncio.run(replayed(Capture.parse(text), until=until))


def run_again(
    text: str,
    command: Sequence[str] | None = None,
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
) -> Replayed:
    """Run a capture's command, or another, beside a devnet that begins as the recorded one did:
    same seed, same clock, same money, same faults. Says how it ended and what went wrong."""
    capture = Capture.parse(text)
    words = list(command or capture.command)
    if not words:
        raise BadInput("The capture names no command.", hint="Give one.")

    async def work(devnet: Devnet) -> int:
        from sandbox.info import environment

        known = {**os.environ, **environment(devnet.info()), **(env or {})}
        process = await asyncio.create_subprocess_exec(*words, env=known, cwd=cwd)
        return await process.wait()

    settings = capture.devnet_settings()
    recorded = asyncio.run(record(settings, work, command=words, start=capture))
    return Replayed(
        steps=len(recorded.capture.steps),
        events=recorded.events,
        exit_code=recorded.capture.exit_code,
    )
