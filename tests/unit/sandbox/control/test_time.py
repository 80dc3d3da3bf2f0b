"""One clock for all rails and for the protocol's own expiry: moved over HTTP, obeyed everywhere.

DESIGN 2.4; facts: protocol 1.1 (expiry) and 2.5 (forced closes), stripe 4 (webhooks), lightning 5.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import pytest
from mpp import Challenge
from mpp.methods.tempo import client as tempo_client
from mpp.runtime import CredentialParams

from mock_rails.core.clock import US_PER_S
from mock_rails.core.rail import RailContext
from mock_rails.lightning.invoices import InvoiceRequest
from mock_rails.lightning.model import InvoiceState
from mock_rails.lightning.rail import Lightning
from mock_rails.server import Host
from sandbox import info
from sandbox.chain import token_balance
from sandbox.client import Budget, CardWallet, PaidClient, SessionSettings, Wallet
from sandbox.client.session.errors import GraceNotOverError
from sandbox.control.time import read_instant, read_span
from sandbox.devnet import CURRENCY, Devnet
from sandbox.settings import DevnetSettings
from tests.unit.mock_rails.stripe.billing.shop import Shop

JSON = {"content-type": "application/json"}
PATIENCE_S = 20
PAYER = Wallet.dev(info.PAYER)


async def move(http: httpx.AsyncClient, how: str, **body: Any) -> dict[str, Any]:
    """Move the clock, and say what time it is."""
    answer = await http.post(f"/time/{how}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ends(answer: httpx.Response) -> int:
    """When the challenge of a 402 ends, in microseconds."""
    challenge = Challenge.from_www_authenticate(answer.headers.get_list("www-authenticate")[0])
    assert challenge.expires is not None
    return int(datetime.fromisoformat(challenge.expires).timestamp()) * US_PER_S


# -- the clock itself -----------------------------------------------------------------------------


async def test_it_is_shown_advanced_frozen_set_and_resumed(http: httpx.AsyncClient) -> None:
    now = (await http.get("/time")).json()
    assert (now["frozen"], abs(now["ahead_s"]) <= 1) == (False, True)
    later = await move(http, "advance", by="16m")
    assert later["now_us"] >= now["now_us"] + 960 * US_PER_S
    assert abs(later["ahead_s"] - 960) <= 1
    stopped = await move(http, "freeze")
    assert stopped["frozen"]
    assert (await http.get("/time")).json()["now_us"] == stopped["now_us"]
    there = await move(http, "set", to="2999-12-01T00:00:00Z")
    assert (there["now"], there["frozen"]) == ("2999-12-01T00:00:00.000Z", True)
    assert (await move(http, "resume"))["frozen"] is False
    at = await move(http, "freeze", at="3000-01-01")
    assert (at["now"], at["frozen"]) == ("3000-01-01T00:00:00.000Z", True)


async def test_it_goes_back_only_where_that_is_said(http: httpx.AsyncClient) -> None:
    refused = await http.post("/time/set", json={"to": "2020-01-01"})
    assert refused.status_code == 400
    assert "2020-01-01T00:00:00.000Z is earlier" in refused.json()["detail"]
    assert (await http.post("/time/freeze", json={"at": "2020-01-01"})).status_code == 400
    back = await move(http, "set", to="2020-01-01", backwards=True)
    assert back["now"].startswith("2020-01-01T00:00:00")


async def test_every_move_is_in_the_journal(devnet: Devnet, http: httpx.AsyncClient) -> None:
    now = await move(http, "advance", by="1h")
    (event,) = devnet.context.journal.read(kind="clock.moved")
    assert event.data["now_us"] == now["now_us"]


NO_TIMES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("advance", {"by": "soon"}, "no span"),
    ("advance", {"by": "-16m"}, "no span"),
    ("advance", {"by": ""}, "no span"),
    ("advance", {"by": "9999999999w"}, "calendar"),
    ("advance", {"by": "8000000d"}, "calendar"),
    ("advance", {}, "body.by"),
    ("advance", {"by": True}, "body.by"),
    ("advance", {"by": "\ud800"}, "no span"),
    ("set", {"to": "tomorrow"}, "no instant"),
    ("set", {"to": "2026-12-01T00:00:00"}, "no instant"),
    ("set", {"to": "0001-01-01"}, "between 1970 and 9999"),
    ("set", {"to": 999_999_999_999}, "between 1970 and 9999"),
    ("set", {"to": "2030-01-01", "at": 1}, "body.at"),
)


async def test_what_is_no_time_is_a_problem_and_moves_nothing(http: httpx.AsyncClient) -> None:
    for how, body, fragment in NO_TIMES:
        answer = await http.post(f"/time/{how}", content=json.dumps(body), headers=JSON)
        found = (answer.status_code, fragment in answer.json()["detail"])
        assert found == (400, True), answer.text
    assert abs((await http.get("/time")).json()["ahead_s"]) <= 1


def test_spans_and_instants_are_read_exactly() -> None:
    seconds = {"90": 90, "+16m": 960, "1h30m": 5_400, "2d": 172_800, "1w": 604_800}
    for text, expected in seconds.items():
        assert read_span(text).total_seconds() == expected
    assert read_span("500ms").microseconds == 500_000
    assert read_span(5).total_seconds() == 5
    new_year_us = 1_767_225_600 * US_PER_S
    for text in ("2026-01-01", "2026-01-01T00:00:00z", "2026-01-01T01:00:00+01:00", "1767225600"):
        assert read_instant(text) == new_year_us
    assert read_instant("2026-01-01T00:00:00.000001Z") == new_year_us + 1


# -- who goes by it -------------------------------------------------------------------------------


async def test_sixteen_minutes_expire_a_challenge(devnet: Devnet, http: httpx.AsyncClient) -> None:
    """Its credential pays nothing and is told so with a fresh challenge, which pays."""
    url = f"{devnet.api_url}/quote"
    method = tempo_client.charge(
        account=PAYER.tempo_account(), chain_id=1337, rpc_url=devnet.rpc_url
    )
    asked = await http.get(url)
    challenge = Challenge.from_www_authenticate(asked.headers["www-authenticate"])
    credential = await method.create_credential(CredentialParams(challenge=challenge))
    now = await move(http, "advance", by="16m")

    late = await http.get(url, headers={"authorization": credential})
    assert (late.status_code, late.json()["type"].rpartition("/")[2]) == (402, "payment-expired")
    assert ends(late) > now["now_us"] > ends(asked)
    async with PaidClient(PAYER, rpc_url=devnet.rpc_url, clock=devnet.context.clock) as client:
        assert (await client.get(url)).status_code == 200


@pytest.mark.parametrize("where", ["2026-01-01", "2999-01-01"])
async def test_charges_are_paid_whether_the_clock_is_behind_the_wall_or_ahead(
    devnet: Devnet, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """pympp compares a challenge's end with the machine's time; the gate has looked at its own."""
    await move(http, "freeze")
    await move(http, "set", to=where, backwards=True)
    for name, value in info.environment(devnet.info()).items():
        monkeypatch.setenv(name, value)
    budget = Budget.parse(total="1.00", decimals=2, allowed_currencies=["usd"])
    async with PaidClient(
        PAYER,
        rpc_url=devnet.rpc_url,
        clock=devnet.context.clock,
        card=CardWallet("pm_card_visa"),
        card_budget=budget,
    ) as client:
        for path in ("/quote", "/stripe/quote"):
            assert (await client.get(f"{devnet.api_url}{path}")).status_code == 200


async def test_a_forced_close_ripens(devnet: Devnet, http: httpx.AsyncClient) -> None:
    """The payer leaves without the merchant: its money is back after the grace, not before."""
    assert devnet.rpc is not None
    settings = SessionSettings(close_on_exit=False)
    async with PaidClient(
        PAYER, rpc_url=devnet.rpc_url, clock=devnet.context.clock, session=settings
    ) as client:
        assert (await client.get(f"{devnet.api_url}/search")).status_code == 200
        (channel,) = (await http.get("/channels")).json()["channels"]
        settled = await http.post(f"/channels/{channel['id']}/settle")  # nothing is owed any more
        assert settled.status_code == 200
        channel_id = bytes.fromhex(channel["id"][2:])
        await client.sessions.force_close(channel_id)
        with pytest.raises(GraceNotOverError):
            await client.sessions.withdraw(channel_id, wait=False)

        await move(http, "advance", by="16m")
        before = await token_balance(devnet.rpc, CURRENCY, PAYER.address)
        ended = await client.sessions.withdraw(channel_id, wait=False)
        assert ended.captured == int(channel["spent"])
        back = await token_balance(devnet.rpc, CURRENCY, PAYER.address) - before
        fees = 100_000
        assert back > ended.deposit - ended.captured - fees


async def test_a_lightning_invoice_expires(devnet: Devnet, http: httpx.AsyncClient) -> None:
    """On the same clock; the node says so by itself."""
    lightning = Lightning(RailContext.create(clock=devnet.context.clock))
    merchant = lightning.node("merchant")
    invoice = merchant.create_invoice(InvoiceRequest(amount_msat=1_000, expiry_s=900))
    assert [one.state for one in merchant.invoices()] == [InvoiceState.OPEN]
    await move(http, "advance", by="16m")
    assert [one.state for one in merchant.invoices()] == [InvoiceState.CANCELED]
    assert invoice.expires_at_s <= devnet.context.clock.now_s()


async def test_a_webhook_that_failed_is_tried_again(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    """An hour of retries in no time (facts: stripe 4)."""
    tries: asyncio.Queue[int] = asyncio.Queue()
    statuses = iter((500, 200))

    async def receiver(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        status = next(statuses)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        tries.put_nowait(status)

    async with (
        Host(receiver) as host,
        httpx.AsyncClient(base_url=str(devnet.stripe_url), auth=("sk_test_x", "")) as stripe,
    ):
        form = {"url": f"{host.url}/hook", "enabled_events[]": "customer.created"}
        assert (await stripe.post("/v1/webhook_endpoints", data=form)).status_code == 200
        await stripe.post("/v1/customers")
        async with asyncio.timeout(PATIENCE_S):
            assert await tries.get() == 500
            await move(http, "advance", by="1h")
            assert await tries.get() == 200


async def test_a_subscription_renews(devnet: Devnet, http: httpx.AsyncClient) -> None:
    """On the sandbox's clock: no test clock of Stripe's is needed."""
    async with httpx.AsyncClient(
        base_url=str(devnet.stripe_url), auth=("sk_test_x", ""), timeout=30
    ) as stripe:
        shop = Shop(stripe)
        await shop.subscribe(await shop.customer(), await shop.price(1_000, "month"))
        assert len((await shop.get("invoices"))["data"]) == 1
        await move(http, "advance", by="32d")
        paid = [one["amount_paid"] for one in (await shop.get("invoices"))["data"]]
        assert paid == [1_000, 1_000]


async def test_merchant_processes_go_by_it_before_the_answer_is_given() -> None:
    settings = replace(DevnetSettings().with_free_ports(), workers=2)
    async with (
        Devnet(settings) as devnet,
        httpx.AsyncClient(base_url=f"{devnet.control_url}/_sandbox", timeout=30) as http,
    ):
        for how, body in (("advance", {"by": "1d"}), ("freeze", {}), ("advance", {"by": "1d"})):
            now = await move(http, how, **body)
            async with asyncio.timeout(PATIENCE_S):
                for _ in range(8):  # a connection each, so that both processes answer some
                    async with httpx.AsyncClient() as customer:
                        asked = await customer.get(f"{devnet.api_url}/quote")
                    assert ends(asked) > now["now_us"]
