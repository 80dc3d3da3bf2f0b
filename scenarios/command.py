"""What `mpp-sandbox simulate` and `sweep` do, as lines of text: the room's only door.

The command line lives in another room and opens this one by its name, when it is used.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mock_rails.core.errors import BadInput
from scenarios.experiment import STUDIES, Method, Result, find, run
from scenarios.parameters import pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from scenarios.processes import Workers

    Progress = Callable[[int, int], None]


def listed() -> list[str]:
    """All studies with their questions."""
    width = max(map(len, STUDIES)) + 2
    return [f"{name.replace('_', '-'):<{width}}{find(name).question}" for name in STUDIES]


def described(name: str) -> list[str]:
    """A study: question, assumptions, parameters with their sources, how far to trust it."""
    if not name:
        raise BadInput("Which study?", hint="`mpp-sandbox simulate list` names them.")
    study = find(name)
    lines = [study.question, "", "Assumptions"]
    lines += [f"  - {one}" for one in study.assumptions]
    lines += ["", "Parameters (--set key=value)"]
    for key, default, meaning, source in study.parameters.table():
        lines.append(f"  {key} = {default}: {meaning} [{source}]")
    return [*lines, "", f"How far to trust it: {study.trust}"]


def simulated(
    name: str,
    settings: Sequence[str],
    replications: int | None = None,
    *,
    seed: int = 1,
    jobs: int | None = None,
    cluster: str | None = None,
    out: Path | None = None,
    progress: Progress = lambda done, most: None,
) -> list[str]:
    """Run a study, write its files if a folder is given, and tell the answer."""
    study = find(name)
    parameters = study.parameters.read(pairs(settings))
    method = Method(seed=seed, replications=replications)
    most = replications or method.most
    if out is not None:
        from scenarios.records import write, writing

        with writing(out):
            pass  # before the work, so that it is not done for nothing
    result = run(
        study, parameters, method, workers(jobs, cluster), lambda done: progress(done, most)
    )
    lines = told(result)
    if out is not None:
        write(result, out)
        lines.append(f"Written to {out}.")
    return lines


def swept(
    name: str,
    grid: Sequence[str],
    settings: Sequence[str],
    replications: int | None = None,
    *,
    seed: int = 1,
    jobs: int | None = None,
    cluster: str | None = None,
    out: Path,
    progress: Progress = lambda done, most: None,
) -> list[str]:
    """Run every point of a grid that the folder does not hold yet."""
    from scenarios.sweep import sweep

    method = Method(seed=seed, replications=replications)
    done = sweep(
        find(name), pairs(grid), pairs(settings), method, workers(jobs, cluster), out, progress
    )
    return [f"{point}: {'found' if was_there else 'done'}" for point, was_there in done]


def told(result: Result) -> list[str]:
    """The findings, and what they rest on."""
    method = result.method
    return [
        *result.study.findings(result),
        f"({result.replications} replications, seed {method.seed}, "
        f"{method.confidence:.0%} intervals)",
    ]


def workers(jobs: int | None, cluster: str | None) -> Workers:
    """Whose processes: a cluster's, as many here as asked for, or one for each core."""
    if cluster is not None:
        if jobs is not None:
            raise BadInput("--jobs are this machine's processes; a cluster has its own.")
        return cluster
    if jobs is None:
        return os.cpu_count() or 1
    if jobs < 1:
        raise BadInput("There must be at least one process.")
    return jobs
