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
    told = ", ".join(span(*ends) for ends in stretches(used))
    commit = results.about["environment"].get("commit")
    parts = [
        f"mpp-sandbox, load run {results.about['id']}",
        *([f"at commit {commit}"] if commit else []),
        *([f"legs {told}"] if used else []),
    ]
    return ", ".join(parts) + "."


def stretches(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """First and last of the numbers that follow each other."""
    found: list[tuple[int, int]] = []
    for one in numbers:
        if found and one == found[-1][1] + 1:
            found[-1] = (found[-1][0], one)
        else:
            found.append((one, one))
    return found


def span(first: int, last: int) -> str:
    """Numbers that follow each other, told by their ends."""
    return str(first) if first == last else f"{first} to {last}"
