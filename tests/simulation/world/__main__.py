"""`python -m tests.simulation.world --seeds 1000 [--first N] [--jobs 2]`: look for failing seeds.

Seeds are independent, so that jobs are processes. Each failure is shown with its last steps; the
exit status says whether there was any.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from tests.simulation.world.run import DEEDS, PAYERS, failure

if TYPE_CHECKING:
    from collections.abc import Iterable

_BATCH = 20


def text_of(seed: int, payers: int, deeds: int) -> str | None:
    """What a seed has found, as text, for that is what comes back from another process."""
    found = failure(seed, payers=payers, deeds=deeds)
    return None if found is None else str(found)


def main() -> int:
    """Run the seeds that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.world", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--payers", type=int, default=PAYERS, help="payers in each world")
    parser.add_argument("--deeds", type=int, default=DEEDS, help="what each payer does in a storm")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    run = partial(text_of, payers=asked.payers, deeds=asked.deeds)
    if asked.jobs == 1:
        return _report(len(seeds), map(run, seeds))
    with ProcessPoolExecutor(asked.jobs) as pool:
        return _report(len(seeds), pool.map(run, seeds, chunksize=_BATCH))


def _report(count: int, found: Iterable[str | None]) -> int:
    failed = 0
    for text in found:
        if text is not None:
            failed += 1
            sys.stdout.write(f"{text}\n\n")
            sys.stdout.flush()
    sys.stdout.write(f"{count} seeds, {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
