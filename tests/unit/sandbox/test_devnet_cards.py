"""The devnet's Stripe: merchants that take cards, deposits from its own chain, one state file.

DESIGN section 3; facts: stripe 0.2, 1.4, 1.7 and 5; protocol 1.1, row 12 (Accept-Payment).
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mpp import Challenge, Credential, Receipt
from mpp.client import PaymentTransport
from mpp.methods.stripe import client as stripe_client
from mpp.methods.tempo import client as tempo_client

from mock_rails.server import LOOPBACK, CannotListen, bind
from sandbox import banner, info
from sandbox.client.wallet import Wallet
from sandbox.devnet import Devnet
from sandbox.settings import DevnetSettings, Part

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mpp.methods.stripe.client import OnChallengeParameters

FREE = DevnetSettings().with_free_ports()
ELSEWHERE = frozenset({Part.MERCHANTS, Part.CONTROL})
TOKENS = "/v1/test_helpers/shared_payment/granted_tokens"
CHARGES = {"verb": "POST", "route": "/v1/payment_intents"}
CRYPTO = "payment_method_options[crypto]"
DEPOSIT = {
    "amount": "101",
    "currency": "usd",
    "confirm": "true",
    "payment_method_types[0]": "crypto",
    "payment_method_data[type]": "crypto",
    f"{CRYPTO}[mode]": "deposit",
    f"{CRYPTO}[deposit_options][networks][0]": "tempo",
}


@dataclass
class Customer:
    """pympp's client with a test card and a wallet, and a client of Stripe beside it."""

    http: httpx.AsyncClient
    stripe: httpx.AsyncClient
    url: str

    async def buys(self, path: str, **headers: str) -> tuple[httpx.Response, str]:
        """The paid answer, and the method that its receipt names."""
        answer = await self.http.get(self.url + path, headers=headers)
        assert answer.status_code == 200, answer.text
        receipt = Receipt.from_payment_receipt(answer.headers["payment-receipt"])
        return answer, receipt.method

    async def asked(self, path: str, **headers: str) -> list[Challenge]:
        """What a route asks for, in order."""
        async with httpx.AsyncClient() as http:
            answer = await http.get(self.url + path, headers=headers)
        fields = answer.headers.get_list("www-authenticate")
        return [Challenge.from_www_authenticate(field) for field in fields]

    async def paid(self) -> list[dict[str, Any]]:
        """The PaymentIntents that succeeded."""
        listed = (await self.stripe.get("/v1/payment_intents")).json()["data"]
        return [one for one in listed if one["status"] == "succeeded"]


@asynccontextmanager
async def customer_of(devnet: Devnet, *, card: str = "pm_card_visa") -> AsyncIterator[Customer]:
    """Somebody who pays by card first, and else from the documented payer's account."""
    stripe = httpx.AsyncClient(base_url=str(devnet.stripe_url), auth=("sk_test_payer", ""))

    async def mint(asked: OnChallengeParameters) -> str:
        form = {
            "payment_method": asked.payment_method,
            "usage_limits[currency]": asked.currency,
            "usage_limits[max_amount]": asked.amount,
            "usage_limits[expires_at]": str(asked.expires_at),
        }
        answer = await stripe.post(TOKENS, data=form)
        return str(answer.json()["id"])

    account = Wallet.dev(info.PAYER).tempo_account()
    methods = [
        stripe_client.charge(create_token=mint, payment_method=card),
        tempo_client.charge(account=account, chain_id=1337, rpc_url=devnet.rpc_url),
    ]
    transport = PaymentTransport(methods, inner=httpx.AsyncHTTPTransport())
    async with stripe, httpx.AsyncClient(transport=transport) as http:
        yield Customer(http, stripe, str(devnet.api_url))


async def test_a_card_pays_for_a_quote() -> None:
    async with Devnet(FREE) as devnet, customer_of(devnet) as customer:
        (challenge,) = await customer.asked("/stripe/quote")
        assert (challenge.method, challenge.request["amount"]) == ("stripe", "50")
        assert challenge.request["methodDetails"] == {
            "networkId": "profile_test_sandbox",
            "paymentMethodTypes": ["card", "link"],
        }
        answer, method = await customer.buys("/stripe/quote")
        assert (method, answer.json()["number"]) == ("stripe", 0)
        (paid,) = await customer.paid()
        assert (paid["amount"], paid["currency"]) == (50, "usd")


async def test_a_report_is_paid_by_whatever_the_customer_prefers() -> None:
    async with Devnet(FREE) as devnet, customer_of(devnet) as customer:
        offered = {(one.method, one.intent) for one in await customer.asked("/report")}
        assert offered >= {("tempo", "charge"), ("tempo", "session"), ("stripe", "charge")}
        for wish, method in (
            ("stripe/charge, tempo/*;q=0.5", "stripe"),
            ("tempo/charge, stripe/*;q=0.5", "tempo"),
        ):
            first, *_ = await customer.asked("/report", **{"Accept-Payment": wish})
            assert (first.method, first.intent) == (method, "charge")
        (only,) = await customer.asked("/report", **{"Accept-Payment": "stripe/*"})
        _, method = await customer.buys("/report", **{"Accept-Payment": "stripe/*"})
        assert (only.request["amount"], method) == ("50", "stripe")
        _, method = await customer.buys("/report", **{"Accept-Payment": "tempo/charge"})
        assert method == "tempo"
        assert len(await customer.paid()) == 1


