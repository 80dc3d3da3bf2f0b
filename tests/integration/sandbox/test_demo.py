"""`make demo` from its first line to its figures, with fewer requests."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

REQUESTS = 20


def test_the_demo_tells_its_story_and_draws_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.demo", "--requests", str(REQUESTS)]
    done = subprocess.run(
        [*command, "--out", str(tmp_path)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    for words in ("402 Payment Required", "20/20", "topped it up", "The rest of the deposit"):
        assert words in done.stdout
    assert done.stderr == ""
    for name in ("latency", "cost"):
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000
    numbers = json.loads((tmp_path / "cost.json").read_text())
    for way in ("tempo charge", "card", "lightning charge"):
        assert numbers[way]["transactions"] == REQUESTS
    assert numbers["tempo session"]["transactions"] == 2, "an open and a close"
    assert numbers["lightning session"]["transactions"] < REQUESTS
    for way in numbers.values():
        assert all(fee > 0 for fee in way["fees_base_units"])
