"""The same seed is the same world, byte for byte, in this process and in any other (style 4.1)."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.simulation.world.run import simulate

_SEED = 10
_PROGRAM = f"from tests.simulation.world.run import simulate; print(simulate({_SEED}).digest)"


def test_the_same_seed_is_the_same_world_again() -> None:
    first, again, other = simulate(_SEED), simulate(_SEED), simulate(_SEED + 1)
    assert first == again
    assert first.trace.count("\n") > 50
    assert other.trace != first.trace


def test_another_process_sees_the_same_world() -> None:
    """Its hashes are salted otherwise: nothing may hang on the order of a set."""
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    command = [sys.executable, "-c", _PROGRAM]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == simulate(_SEED).digest
