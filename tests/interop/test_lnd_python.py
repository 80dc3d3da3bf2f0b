"""Released Python clients of LND's REST, unmodified, on both profiles (facts: lightning 4.1, 4.7).

`lightning-enable-mcp` and `l402-requests` are Python, `l402sdk` is Rust behind a Python module.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import l402
import pytest
from l402_requests.exceptions import PaymentFailedError
from l402_requests.wallets.lnd import LndWallet as L402Wallet

from mock_rails.core.rail import RailContext
from mock_rails.lightning.bolt11 import decode
from mock_rails.lightning.rail import Lightning
from mock_rails.lightning.settings import LightningSettings
from tests.interop.lightning_support import ServedNode, running_lightning, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

Served = tuple[Lightning, ServedNode, ServedNode]
Network = tuple[ServedNode, ServedNode]


@pytest.fixture(params=["0.20", "0.21"])
async def network(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    """A network whose two nodes listen, once for each LND."""
    settings = LightningSettings(lnd_profile=request.param)
    rail = Lightning(RailContext.create("interop"), settings)
    async with serving(rail) as (merchant, payer):
        yield rail, merchant, payer


class TestLightningEnable:
    """lightning-enable-mcp 2.1.1: the wallet of an MCP server for agents."""

    @pytest.fixture(autouse=True)
    def module(self) -> None:
        pytest.importorskip("lightning_enable_mcp", reason="bolt11 stops at Python 3.12")

    async def test_balance_invoice_payment_and_status(self, network: Served) -> None:
        from lightning_enable_mcp.lnd_wallet import LndWallet

        _, merchant, payer = network
        shop, wallet = (LndWallet(one.url, one.macaroon) for one in (merchant, payer))
        before = await wallet.get_balance()
        made = await shop.create_invoice(200, "two coffees", 600)
        assert (await shop.get_invoice_status(made["invoice_id"]))["state"] == "PENDING"
        preimage = await wallet.pay_invoice(made["bolt11"])
        assert sha256(bytes.fromhex(preimage)).hexdigest() == made["invoice_id"]
        status = await shop.get_invoice_status(made["invoice_id"])
        assert (status["state"], status["amount_sats"]) == ("PAID", 200)
        assert await wallet.get_balance() == before - 201
        assert (await wallet.get_info())["alias"] == "payer"
        await shop.disconnect()
        await wallet.disconnect()

    async def test_refusals_and_unknown_ends_are_told_apart(self, network: Served) -> None:
        """What it must not retry is pending to it: a stuck HTLC and a connection that broke."""
        from lightning_enable_mcp.lnd_wallet import LndError, LndPaymentError, LndWallet
        from lightning_enable_mcp.wallet_errors import PaymentPendingError

        rail, merchant, payer = network
        wallet = LndWallet(payer.url, payer.macaroon)
        paid = await merchant.invoice(100)
        await wallet.pay_invoice(paid)
        with pytest.raises(LndError, match="invoice is already paid"):
            await wallet.pay_invoice(paid)
        fault = {"at": "lightning.pay", "do": "no_route", "when": "nth=1"}
        rail.context.faults.arm(fault)
        with pytest.raises(LndPaymentError, match="FAILURE_REASON_NO_ROUTE"):
            await wallet.pay_invoice(await merchant.invoice(100))
        lost = await merchant.invoice(100)
        rail.context.faults.arm({"at": "lightning.pay", "do": "lose_response", "when": "nth=1"})
        with pytest.raises((PaymentPendingError, LndError)):
            await wallet.pay_invoice(lost)
        payment = rail.node("payer").payment(decode(lost).payment_hash)
        assert payment is not None
        assert payment.status == "SUCCEEDED"
        await wallet.disconnect()

    async def test_it_pins_the_certificate(self, tmp_path: Path) -> None:
        """Without a scheme it forces https, as LND has it."""
        from lightning_enable_mcp.lnd_wallet import LndError, LndWallet

        with running_lightning("--lnd-dir", str(tmp_path)) as facts:
            address = facts["lnd"]["payer"]["url"].removeprefix("https://")
            macaroon = facts["lnd"]["payer"]["macaroons"]["admin"]
            trusting = LndWallet(address, macaroon, tls_cert_path=facts["tls_cert"])
            assert await trusting.get_balance() == 10_000_000
            await trusting.disconnect()
            wary = LndWallet(address, macaroon)
            with pytest.raises(LndError, match="CERTIFICATE_VERIFY_FAILED"):
                await wary.get_balance()
            await wary.disconnect()

    async def test_a_bad_macaroon_is_an_error_500(self, network: Served) -> None:
        from lightning_enable_mcp.lnd_wallet import LndError, LndWallet

        _, merchant, payer = network
        wallet = LndWallet(payer.url, merchant.macaroon)
        with pytest.raises(LndError, match=r"500.*verification failed"):
            await wallet.get_balance()
        await wallet.disconnect()


class TestL402Requests:
    """l402-requests 0.9.0: an HTTP client that pays L402 challenges."""

    async def test_it_pays_and_takes_the_preimage_for_base64(self, network: Served) -> None:
        """LND's v2 has the preimage in hexadecimal. Those digits are valid base64 too, so this
        client makes 48 bytes of them that prove nothing: a defect of its own, which only a
        faithful node shows."""
        rail, merchant, payer = network
        invoice = await merchant.invoice(100)
        got = await L402Wallet(payer.url, payer.macaroon).pay_invoice(invoice)
        record = rail.node("merchant").invoice(decode(invoice).payment_hash)
        assert record is not None
        assert record.state == "SETTLED"
        assert len(bytes.fromhex(got)) == 48

    async def test_failures_have_their_reason(self, network: Served) -> None:
        _, merchant, payer = network
        wallet = L402Wallet(payer.url, payer.macaroon)
        with pytest.raises(PaymentFailedError, match="FAILURE_REASON_INSUFFICIENT_BALANCE"):
            await wallet.pay_invoice(await merchant.invoice(20_000_000))
        with pytest.raises(PaymentFailedError, match="500"):
            await wallet.pay_invoice("lnbcrt1nonsense")


@pytest.fixture(params=["0.20", "0.21"])
def process(request: pytest.FixtureRequest) -> Iterator[Network]:
    """The same as a process of its own, for a client that lets no other Python run meanwhile."""
    with running_lightning("--lnd-version", request.param) as facts:
        merchant, payer = (
            ServedNode(facts["lnd"][name]["url"], facts["lnd"][name]["macaroons"]["admin"])
            for name in ("merchant", "payer")
        )
        yield merchant, payer


class TestL402Sdk:
    """l402sdk 0.1.0: Rust, blocking, strict about JSON's types."""

    async def test_info_balance_and_payment(self, process: Network) -> None:
        merchant, payer = process
        backend = l402.LndRestBackend(payer.url, payer.macaroon)
        info = backend.get_info()
        assert (info.alias, info.num_active_channels) == ("payer", 2)
        before = backend.get_balance()
        done = backend.pay_invoice(await merchant.invoice(100), 10)
        assert (done.amount_sats, done.fee_sats) == (100, 1)
        assert sha256(bytes.fromhex(done.preimage)).hexdigest() == done.payment_hash
        assert backend.get_balance() == before - 101

    async def test_a_fee_limit_of_nothing_finds_no_route(self, process: Network) -> None:
        """LND reads 0 as free routes only, and no route over a router is free."""
        merchant, payer = process
        backend = l402.LndRestBackend(payer.url, payer.macaroon)
        invoice = await merchant.invoice(100)
        with pytest.raises(Exception, match=r"(?i)no.?route"):
            backend.pay_invoice(invoice, 0)
