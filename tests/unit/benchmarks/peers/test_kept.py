"""What the programs of `make bench-peers` printed is kept, also when a later one fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.peers.__main__ import KEPT, main

PRINTS = "print('ratio {name}.one: 2.5')\n"
DIES = "import os, signal\nprint('half of it')\nos.kill(os.getpid(), signal.SIGKILL)\n"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small programs in place of the benchmarks, found first in the folder that it runs in."""
    folder = tmp_path / "benchmarks" / "micro"
    folder.mkdir(parents=True)
    for package in (folder, folder.parent):
        (package / "__init__.py").touch()
    for name in ("chain", "session", "sim"):
        (folder / f"{name}.py").write_text(PRINTS.format(name=name), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return folder


def kept() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in KEPT.iterdir()}


def test_what_was_measured_before_a_failure_is_kept_and_told(
    programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (programs / "session.py").write_text(DIES, encoding="utf-8")
    KEPT.mkdir(parents=True)
    (KEPT / "chain.txt").write_text("of another day", encoding="utf-8")
    assert main(["--out", "page.md"]) == 1
    assert kept() == {"chain.txt": "ratio chain.one: 2.5\n", "session.txt": "half of it\n"}
    assert capsys.readouterr().err == (
        "bench-session failed; the page is not written. What was measured so far: "
        "build/peers/chain.txt, build/peers/session.txt\n"
    )
    assert not Path("page.md").exists()


def test_when_all_have_succeeded_the_page_is_written(programs: Path) -> None:
    main(["--out", "page.md"])
    assert sorted(kept()) == ["chain.txt", "session.txt", "sim.txt"]
    assert "ratio sim.one: 2.5" in Path("page.md").read_text(encoding="utf-8")
