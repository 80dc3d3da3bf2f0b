"""The commands for people, as people run them: processes beside a devnet's own process."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest

from mock_rails.server import Host

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
CLI = (sys.executable, "-m", "sandbox.cli")
TIMEOUT_S = 60


class Devnet(NamedTuple):
    """A devnet that runs, and a place for the payer's book of its own."""

    info: dict[str, Any]
    state: Path

    @property
    def api(self) -> str:
        return str(self.info["merchants"]["url"])

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command, with its output in a pipe."""
        known = {"MPP_SANDBOX_CONTROL_URL": self.info["control"]["url"]}
        return subprocess.run(
            [*CLI, *arguments],
            env=os.environ | known | {"XDG_STATE_HOME": str(self.state), "COLUMNS": "80"},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            cwd=ROOT,
        )

    def json(self, *arguments: str) -> Any:
        """What a command writes for programs, if it succeeds."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    command = [*CLI, "up", "--json", "--port-base", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield Devnet(json.loads(process.stdout.readline()), tmp_path_factory.mktemp("state"))
        finally:
            process.terminate()
            assert process.wait(timeout=20) == 0


def test_a_charge_is_paid_and_can_be_looked_into(devnet: Devnet) -> None:
    paid = devnet.run("pay", f"{devnet.api}/quote")
    assert paid.returncode == 0
    assert json.loads(paid.stdout)["quote"]
    assert "Paid $0.01 by tempo/charge" in paid.stderr
    transaction = re.search(r"Transaction (0x[0-9a-f]{64})", paid.stderr)
    assert transaction is not None

    seen = devnet.run("inspect", transaction[1][:12])
    assert seen.returncode == 0
    assert seen.stdout.index("asked to pay 402") < seen.stdout.index("paid 200")
    assert "FAIL" not in seen.stdout
    assert "\x1b" not in seen.stdout
    recipient = devnet.info["merchants"]["recipient"]
    assert re.search(rf"moved +\$0\.01\n +from +0x\w+\n +to +{recipient}", seen.stdout)
    assert max(map(len, seen.stdout.splitlines())) <= 80


def test_the_conversation_is_shown_without_its_proof(devnet: Devnet) -> None:
    done = devnet.run("pay", f"{devnet.api}/quote", "-v")
    shown = done.stderr
    order = [
        shown.index("> GET /quote"),
        shown.index("< 402 Payment Required"),
        shown.index("intent: charge"),
        shown.index("> authorization: Payment"),
        shown.index("< 200 OK"),
        shown.index("status: success"),
    ]
    assert order == sorted(order)
    assert not re.search(r"signature: 0x[0-9a-f]{20}", shown)
    assert json.loads(done.stdout)["quote"]


def test_a_session_goes_on_from_one_command_to_the_next(devnet: Devnet) -> None:
    search = f"{devnet.api}/search?q=voucher"
    many = devnet.json("pay", search, "--session", "-n", "40", "--concurrency", "4")
    assert many["outcomes"] == {"paid": 40}
    assert many["spent"] == "40000"
    assert many["transactions"] == 1  # the opening
    assert set(many["fees"]) == {"you"}

    again = devnet.json("pay", search, "--session")
    assert again["outcome"] == "paid"
    assert again["transactions"] == []
    channel = again["payment"]["channel"]

    told = devnet.json("channels", "show", channel[:14])
    assert told["payer"]["spent"] == told["merchant"]["spent"] == "41000"
    listed = devnet.run("channels", "list").stdout
    assert listed.index("Yours") < listed.index("$0.041") < listed.index("The merchants'")

    closed = devnet.run("channels", "close", channel[:14])
    assert closed.stdout == f"Closed {channel}: $0.041 captured, $0.959 back.\n"
    assert "was closed before" in devnet.run("channels", "close", channel[:14]).stdout
    seen = devnet.run("inspect", channel[:14]).stdout
    assert seen.index("Channel opened") < seen.index("Channel closed")
    assert re.search(r"moved +\$0\.041\n", seen)


def test_a_channel_that_is_to_be_closed_is_the_one_that_was_used(devnet: Devnet) -> None:
    other = devnet.json("pay", f"{devnet.api}/report", "--session", "--account", "5")
    left = other["payment"]["channel"]
    search = ("pay", f"{devnet.api}/search?q=gate", "--session")
    done = devnet.run(*search, "--account", "6", "--close")
    assert "closed; $0.001 captured, $0.999 back" in done.stderr
    assert devnet.json("channels", "show", left)["merchant"]["status"] == "open"


def test_a_stream_is_paid_while_it_is_read(devnet: Devnet) -> None:
    done = devnet.run("pay", f"{devnet.api}/complete?prompt=hello&tokens=12", "--stream")
    assert done.returncode == 0
    assert len(done.stdout.split()) > 3
    assert "Paid $0.0012 for" in done.stderr


