"""phoenixd's HTTP interface as a program meets it (facts: lightning 4.5)."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from contextlib import aclosing
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.asyncio.client import connect

from mock_rails.core.clock import Clock
from mock_rails.core.rail import RailContext
from mock_rails.lightning.invoices import InvoiceRequest
from mock_rails.lightning.phoenixd.api import NOT_EMULATED, PhoenixdApi
from mock_rails.lightning.phoenixd.listeners import SIGNATURE
from mock_rails.lightning.rail import Lightning
from mock_rails.server import Host

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

AUTH = ("", "pass")
LIMITED = ("", "look")


class World:
    """A merchant's phoenixd, and the payer's."""

    def __init__(self) -> None:
        self.rail = Lightning(RailContext.create("phoenixd", Clock.frozen(1_767_225_600)))
        self.merchant = self.client("merchant")
        self.payer = self.client("payer")

    def client(self, node: str, auth: tuple[str, str] = AUTH) -> httpx.AsyncClient:
        app = PhoenixdApi(self.rail, node, "pass", "look")
        transport = httpx.ASGITransport(app)
        return httpx.AsyncClient(transport=transport, base_url="http://phoenixd", auth=auth)

    async def invoice(self, **form: Any) -> dict[str, Any]:
        """A new invoice of the merchant's."""
        answer = await self.merchant.post("/createinvoice", data={"description": "tea", **form})
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    async with world.merchant, world.payer:
        yield world


async def test_an_invoice_is_made_paid_and_looked_up(world: World) -> None:
    made = await world.invoice(amountSat=1_000, externalId="order 7", expirySeconds=60)
    assert set(made) == {"amountSat", "paymentHash", "serialized"}
    before = (await world.merchant.get(f"/payments/incoming/{made['paymentHash']}")).json()
    assert before["isPaid"] is before["isExpired"] is False
    assert sha256(bytes.fromhex(before["preimage"])).hexdigest() == made["paymentHash"]
    assert "completedAt" not in before  # nulls are left out

    paid = (await world.payer.post("/payinvoice", data={"invoice": made["serialized"]})).json()
    assert paid["recipientAmountSat"] == 1_000
    assert paid["routingFeeSat"] == 1
    assert paid["paymentPreimage"] == before["preimage"]
    assert (await world.merchant.get(f"/payments/incoming/{made['paymentHash']}")).json() == {
        **before,
        "isPaid": True,
        "receivedSat": 1_000,
        "completedAt": 1_767_225_600_000,
    }
    by_id = (await world.payer.get(f"/payments/outgoing/{paid['paymentId']}")).json()
    by_hash = (await world.payer.get(f"/payments/outgoingbyhash/{made['paymentHash']}")).json()
    assert by_id == by_hash
    assert by_id["isPaid"] is True
    assert by_id["sent"] == 1_001
    assert by_id["fees"] == 1_001  # millisatoshis
    listed = await world.merchant.get("/payments/incoming", params={"externalId": "order 7"})
    assert [one["paymentHash"] for one in listed.json()] == [made["paymentHash"]]
    assert len((await world.payer.get("/payments/outgoing")).json()) == 1


async def test_a_payment_that_fails_is_a_200_with_a_reason(world: World) -> None:
    made = await world.invoice(amountSat=9_999_999)
    answer = await world.payer.post("/payinvoice", data={"invoice": made["serialized"]})
    assert answer.status_code == 200
    assert answer.json() == {
        "paymentHash": made["paymentHash"],
        "reason": "not enough funds in wallet to afford payment",
    }
    cheap = await world.invoice(amountSat=10)
    for expected in (None, "this invoice has already been paid"):
        answer = await world.payer.post("/payinvoice", data={"invoice": cheap["serialized"]})
        assert answer.status_code == 200
        assert answer.json().get("reason") == expected


