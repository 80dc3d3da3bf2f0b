"""A figure's machine is told, and nothing that names a person or a path."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from benchmarks.environment import fingerprint


def test_what_matters_for_speed_is_told() -> None:
    about = fingerprint()
    assert about["python"] == platform.python_version()
    assert about["cores"] >= 1
    assert "pympp" in about["packages"]
    assert about["kernel"] == platform.release()
    assert about["memory_bytes"] > 100_000_000


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu hypervisor lm\n\nflags\t\t: fpu\n", True),
        ("flags\t\t: fpu hypervisor_like\n", False),
        ("processor\t: 0\n", None),
        (None, None),
    ],
)
def test_a_hypervisor_is_seen_by_its_flag(
    told: str | None, expected: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cpuinfo"
    if told is not None:
        path.write_text(told, encoding="utf-8")
    monkeypatch.setattr("benchmarks.environment._PROCESSORS", path)
    assert fingerprint()["hypervisor"] is expected


def test_no_path_and_no_host_is_told() -> None:
    about = fingerprint()
    text = json.dumps(about)
    assert str(Path.home()) not in text
    assert str(Path(__file__).parents[3]) not in text
    assert platform.node() not in about.values()
