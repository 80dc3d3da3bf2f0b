"""The devnet in one event loop: what it serves, what it says of itself, and what stopping leaves.

DESIGN section 3; the issue's devnet.
"""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from mpp.client import PaymentTransport
from mpp.methods.tempo import client as tempo_client

from mock_rails.core.errors import SandboxError
from mock_rails.listening import CannotListen
from sandbox import banner, info
from sandbox.chain import token_balance
from sandbox.client.wallet import Wallet
from sandbox.devnet import CURRENCY, Devnet
from sandbox.server.session import Capture
from sandbox.settings import DevnetSettings, Part

if TYPE_CHECKING:
    from pathlib import Path

FREE = DevnetSettings().with_free_ports()
PATIENCE_S = 60
"""A loaded machine may take long over a transaction, and that is no failure."""


async def pay(devnet: Devnet, path: str) -> httpx.Response:
    """What the released pympp client gets for a charge, paid by the documented payer."""
    method = tempo_client.charge(
        account=Wallet.dev(info.PAYER).tempo_account(), chain_id=1337, rpc_url=devnet.rpc_url
    )
    transport = PaymentTransport([method], inner=httpx.AsyncHTTPTransport())
    async with httpx.AsyncClient(transport=transport, timeout=PATIENCE_S) as http:
        return await http.get(f"{devnet.api_url}{path}")


async def test_a_charge_is_paid_to_the_documented_merchant() -> None:
    async with Devnet(FREE) as devnet:
        assert devnet.rpc is not None
        merchant = Wallet.dev(info.MERCHANT).address
        before = await token_balance(devnet.rpc, CURRENCY, merchant)
        assert devnet.balances[f"0x{merchant.hex()}"] == before
        response = await pay(devnet, "/quote")
        assert response.status_code == 200
        assert "payment-receipt" in response.headers
        assert await token_balance(devnet.rpc, CURRENCY, merchant) == before + 10_000


async def test_it_describes_itself_as_json_and_as_variables() -> None:
    async with Devnet(FREE) as devnet:
        found = json.loads(banner.json_line(devnet.info()))
        assert found["ready"] is True
        assert found["merchants"]["realm"] == "127.0.0.1"
        paths = [route["path"] for route in found["merchants"]["routes"]]
        assert paths == [
            "/quote", "/search", "/complete", "/v1/chat/completions", "/report", "/stripe/quote",
            "/lightning/quote", "/lightning/search", "/lightning/complete",
        ]  # fmt: skip
        variables = info.environment(found)
        assert variables["MPP_SANDBOX_API_URL"] == devnet.api_url
        assert variables["MPP_SANDBOX_RPC_URL"] == variables["MPPX_RPC_URL"] == devnet.rpc_url
        assert variables["MPP_SANDBOX_CHAIN_ID"] == "1337"
        assert variables["MPP_SANDBOX_STRIPE_URL"] == devnet.stripe_url
        assert variables["MPPX_STRIPE_SPT_URL"].startswith(f"{devnet.stripe_url}/v1/test_helpers/")
        assert variables["MPPX_STRIPE_SECRET_KEY"].startswith("sk_test_")
        assert "HTTPS_PROXY" not in variables
        assert Wallet.from_key(variables["MPP_SANDBOX_PAYER_KEY"]) == Wallet.dev(0)
    assert devnet.info()["ready"] is False


async def test_the_banner_names_every_address_role_and_price() -> None:
    async with Devnet(FREE) as devnet:
        text = banner.text(devnet.info(), devnet.balances)
        for url in (devnet.api_url, devnet.control_url, devnet.rpc_url, devnet.stripe_url):
            assert str(url) in text
        assert f"mpp-sandbox pay {devnet.api_url}/quote" in text
    assert "$18,446,744,073,709.551615  merchant" in text
    assert "/complete              $0.0001 a token by tempo/session" in text


