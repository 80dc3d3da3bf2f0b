"""`exec`: what becomes of Ctrl-C while the devnet starts, and when its command has ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.cli.execute import _execute

if TYPE_CHECKING:
    from pathlib import Path


class Interrupted:
    """A devnet during whose start or stop somebody presses Ctrl-C."""

    def __init__(self, when: str) -> None:
        self.when = when
        self.steps: list[str] = []

    async def step(self, name: str) -> None:
        if name == self.when:
            os.kill(os.getpid(), signal.SIGINT)
        for _ in range(10):
            await asyncio.sleep(0.01)
        self.steps.append(name)

    async def __aenter__(self) -> Interrupted:
        await self.step("start")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.step("stop")

    def info(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(("when", "code"), [("start", 130), ("stop", 7)])
async def test_ctrl_c_breaks_into_neither_start_nor_stop(
    when: str, code: int, tmp_path: Path
) -> None:
    devnet, codes, ran = Interrupted(when), list[int](), tmp_path / "ran"
    program = f"open({str(ran)!r}, 'w').close(); raise SystemExit(7)"
    await _execute(devnet, [sys.executable, "-c", program], codes)  # type: ignore[arg-type]
    assert codes == [code]
    assert devnet.steps == ["start", "stop"]
    assert ran.exists() is (when == "stop")  # nothing is begun that nobody wants any more
