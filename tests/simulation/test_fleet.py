"""Drawing a crowd block by block is as good as playing it agent by agent, within its interval."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios.model.fleet import Fleet, by_blocks, by_events
from scenarios.statistics import t_interval
from scenarios.streams import Streams

SMALL = Fleet(np.full(1, 2.0), 900.0, requests=5, think_s=1.0, block_s=0.5)


@pytest.mark.parametrize("intent", ["charge", "session"])
def test_aggregating_changes_fees_by_less_than_three_per_cent(intent: str) -> None:
    errors = []
    for number in range(10):
        streams = Streams(2, number)
        exact, coarse = (play(SMALL, intent, streams) for play in (by_events, by_blocks))
        errors.append(coarse.fees / exact.fees - 1)
    found = t_interval(errors, 0.99)
    assert found.low < 0.03
    assert found.high > -0.03
    assert found.high - found.low < 0.15


def test_a_crowd_drives_the_base_fee_to_its_cap_and_no_further() -> None:
    crowd = Fleet(np.full(1, 5_000.0), 120.0, requests=5, think_s=1.0, block_s=0.5)
    fees = by_blocks(crowd, "session", Streams(1, 0)).base_fees
    assert fees[0] == 600_000_000
    assert fees[-1] == fees.max() == 12_000_000_000
