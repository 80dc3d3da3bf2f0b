"""The suite can fail: each known bug is found by a few seeds, by the invariant that it breaks."""

from __future__ import annotations

import pytest

from tests.simulation.world.bugs import BUGS, Bug
from tests.simulation.world.run import failure

MOST_SEEDS = 60


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug) -> None:
    """And its failure says how to see it again."""
    with bug.planted():
        found = next(filter(None, map(failure, range(1, MOST_SEEDS + 1))))
    assert found.invariant in bug.breaks, found
    text = str(found)
    assert f"\nAgain: make fuzz SEEDS=1 FIRST={found.seed}" in text
    assert text.startswith(f"seed {found.seed}, step ")
    assert 2 < text.count("\n") <= 21
