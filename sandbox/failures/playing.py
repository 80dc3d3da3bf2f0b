"""Plays a failure, and says how it went."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox.failures.telling import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.failures.failure import Failure
    from sandbox.failures.telling import Step

SEED: Final = "mpp-sandbox"


@dataclass(frozen=True, slots=True)
class Played:
    """How a play went."""

    failure: Failure
    seed: str
    steps: tuple[Step, ...]

    @property
    def holds(self) -> bool:
        """Whether all that was checked is so; a play that checks nothing proves nothing."""
        checks = [one.holds for one in self.steps if one.kind is Kind.CHECK]
        return bool(checks) and all(checks)

    def text(self) -> str:
        """The story, for people."""
        head = [f"{self.failure.slug}: {self.failure.title}"]
        return "\n".join([*head, *(line for step in self.steps for line in step.lines())])

    def to_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "failure": self.failure.slug,
            "seed": self.seed,
            "holds": self.holds,
            "steps": [step.to_json() for step in self.steps],
        }


async def play(failure: Failure, seed: str = SEED) -> Played:
    """Play it on a devnet of its own. The same seed tells the same story, to the byte."""
    from sandbox.failures.scene import scene

    with _told_by_nobody_else():
        async with scene(failure, seed) as stage:
            try:
                await failure.play(stage)
            except Exception as error:  # what should not have happened, whatever it is, has
                stage.check(f"nothing breaks the story off: {type(error).__name__}: {error}", False)
            await stage.end()
            return Played(failure, seed, tuple(stage.steps))


@contextmanager
def _told_by_nobody_else() -> Iterator[None]:
    """What the shop logs when things go wrong for it, as they do here, is no part of the story."""
    logger, silent = logging.getLogger("sandbox"), logging.NullHandler()
    logger.addHandler(silent)
    try:
        yield
    finally:
        logger.removeHandler(silent)
