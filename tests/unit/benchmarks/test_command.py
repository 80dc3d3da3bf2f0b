"""What `mpp-sandbox bench` refuses before anything is started, and the command that it keeps."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import leg as legs
from benchmarks.command import Asked, again, bench
from benchmarks.leg import Kind, Leg, write_leg
from mock_rails.core.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"per_s": float("nan")}, "A rate is above 0"),
        ({"per_s": 100_000, "duration_s": 3_600}, "at most 1,000,000 requests"),
        ({"rounds": 3}, "Rounds are a ladder's. Add --ladder."),
        ({"rounds": 0, "ladder": True}, "at least one round"),
        ({"distributed": True, "workers": 65}, "1 to 64 workers"),
        ({"distributed": True, "workers": 4, "users": 2}, "Each worker has a user at least."),
        ({"web_port": 99_999}, "A port is 1 to 65535."),
        ({"seed": ""}, "A seed is 1 to 256 characters long"),
    ],
)
def test_what_cannot_be_measured_is_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        Asked(**asked).checked()
    assert said in str(refused.value)


def test_a_port_that_somebody_has_is_refused_rather_than_left_without_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.run.Fleet.__enter__", lambda fleet: fleet)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        asked = Asked(intent="free", web_port=port)
        with pytest.raises(BadInput, match=f"Locust's page cannot have port {port}: "):
            bench(asked, tmp_path, command="", heard=lambda line: None)


@pytest.mark.parametrize(
    "typed", [["--out", "a b", "--rate", "5"], ["--rate", "5", "--out=x"], ["--rate", "5"]]
)
def test_the_command_for_another_run_names_no_folder(typed: list[str]) -> None:
    assert again(["mpp-sandbox"], ["bench", *typed]) == "mpp-sandbox bench --rate 5"


def test_a_disk_that_is_full_leaves_no_half_of_a_leg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(legs.gzip, "GzipFile", full)
    one = Leg(1, "free", Kind.SINGLE, round=0, offered_per_s=1.0, users=1, duration_s=1.0)
    with pytest.raises(OSError, match="No space left"):
        write_leg(tmp_path, one, {}, [])
    assert not list(tmp_path.glob("legs/*"))
