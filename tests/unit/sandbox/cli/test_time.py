"""`time` in words, and what it refuses before it asks a devnet."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from sandbox.cli import app
from sandbox.cli.time import span, told

NOW = "2026-12-01T00:00:00.000Z"


def test_the_time_says_whether_it_stands_and_how_far_from_the_walls_it_is() -> None:
    now = {"now": NOW, "now_us": 0, "frozen": False, "ahead_s": 1}
    assert told(now) == f"{NOW} (running)"
    ahead = {**now, "frozen": True, "ahead_s": 960}
    assert told(ahead) == f"{NOW} (frozen, 16m ahead of this machine's clock)"
    assert told({**now, "ahead_s": -90_000}).endswith("(running, 1d1h behind this machine's clock)")


def test_spans_have_their_two_largest_units() -> None:
    assert [span(one) for one in (0, 59, 3_600, 5_430, 93_784)] == [
        "0s",
        "59s",
        "1h",
        "1h30m",
        "1d2h",
    ]


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["set"], "wants an instant"),
        (["+16m", "please"], "takes nothing more"),
        (["resume", "2026-12-01"], "takes nothing more"),
        (["+16m", "--backwards"], "goes with `time set`"),
        (["resum"], "Did you mean 'resume'?"),
        (["soon"], "Known: freeze, resume, set."),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], fragment: str) -> None:
    done = CliRunner().invoke(app, ["time", *arguments])
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert fragment in done.stderr
