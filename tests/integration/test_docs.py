"""What the pages under docs/do show is what happens: their commands run, and answer as shown.

A page is one sitting: its commands run in order, in one folder, beside one devnet if any of them
asks for one. A block under `<!-- file: NAME -->` is a file in that folder. Numbers, hashes and
times differ from run to run, so they are compared by their places only; a shown line that ends in
`...` goes on differently.

Starting Python is what most of this would cost. The plays that are shown are therefore played by
one `mpp-sandbox failures play all`; what it prints of one is what that one prints alone.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.failures import SLUGS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "do").rglob("*.md"))
PORTS = {"control": 8400, "merchants": 8402, "tempo": 8545, "stripe": 12111}
TIMEOUT_S = 90
PAGE_TIMEOUT_S = 300

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)
_HASH = re.compile(r"0x[0-9a-f]+(?:…[0-9a-f]+)?")
_NUMBER = re.compile(r"[0-9][0-9,.:TZdhms-]*")
_PLAY = re.compile(r"mpp-sandbox failures play (\S+)")
_OWN = ("bench", "calibrate", "exec", "failures", "record", "replay")
_ALONE = ("pytest ", "sed ", *(f"mpp-sandbox {verb} " for verb in _OWN))

# A reader who has hypothesis may wait a second for its plugin; a test that runs pages need not.
SPARING = {"PYTHONWARNINGS": "ignore", "PYTEST_ADDOPTS": "-p no:hypothesispytest"}
SPARING |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def is_alone(command: str) -> bool:
    """Whether a command brings its own devnet, or needs none."""
    return command.startswith(_ALONE)


@pytest.fixture(scope="session")
def plays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is told of each failure, all by one command."""
    told = answer("mpp-sandbox failures play all", tmp_path_factory.mktemp("plays"))
    starts = [told.index(f"{slug}: ") for slug in SLUGS]
    assert starts == sorted(starts)
    ends = [*starts[1:], len(told)]
    return {slug: told[a:b] for slug, a, b in zip(SLUGS, starts, ends, strict=True)}


@pytest.fixture
def devnet(page: Path) -> Iterator[dict[str, Any]]:
    """What a devnet says that was started by its own command on free ports; nothing where no
    command of the page needs one."""
    if all(is_alone(command) for command, _ in steps(page.read_text())):
        yield {}
        return
    command = [sys.executable, "-m", "sandbox.cli", "up", "--port-base", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            assert process.wait(timeout=20) == 0


def steps(page: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a page, each with the lines that it shows."""
    for block in _BLOCK.findall(page):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = step.rstrip("\n").split("\n")
            yield command, shown


def likeness(line: str) -> str:
    """A line without what differs from run to run."""
    return re.sub(r" +", " ", _NUMBER.sub("#", _HASH.sub("0x#", line)))


def answer(command: str, folder: Path, **environment: str) -> str:
    """What a command of a page prints, which must succeed and complain of nothing."""
    done = subprocess.run(
        command,
        shell=True,
        env=os.environ | SPARING | {"XDG_STATE_HOME": str(folder)} | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), command
    return done.stdout


def check(command: str, said: str, shown: list[str]) -> None:
    """Fail where what was said is not what is shown."""
    lines = said.rstrip("\n").split("\n") if said else []
    assert len(lines) == len(shown), f"{command}\n{said}"
    for line, expected in zip(lines, shown, strict=True):
        start = likeness(expected.removesuffix("..."))
        found = likeness(line)
        assert found.startswith(start) if expected.endswith("...") else found == start, command


@pytest.mark.timeout(PAGE_TIMEOUT_S)  # up to thirty programs, one after another
@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_its_commands_answer_as_it_shows(
    page: Path, devnet: dict[str, Any], plays: dict[str, str], tmp_path: Path
) -> None:
    reached = {"MPP_SANDBOX_CONTROL_URL": devnet["control"]["url"]} if devnet else {}
    for name, content in _FILE.findall(page.read_text()):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    for command, shown in steps(page.read_text()):
        play = _PLAY.fullmatch(command)
        if play is not None:
            check(command, plays[play[1]], shown)
            continue
        run = command
        for part, port in PORTS.items() if devnet else ():
            run = run.replace(f"http://127.0.0.1:{port}", devnet[part]["url"])
        check(command, answer(run, tmp_path, **reached), shown)


def test_a_play_alone_says_what_it_says_among_all(plays: dict[str, str], tmp_path: Path) -> None:
    *_, last = SLUGS  # the one with the most before it
    alone = answer(f"mpp-sandbox failures play {last}", tmp_path)
    assert alone.rstrip("\n") == plays[last].rstrip("\n")


def test_every_page_has_commands() -> None:
    assert PAGES
    for page in PAGES:
        if page.name != "README.md":
            assert list(steps(page.read_text())), page.name