def test_leaving_without_the_merchant(devnet: Devnet) -> None:
    paid = devnet.json("pay", f"{devnet.api}/report", "--session", "--account", "3")
    channel = paid["payment"]["channel"]
    devnet.json(
        "time", "freeze"
    )  # or the merchant, who looks at times, may capture and close first
    try:
        left = devnet.json("channels", "force-close", channel)
        assert left["state"] == "closing"
        early = devnet.run("channels", "withdraw", channel)
        assert (early.returncode, early.stdout) == (1, "")
        assert "may still capture" in early.stderr
    finally:
        devnet.json("time", "resume")


def test_a_budget_is_kept_and_said(devnet: Devnet) -> None:
    done = devnet.run("pay", f"{devnet.api}/report", "--charge", "--max", "0.01")
    assert done.returncode == 1
    assert "0.04 too little" in done.stderr
    assert "Raise --max" in done.stderr
    many = devnet.run("pay", f"{devnet.api}/quote", "-n", "5", "--max", "0.02", "--json")
    assert many.returncode == 1
    assert json.loads(many.stdout)["outcomes"] == {"paid": 2, "refused": 1}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["/nope"], 1, "answered 404"),
        (["/quote", "--session"], 1, "No payer takes what the server offers"),
        (["/quote", "--account", "99"], 1, "holds too little"),
    ],
)
def test_what_cannot_be_paid_is_one_line(
    devnet: Devnet, arguments: list[str], code: int, says: str
) -> None:
    done = devnet.run("pay", f"{devnet.api}{arguments[0]}", *arguments[1:])
    assert done.returncode == code
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_what_is_free_costs_nothing(devnet: Devnet) -> None:
    told = devnet.json("pay", f"{devnet.api}/health")
    assert (told["outcome"], told["spent"], told["payment"]) == ("free", "0", None)


def test_money_for_a_new_account(devnet: Devnet) -> None:
    address = "0x00000000000000000000000000000000000000ab"
    done = devnet.run("fund", address, "--amount", "2.50", "--token", "AlphaUSD")
    assert re.search(r"AlphaUSD +\$2\.50\n", done.stdout)
    accounts = devnet.run("accounts").stdout.splitlines()
    assert len(accounts) == 11
    assert accounts[1].endswith("payer")
    assert devnet.run("fund", "99").stderr == (
        "mpp-sandbox: There is no development account 99. They are numbered 0 to 9.\n"
    )


def test_watching_tells_what_happens_and_ends_in_good_order(devnet: Devnet) -> None:
    command = [*CLI, "watch", "--json", "--control-url", devnet.info["control"]["url"]]
    with subprocess.Popen(
        [*command, "--after", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            devnet.json("pay", f"{devnet.api}/report", "--charge")
            told = (json.loads(line) for line in process.stdout)
            paid = next(
                one
                for one in told
                if one["path"] == "/report"
                and one["offer"] == "tempo/charge"
                and one["outcome"] == "delivered"
            )
            assert (paid["status"], paid["amount"]) == (200, "50000")
        finally:
            process.send_signal(2)
        assert process.wait(timeout=TIMEOUT_S) == 0
        assert process.stderr.read() == ""


async def test_an_answer_that_is_lost_is_neither_paid_nor_refused(devnet: Devnet) -> None:
    """DESIGN 2.5: a gateway takes the credential and its answer never comes."""

    async def gateway(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        is_paid = any(name == b"authorization" for name, _ in scope["headers"])
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"{devnet.api}{scope['path']}")
        status, headers = (504, []) if is_paid else (answer.status_code, answer.headers.raw)
        body = b"" if is_paid else answer.content
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async with Host(gateway) as host:
        done = await asyncio.to_thread(devnet.run, "pay", f"{host.url}/quote", "--json")
    assert done.returncode == 3
    told = json.loads(done.stdout)
    assert (told["outcome"], told["payment"]) == ("unknown", None)
    assert told["reason"] in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_merchant_may_close_too_and_once(devnet: Devnet) -> None:
    paid = devnet.json("pay", f"{devnet.api}/report", "--session", "--account", "4")
    channel = paid["payment"]["channel"]
    done = devnet.run("channels", "close", channel, "--as", "merchant")
    assert done.stdout == f"The merchant closed {channel}: $0.05 captured.\n"
    control = f"{devnet.info['control']['url']}/_sandbox/channels/{channel}"
    again = httpx.post(f"{control}/close")
    assert (again.status_code, again.json()["status"]) == (409, 409)
    assert httpx.post(f"{control}/settle").status_code == 409


def test_a_channel_of_a_chain_that_began_anew_is_taken_off_the_book(devnet: Devnet) -> None:
    """As after a restart: the chain forgets its channels, and the payer's book does not."""

    def rpc(method: str, *params: str) -> str:
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return str(httpx.post(devnet.info["tempo"]["url"], json=call).json()["result"])

    before = rpc("evm_snapshot")
    search = ("pay", f"{devnet.api}/search", "--session", "--account", "7")
    channel = devnet.json(*search)["payment"]["channel"]
    assert rpc("evm_revert", before) == "True"
    done = devnet.run("channels", "close", channel)
    assert done.stdout == f"The chain has no channel {channel}: the book says so now.\n"
    assert "was closed before" in devnet.run("channels", "close", channel).stdout
    assert devnet.json(*search)["payment"]["channel"] != channel
