"""The console script: wrong usage is one line and exit code 2 (issue 3: one clear line)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sandbox import cli


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["up", "--bogus"], "No such option: --bogus"),
        (["nonsense"], "No such command 'nonsense'. See `mpp-sandbox --help`."),
        (["pay"], "Missing argument 'URL'. See `mpp-sandbox pay --help`."),
        (["pay", "http://localhost/", "-n", "0"], "Invalid value for '-n'"),
        (
            ["journal", "export", "--format", "xml"],
            "'--format': 'xml' is not one of 'jsonl', 'har'",
        ),
    ],
)
def test_wrong_usage_is_one_line(
    arguments: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["mpp-sandbox", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("mpp-sandbox: ")
    assert said.count("\n") == 1
    assert words in said


def test_nothing_at_all_shows_the_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["mpp-sandbox"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "Usage: mpp-sandbox" in "".join(capsys.readouterr())


def test_what_is_no_usage_error_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(ValueError, match="a defect"):
        cli.main()


def test_a_reader_that_leaves_ends_it_without_a_traceback() -> None:
    script = "import sandbox.cli as c; c.app = lambda **_: [print('x' * 100) for _ in range(10**5)]"
    command = [sys.executable, "-c", f"{script}; c.main()"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 1
