"""LND over REST: what the three outcomes of a payment look like, and what is never shown.

Facts: lightning 1.5, 4.2, 4.3, 5.3. The rail's own LND answers, in process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from hashlib import sha256

import httpx
import pytest

from mock_rails.lightning.bolt11 import decode
from mock_rails.lightning.lnd.api import LndApi
from mock_rails.lightning.rail import Lightning
from mock_rails.lightning.settings import LightningSettings
from mock_rails.lightning.topology import Topology
from sandbox.lightning import (
    NEVER_BEGUN,
    LndNode,
    LocalApp,
    NodeError,
    Paid,
    PaymentFailed,
    PaymentOutcomeUnknown,
)

Open = Callable[..., LndNode]


@pytest.fixture(params=["0.20", "0.21"])
def rail(request: pytest.FixtureRequest) -> Lightning:
    return Lightning(settings=LightningSettings(lnd_profile=request.param))


@pytest.fixture
async def opened(rail: Lightning) -> AsyncIterator[Open]:
    """A node of the network over its LND."""
    async with AsyncExitStack() as stack:

        def one(name: str, role: str = "admin") -> LndNode:
            api = LndApi(rail, name)
            http = httpx.AsyncClient(transport=LocalApp(api))
            stack.push_async_callback(http.aclose)
            return LndNode("http://lnd.internal", api.macaroon(role), http=http, grace_s=0.1)

        yield one


async def test_an_invoice_is_made_paid_and_settled(opened: Open) -> None:
    shop, buyer = opened("merchant", "invoice"), opened("payer")
    made = await shop.create_invoice(amount_sat=100, memo="coffee", expiry_s=600)
    read = decode(made.bolt11)
    assert (read.amount_msat, read.description, read.expiry_s) == (100_000, "coffee", 600)
    assert read.payment_hash == made.payment_hash
    assert not await shop.settled(made.payment_hash)
    paid = await buyer.pay(made.bolt11, fee_limit_sat=5, timeout_s=5)
    assert sha256(paid.preimage).digest() == made.payment_hash
    assert paid.fee_msat == 1_000
    assert await shop.settled(made.payment_hash)
    assert await buyer.find_payment(made.payment_hash) == paid


async def test_an_invoice_without_an_amount_is_paid_with_one(opened: Open) -> None:
    made = await opened("merchant").create_invoice(amount_sat=None, memo="", expiry_s=60)
    assert decode(made.bolt11).amount_msat is None
    await opened("payer").pay(made.bolt11, amount_sat=7, fee_limit_sat=5, timeout_s=5)


@pytest.mark.parametrize(("topology", "hints"), [("default", 0), ("private", 1)])
async def test_an_invoice_names_private_channels_and_no_others(topology: str, hints: int) -> None:
    """Facts 3.2 and 4.3: who cannot read of a private channel cannot pay over it."""
    api = LndApi(Lightning(topology=Topology.preset(topology)), "merchant")
    async with httpx.AsyncClient(transport=LocalApp(api)) as http:
        node = LndNode("http://lnd.internal", api.macaroon("invoice"), http=http)
        made = await node.create_invoice(amount_sat=100, memo="", expiry_s=60)
    assert len(decode(made.bolt11).route_hints) == hints


async def test_a_fee_limit_of_nothing_allows_free_routes_only(opened: Open) -> None:
    """The trap of aperture's refunds (facts 2.6.4)."""
    made = await opened("merchant").create_invoice(amount_sat=100, memo="", expiry_s=60)
    with pytest.raises(PaymentFailed, match="NO_ROUTE"):
        await opened("payer").pay(made.bolt11, fee_limit_sat=0, timeout_s=5)


async def test_what_lnd_does_not_begin_has_failed_in_its_words(opened: Open) -> None:
    shop = opened("merchant")
    made = await shop.create_invoice(amount_sat=100, memo="", expiry_s=60)
    with pytest.raises(PaymentFailed, match="self-payments not allowed"):
        await shop.pay(made.bolt11, fee_limit_sat=5, timeout_s=5)
    with pytest.raises(PaymentFailed, match="amount must not be specified"):
        await opened("payer").pay(made.bolt11, amount_sat=3, fee_limit_sat=5, timeout_s=5)
    with pytest.raises(PaymentFailed):
        await shop.pay("lnbcrt1nonsense", fee_limit_sat=5, timeout_s=5)


async def test_paying_again_is_told_of_the_first_payment(opened: Open, rail: Lightning) -> None:
    made = await opened("merchant").create_invoice(amount_sat=100, memo="", expiry_s=60)
    buyer = opened("payer")
    first = await buyer.pay(made.bolt11, fee_limit_sat=5, timeout_s=5)
    left = rail.node("payer").balance_msat
    assert await buyer.pay(made.bolt11, fee_limit_sat=5, timeout_s=5) == first
    assert rail.node("payer").balance_msat == left


