"""The promises are held against what was measured, in the direction that each has."""

from __future__ import annotations

import pytest

from benchmarks.peers.__main__ import page, read_ratios
from benchmarks.peers.bars import BARS, MISSED

PRINTED = """a table
ratio chain.sync16: 2.31
ratio session.voucher: 1.67 (bar 2, aim 1.3)
ratio chain.extra: 9.99
"""


def bar(name: str):
    return next(one for one in BARS if one.name == name)


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("chain.sync16", 2.0, "aim met"),
        ("chain.sync16", 1.99, "bar met"),
        ("chain.sync16", 0.99, MISSED),
        ("session.voucher", 1.3, "aim met"),
        ("session.voucher", 1.67, "bar met"),
        ("session.voucher", 2.01, MISSED),
        ("memory.growth", 5.0, "recorded"),
    ],
)
def test_a_value_meets_the_aim_the_bar_or_neither(name: str, value: float, verdict: str) -> None:
    assert bar(name).verdict(value) == verdict


def test_figures_are_read_off_what_benchmarks_print() -> None:
    assert read_ratios([PRINTED]) == {
        "chain.sync16": 2.31,
        "session.voucher": 1.67,
        "chain.extra": 9.99,
    }


def test_the_page_has_every_promise_and_what_was_printed() -> None:
    text = page(read_ratios([PRINTED]), {"chain": PRINTED}, 5, "2026-11-27")
    for one in BARS:
        assert f"| `{one.name}` |" in text
    assert "| 2.31 | ≥ 1 | ≥ 2 | aim met |" in text
    assert "| 1.67 | ≤ 2 | ≤ 1.3 | bar met |" in text
    assert "| - | ≥ 25 | ≥ 50 | not measured |" in text
    assert PRINTED.strip() in text
    assert "The peers: @foundry-rs/anvil 1.7.1, mppx 0.11.0, viem 2.57.1, pympp " in text


def test_without_a_repository_the_commit_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.environment.commit", lambda: None)
    assert "commit unknown, Python" in page({}, {}, 5, "2026-11-27")
