"""A study at every point of a grid, resumable: a point whose summary is there is not run again.

A folder is named after its point and `run.json` says exactly what was run; where that is something
else, such as another seed, the point is run again. The summary is written last of all.
"""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING

from mock_rails.core.errors import BadInput
from scenarios.experiment import Method, Study, run
from scenarios.processes import opened
from scenarios.records import planned, write, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from scenarios.parameters import Parameters
    from scenarios.processes import Workers


def points(grid: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """All combinations; the values of a key are separated by commas, those of a tuple by `+`."""
    for key, values in grid.items():
        if not values:
            raise BadInput(f"The grid has no values for {key!r}.", hint="Write key=1,2,3.")
    for chosen in product(*(text.split(",") for text in grid.values())):
        yield {key: one.replace("+", ",") for key, one in zip(grid, chosen, strict=True)}


def sweep(
    study: Study,
    grid: Mapping[str, str],
    settings: Mapping[str, str],
    method: Method,
    workers: Workers,
    out: Path,
    progress: Callable[[int, int], None] = lambda done, most: None,
) -> list[tuple[str, bool]]:
    """Run what is missing; returns each point's name and whether it had been there."""
    # All points are read before the first is run: a mistake in the last shows at once.
    every = [
        (",".join(f"{key}={value.replace(',', '+')}" for key, value in point.items()),
         study.parameters.read({**settings, **point}))
        for point in points(grid)
    ]  # fmt: skip
    found = [(name, _is_done(out / name, study, one, method)) for name, one in every]
    done = sum(was_there for _, was_there in found)
    progress(done, len(every))
    with opened(workers if done < len(every) else 1) as pool:
        for (name, parameters), (_, was_there) in zip(every, found, strict=True):
            if was_there:
                continue
            folder = out / name
            with writing(folder):
                (folder / "summary.json").unlink(missing_ok=True)
            write(run(study, parameters, method, pool), folder, figures=False)
            done += 1
            progress(done, len(every))
    return found


def _is_done(folder: Path, study: Study, parameters: Parameters, method: Method) -> bool:
    """Whether the folder holds this very run, complete, and of this very code."""
    try:
        was = json.loads((folder / "run.json").read_text())
        json.loads((folder / "summary.json").read_text())
    except (OSError, ValueError):
        return False
    same = planned(study, parameters, method).items() <= was.items()
    return same and method.replications in (None, was["replications"])
