"""What `@pytest.mark.mpp(…)` may say, and what is answered to everything else."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.pytest_plugin.marks import SEED, BadMark, Wanted, read

if TYPE_CHECKING:
    from collections.abc import Iterator

FAULT = {"at": "tempo.submit", "do": "lose_response"}


class Item:
    """A test with marks, the nearest first, and a command line."""

    def __init__(self, *marks: pytest.Mark, seed: str | None = None, ports: bool = False) -> None:
        options = {"mpp_seed": seed, "mpp_ports": ports}
        self.config = SimpleNamespace(getoption=options.__getitem__)
        self._marks = marks

    def iter_markers(self, name: str) -> Iterator[pytest.Mark]:
        """The marks of this name."""
        return (one for one in self._marks if one.name == name)


def wanted(*marks: Any, **options: Any) -> Wanted:
    return read(Item(*(one.mark for one in marks), **options))  # type: ignore[arg-type]


def test_without_a_mark_everything_is_as_usual() -> None:
    assert wanted() == Wanted(seed=SEED, faults=(), block_time_ms=None, ports=False)


def test_the_nearest_mark_says_what_both_say() -> None:
    near = pytest.mark.mpp(seed="near")
    far = pytest.mark.mpp(seed="far", faults=[FAULT], ports=True)
    assert wanted(near, far) == Wanted("near", (FAULT,), None, ports=True)


def test_the_command_line_speaks_where_the_mark_is_silent() -> None:
    assert wanted(seed="theirs", ports=True) == Wanted("theirs", ports=True)
    assert wanted(pytest.mark.mpp(seed="mine"), seed="theirs").seed == "mine"


@pytest.mark.parametrize(
    ("span", "ms"), [("500ms", 500), ("2s", 2_000), (2, 2_000), (0.5, 500)], ids=str
)
def test_a_block_time_is_written_in_any_form(span: object, ms: int) -> None:
    assert wanted(pytest.mark.mpp(block_time=span)).block_time_ms == ms
    span = timedelta(milliseconds=ms)
    assert wanted(pytest.mark.mpp(block_time=span)).block_time_ms == ms


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        (pytest.mark.mpp("bug-17"), "takes its arguments by name, not 'bug-17'"),
        (pytest.mark.mpp(sed="x"), "no argument 'sed'. Did you mean 'seed'?"),
        (pytest.mark.mpp(seed=17), "seed is a printable text of 1 to 256 characters, not 17"),
        (pytest.mark.mpp(seed=""), "seed is a printable text"),
        (pytest.mark.mpp(faults=FAULT), "faults is a list of faults, not {'at'"),
        (pytest.mark.mpp(faults="none"), "faults is a list"),
        (
            pytest.mark.mpp(faults=["duplicate-credental"]),
            "faults: There is no failure 'duplicate-credental' in the catalogue. "
            "Did you mean 'duplicate-credential'?",
        ),
        (
            pytest.mark.mpp(faults=["duplicate-credential"]),
            "`mpp-sandbox failures play duplicate-credential`",
        ),
        (pytest.mark.mpp(block_time="soon"), "block_time: 'soon' is no span of time"),
        (pytest.mark.mpp(block_time=0), "block_time: '0s' is not between 1 ms and one day"),
        (pytest.mark.mpp(block_time=True), "block_time is a span between blocks"),
        (pytest.mark.mpp(ports=1), "ports is True or False, not 1"),
    ],
)
def test_a_mark_that_means_nothing_is_told_what_would(mark: Any, says: str) -> None:
    with pytest.raises(BadMark) as refused:
        wanted(mark)
    assert says in str(refused.value)