async def test_rails_alone_have_no_merchants_and_no_control() -> None:
    async with Devnet(replace(FREE, only=frozenset({Part.RAILS}))) as devnet:
        rails = {"tempo", "stripe", "lightning"}
        assert set(devnet.info()) == {"version", "ready", "roles", *rails}
        assert "curl" in banner.text(devnet.info(), devnet.balances)
        assert (devnet.api_url, devnet.control_url) == (None, None)


async def test_merchants_can_live_on_another_devnets_chain() -> None:
    async with Devnet(FREE) as first:
        settings = DevnetSettings(
            control_port=0,
            api_port=0,
            only=frozenset({Part.MERCHANTS, Part.CONTROL}),
            chain_url=first.rpc_url,
        )
        async with Devnet(settings) as second:
            assert (await pay(second, "/quote")).status_code == 200
            assert first.chain is not None
            assert first.chain.head.number == 1


async def test_a_busy_port_leaves_nothing_running(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        state = tmp_path / "state.json"
        devnet = Devnet(replace(FREE, control_port=port, state=state))
        with pytest.raises(CannotListen, match=f"Port {port} on 127.0.0.1 is in use"):
            await devnet.start()
    async with httpx.AsyncClient() as http:
        for url in (devnet.rpc_url, devnet.api_url):
            with pytest.raises(httpx.ConnectError):
                await http.get(str(url))
    assert not state.exists()


async def test_the_state_file_carries_the_chain_over(tmp_path: Path) -> None:
    settings = replace(FREE, state=tmp_path / "state.json")
    async with Devnet(settings) as devnet:
        assert (await pay(devnet, "/quote")).status_code == 200
    async with Devnet(settings) as devnet:
        assert devnet.chain is not None
        assert devnet.chain.head.number == 1


async def test_the_state_is_written_even_if_the_money_could_not_be_brought_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = DevnetSettings(state=tmp_path / "state.json").with_free_ports()
    devnet = Devnet(settings)
    await devnet.start()
    assert (await pay(devnet, "/quote")).status_code == 200

    async def broken(*, refund: bool) -> None:
        raise RuntimeError("the till is stuck")

    monkeypatch.setattr(devnet.merchants, "stop", broken)
    with pytest.raises(RuntimeError, match="stuck"):
        await devnet.stop()
    async with Devnet(settings) as devnet:
        assert devnet.chain is not None
        assert devnet.chain.head.number == 1


async def test_a_broken_state_file_stops_it_before_anything_listens(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text("nonsense")
    devnet = Devnet(DevnetSettings(state=state))
    with pytest.raises(SandboxError, match="cannot be used"):
        await devnet.start()
    assert devnet.control_url is None


def test_dollars_are_exact() -> None:
    assert banner.dollars(10_000) == "$0.01"
    assert banner.dollars(100) == "$0.0001"
    assert banner.dollars(1_234_567_890_001) == "$1,234,567.890001"
    assert banner.dollars(0) == "$0.00"


def test_what_stopping_captured_is_said_for_each_channel_and_in_all() -> None:
    found = [
        Capture(b"\1" * 32, 10_000, 500, b"\2" * 32),
        Capture(b"\3" * 32, 500, 500, b"\4" * 32, closes=False),
    ]
    assert banner.captures(found) == [
        f"Closed channel 0x{'01' * 32}: captured $0.01",
        f"Settled channel 0x{'03' * 32}: captured $0.0005",
        "2 channels, $0.0105 captured",
    ]
    assert banner.captures([]) == []


@pytest.mark.parametrize(
    ("settings", "fragment"),
    [
        (DevnetSettings(), "settles and closes"),
        (DevnetSettings(at_shutdown="settle"), "settles what"),
        (DevnetSettings(at_shutdown="keep", store="sqlite:x.db"), "stays in the store"),
        (DevnetSettings(only=frozenset({Part.RAILS})), "Ctrl-C stops it."),
    ],
)
def test_the_last_line_says_what_stopping_does(settings: DevnetSettings, fragment: str) -> None:
    assert fragment in banner.ready(settings)
