"""Two hundred worlds: what must hold in each holds in all of them (issue 6; style 1.2, item 7).

`make fuzz SEEDS=1000` runs more. In parts, so that the tests' processes share them.
"""

from __future__ import annotations

import pytest

from tests.simulation.world.run import simulate

SEEDS = 200
PARTS = 8


@pytest.mark.parametrize("part", range(PARTS))
def test_the_invariants_hold_in_every_world(part: int) -> None:
    """At most one delivery per settlement, no lost voucher, conservation, liveness, and so on."""
    for seed in range(1 + part, 1 + SEEDS, PARTS):
        simulate(seed)
