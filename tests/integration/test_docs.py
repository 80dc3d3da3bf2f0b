"""What the pages under docs/do show is what happens: their commands run, and answer as shown.

A page is one sitting: its commands run in order, in one folder, beside one devnet if any of them
asks for one. A block under `<!-- file: NAME -->` is a file in that folder. Numbers, hashes and
times differ from run to run, so they are compared by their places only; a shown line that ends in
`...` goes on differently.
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

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "do").rglob("*.md"))
PORTS = {"control": 8400, "merchants": 8402, "tempo": 8545, "stripe": 12111}
TIMEOUT_S = 60

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)
_HASH = re.compile(r"0x[0-9a-f]+(?:…[0-9a-f]+)?")
_NUMBER = re.compile(r"[0-9][0-9,.:TZdhms-]*")


def is_alone(command: str) -> bool:
    """Whether a command brings its own devnet, or needs none."""
    return command.startswith(("pytest ", "mpp-sandbox failures "))


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


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_its_commands_answer_as_it_shows(
    page: Path, devnet: dict[str, Any], tmp_path: Path
) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"XDG_STATE_HOME": str(tmp_path), "PYTHONWARNINGS": "ignore"}
    if devnet:
        environment["MPP_SANDBOX_CONTROL_URL"] = devnet["control"]["url"]
    for name, content in _FILE.findall(page.read_text()):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    for command, shown in steps(page.read_text()):
        run = command
        for part, port in PORTS.items() if devnet else ():
            run = run.replace(f"http://127.0.0.1:{port}", devnet[part]["url"])
        done = subprocess.run(
            run,
            shell=True,
            env=os.environ | environment | {"PATH": path},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), command
        said = done.stdout.rstrip("\n").split("\n") if done.stdout else []
        assert len(said) == len(shown), f"{command}\n{done.stdout}"
        for line, expected in zip(said, shown, strict=True):
            start = likeness(expected.removesuffix("..."))
            found = likeness(line)
            assert found.startswith(start) if expected.endswith("...") else found == start, command


def test_every_page_has_commands() -> None:
    assert PAGES
    for page in PAGES:
        if page.name != "README.md":
            assert list(steps(page.read_text())), page.name
