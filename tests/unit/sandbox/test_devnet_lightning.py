"""The devnet's Lightning: merchants that take satoshis, two LNDs and a phoenixd, one state file.

DESIGN section 3; facts: lightning 2, 4.1, 5.5 and 6.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mpp import Challenge, Credential

from mock_rails.listening import LOOPBACK, CannotListen, bind
from sandbox import banner, info
from sandbox.devnet import Devnet
from sandbox.lightning import LndNode
from sandbox.settings import DevnetSettings, Part

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

FREE = DevnetSettings().with_free_ports()
ONLY_LIGHTNING = {"Accept-Payment": "lightning/*"}


@dataclass
class Customer:
    """Somebody with the payer's LND and an HTTP client."""

    http: httpx.AsyncClient
    node: LndNode

    async def asked(self, path: str, wish: str = "lightning/*") -> Challenge:
        answer = await self.http.get(path, headers={"Accept-Payment": wish})
        assert answer.status_code == 402, answer.text
        value = answer.headers.get_list("www-authenticate")[0]
        return Challenge.from_www_authenticate(value)

    async def shown(
        self, path: str, challenge: Challenge, payload: dict[str, Any]
    ) -> httpx.Response:
        sent = Credential(challenge.to_echo(), payload).to_authorization()
        answer = await self.http.get(path, headers={"Authorization": sent})
        assert answer.status_code == 200, answer.text
        return answer

    async def paid(self, challenge: Challenge) -> str:
        request = challenge.request
        invoice = request.get("depositInvoice") or request["methodDetails"]["invoice"]
        return (await self.node.pay(invoice, fee_limit_sat=20, timeout_s=5)).preimage.hex()

    async def opened(self, path: str) -> tuple[dict[str, str], httpx.Response]:
        challenge = await self.asked(path, "lightning/session")
        preimage = await self.paid(challenge)
        back = await self.node.create_invoice(amount_sat=None, memo="", expiry_s=2_592_000)
        payload = {"action": "open", "preimage": preimage, "returnInvoice": back.bolt11}
        answer = await self.shown(path, challenge, payload)
        return {"sessionId": challenge.request["paymentHash"], "preimage": preimage}, answer


@asynccontextmanager
async def customer_of(devnet: Devnet) -> AsyncIterator[Customer]:
    """A customer who knows what the devnet tells programs."""
    variables = info.environment(devnet.info())
    async with (
        httpx.AsyncClient(base_url=str(devnet.api_url)) as http,
        LndNode(variables["LND_REST_HOST"], variables["LND_MACAROON_HEX"]) as node,
    ):
        yield Customer(http, node)


def balance(devnet: Devnet, node: str = "payer") -> int:
    assert devnet.lightning is not None
    return devnet.lightning.node(node).balance_msat


async def test_the_merchants_take_satoshis_by_charge_and_by_session() -> None:
    async with Devnet(FREE) as devnet, customer_of(devnet) as customer:
        earned = balance(devnet, "merchant")
        challenge = await customer.asked("/lightning/quote")
        assert (challenge.intent, challenge.request["amount"]) == ("charge", "10")
        paid = {"preimage": await customer.paid(challenge)}
        answer = await customer.shown("/lightning/quote", challenge, paid)
        assert answer.json()["number"] == 0
        session, _ = await customer.opened("/lightning/search?q=voucher")
        challenge = await customer.asked("/lightning/complete?tokens=5")
        bearer = {"action": "bearer", **session}
        stream = await customer.shown("/lightning/complete?tokens=5", challenge, bearer)
        assert stream.text.count("chat.completion.chunk") == 5
        assert stream.text.rstrip().endswith("data: [DONE]")
        challenge = await customer.asked("/lightning/search")
        closed = await customer.shown(
            "/lightning/search", challenge, {"action": "close", **session}
        )
        assert closed.json() == {
            "status": "closed", "refundSats": 94, "refundStatus": "succeeded",
        }  # fmt: skip
        refund_fee = 1_000
        assert balance(devnet, "merchant") - earned == (10 + 6) * 1_000 - refund_fee