async def test_a_stuck_payment_is_unknown_and_found_when_it_settles(
    opened: Open, rail: Lightning
) -> None:
    """Facts 8, check 10: a timeout is no failure."""
    buyer = opened("payer")
    made = await opened("merchant").create_invoice(amount_sat=100, memo="", expiry_s=600)
    rail.context.faults.arm({"at": "lightning.htlc", "do": "stuck_then_settle", "args": {"s": 100}})
    with pytest.raises(PaymentOutcomeUnknown) as unknown:
        await buyer.pay(made.bolt11, fee_limit_sat=5, timeout_s=1)
    assert unknown.value.payment_hash == made.payment_hash
    assert await buyer.find_payment(made.payment_hash) is None
    with pytest.raises(PaymentOutcomeUnknown):
        await buyer.pay(made.bolt11, fee_limit_sat=5, timeout_s=1)
    rail.context.clock.advance(101)
    found = await buyer.find_payment(made.payment_hash)
    assert isinstance(found, Paid)
    assert len(list(rail.node("payer").payments())) == 1


async def test_a_lost_answer_is_unknown_and_found_at_once(opened: Open, rail: Lightning) -> None:
    buyer = opened("payer")
    made = await opened("merchant").create_invoice(amount_sat=100, memo="", expiry_s=600)
    rail.context.faults.arm({"at": "lightning.pay", "do": "lose_response"})
    with pytest.raises(PaymentOutcomeUnknown):
        await buyer.pay(made.bolt11, fee_limit_sat=5, timeout_s=5)
    assert isinstance(await buyer.find_payment(made.payment_hash), Paid)


async def test_a_payment_that_nobody_began_has_failed(opened: Open) -> None:
    found = await opened("payer").find_payment(bytes(32))
    assert isinstance(found, PaymentFailed)
    assert found.reason == NEVER_BEGUN


async def test_a_node_that_is_not_there_has_not_paid() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    made = Lightning().node("merchant")
    from mock_rails.lightning.invoices import InvoiceRequest

    text = made.create_invoice(InvoiceRequest(amount_msat=1_000)).text
    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as http:
        node = LndNode("http://nowhere", "00", http=http)
        with pytest.raises(PaymentFailed, match="cannot be reached"):
            await node.pay(text, fee_limit_sat=1, timeout_s=1)
        with pytest.raises(NodeError):
            await node.find_payment(bytes(32))


@pytest.mark.parametrize("body", [b"", b"<html>bad gateway</html>", b"[]", b'{"result": 3}'])
@pytest.mark.parametrize("status", [200, 502])
async def test_an_answer_that_is_not_lnds_decides_nothing(body: bytes, status: int) -> None:
    from mock_rails.lightning.invoices import InvoiceRequest

    text = Lightning().node("merchant").create_invoice(InvoiceRequest(amount_msat=1_000)).text
    answer = httpx.MockTransport(lambda _: httpx.Response(status, content=body))
    async with httpx.AsyncClient(transport=answer) as http:
        node = LndNode("http://proxy", "00", http=http)
        with pytest.raises(PaymentOutcomeUnknown):
            await node.pay(text, fee_limit_sat=1, timeout_s=1)


async def test_a_refusal_decides_nothing_where_the_payment_cannot_be_looked_up() -> None:
    """The same invoice may be under way from before: an expired one is refused before LND looks."""
    from mock_rails.lightning.invoices import InvoiceRequest

    text = Lightning().node("merchant").create_invoice(InvoiceRequest(amount_msat=1_000)).text
    expired = {"error": {"code": 2, "message": "invoice expired", "details": []}}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v2/router/send":
            return httpx.Response(500, json=expired)
        raise httpx.ReadError("gone", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(PaymentOutcomeUnknown):
            await LndNode("http://x", "00", http=http).pay(text, fee_limit_sat=1, timeout_s=1)


async def test_a_preimage_that_does_not_fit_is_no_payment() -> None:
    from mock_rails.lightning.invoices import InvoiceRequest

    text = Lightning().node("merchant").create_invoice(InvoiceRequest(amount_msat=1_000)).text
    lie = {"result": {"status": "SUCCEEDED", "payment_preimage": "11" * 32, "fee_msat": "0"}}
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json=lie))
    async with httpx.AsyncClient(transport=answer) as http:
        with pytest.raises(PaymentOutcomeUnknown):
            await LndNode("http://x", "00", http=http).pay(text, fee_limit_sat=1, timeout_s=1)


async def test_a_hung_invoice_can_be_given_up(opened: Open, rail: Lightning) -> None:
    import asyncio

    rail.context.faults.arm({"at": "lightning.invoice", "do": "hang"})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await opened("merchant").create_invoice(amount_sat=1, memo="", expiry_s=60)


async def test_secrets_are_in_no_repr_and_no_error(opened: Open) -> None:
    node = opened("payer", "readonly")
    made = await opened("merchant").create_invoice(amount_sat=100, memo="", expiry_s=60)
    with pytest.raises(PaymentFailed) as denied:
        await node.pay(made.bolt11, fee_limit_sat=5, timeout_s=5)
    macaroon = node._headers["Grpc-Metadata-macaroon"]
    paid = await opened("payer").pay(made.bolt11, fee_limit_sat=5, timeout_s=5)
    shown = f"{node!r} {denied.value!r} {denied.value} {paid!r}"
    assert macaroon not in shown
    assert paid.preimage.hex() not in shown
    assert repr(paid.preimage) not in shown
