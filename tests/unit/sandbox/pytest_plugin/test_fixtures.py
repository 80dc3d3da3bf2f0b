"""The fixtures as a test uses them: asynchronous and not, on every rail."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mock_rails.core.errors import BadInput
from sandbox.client import Budget
from sandbox.client.errors import PaymentRefusedError

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.pytest_plugin.fixtures import (
        ChainFixture,
        ClockFixture,
        DevnetFixture,
        FaultsFixture,
        JournalFixture,
        MerchantFixture,
    )
    from sandbox.pytest_plugin.payer import PayerFixture
    from sandbox.pytest_plugin.rails import LightningFixture, StripeFixture

LOST = {"at": "tempo.submit", "do": "lose_response", "when": "nth=1"}


async def test_a_payer_pays_what_is_asked(devnet: DevnetFixture, payer: PayerFixture) -> None:
    response = await payer.get(devnet.url("/quote"))
    assert (response.status_code, response.json()["number"]) == (200, 0)
    assert payer.spent == 10_000


def test_so_does_one_that_does_not_wait(
    devnet: DevnetFixture, payer: PayerFixture, merchant: MerchantFixture, chain: ChainFixture
) -> None:
    before = merchant.balance()
    response = payer.sync.get(devnet.url("/quote"))
    assert (response.status_code, response.json()["number"]) == (200, 0)
    assert merchant.balance() - before == 10_000
    assert chain.height == 1
    chain.mine(2)
    assert chain.height == 3
    assert {one["role"] for one in chain.accounts()} >= {"payer", "merchant"}


async def test_requests_run_at_the_same_time(devnet: DevnetFixture, payer: PayerFixture) -> None:
    responses = await asyncio.gather(*(payer.get(devnet.url("/quote")) for _ in range(8)))
    assert {one.json()["number"] for one in responses} == set(range(8))


async def test_a_request_that_is_given_up_is_ended(
    devnet: DevnetFixture, payer: PayerFixture, faults: FaultsFixture
) -> None:
    faults.arm("tempo.seal", "halt")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await payer.get(devnet.url("/quote"))
    assert (await payer.get(devnet.url("/stripe/quote"))).status_code == 200


async def test_a_stream_is_paid_as_it_is_read(
    devnet: DevnetFixture, payer: PayerFixture, merchant: MerchantFixture
) -> None:
    async with payer.stream(devnet.url("/complete?tokens=8")) as events:
        read = [data async for data in events]
    assert (len(read), events.delivered) == (8, 8)
    assert events.response.status_code == 200
    assert events.receipt is not None
    (channel,) = merchant.channels()
    await payer.close_channels()
    (channel,) = merchant.channels()
    assert (channel["status"], channel["settled"]) == ("closed", "800")


def test_a_stream_without_waiting(devnet: DevnetFixture, payer: PayerFixture) -> None:
    with payer.sync.stream(devnet.url("/complete?tokens=8")) as events:
        assert len(list(events)) == 8
    payer.sync.close_channels()


def test_another_payer_has_a_purse_of_its_own(devnet: DevnetFixture, payer: PayerFixture) -> None:
    usd = {devnet.info()["merchants"]["currency"]}
    poor = payer.new(account=1, budget=Budget(total=9_999, allowed_currencies=usd))
    assert poor.address != payer.address
    with pytest.raises(PaymentRefusedError):
        poor.sync.get(devnet.url("/quote"))
    assert (poor.spent, payer.spent) == (0, 0)


def test_all_rails_take_money(
    devnet: DevnetFixture, payer: PayerFixture, stripe: StripeFixture, lightning: LightningFixture
) -> None:
    before = lightning.balance()
    for path in ("/stripe/quote", "/lightning/quote"):
        assert payer.sync.get(devnet.url(path)).status_code == 200
    (intent,) = stripe.payment_intents()
    assert (intent["amount"], intent["status"]) == (50, "succeeded")
    assert lightning.balance() > before
    assert len(lightning.pay(lightning.invoice(100, memo="tea"))) == 64
    made = stripe.post("/v1/customers", email="ada@example.com")
    assert stripe.get(f"/v1/customers/{made['id']}")["email"] == "ada@example.com"
    with pytest.raises(httpx.HTTPStatusError):
        stripe.get("/v1/customers/cus_nobody")


def test_the_clock_expires_what_should_expire(
    devnet: DevnetFixture, clock: ClockFixture, lightning: LightningFixture
) -> None:
    """draft-httpauth-payment-00, Expiration; a credential for an old challenge buys nothing."""
    invoice = lightning.invoice(100, expiry_s=900)
    before = clock.now
    after = clock.advance(minutes=16)
    assert timedelta(minutes=16) <= after - before < timedelta(minutes=17)
    with pytest.raises(Exception, match="expired"):
        lightning.pay(invoice)
    assert clock.freeze() == clock.now
    assert clock.is_frozen
    assert clock.set("2999-12-01T00:00:00Z").year == 2999
    clock.resume()
    with pytest.raises(BadInput, match="How far"):
        clock.advance()


@pytest.mark.mpp(faults=[LOST], seed="bug-17")
def test_a_fault_of_the_mark_strikes(
    devnet: DevnetFixture, payer: PayerFixture, faults: FaultsFixture, journal: JournalFixture
) -> None:
    assert payer.sync.get(devnet.url("/quote")).status_code == 200
    assert (faults.fired(), devnet.seed) == (1, "bug-17")
    assert [event.data["at"] for event in journal.events("fault.fired")] == ["tempo.submit"]
    assert "halt" in faults.points()["tempo.seal"]
    faults.clear()
    armed = faults.arm("tempo.submit", "reject", args={"message": "no"}, when="nth=1")
    assert [one["id"] for one in faults.armed()] == [armed]
    faults.disarm(armed)
    assert faults.armed() == []


def test_the_journal_tells_of_this_test_only(
    devnet: DevnetFixture, payer: PayerFixture, journal: JournalFixture
) -> None:
    assert journal.exchanges() == []
    assert journal.explain() == "No paid request was made."
    payer.sync.get(devnet.url("/quote"))
    asked, paid = journal.exchanges()
    assert (asked["status"], paid["status"]) == (402, 200)
    told = journal.explain()
    assert "GET /quote  paid 200" in told
    assert "succeeded" in told  # the transaction's receipt was looked up


def test_a_snapshot_says_where_the_money_went(devnet: DevnetFixture, payer: PayerFixture) -> None:
    before = devnet.snapshot()
    payer.sync.get(devnet.url("/quote"))
    difference = devnet.compare(before, devnet.snapshot())
    assert (difference.is_conserved, difference.transactions) == (True, 1)
    devnet.restore(before)
    assert devnet.snapshot()["rails"] == before["rails"]


async def test_an_application_of_the_test_is_reached_too(
    devnet: DevnetFixture, payer: PayerFixture
) -> None:
    async def hello(request: Request) -> PlainTextResponse:
        async with httpx.AsyncClient(transport=devnet.transport) as client:
            call = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
            chain = await client.post(devnet.rpc_url, json=call)
        return PlainTextResponse(f"hello from {int(chain.json()['result'], 16)}")

    devnet.mount("http://shop.test", Starlette(routes=[Route("/", hello)]))
    assert (await payer.get("http://shop.test/")).text == "hello from 1337"
    async with httpx.AsyncClient(transport=devnet.transport) as client:
        assert (await client.get("http://shop.test/")).text == "hello from 1337"
        assert (await client.get(devnet.url("/quote"))).status_code == 402
        with pytest.raises(httpx.ConnectError, match="Nothing of the devnet is at"):
            await client.get("http://mpp-sandbox.test:1/")
    with pytest.raises(BadInput, match="has no ports"):
        devnet.environment()


@pytest.mark.mpp(ports=True)
def test_on_request_it_listens(devnet: DevnetFixture, payer: PayerFixture) -> None:
    assert httpx.get(devnet.url("/quote")).status_code == 402
    assert payer.sync.get(devnet.url("/quote")).status_code == 200
    assert devnet.environment()["MPP_SANDBOX_API_URL"] == devnet.url("")


def test_what_is_shown_in_a_traceback_is_short(
    devnet: DevnetFixture, payer: PayerFixture, clock: ClockFixture
) -> None:
    assert repr(devnet) == f"<devnet at {devnet.url()}, seed 'mpp-sandbox'>"
    assert repr(payer) == f"<payer {payer.address}>"
    assert repr(clock) == f"<clock of {devnet!r}>"


def test_what_was_paid_with_can_be_shown_again(
    devnet: DevnetFixture, payer: PayerFixture, merchant: MerchantFixture
) -> None:
    before, url = merchant.balance(), devnet.url("/quote")
    payer.sync.get(url)
    (sent,) = payer.sent
    with httpx.Client(transport=devnet.transport) as http:
        copied = http.get(url, headers={"authorization": sent.headers["authorization"]})
        asked = http.get(url)
        paid = http.get(url, headers={"authorization": payer.credential(asked)})
        nothing = http.get(devnet.url("/openapi.json"))
    assert (copied.status_code, asked.status_code, paid.status_code) == (402, 402, 200)
    assert merchant.balance() - before == 20_000
    with pytest.raises(BadInput, match="no charge on the chain"):
        payer.credential(nothing)


def test_webhooks_reach_an_application_without_a_port(
    devnet: DevnetFixture, payer: PayerFixture, stripe: StripeFixture, clock: ClockFixture
) -> None:
    heard = []

    async def hear(request: Request) -> PlainTextResponse:
        heard.append((await request.json())["type"])
        return PlainTextResponse("")

    devnet.mount("http://orders.test", Starlette(routes=[Route("/", hear, methods=["POST"])]))
    wanted = {"enabled_events[0]": "payment_intent.succeeded"}
    stripe.post("/v1/webhook_endpoints", url="http://orders.test/", **wanted)
    payer.sync.get(devnet.url("/stripe/quote"))
    clock.advance(seconds=1)
    assert heard == ["payment_intent.succeeded"]
