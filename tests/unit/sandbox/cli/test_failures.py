"""`mpp-sandbox failures`: what it lists and shows, and how a play ends (issue 6)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from sandbox.cli import app
from sandbox.failures import SLUGS, find
from sandbox.server.repeats import Repeats

if TYPE_CHECKING:
    import pytest
    from click.testing import Result

LOST = "response-lost-after-settlement"


def said(*words: str) -> Result:
    return CliRunner().invoke(app, ["failures", *words])


def test_all_are_listed_with_their_titles() -> None:
    lines = said("list").stdout.splitlines()
    assert lines == [f"{slug}\t{find(slug).title}" for slug in SLUGS]
    listed = json.loads(said("list", "--json").stdout)["failures"]
    assert [one["slug"] for one in listed] == list(SLUGS)
    assert listed[0]["faults"] == [{"at": "merchants.answer", "do": "lose", "when": "nth=1"}]


def test_one_is_shown_with_its_faults_and_how_to_have_it() -> None:
    shown = said("show", LOST).stdout
    assert "Fault: merchants.answer lose when nth=1" in shown
    assert f'@pytest.mark.mpp(faults=["{LOST}"])' in shown
    assert f"mpp-sandbox faults arm --named {LOST}" in shown
    assert "Fault" not in said("show", "duplicate-credential").stdout


def test_a_play_tells_its_story_and_ends_well() -> None:
    played = said("play", LOST, "--seed", "bug-17")
    assert played.exit_code == 0
    assert played.stdout.startswith(f"{LOST}: the money moved, and the answer was lost\n")
    assert "\n  ok  it paid once\n" in played.stdout
    document = json.loads(said("play", LOST, "--json").stdout)
    assert (document["failure"], document["holds"]) == (LOST, True)


def test_a_check_that_fails_is_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    async def forgets(*_: object) -> None:
        """The mistake: no answer is kept under its key."""

    monkeypatch.setattr(Repeats, "begin", forgets)
    played = said("play", LOST)
    assert played.exit_code == 1
    assert "\n  NO  " in played.stdout


def test_a_name_that_is_not_there_is_one_line() -> None:
    refused = said("play", "stale-chanel")
    assert refused.exit_code == 1
    assert "Did you mean 'stale-channel'?" in refused.stderr
    assert refused.stderr.count("\n") == 1
