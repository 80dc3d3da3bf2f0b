"""The Lightning benchmark runs, and says what it measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.micro.lightning import RATIOS, WORKLOADS, main

if TYPE_CHECKING:
    import pytest


def test_every_workload_is_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rounds", "1", "--count", "12"]) == 0
    said = capsys.readouterr().out
    for name in WORKLOADS:
        if "PyPI" not in name:
            assert name in said
    assert "ratio lightning.invoice: " in said
    assert {one for pair in RATIOS.values() for one in pair} <= set(WORKLOADS)
