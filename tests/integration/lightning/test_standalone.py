"""The rail as a process of its own: options, banner, state file (issue 5)."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.core.rail import RailContext
from mock_rails.lightning import banner
from mock_rails.lightning.api import PASSWORD, listeners
from mock_rails.lightning.rail import Lightning
from mock_rails.lightning.topology import Topology
from mock_rails.listening import LOOPBACK, bind
from tests.interop.lightning_support import running_lightning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def ask(facts: dict[str, Any], node: str, verb: str, path: str, **fields: Any) -> Any:
    lnd = facts["lnd"][node]
    headers = {"Grpc-Metadata-macaroon": lnd["macaroons"]["admin"]}
    return httpx.request(
        verb, lnd["url"] + path, headers=headers, json=fields or None, timeout=30
    ).json()


def test_state_is_saved_at_the_end_and_loaded_at_the_start(tmp_path: Path) -> None:
    options = ("--state", str(tmp_path / "network.json"), "--seed", "7")
    with running_lightning(*options) as first:
        invoice = ask(first, "merchant", "POST", "/v1/invoices", value=100)["payment_request"]
        fields = {"payment_request": invoice, "fee_limit_sat": 9, "no_inflight_updates": True}
        paid = ask(first, "payer", "POST", "/v2/router/send", **fields)["result"]
        assert paid["status"] == "SUCCEEDED"
    with running_lightning(*options) as second:
        assert second["lnd"]["payer"]["macaroons"] == first["lnd"]["payer"]["macaroons"]
        assert ask(second, "payer", "GET", "/v1/payments")["payments"] == [paid]
        again = ask(second, "payer", "POST", "/v2/router/send", **fields)
        assert again["error"]["message"] == "invoice is already paid"


@contextmanager
def alone(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The rail as a process that a test ends by itself, and what it says."""
    command = [sys.executable, "-m", "mock_rails", "lightning", "--port", "0", "--json", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            if process.poll() is None:
                process.kill()


def test_ctrl_c_ends_it_though_somebody_follows_and_a_kill_leaves_the_last_state_whole(
    tmp_path: Path,
) -> None:
    state = tmp_path / "network.json"
    options = ("--state", str(state), "--seed", "9")
    with alone(*options) as (process, facts):
        for memo in ("kept", "kept too"):
            ask(facts, "merchant", "POST", "/v1/invoices", value=1, memo=memo)
        lnd = facts["lnd"]["merchant"]
        headers = {"Grpc-Metadata-macaroon": lnd["macaroons"]["admin"]}
        url = f"{lnd['url']}/v1/invoices/subscribe?add_index=1"
        with httpx.stream("GET", url, headers=headers, timeout=30) as following:
            lines = following.iter_lines()
            assert json.loads(next(lines))["result"]["memo"] == "kept too"
            process.send_signal(signal.SIGINT)
            assert json.loads(next(lines))["error"]["message"] == "server shutting down"
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in errors
    before = state.read_bytes()
    with alone(*options) as (process, facts):
        ask(facts, "merchant", "POST", "/v1/invoices", value=1, memo="lost")
        process.kill()
    assert state.read_bytes() == before
    with alone(*options) as (_, facts):
        listed = ask(facts, "merchant", "GET", "/v1/invoices")["invoices"]
        assert [one["memo"] for one in listed] == ["kept", "kept too"]


def test_a_busy_port_is_one_line() -> None:
    with bind(LOOPBACK, 0) as taken:
        port = str(taken.getsockname()[1])
        for option in ("--port", "--phoenixd-port"):
            done = subprocess.run(
                [sys.executable, "-m", "mock_rails", "lightning", "--port", "0", option, port],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert (done.returncode, done.stdout) == (1, "")
            (line,) = done.stderr.splitlines()
            assert port in line


def test_options_reach_the_network(tmp_path: Path) -> None:
    network = tmp_path / "network.json"
    channel = {"between": ["shop", "wallet"], "capacity_sat": 1_000}
    network.write_text(json.dumps({"nodes": ["shop", "wallet"], "channels": [channel]}))
    options = ("--topology", str(network), "--network", "signet", "--lnd-version", "0.20",
               "--lnd", "wallet", "--phoenixd-password", "secret")  # fmt: skip
    with running_lightning(*options) as facts:
        assert list(facts["lnd"]) == ["wallet"]
        info = ask(facts, "wallet", "GET", "/v1/getinfo")
        assert info["version"].startswith("0.20")
        assert info["chains"][0]["network"] == "signet"
        phoenixd = facts["phoenixd"]["wallet"]
        answer = httpx.get(phoenixd["url"] + "/getbalance", auth=("", "secret"))
        assert answer.json()["balanceSat"] == 500


def test_with_a_folder_lnd_speaks_tls_as_clients_know_it(tmp_path: Path) -> None:
    """A certificate that is its own authority, for localhost, and macaroons in files."""
    with running_lightning("--lnd-dir", str(tmp_path / "lnd")) as facts:
        url = facts["lnd"]["payer"]["url"]
        assert url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=str(tmp_path / "lnd" / "tls.cert"))
        macaroon = (tmp_path / "lnd" / "payer" / "readonly.macaroon").read_bytes().hex()
        headers = {"Grpc-Metadata-macaroon": macaroon}
        for address in (url, url.replace("127.0.0.1", "localhost")):
            info = httpx.get(f"{address}/v1/getinfo", headers=headers, verify=trust)
            assert info.json()["alias"] == "payer"
        assert httpx.get(facts["phoenixd"]["merchant"]["url"] + "/getinfo").status_code == 401
    assert (tmp_path / "lnd" / "tls.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "options",
    [
        ("--topology", "nowhere"),
        ("--topology", "no/file.json"),
        ("--network", "moon"),
        ("--latency", "slow"),
        ("--lnd-version", "0.1"),
        ("--lnd", "nobody"),
        ("--port", "x"),
        ("--lnd-dir", "/dev/null/folder"),
    ],
)
def test_wrong_options_are_one_line(options: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mock_rails", "lightning", "--port", "0", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert len([line for line in done.stderr.splitlines() if "mock_rails" in line]) >= 1
    assert "Traceback" not in done.stderr


def test_the_banner_has_what_a_client_needs() -> None:
    rail = Lightning(RailContext.create("banner"))
    served = [(one, f"http://127.0.0.1:{one.port}") for one in listeners(rail)]
    text = "\n".join(banner.lines(banner.summary(rail, served, PASSWORD)))
    for one, url in served:
        assert url in text
        if one.speaks == "lnd":
            assert one.app.macaroon("admin") in text
    assert [one.port for one, _ in served] == [8080, 8081, 9740]


def test_a_network_without_merchant_and_payer_serves_its_first_two_nodes() -> None:
    document = {
        "nodes": ["a", "b", "c"],
        "channels": [{"between": ["a", "b"], "capacity_sat": 1_000}],
    }
    rail = Lightning(RailContext.create("names"), topology=Topology.parse(document))
    assert [(one.speaks, one.node) for one in listeners(rail, port=0)] == [
        ("lnd", "a"),
        ("lnd", "b"),
        ("phoenixd", "a"),
    ]