async def test_whoever_pays_an_invoice_without_amount_names_it(world: World) -> None:
    made = await world.invoice()
    assert "amountSat" not in made
    answer = await world.payer.post("/payinvoice", data={"invoice": made["serialized"]})
    assert (answer.status_code, answer.text) == (400, "Request parameter amountSat is missing")
    form = {"invoice": made["serialized"], "amountSat": "42"}
    assert (await world.payer.post("/payinvoice", data=form)).json()["recipientAmountSat"] == 42


async def test_json_is_indented_and_errors_are_plain_text(world: World) -> None:
    answer = await world.merchant.get("/getbalance")
    assert answer.text == '{\n    "balanceSat": 10000000,\n    "feeCreditSat": 0\n}'
    unknown = await world.merchant.get("/payments/incoming/" + "00" * 32)
    assert (unknown.status_code, unknown.text) == (404, "Not found")
    assert unknown.headers["content-type"].startswith("text/plain")
    assert (await world.merchant.get("/nothing")).status_code == 404
    assert (await world.merchant.get("/createinvoice")).status_code == 405
    assert (await world.merchant.post("/getinfo")).status_code == 405


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "either a description or"),
        ({"description": "a", "descriptionHash": "00" * 32}, "either a description or"),
        ({"description": "x" * 129}, "too long"),
        ({"description": "a", "amountSat": "many"}, "amountSat couldn't be parsed"),
        ({"description": "a", "amountSat": "0"}, "amountSat couldn't be parsed"),
        ({"description": "a", "amountSat": "-5"}, "amountSat couldn't be parsed"),
        ({"description": "a", "expirySeconds": "31536001"}, "expirySeconds couldn't be parsed"),
        ({"descriptionHash": "zz"}, "descriptionHash couldn't be parsed"),
    ],
)
async def test_wrong_parameters_are_named(world: World, form: dict[str, str], said: str) -> None:
    answer = await world.merchant.post("/createinvoice", data=form)
    assert answer.status_code == 400
    assert said in answer.text


async def test_json_bodies_too_many_fields_and_long_bodies_are_refused(world: World) -> None:
    async def create(**request: Any) -> int:
        return (await world.merchant.post("/createinvoice", **request)).status_code

    assert await create(json={"description": "a"}) == 415
    assert await create(data={f"f{place}": "" for place in range(60)}) == 400
    assert await create(data={"description": "x" * 70_000}) == 413


async def test_the_password_is_asked_for_and_the_limited_one_cannot_pay(world: World) -> None:
    made = await world.invoice(amountSat=5)
    form = {"invoice": made["serialized"]}
    for auth in (("", "wrong"), ("", ""), ("pass", "")):
        answer = await world.payer.post("/payinvoice", data=form, auth=auth)
        assert answer.status_code == 401
        assert "Invalid authentication" in answer.text
    assert (await world.payer.get("/getinfo", auth=LIMITED)).status_code == 200
    assert (await world.payer.post("/payinvoice", data=form, auth=LIMITED)).status_code == 401
    assert (await world.payer.post("/payinvoice", data=form, auth=("me", "pass"))).is_success
    bare = httpx.Request("GET", "http://phoenixd/getinfo", headers={"authorization": "Basic %%%"})
    assert (await world.payer.send(bare, auth=None)).status_code == 401


async def test_what_is_not_emulated_says_so(world: World) -> None:
    for path in sorted(NOT_EMULATED):
        answer = await world.merchant.post(path)
        assert (answer.status_code, answer.text) == (501, f"{path} is not emulated")


async def test_the_node_tells_its_channels_and_reads_invoices(world: World) -> None:
    info = (await world.merchant.get("/getinfo")).json()
    assert info["nodeId"] == world.rail.node("merchant").pubkey.hex()
    assert info["chain"] == "regtest"
    assert [one["capacitySat"] for one in info["channels"]] == [10_000_000] * 2
    made = await world.invoice(amountSat=7)
    read = await world.payer.post("/decodeinvoice", data={"invoice": made["serialized"]})
    assert read.json()["amount"] == 7_000
    assert read.json()["paymentHash"] == made["paymentHash"]
    assert read.json()["features"]["activated"]["basic_mpp"] == "optional"
    wrong = await world.payer.post("/decodeinvoice", data={"invoice": "lnbcrt1nothing"})
    assert wrong.status_code == 400


