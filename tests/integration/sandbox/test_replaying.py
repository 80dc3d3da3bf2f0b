"""Record and replay as people run them: processes, and a build that is not the recorded one's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox.recording import run_again
from tests.integration.sandbox.test_cli_people import CLI, ROOT, TIMEOUT_S

if TYPE_CHECKING:
    from pathlib import Path

PATH = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
BUYER = (
    'mpp-sandbox pay --charge --state-dir state --rpc "$MPP_SANDBOX_RPC_URL"'
    ' --control-url http://127.0.0.1:9 "$MPP_SANDBOX_API_URL/quote"'
)
"""A customer who knows nothing of the control: the first that he asks for is the quote."""
LISTENER = (
    'mpp-sandbox pay --stream --state-dir state --rpc "$MPP_SANDBOX_RPC_URL"'
    " --control-url http://127.0.0.1:9"
    ' "ws${MPP_SANDBOX_API_URL#http}/complete/ws?tokens=4&delay_ms=10"'
)
"""A customer who reads a stream over a WebSocket and pays for it as it comes."""
CHANGED = """
from sandbox.merchants import routes

routes.QUOTE_PRICE = "0.02"
"""


def run(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CLI, *words],
        cwd=cwd,
        env=os.environ | {"PATH": PATH} | environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `bug.mpp` is, the run of a customer who buys a quote, and a build that asks more."""
    folder = tmp_path_factory.mktemp("recorded")
    done = run("record", "-o", "bug.mpp", "--", "sh", "-c", BUYER, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "requests in bug.mpp." in done.stderr
    (folder / "changed").mkdir()
    (folder / "changed" / "sitecustomize.py").write_text(CHANGED)
    return folder


def test_every_answer_is_the_recorded_one(folder: Path) -> None:
    """DESIGN 2.4: byte for byte, in each of two replays."""
    for _ in range(2):
        done = run("replay", "bug.mpp", "--json", cwd=folder)
        told = json.loads(done.stdout)
        assert (done.returncode, told["divergence"], told["complaints"]) == (0, None, [])
        assert told["steps"] >= 3  # the question, the chain, the payment


def test_a_paid_websocket_is_said_and_heard_again(tmp_path: Path) -> None:
    """Protocol 2.9: what was said frame by frame is answered frame by frame. What a written test
    does, run the command again, has nothing to complain of: all was delivered."""
    done = run("record", "-o", "heard.mpp", "--", "sh", "-c", LISTENER, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    capture = (tmp_path / "heard.mpp").read_text()
    assert capture.count('"do":"say"') >= 2
    played = run("replay", "heard.mpp", "--json", cwd=tmp_path)
    told = json.loads(played.stdout)
    assert (played.returncode, told["divergence"], told["complaints"]) == (0, None, [])
    again = run_again(capture, env={"PATH": PATH}, cwd=tmp_path)
    assert (again.exit_code, again.complaints) == (0, [])


def test_a_build_that_asks_for_more_diverges_at_the_first_price(folder: Path) -> None:
    done = run("replay", "bug.mpp", cwd=folder, PYTHONPATH=f"{folder / 'changed'}:{ROOT}")
    assert done.returncode == 1, done.stderr
    first, *differences = done.stdout.splitlines()
    assert first == "It diverged at step 1, GET /quote on paid-api"
    assert any("request.amount: recorded 10000, now 20000" in one for one in differences)


def test_it_stops_at_a_step_and_lets_people_look_around(folder: Path) -> None:
    command = [*CLI, "replay", "bug.mpp", "--until", "1", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stdout is not None
        told, info = (json.loads(process.stdout.readline()) for _ in range(2))
        try:
            assert (told["steps"], told["divergence"]) == (1, None)
            control = f"{info['control']['url']}/_sandbox"
            exchanges = httpx.get(f"{control}/exchanges", timeout=30).json()["exchanges"]
            assert [one["kinds"] for one in exchanges] == [["exchange.challenged"]]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)


def test_another_server_is_asked_the_same_and_told_from_the_recorded_one(folder: Path) -> None:
    def against(**environment: str) -> subprocess.CompletedProcess[str]:
        command = [*CLI, "up", "--port-base", "0", "--json"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | environment
        ) as devnet:
            assert devnet.stdout is not None
            info: dict[str, Any] = json.loads(devnet.stdout.readline())
            try:
                url = info["merchants"]["url"]
                return run("replay", "bug.mpp", "--against", url, cwd=folder)
            finally:
                devnet.terminate()
                devnet.wait(timeout=20)

    same = against()
    assert (same.returncode, same.stdout) == (
        0,
        "It answered every request of the paid API alike.\n",
    )
    other = against(PYTHONPATH=f"{folder / 'changed'}:{ROOT}")
    assert other.returncode == 1
    assert "challenge tempo/charge, amount: recorded '10000', there '20000'" in other.stdout
