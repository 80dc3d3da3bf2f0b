"""Every command teaches itself, and says at once that there is no devnet where there is none."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from sandbox.cli import app

COMMANDS = (
    "pay", "fund", "accounts", "channels", "inspect", "watch", "time", "faults", "snapshot",
)  # fmt: skip
NOWHERE = "http://127.0.0.1:9"
HEAVY = ("eth_account", "fastapi", "httpx", "mpp", "mock_rails.tempo", "rich.progress")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_and_fits_80_columns(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    assert "Examples:" in done.stdout
    assert f"mpp-sandbox {command}" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    "arguments",
    [
        ["accounts"],
        ["fund", "3"],
        ["inspect", "ex-12"],
        ["watch"],
        ["watch", "--json"],
        ["time", "+16m"],
        ["faults", "list"],
        ["snapshot", "save", "state.json"],
    ],
)
def test_without_a_devnet_one_line_says_how_to_start_one(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, [*arguments, "--control-url", NOWHERE])
    assert done.exit_code == 1
    assert done.stderr.startswith("mpp-sandbox: No devnet answers at http://127.0.0.1:9.")
    assert done.stderr.count("\n") == 1


def test_a_token_without_an_amount_is_wrong_usage() -> None:
    done = CliRunner().invoke(app, ["fund", "3", "--token", "pathUSD"])
    assert done.exit_code == 2
    assert "wants an --amount" in done.stderr


def test_nothing_heavy_is_loaded_before_a_command_runs() -> None:
    code = f"import sys, sandbox.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