async def test_a_stream_that_is_used_up_goes_on_after_a_top_up() -> None:
    """Over sockets: the first answer is held while a second connection pays (facts 2.4)."""
    async with Devnet(FREE) as devnet, customer_of(devnet) as customer:
        session, _ = await customer.opened("/lightning/search")
        path = "/lightning/complete?tokens=150"
        challenge = await customer.asked(path)
        sent = Credential(challenge.to_echo(), {"action": "bearer", **session})
        headers = {"Authorization": sent.to_authorization()}
        tokens, events = 0, []
        async with customer.http.stream("GET", path, headers=headers) as answer:
            async for line in answer.aiter_lines():
                tokens += "chat.completion.chunk" in line
                if line.startswith("event: "):
                    events.append((line.removeprefix("event: "), tokens))
                if line == "event: payment-need-topup":
                    more = await customer.asked(path)
                    topped = await customer.shown(
                        path,
                        more,
                        {
                            "action": "topUp",
                            "sessionId": session["sessionId"],
                            "topUpPreimage": await customer.paid(more),
                        },
                    )
                    assert topped.json() == {"status": "ok"}
        assert tokens == 150
        assert events == [("payment-need-topup", 99), ("payment-receipt", 150)]


async def test_a_report_is_paid_over_lightning_too() -> None:
    async with Devnet(FREE) as devnet, customer_of(devnet) as customer:
        challenge = await customer.asked("/report", "lightning/charge")
        assert challenge.request["amount"] == "50"
        paid = {"preimage": await customer.paid(challenge)}
        await customer.shown("/report", challenge, paid)
        await customer.opened("/report")


async def test_prices_follow_the_rate() -> None:
    async with Devnet(replace(FREE, btc_usd=50_000)) as devnet, customer_of(devnet) as customer:
        assert (await customer.asked("/lightning/quote")).request["amount"] == "20"
        text = banner.text(devnet.info(), devnet.balances)
        assert "/lightning/quote       20 sat by lightning/charge" in text


async def test_a_price_moves_with_the_clock_between_challenge_and_payment() -> None:
    settings = replace(FREE, btc_usd_later=((3_600, 50_000),))
    async with Devnet(settings) as devnet, customer_of(devnet) as customer:
        assert devnet.info()["lightning"]["btc_usd"] == 100_000
        devnet.context.clock.advance(3_590)
        old = await customer.asked("/lightning/quote")
        devnet.context.clock.advance(20)
        assert (await customer.asked("/lightning/quote")).request["amount"] == "20"
        assert devnet.info()["lightning"]["btc_usd"] == 50_000
        paid = {"preimage": await customer.paid(old)}
        await customer.shown("/lightning/quote", old, paid)
        changed = [one for one in devnet.context.journal.read() if one.kind == "rate.changed"]
        assert [one.data for one in changed] == [{"btc_usd": 50_000}]


async def test_a_ticket_opens_the_quotes_for_a_day() -> None:
    async with Devnet(FREE) as devnet, customer_of(devnet) as customer:
        answer = await customer.http.get("/lightning/quote")
        (value,) = (
            one for one in answer.headers.get_list("www-authenticate") if one.startswith("L402")
        )
        told = dict(re.findall(r'(\w+)="([^"]*)"', value))
        paid = await customer.node.pay(told["invoice"], fee_limit_sat=100, timeout_s=5)
        ticket = {"Authorization": f"L402 {told['token']}:{paid.preimage.hex()}"}
        for number in range(3):
            quote = await customer.http.get("/lightning/quote", headers=ticket)
            assert (quote.status_code, quote.json()["number"]) == (200, number)


async def test_it_says_where_the_nodes_are() -> None:
    async with Devnet(FREE) as devnet:
        told = devnet.info()
        lightning = told["lightning"]
        variables = info.environment(told)
        text = banner.text(told, devnet.balances)
        assert variables["MPP_SANDBOX_LND_URL"] == lightning["lnd"]["payer"]["url"]
        assert variables["MPP_SANDBOX_MERCHANT_LND_URL"] == devnet.lightning_url
        for url in (
            variables["MPP_SANDBOX_LND_URL"],
            variables["MPP_SANDBOX_MERCHANT_LND_URL"],
            variables["MPP_SANDBOX_PHOENIXD_URL"],
        ):
            assert url in text
        key = {"Grpc-Metadata-macaroon": variables["LND_MACAROON_HEX"]}
        async with httpx.AsyncClient() as http:
            node = await http.get(f"{variables['LND_REST_HOST']}/v1/getinfo", headers=key)
            assert node.json()["alias"] == "payer"
            auth = ("", variables["MPP_SANDBOX_PHOENIXD_PASSWORD"])
            shop = await http.get(f"{variables['MPP_SANDBOX_PHOENIXD_URL']}/getinfo", auth=auth)
            assert shop.status_code == 200


