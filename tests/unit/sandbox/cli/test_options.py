"""The options of all commands that start a devnet: the same ones, and each of them is text."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from sandbox.cli import app
from sandbox.cli.options import Options, read_settings, takes_devnet_options
from sandbox.settings import DevnetSettings

RUN = CliRunner()


def test_a_command_gets_what_was_given_and_none_for_the_rest() -> None:
    got: list[tuple[Options, list[str]]] = []
    sample = typer.Typer()

    @sample.command()
    @takes_devnet_options
    def start(given: Options, words: Annotated[list[str], typer.Argument()]) -> None:
        got.append((given, words))

    assert RUN.invoke(sample, ["--api-port", "1", "a", "b"]).exit_code == 0
    ((given, words),) = got
    assert (given.pop("api_port"), words) == ("1", ["a", "b"])
    assert set(given.values()) == {None}


def test_every_setting_has_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPP_SANDBOX_API_PORT", raising=False)
    shown = RUN.invoke(app, ["up", "--help"], terminal_width=200).stdout
    for name in DevnetSettings.__dataclass_fields__:
        assert "--" + name.removesuffix("_ms").replace("_", "-") in shown
    assert read_settings({"api_port": None}) == DevnetSettings()


@pytest.mark.parametrize(
    "arguments",
    [
        ["up", "--api-port", "http"],
        ["exec", "--api-port", "http", "--", "true"],
        ["status", "--control-url", "http://127.0.0.1:1"],
        ["status", "--control-url", "nonsense"],
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: list[str]) -> None:
    done = RUN.invoke(app, arguments)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("mpp-sandbox: ")
