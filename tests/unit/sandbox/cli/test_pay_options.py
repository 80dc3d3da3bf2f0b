"""What `pay` refuses before it sends anything, in one clear line and with exit code 2."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from mock_rails.core.errors import BadInput
from sandbox.cli import app, pay_options, payer

if TYPE_CHECKING:
    from pathlib import Path

URL = "http://127.0.0.1:9/quote"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--session", "--charge"], "exclude each other"),
        (["--stream", "-n", "2"], "--stream reads one stream"),
        (["--stream", "--charge"], "streams are paid by session"),
        (["-c", "4"], "Say how many with -n"),
        (["-H", "no colon"], "is no header"),
        (["-H", "a b: c"], "is no header"),
        (["-d", "@/nowhere/at-all"], "cannot be read"),
        (["--max", "1e3"], "An amount is written as"),
        (["--max", "-1"], "An amount is written as"),
        (["--key-env", "NO_SUCH_VARIABLE"], "no variable NO_SUCH_VARIABLE"),
        (["--account", "1", "--key-env", "HOME"], "both say who pays"),
    ],
)
def test_options_that_mean_nothing(options: list[str], says: str) -> None:
    done = CliRunner().invoke(app, ["pay", URL, *options])
    assert done.exit_code == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("url", "says"),
    [("quote", "begins with http"), ("ws://x/", "Add --stream"), ("ftp://x/", "begins with http")],
)
def test_urls_that_cannot_be_paid(url: str, says: str) -> None:
    done = CliRunner().invoke(app, ["pay", url])
    assert done.exit_code == 2
    assert says in done.stderr


@pytest.mark.parametrize(
    ("job", "is_stream"),
    [
        ({}, True),
        ({"url": "http://shop.test/search?q=a"}, False),
        ({"method": "POST"}, False),
        ({"requests": 2}, False),
        ({"prefer": ["tempo/charge"]}, False),
        ({"is_devnets": False}, False),
    ],
)
def test_what_the_devnet_streams_is_read_as_a_stream(job: dict[str, Any], is_stream: bool) -> None:
    routes = [
        {"path": "/search", "methods": ["GET"], "streams": False},
        {"path": "/complete", "methods": ["GET"], "streams": True},
    ]
    asked: Any = {
        "url": "http://shop.test/complete?tokens=5",
        "method": "GET",
        "requests": 1,
        "prefer": ["tempo/session", "tempo/charge"],
        "is_devnets": True,
        **job,
    }
    info = {"merchants": {"routes": routes}}
    meant: Any = SimpleNamespace(**asked)
    assert pay_options.reads_as_stream(meant, info) is is_stream
    assert not pay_options.reads_as_stream(meant, {})


def test_a_key_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "secret-but-no-key")
    done = CliRunner().invoke(app, ["pay", URL, "--key-env", "SOME_KEY"])
    assert done.exit_code == 2
    assert "secret" not in done.stderr.replace("lest it be a secret", "")


def test_a_budget_is_the_sum_of_all_dollar_tokens_that_are_known() -> None:
    token = "0x20c0000000000000000000000000000000000001"
    info = {"tempo": {"tokens": {"AlphaUSD": token}}}
    budget = pay_options.read_budget("0.05", ["0x" + "9" * 40], info)
    assert budget is not None
    assert budget.total == 50_000
    assert budget.allowed_currencies is not None
    assert {token, "0x" + "9" * 40} <= set(budget.allowed_currencies)
    assert pay_options.read_budget(None, [], info) is None


def test_a_body_is_the_text_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"\0\1")
    assert pay_options.read_body('{"a":1}') == b'{"a":1}'
    assert pay_options.read_body(f"@{tmp_path / 'body'}") == b"\0\1"
    assert pay_options.read_body(None) is None


def test_a_method_is_a_word() -> None:
    assert pay_options.read_method(None, has_body=False) == "GET"
    assert pay_options.read_method(None, has_body=True) == "POST"
    assert pay_options.read_method("put", has_body=False) == "PUT"
    for wrong in ("GÉT", "G T", "", "GET\n", "9"):
        with pytest.raises(BadInput, match="no HTTP method"):
            pay_options.read_method(wrong, has_body=False)


def test_a_header_may_have_colons_in_its_value() -> None:
    assert pay_options.read_header("X-When: 12:00") == ("X-When", "12:00")
    with pytest.raises(BadInput):
        pay_options.read_header("X: a\r\nY: b")


def test_channels_are_kept_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert payer.state_folder(None) == tmp_path / "mpp-sandbox"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert payer.state_folder(None) == tmp_path / ".local" / "state" / "mpp-sandbox"
    assert payer.state_folder(tmp_path) == tmp_path


def test_the_node_is_the_given_one_then_the_devnets_then_the_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(payer.RPC_VARIABLE, "http://environment")
    info = {"tempo": {"url": "http://devnet"}}
    assert payer.node_of("http://given", info) == "http://given"
    assert payer.node_of(None, info) == "http://devnet"
    assert payer.node_of(None, {}) == "http://environment"