async def test_a_route_takes_no_credential_of_a_method_that_it_does_not_offer() -> None:
    async with Devnet(FREE) as devnet, customer_of(devnet) as customer:
        (challenge,) = await customer.asked("/stripe/quote")
        shown = Credential(challenge.to_echo(), {"spt": "spt_x"}).to_authorization()
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"{customer.url}/quote", headers={"Authorization": shown})
        assert answer.status_code == 400
        assert await customer.paid() == []


async def test_two_workers_share_one_stripe() -> None:
    async with Devnet(replace(FREE, workers=2)) as devnet, customer_of(devnet) as customer:
        for _ in range(4):
            assert (await customer.buys("/stripe/quote"))[1] == "stripe"
        assert len(await customer.paid()) == 4


async def test_one_credential_at_two_workers_at_once_pays_once_though_answers_are_lost() -> None:
    async with Devnet(replace(FREE, workers=2)) as devnet, customer_of(devnet) as customer:
        (challenge,) = await customer.asked("/stripe/quote")
        form = {
            "payment_method": "pm_card_visa",
            "usage_limits[currency]": "usd",
            "usage_limits[max_amount]": "50",
        }
        made = await customer.stripe.post(TOKENS, data=form)
        shown = Credential(challenge.to_echo(), {"spt": made.json()["id"]}).to_authorization()
        fault = {
            "at": "stripe.request",
            "do": "commit_then_drop",
            "when": "nth=1",
            "where": CHARGES,
        }
        devnet.context.faults.arm(fault)
        url = f"{customer.url}/stripe/quote"

        async def show() -> int:
            async with httpx.AsyncClient() as http:
                return (await http.get(url, headers={"Authorization": shown})).status_code

        codes = await asyncio.gather(*(show() for _ in range(20)))
        assert codes.count(200) == 1
        assert set(codes) <= {200, 402, 409}
        assert len(await customer.paid()) == 1


async def test_merchants_elsewhere_take_cards_at_the_stripe_that_they_are_told() -> None:
    async with Devnet(FREE) as first:
        told = replace(FREE, only=ELSEWHERE, chain_url=first.rpc_url, stripe_url=first.stripe_url)
        async with Devnet(told) as second, customer_of(second) as customer:
            assert (await customer.buys("/stripe/quote"))[1] == "stripe"
            assert "stripe" not in second.info()
        async with Devnet(replace(told, stripe_url=None)) as third:
            routes = third.info()["merchants"]["routes"]
            assert "/stripe/quote" not in [route["path"] for route in routes]
            assert "stripe" not in str(routes)


async def test_a_transfer_on_the_devnets_chain_settles_a_deposit() -> None:
    """What Stripe's own test mode lacks: a real payment of the chain beside it."""
    async with Devnet(FREE) as devnet, customer_of(devnet) as customer:
        asked = (await customer.stripe.post("/v1/payment_intents", data=DEPOSIT)).json()
        assert asked["status"] == "requires_action"
        where = asked["next_action"]["crypto_display_details"]["deposit_addresses"]["tempo"]
        gift = {"address": where["address"], "amount": "1010000"}
        async with httpx.AsyncClient(timeout=30) as http:
            given = await http.post(f"{devnet.control_url}/_sandbox/fund", json=gift)
        assert given.status_code == 200, given.text
        found = (await customer.stripe.get(f"/v1/payment_intents/{asked['id']}")).json()
        assert found["status"] == "succeeded"


async def test_stripe_is_in_the_state_file(tmp_path: Path) -> None:
    settings = replace(FREE, state=tmp_path / "state.json")
    async with Devnet(settings) as devnet, customer_of(devnet) as customer:
        await customer.buys("/stripe/quote")
        before = await customer.paid()
        assert [rail.name for rail in devnet.rails] == ["tempo", "stripe", "lightning"]
    async with Devnet(settings) as devnet, customer_of(devnet) as customer:
        assert await customer.paid() == before
        await customer.buys("/stripe/quote")
        assert len(await customer.paid()) == 2


async def test_a_busy_port_is_one_clear_line_and_leaves_nothing_running() -> None:
    with bind(LOOPBACK, 0) as taken:
        port = taken.getsockname()[1]
        devnet = Devnet(replace(FREE, stripe_port=port))
        with pytest.raises(CannotListen, match=f"Port {port} on 127.0.0.1 is in use"):
            await devnet.start()
    assert devnet.info()["ready"] is False
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(devnet.rpc_url)


async def test_the_proxys_way_in_is_printed_and_ends_with_the_devnet() -> None:
    async with Devnet(replace(FREE, stripe_proxy=True)) as devnet:
        told = devnet.info()
        variables = info.environment(told)
        text = banner.text(told, devnet.balances)
        assert f"export HTTPS_PROXY={variables['HTTPS_PROXY']}" in text
        assert f"export SSL_CERT_FILE={variables['SSL_CERT_FILE']}" in text
        trusts = ssl.create_default_context(cafile=variables["SSL_CERT_FILE"])
        async with httpx.AsyncClient(proxy=variables["HTTPS_PROXY"], verify=trusts) as http:
            answer = await http.get("https://api.stripe.com/v1/balance", auth=("sk_test_x", ""))
            assert answer.json()["object"] == "balance"
            with pytest.raises(httpx.ProxyError, match="403"):
                await http.get("https://example.com/")
    assert not Path(variables["SSL_CERT_FILE"]).parent.exists()