async def test_a_payment_that_is_stuck_is_waited_for(world: World) -> None:
    fault = {"at": "lightning.htlc", "do": "stuck_then_settle", "args": {"s": 600}}
    world.rail.context.faults.arm(fault)
    made = await world.invoice(amountSat=7)
    form = {"invoice": made["serialized"]}
    with world.rail.news.listening(("payments", "payer")) as begun:
        paying = asyncio.create_task(world.payer.post("/payinvoice", data=form))
        await begun.get()
    again = await world.payer.post("/payinvoice", data=form)
    assert again.json()["reason"] == "another payment is in progress for that invoice"
    world.rail.context.clock.advance(601)
    assert (await paying).json()["recipientAmountSat"] == 7


async def test_an_answer_lost_after_the_payment_is_a_broken_connection(world: World) -> None:
    world.rail.context.faults.arm({"at": "lightning.pay", "do": "lose_response"})
    made = await world.invoice(amountSat=7)
    with pytest.raises(ConnectionResetError):
        await world.payer.post("/payinvoice", data={"invoice": made["serialized"]})
    found = await world.payer.get(f"/payments/outgoingbyhash/{made['paymentHash']}")
    assert found.json()["isPaid"] is True


async def test_payments_are_told_over_websocket_and_signed_webhooks() -> None:
    rail = Lightning()
    hooks: asyncio.Queue[httpx.Request] = asyncio.Queue()

    def take(request: httpx.Request) -> httpx.Response:
        hooks.put_nowait(request)
        return httpx.Response(200)

    app = PhoenixdApi(
        rail,
        "merchant",
        "pass",
        webhook_url="http://127.0.0.1:1/paid",
        webhook_secret="hook",
        webhook_transport=httpx.MockTransport(take),
    )
    header = {"authorization": "Basic " + base64.b64encode(b":pass").decode()}
    async with Host(app) as host:
        async with connect(host.ws_url + "/websocket", additional_headers=header) as listening:
            request = InvoiceRequest(
                5_000, "tea", external_id="order 7", webhook_url="http://localhost:1/own"
            )
            invoice = rail.node("merchant").create_invoice(request)
            await rail.node("payer").pay(invoice.text)
            told = json.loads(await listening.recv())
        posted = [await hooks.get(), await hooks.get()]
        away = InvoiceRequest(1_000, webhook_url="https://me:key@example.com/hook?token=abc")
        await rail.node("payer").pay(rail.node("merchant").create_invoice(away).text)
        await hooks.get()
        sent = []
        async with aclosing(rail.context.journal.follow()) as events:
            async for event in events:
                sent += [event.data] if event.kind == "webhook.sent" else []
                if len(sent) == 4:
                    break
    assert told == {
        "type": "payment_received",
        "amountSat": 5,
        "paymentHash": invoice.payment_hash.hex(),
        "externalId": "order 7",
        "timestamp": invoice.settled_s * 1_000,
    }
    assert [str(one.url) for one in posted] == ["http://127.0.0.1:1/paid", "http://localhost:1/own"]
    for one in posted:
        assert json.loads(one.content) == told
        expected = hmac.new(b"hook", one.content, sha256).hexdigest()
        assert one.headers[SIGNATURE] == expected
    assert sent[3]["to"] == "https://example.com/hook"  # and nothing that may be a secret
    assert [one["error"] for one in sent[3:]] == ["the address is not on this machine"]
    assert hooks.empty()


async def test_a_websocket_needs_the_password() -> None:
    async with Host(PhoenixdApi(Lightning(), "merchant", "pass")) as host:
        with pytest.raises(Exception, match="403"):
            async with connect(host.ws_url + "/websocket"):
                pass
