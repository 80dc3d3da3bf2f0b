"""What `pay` can be told about Lightning, and how it says what was paid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from mpp import ChallengeEcho, Credential
from typer.testing import CliRunner

from mock_rails.core.errors import BadInput
from sandbox.cli import app, lightning, pay_options
from sandbox.cli.conversation import request_lines
from sandbox.cli.tally import Tally, paid_in_all
from sandbox.cli.writing import money

URL = "http://127.0.0.1:9/lightning/quote"
DEVNET: dict[str, Any] = {
    "lightning": {
        "network": "regtest",
        "btc_usd": 50_000,
        "lnd": {"payer": {"url": "http://127.0.0.1:8081", "macaroons": {"admin": "0201"}}},
    }
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (lightning.URL_VARIABLE, lightning.MACAROON_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--method", "lightning", "--card", "pm_card_visa"], "--card is for stripe"),
        (["--method", "lightning"], "no Lightning node to pay from"),
        (["--method", "lightning", "--lnd", "http://127.0.0.1:8080"], "LND_MACAROON_HEX"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(options: list[str], says: str) -> None:
    nowhere = ["--control-url", "http://127.0.0.1:9"]
    result = CliRunner().invoke(app, ["pay", URL, *options, *nowhere])
    assert result.exit_code == 2
    assert says in result.stderr


@pytest.mark.parametrize(
    ("options", "methods"),
    [
        ({}, ("lightning/session", "lightning/charge")),
        ({"session": True}, ("lightning/session",)),
        ({"stream": True}, ("lightning/session",)),
        ({"charge": True}, ("lightning/charge",)),
    ],
)
def test_the_methods_of_lightning(options: dict[str, bool], methods: tuple[str, ...]) -> None:
    asked = {"session": False, "charge": False, "stream": False, **options}
    assert pay_options.choose_methods(by="lightning", card=None, **asked) == methods


def test_the_payer_is_the_devnets_unless_another_is_named(environment: pytest.MonkeyPatch) -> None:
    assert lightning.read_lnd(None, {}) is None
    devnets = lightning.read_lnd(None, DEVNET)
    assert devnets is not None
    assert (devnets.url, devnets.macaroon) == ("http://127.0.0.1:8081", "0201")
    environment.setenv(lightning.MACAROON_VARIABLE, "ab")
    named = lightning.read_lnd("https://lnd.example:8080", DEVNET)
    assert named == lightning.Lnd("https://lnd.example:8080", "ab")
    environment.setenv(lightning.URL_VARIABLE, "http://127.0.0.1:1")
    assert lightning.read_lnd(None, {}) == lightning.Lnd("http://127.0.0.1:1", "ab")
    with pytest.raises(BadInput, match="begins with http"):
        lightning.read_lnd("localhost:8080", {})


def test_a_macaroon_is_in_no_repr() -> None:
    lnd = lightning.read_lnd(None, DEVNET)
    assert "0201" not in repr(lnd)


async def test_the_node_is_on_the_devnets_network() -> None:
    lnd = lightning.need_lnd(lightning.read_lnd(None, DEVNET))
    async with replace(lnd, network="signet").node() as node:
        assert node.network == "signet"


def test_dollars_are_whole_satoshis_rounded_down() -> None:
    """At $50,000 a satoshi is a twentieth of a cent; what is finer buys nothing more."""
    budget = lightning.read_budget("0.0119", DEVNET)
    assert budget is not None
    assert (budget.total, budget.allowed_currencies) == (23, {"sat"})
    assert lightning.read_budget("0.0119", {}) is not None  # a tenth of a cent without a devnet
    assert lightning.read_budget(None, DEVNET) is None


def test_satoshis_are_no_dollars() -> None:
    assert money(12_345, "sat") == "12,345 sat"
    assert paid_in_all(0, {}, 7) == "7 sat"
    assert paid_in_all(250_000, {"usd": 50}, 7) == "$0.25 and $0.50 and 7 sat"
    assert Tally(sats=7).to_json()["spent_sat"] == "7"


def test_of_a_preimage_not_even_its_ends_are_shown() -> None:
    preimage = "1234567890abcdef" * 4
    payload = {"action": "bearer", "sessionId": "ab" * 32, "preimage": preimage}
    credential = Credential(ChallengeEcho("id", "shop", "lightning", "session", "e30"), payload)
    headers = {"Authorization": credential.to_authorization()}
    text = "\n".join(request_lines(httpx.Request("GET", URL, headers=headers)))
    assert "preimage: (64 characters, not shown)" in text
    assert preimage[:8] not in text
    assert f"sessionId: {'ab' * 32}" in text
