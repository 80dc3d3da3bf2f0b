"""A figure's machine is told, and nothing that names a person or a path."""

from __future__ import annotations

import json
import platform
from pathlib import Path

from benchmarks.environment import fingerprint


def test_what_matters_for_speed_is_told() -> None:
    about = fingerprint()
    assert about["python"] == platform.python_version()
    assert about["cores"] >= 1
    assert "pympp" in about["packages"]


def test_no_path_and_no_host_is_told() -> None:
    about = fingerprint()
    text = json.dumps(about)
    assert str(Path.home()) not in text
    assert str(Path(__file__).parents[3]) not in text
    assert platform.node() not in about.values()
