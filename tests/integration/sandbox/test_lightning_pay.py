"""`pay` and `inspect` over Lightning against a devnet: real sockets, real LND calls, restarts.

Facts: lightning 1, 2, 8.10. Each command is a process of its own, so that what one has begun the
next goes on with from the state directory.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.integration.sandbox.test_up import Process, run, up

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def devnet() -> Iterator[Process]:
    """One for all tests here."""
    with up() as started:
        yield started
        started.stop()


class Buyer:
    """Somebody with a shell."""

    def __init__(self, devnet: Process, state: Path) -> None:
        self.url = devnet.info["merchants"]["url"]
        self._control = devnet.control
        self._options = ["--control-url", devnet.control, "--state-dir", str(state)]

    def pays(self, path: str, *options: str, code: int = 0) -> dict[str, Any]:
        """What `pay --json` says."""
        options = ("--method", "lightning", "--json", *options, *self._options)
        done = run("pay", f"{self.url}{path}", *options)
        assert done.returncode == code, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def says(self, path: str, *options: str) -> str:
        """What `pay` says to people."""
        done = run("pay", f"{self.url}{path}", "--method", "lightning", *options, *self._options)
        assert done.returncode == 0, done.stderr
        return done.stderr + done.stdout

    def inspects(self, what: str) -> str:
        """What `inspect` says."""
        done = run("inspect", what, "--control-url", self._control)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def buyer(devnet: Process, tmp_path: Path) -> Buyer:
    return Buyer(devnet, tmp_path)


def test_a_quote_is_paid_by_invoice_and_inspected(buyer: Buyer) -> None:
    paid = buyer.pays("/lightning/quote")
    assert (paid["outcome"], paid["spent_sat"], paid["spent"]) == ("paid", "10", "0")
    assert paid["payment"]["method"] == "lightning/charge"
    name = paid["payment"]["receipt"]["reference"]
    told = buyer.inspects(name)
    assert "Over Lightning" in told
    assert "payment.succeeded  payer  10 sat  and 1 sat for the route" in told
    assert "GET /lightning/quote  paid 200" in told
    assert buyer.inspects(paid["payment"]["challenge"][:16]).count("htlc.settled") == 2


def test_a_session_goes_on_from_command_to_command_and_comes_back(buyer: Buyer) -> None:
    first = buyer.pays("/lightning/search?q=voucher")
    session = first["payment"]["receipt"]["reference"]
    many = buyer.pays("/lightning/search?q=voucher", "-n", "20", "-c", "4")
    assert (many["outcomes"], many["spent_sat"]) == ({"paid": 20}, "20")
    words = buyer.says("/lightning/complete?tokens=8", "--stream")
    assert "Paid 8 sat for" in words
    last = buyer.says("/lightning/search?q=voucher", "--close")
    assert "70 sat of 100 sat came back" in last
    told = buyer.inspects(session)
    assert "Lightning payment" in told
    assert "70 sat to send back" in told


def test_a_stream_is_read_as_one_without_being_told(buyer: Buyer) -> None:
    """Its messages are paid while it is read; a program that wants the answer whole gets it, and
    is told all that it has cost."""
    assert "Paid 120 sat for 120 messages" in buyer.says("/lightning/complete?tokens=120")
    whole = buyer.pays("/lightning/complete?tokens=8")
    assert (whole["outcome"], whole["spent_sat"]) == ("paid", "8")
    assert whole["body"].endswith("data: [DONE]\n\n")


def test_a_stream_longer_than_its_deposit_is_topped_up_as_it_goes(buyer: Buyer) -> None:
    words = buyer.says("/lightning/complete?tokens=600", "--stream", "--close")
    assert "Paid 600 sat for" in words
    assert "400 sat of 1,000 sat came back" in words
    short = buyer.pays("/lightning/complete?tokens=600", "--stream", "--max", "0.6", code=1)
    assert short["outcome"] == "refused"
    assert "asks for 500 sat, but 99 sat is left of total (600 sat)" in short["reason"]
    assert short["messages"] == 500
    (deposit,) = short["deposits"]
    assert (deposit["method"], deposit["state"]) == ("lightning/session", "open")
    assert (deposit["deposit"], deposit["used"], deposit["back"]) == ("500", "500", "0")


def test_a_channels_deposit_is_told_too_when_the_budget_ends_its_stream(
    buyer: Buyer, devnet: Process, tmp_path: Path
) -> None:
    where = ["--control-url", devnet.control, "--state-dir", str(tmp_path)]
    url = f"{buyer.url}/complete?tokens=90"
    done = run("pay", url, "--stream", "--max", "0.003", "--json", *where)
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["outcome"], told["messages"]) == ("refused", 30)
    (deposit,) = told["deposits"]
    assert (deposit["method"], deposit["state"]) == ("tempo/session", "open")
    assert (deposit["deposit"], deposit["used"], deposit["back"]) == ("3000", "3000", "0")
    assert len(told["transactions"]) == 1


def test_a_node_that_is_not_there_or_goes_down_is_told_and_nothing_is_paid(
    buyer: Buyer, devnet: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LND_MACAROON_HEX", "0201")
    away = buyer.pays("/lightning/quote", "--lnd", "http://127.0.0.1:9", code=1)
    assert away["outcome"] != "paid"
    monkeypatch.delenv("LND_MACAROON_HEX")
    before = payments(devnet)
    where = ("--where", "node=payer")
    armed = run("faults", "arm", "lightning.node", "down", *where, "--control-url", devnet.control)
    assert armed.returncode == 0, armed.stderr
    down = buyer.pays("/lightning/quote", code=3)
    assert down["outcome"] == "unknown"
    done = run("faults", "clear", "--control-url", devnet.control)
    assert done.returncode == 0, done.stderr
    assert payments(devnet) == before
    assert buyer.pays("/lightning/quote")["outcome"] == "paid"
    assert len(payments(devnet)) == len(before) + 1


def test_what_is_beyond_the_budget_is_not_paid(buyer: Buyer) -> None:
    refused = buyer.pays("/lightning/quote", "--max", "0.005", code=1)
    assert refused["outcome"] == "refused"
    assert "asks for 10 sat, but 5 sat is left" in refused["reason"]


def test_a_payment_whose_answer_is_lost_is_looked_up_and_made_once(
    buyer: Buyer, devnet: Process
) -> None:
    """The node has paid and the connection broke: the client finds the payment by its hash."""
    armed = run("faults", "arm", "lightning.pay", "lose_response", "--control-url", devnet.control)
    assert armed.returncode == 0, armed.stderr
    before = payments(devnet)
    paid = buyer.pays("/lightning/quote")
    assert paid["outcome"] == "paid"
    (made,) = payments(devnet)[len(before) :]
    assert made["payment_hash"] == paid["payment"]["receipt"]["reference"]
    assert made["status"] == "SUCCEEDED"


def payments(devnet: Process) -> list[dict[str, Any]]:
    """What the payer's LND says that it has paid, in vain or not."""
    lnd = devnet.info["lightning"]["lnd"]["payer"]
    answer = httpx.get(
        f"{lnd['url']}/v1/payments",
        headers={"Grpc-Metadata-macaroon": lnd["macaroons"]["admin"]},
        params={"include_incomplete": "true"},
    )
    found: list[dict[str, Any]] = answer.raise_for_status().json()["payments"]
    return found
