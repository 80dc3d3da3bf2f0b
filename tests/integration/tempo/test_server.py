"""The chain as a process: command lines, ports, signals, state files, and real sockets."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.asyncio.client import connect

from mock_rails.arguments import parse_chain_id, parse_duration_ms, parse_port
from mock_rails.core.errors import SandboxError
from mock_rails.listening import CannotListen, is_loopback
from mock_rails.server import Host

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
HOLDER = "0x" + "51" * 20
READ_BALANCE = {
    "to": "0x20c0000000000000000000000000000000000000",
    "data": "0x70a08231" + "00" * 12 + HOLDER[2:],
}
RAIL = (sys.executable, "-m", "mock_rails", "tempo")
DEVNET = (sys.executable, "-m", "sandbox.cli", "up", "--port-base", "0")


class Node:
    """A running process and what it printed when it was ready."""

    def __init__(self, process: subprocess.Popen[str], facts: dict[str, Any]) -> None:
        self.process = process
        self.facts = facts
        self.url: str = facts["url"]

    def call(self, name: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": name, "params": params}
        answer = httpx.post(self.url, json=body, timeout=30).json()
        assert "error" not in answer, answer
        return answer["result"]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=20)


@contextmanager
def running(*command: str) -> Iterator[Node]:
    with subprocess.Popen(
        [*command, "--json"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            facts = json.loads(line)
            yield Node(process, facts.get("tempo", facts))
        finally:
            if process.poll() is None:
                process.kill()


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


# -- command lines --------------------------------------------------------------------------------


def test_a_rail_alone_serves_until_it_is_stopped() -> None:
    with running(*RAIL, "--port", "0", "--chain-id", "42431") as node:
        assert node.facts["rail"] == "tempo"
        assert node.facts["chain_id"] == 42431
        assert len(node.facts["accounts"]) == 10
        assert set(node.facts["tokens"]) == {"pathUSD", "AlphaUSD", "BetaUSD", "ThetaUSD"}
        assert node.call("eth_chainId") == "0xa5bf"
        hashes = node.call("tempo_fundAddress", HOLDER)
        assert node.call("eth_getTransactionReceipt", hashes[0])["status"] == "0x1"
        assert httpx.get(node.url + "/health").status_code == 200
        assert node.stop() == 0
        with pytest.raises(httpx.ConnectError):
            node.call("eth_chainId")
        assert node.process.stderr is not None
        assert node.process.stderr.read() == ""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_devnet_stops_on_either_signal(how: signal.Signals) -> None:
    with running(*DEVNET, "--tempo-port", "0") as node:
        assert node.call("eth_chainId") == "0x539"
        assert node.stop(how) == 0


def test_the_banner_has_everything_to_paste() -> None:
    with subprocess.Popen(
        [*DEVNET, "--tempo-port", "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        text = "".join(lines)
        assert "PUBLIC development keys" in text
        assert "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80" in text
        assert "test test test test" in text
        assert "/quote                 $0.01 by tempo/charge" in text
        assert "mpp-sandbox pay http://127.0.0.1:" in text
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


@pytest.mark.parametrize("command", [(*RAIL, "--port"), (*DEVNET, "--tempo-port")])
def test_a_busy_port_is_one_clear_line(command: tuple[str, ...], busy_port: int) -> None:
    done = run(*command, str(busy_port))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert f"Port {busy_port} on 127.0.0.1 is in use" in done.stderr


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        (["--port", "70000"], "no port"),
        (["--port", "http"], "no port"),
        (["--chain-id", "0"], "no chain id"),
        (["--block-time", "soon"], "no span of time"),
        (["--block-time", "0"], "not between 1 ms and one day"),
        (["--host", "no such host"], "not an address"),
        (["--fee-payer", "10"], "no development account 10"),
        (["--state", "no/such/folder/state.json"], "no folder"),
    ],
)
def test_wrong_options_are_one_clear_line(options: list[str], fragment: str) -> None:
    rail = run(*RAIL, "--port", "0", *options)
    devnet = run(*DEVNET, *[part.replace("--port", "--tempo-port") for part in options])
    for done in (rail, devnet):
        assert done.returncode in {1, 2}
        assert fragment in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
        assert done.stdout == ""


def test_opening_the_sandbox_to_the_network_is_warned_of() -> None:
    with running(*RAIL, "--port", "0", "--host", "0.0.0.0") as node:
        node.url = node.url.replace("0.0.0.0", "127.0.0.1")
        assert node.call("eth_chainId") == "0x539"
        assert node.stop() == 0
        assert node.process.stderr is not None
        assert "WARNING: listening on 0.0.0.0" in node.process.stderr.read()


def test_help_names_every_option() -> None:
    rail, devnet = run(*RAIL, "--help"), run(*DEVNET, "--help")
    for option in ("--chain-id", "--block-time", "--state", "--seed", "--json", "--host"):
        assert option in rail.stdout
        assert option in devnet.stdout
    assert run(sys.executable, "-m", "sandbox.cli", "--version").stdout.strip() == "0.1.0"


# -- state files ----------------------------------------------------------------------------------


def test_the_state_goes_on_after_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "chain.json"
    with running(*RAIL, "--port", "0", "--state", str(state)) as node:
        node.call("tempo_fundAddress", HOLDER)
        head = node.call("eth_getBlockByNumber", "latest", False)
        assert not state.exists()
        assert node.stop() == 0
    assert json.loads(state.read_bytes())["format"] == "mpp-sandbox-snapshot"
    with running(*RAIL, "--port", "0", "--state", str(state)) as node:
        assert node.facts["block_number"] == 1
        assert node.call("eth_getBlockByNumber", "latest", False) == head
        assert int(node.call("eth_call", READ_BALANCE), 16) == 10**15
        node.call("tempo_fundAddress", HOLDER)
        assert node.stop(signal.SIGINT) == 0
    with running(*DEVNET, "--tempo-port", "0", "--state", str(state)) as node:
        assert int(node.call("eth_call", READ_BALANCE), 16) == 2 * 10**15
        assert node.stop() == 0
    assert [path.name for path in tmp_path.iterdir()] == ["chain.json"]


@pytest.mark.parametrize("content", ["", "nonsense", "[]", '{"format": "mpp-sandbox-snapshot"}'])
def test_a_broken_state_file_is_one_clear_line_and_stays(tmp_path: Path, content: str) -> None:
    state = tmp_path / "chain.json"
    state.write_text(content)
    done = run(*RAIL, "--port", "0", "--state", str(state))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "chain.json cannot be used" in done.stderr
    assert state.read_text() == content


# -- sockets --------------------------------------------------------------------------------------


def test_a_block_time_makes_blocks() -> None:
    with running(*RAIL, "--port", "0", "--block-time", "20ms") as node:
        assert node.facts["block_time_ms"] == 20
        for _ in range(500):
            if int(node.call("eth_blockNumber"), 16) >= 3:
                break
        else:
            pytest.fail("no blocks")
        assert node.stop() == 0


async def test_subscriptions_over_a_real_websocket() -> None:
    with running(*RAIL, "--port", "0") as node:
        async with connect(node.facts["ws_url"]) as client:

            async def hear() -> Any:
                async with asyncio.timeout(10):
                    return json.loads(await client.recv())

            request = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}
            await client.send(json.dumps(request))
            subscription = (await hear())["result"]
            await asyncio.to_thread(node.call, "evm_mine")
            note = await hear()
            assert note["method"] == "eth_subscription"
            assert note["params"]["subscription"] == subscription
            assert note["params"]["result"]["number"] == "0x1"
            # An open connection does not keep the process alive.
            assert await asyncio.to_thread(node.stop) == 0


def test_a_lost_answer_is_a_broken_connection() -> None:
    """With a real server, an answer that a fault loses looks like a crash of the node."""

    async def lose(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await receive()
        headers = [(b"content-length", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def main() -> None:
        async with Host(lose) as host, httpx.AsyncClient() as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.post(host.url)

    asyncio.run(main())


async def test_two_hosts_cannot_share_a_port() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async with Host(app, name="one") as first:
        assert first.port > 0
        with pytest.raises(CannotListen, match="in use"):
            await Host(app, port=first.port).start()
    # A port is free again at once.
    async with Host(app, port=first.port) as again:
        assert again.url == first.url


async def test_an_application_that_does_not_start_frees_its_port() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    host = Host(app, name="the broken rail")
    with pytest.raises(CannotListen, match="the broken rail did not start"):
        await host.start()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", host.port))


# -- values on the command line -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("1", 1_000), ("0.2", 200), ("200ms", 200), ("1s", 1_000), ("1.5s", 1_500), (" 2 ", 2_000)],
)
def test_spans_of_time(text: str, milliseconds: int) -> None:
    assert parse_duration_ms(text) == milliseconds


@pytest.mark.parametrize(
    "text", ["", "s", "1m", "-1", "0", "0.0001", "1.5ms", "nan", "inf", "1e99", "999999"]
)
def test_what_is_no_span_of_time(text: str) -> None:
    with pytest.raises(SandboxError):
        parse_duration_ms(text)


def test_ports_and_chain_ids() -> None:
    assert (parse_port("0"), parse_port("65535"), parse_chain_id("1337")) == (0, 65_535, 1337)
    for text in ("", "-1", "65536", "0x1", "٣"):
        with pytest.raises(SandboxError):
            parse_port(text)
    for text in ("", "-1", "0", str(2**64), "0x1"):
        with pytest.raises(SandboxError):
            parse_chain_id(text)


def test_what_only_this_machine_reaches() -> None:
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "localhost"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "192.168.0.1", "example.org", ""]))
