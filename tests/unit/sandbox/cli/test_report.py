"""`mpp-sandbox report`, `calibrate`, `validate`: a load run has its say, mistakes are one line."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from sandbox.cli import app
from tests.unit.benchmarks.report.runs import whole_run

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def mpp(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("command", ["report", "calibrate", "validate"])
def test_help_has_examples_and_fits_80_columns(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = mpp(command, "--help")
    assert "Examples:" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_run_is_calibrated_with_and_its_steady_loads_are_foretold(tmp_path: Path) -> None:
    run, profile = whole_run(tmp_path / "run"), tmp_path / "profile.json"
    done = mpp("calibrate", str(run), "-o", str(profile))
    assert done.exit_code == 0
    assert "fitting tempo-charge at 50/s" in done.stderr
    assert "tempo-charge at 50.0/s response" in json.loads(profile.read_text())
    held_back = whole_run(tmp_path / "held-back")
    about = json.loads((held_back / "run.json").read_text())
    about["made_at"] = "2026-11-27T13:00:00Z"
    (held_back / "run.json").write_text(json.dumps(about))
    done = mpp("validate", str(profile), str(held_back))
    assert done.exit_code == 0
    assert "figures with a target are within it." in done.stdout
    assert f"Shown on {held_back / 'report.html'}." in done.stdout
    done = mpp("validate", str(profile), str(run))
    assert done.exit_code == 1
    assert "made of this very run" in done.stderr


def test_a_mistake_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    for arguments, said in (
        (("report", str(tmp_path / "empty")), "is no run: it has no run.json"),
        (("validate", str(tmp_path / "no.json"), str(whole_run(tmp_path / "run"))), "Cannot read"),
    ):
        done = mpp(*arguments)
        assert done.exit_code == 1
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
    monkeypatch.setitem(sys.modules, "benchmarks.report.command", None)
    done = mpp("report", str(tmp_path))
    assert done.exit_code == 1
    assert "pip install 'mpp-sandbox[bench]'" in done.stderr