async def test_stopping_gives_deposits_back_and_the_state_file_has_them(tmp_path: Path) -> None:
    settings = replace(FREE, state=tmp_path / "state.json")
    async with Devnet(settings) as devnet, customer_of(devnet) as customer:
        before = balance(devnet)
        await customer.opened("/lightning/search")
    (closed,) = devnet.refunds
    assert (closed.spent_sat, closed.refund_sat) == (1, 99)
    assert banner.refunds(devnet.refunds) == [
        "Closed 1 Lightning session: 1 sat earned, 99 sat given back"
    ]
    assert banner.refunds([]) == []
    async with Devnet(settings) as devnet:
        fee = 1_000
        assert balance(devnet) == before - 1_000 - fee


async def test_a_session_in_a_store_that_stays_outlives_the_devnet(tmp_path: Path) -> None:
    settings = replace(
        FREE,
        state=tmp_path / "state.json",
        store=f"sqlite:{tmp_path}/books.db",
        at_shutdown="keep",
    )
    async with Devnet(settings) as devnet, customer_of(devnet) as customer:
        session, _ = await customer.opened("/lightning/search")
        assert devnet.refunds == []
    async with Devnet(settings) as devnet, customer_of(devnet) as customer:
        challenge = await customer.asked("/lightning/search")
        await customer.shown("/lightning/search", challenge, {"action": "bearer", **session})


async def test_merchants_elsewhere_take_what_they_are_told_to() -> None:
    async with Devnet(replace(FREE, only=frozenset({Part.RAILS}))) as rails:
        assert rails.lightning_url is not None
        elsewhere = replace(
            FREE,
            only=frozenset({Part.MERCHANTS}),
            chain_url=rails.rpc_url,
            lightning_url=rails.lightning_url,
            lightning_macaroon=rails._lightning_macaroon,
        )
        lnd = rails.info()["lightning"]["lnd"]["payer"]
        async with (
            Devnet(elsewhere) as shop,
            httpx.AsyncClient(base_url=str(shop.api_url)) as http,
            LndNode(lnd["url"], lnd["macaroons"]["admin"]) as node,
        ):
            customer = Customer(http, node)
            challenge = await customer.asked("/lightning/quote")
            paid = {"preimage": await customer.paid(challenge)}
            await customer.shown("/lightning/quote", challenge, paid)
        bare = replace(elsewhere, lightning_url=None, lightning_macaroon=None)
        async with (
            Devnet(bare) as shop,
            httpx.AsyncClient(base_url=str(shop.api_url)) as http,
        ):
            assert (await http.get("/lightning/quote")).status_code == 404
            assert (await http.get("/stripe/quote")).status_code == 404
            paths = [one["path"] for one in shop.info()["merchants"]["routes"]]
            assert not [path for path in paths if path.startswith("/lightning")]


async def test_merchant_processes_share_a_session_and_a_rate() -> None:
    settings = replace(FREE, workers=2, btc_usd_later=((3_600, 50_000),))
    async with Devnet(settings) as devnet, customer_of(devnet) as customer:
        assert (await customer.asked("/lightning/quote")).request["amount"] == "10"
        devnet.context.clock.advance(3_600)
        await devnet.tell_time()
        session, _ = await customer.opened("/lightning/search")
        for _ in range(6):
            async with httpx.AsyncClient(base_url=str(devnet.api_url)) as http:
                other = Customer(http, customer.node)
                challenge = await other.asked("/lightning/search")
                assert challenge.request["amount"] == "2"
                await other.shown("/lightning/search", challenge, {"action": "bearer", **session})
    (closed,) = devnet.refunds
    assert (closed.spent_sat, closed.refund_sat) == (14, 186)


async def test_a_busy_port_is_one_clear_line() -> None:
    with bind(LOOPBACK, 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=f"Port {port} on 127.0.0.1 is in use"):
            await Devnet(replace(FREE, phoenixd_port=port)).start()
