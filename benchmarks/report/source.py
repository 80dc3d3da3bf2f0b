"""Where a figure is from: the legs behind each line or bar, and the run that they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmarks.report.results import Group, Results


def legs(*groups: Group) -> dict[str, list[int]]:
    """The numbers of some groups' legs, as a figure's numbers tell them."""
    return {"legs": sorted(one.leg.number for group in groups for one in group.legs)}


def source(results: Results, numbers: Mapping[str, Any]) -> str:
    """A figure's run, its commit and the legs behind its lines or bars, in a sentence."""
    shown = [*numbers.get("lines", ()), *numbers.get("bars", ())]
    used = sorted({leg for one in shown for leg in one.get("legs", ())})
    commit = results.about["environment"].get("commit")
    parts = [
        f"mpp-sandbox, load run {results.about['id']}",
        *([f"at commit {commit}"] if commit else []),
        *([f"legs {_stretches(used)}"] if used else []),
    ]
    return ", ".join(parts) + "."


def _stretches(numbers: Iterable[int]) -> str:
    """Numbers that follow each other are told by their ends."""
    found: list[list[int]] = []
    for one in numbers:
        if found and one == found[-1][-1] + 1:
            found[-1] = [found[-1][0], one]
        else:
            found.append([one])
    return ", ".join(" to ".join(map(str, ends)) for ends in found)
