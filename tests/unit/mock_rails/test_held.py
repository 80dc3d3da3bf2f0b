"""What a process holds while it lives: with two processes, and one that is killed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from mock_rails.held import Held, own_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLDS = """
import sys
from pathlib import Path
from mock_rails.held import Held
hold = Held(Path(sys.argv[1]), shared=len(sys.argv) > 2)
print("held", flush=True)
sys.stdin.read()
"""
HAS_A_FOLDER = """
import sys
from mock_rails.held import own_folder
with own_folder("of-a-test-") as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


@contextmanager
def process(program: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process, and the first thing that it says."""
    command = [sys.executable, "-c", program, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as running:
        assert running.stdout is not None
        yield running, running.stdout.readline().strip()


def kill(running: subprocess.Popen[str]) -> None:
    """As `kill -9` does."""
    running.kill()
    running.wait(timeout=30)


def test_of_two_processes_one_holds_a_file_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with process(HOLDS, str(path)) as (other, _):
        with pytest.raises(BlockingIOError):
            Held(path)
        kill(other)
        assert path.exists()
        hold = Held(path)
        hold.release()
        hold.release()
        assert not path.exists()


def test_whoever_leaves_last_knows_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with process(HOLDS, str(path), "shared") as (other, _):
        ours = Held(path, shared=True)
        assert not ours.is_only()
        ours.release()
        assert path.exists()
        kill(other)
        last = Held(path, shared=True)
        assert last.is_only()
        last.release()
        assert not path.exists()


def test_the_folders_of_killed_processes_are_swept_and_those_of_living_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / "of-a-test-or-not").mkdir()
    with process(HAS_A_FOLDER) as (dead, left), process(HAS_A_FOLDER) as (_, kept):
        kill(dead)
        with own_folder("of-a-test-") as folder:
            (folder / "channels.db").touch()
            names = {one.name for one in tmp_path.iterdir()}
            assert names == {kept.rpartition("/")[2], folder.name, "of-a-test-or-not"}
            assert left.rpartition("/")[2] not in names
        assert not folder.exists()
    assert [one.name for one in tmp_path.iterdir()] == ["of-a-test-or-not"]
