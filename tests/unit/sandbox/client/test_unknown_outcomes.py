"""Answers that are lost: exactly one payment, and an error that says what the chain knows.

DESIGN 2.5, issue "The client": unknown outcomes are not paid twice. The shop is pympp's, so that a
credential that is sent again is refused as used (facts, protocol 2.14, D5).
"""

from __future__ import annotations

import asyncio
import pickle
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.core import Clock
from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import ALPHA_USD, PATH_USD
from mock_rails.tempo.tx.model import Call
from sandbox.chain import Sender, token_balance
from sandbox.client.budget import Budget
from sandbox.client.charge import ChargePayer
from sandbox.client.errors import OutcomeUnknownError
from sandbox.client.events import ClientEvent, EventKind
from sandbox.client.ledger import Tally
from sandbox.client.outcome import PaymentMade, payment_of
from tests.unit.sandbox.client.market import (
    PAYER,
    PRICE,
    SPONSOR,
    TOKEN,
    Line,
    Market,
    asking,
    credential_of,
    customer,
)

if TYPE_CHECKING:
    from sandbox.client.client import PaidClient

TRANSFER = Function("transfer(address to, uint256 amount) returns (bool)")


def credentials(line: Line) -> list[tuple[str | None, str]]:
    return [(credential_of(one), one.headers["Idempotency-Key"]) for one in line.paid]


def charge_payer(client: PaidClient) -> ChargePayer:
    [payer] = [one for one in client.payers if isinstance(one, ChargePayer)]
    return payer


@pytest.mark.parametrize("sponsored", [False, True])
@pytest.mark.parametrize("accident", ["answer lost", "gateway"])
async def test_an_answer_lost_after_settlement_is_not_paid_again(
    market: Market, accident: str, sponsored: bool
) -> None:
    # Settled, then dropped: the copy is refused as used, and the chain has the transfer.
    route: dict[str, Any] = {"fee_payer": True} if sponsored else {}
    line = Line(market.shop(**route), accident)
    events: list[ClientEvent] = []
    async with customer(market, line, on_event=events.append) as client:
        with pytest.raises(OutcomeUnknownError) as unknown:
            await client.get("/paid")
        assert client.ledger.tally() == Tally(PRICE, 0)
        assert charge_payer(client).unsettled == ()
    assert await market.sold() == 1
    error = unknown.value
    assert error.paid is True
    assert error.tx_hash is not None
    assert error.details["tx_hash"] == f"0x{error.tx_hash.hex()}"
    assert error.details["idempotency_key"] == line.paid[0].headers["Idempotency-Key"]
    assert len(credentials(line)) == 2
    assert len(set(credentials(line))) == 1
    assert events[-1].kind is EventKind.PAYMENT_UNKNOWN
    assert events[-1].facts["paid"] is True


async def test_a_server_that_answers_a_copy_as_before_delivers(market: Market) -> None:
    # Protocol 1.1, row 16: the same Idempotency-Key, the same response.
    shop, answers = market.shop(), dict[str, httpx.Response]()

    async def world(request: httpx.Request) -> httpx.Response:
        key = request.headers.get("Idempotency-Key")
        if key in answers:
            return answers[key]
        response = await shop.handle_async_request(request)
        if key is not None:
            await response.aread()
            answers[key] = httpx.Response(
                response.status_code, headers=response.headers, content=response.content
            )
        return response

    line = Line(httpx.MockTransport(world), "answer lost", "answer lost")
    async with customer(market, line) as client:
        response = await client.get("/paid")
        assert response.status_code == 200
        assert isinstance(payment_of(response), PaymentMade)
        assert client.ledger.tally() == Tally(PRICE, 0)
    assert await market.sold() == 1
    assert len(line.paid) == 3
    assert len(set(credentials(line))) == 1


async def test_a_request_lost_on_its_way_is_sent_again_and_paid_once(market: Market) -> None:
    line = Line(market.shop(), "request lost", "no connection")
    async with customer(market, line) as client:
        assert (await client.get("/paid")).status_code == 200
        assert client.ledger.tally() == Tally(PRICE, 0)
    assert await market.sold() == 1


async def test_a_payment_that_may_yet_be_made_stays_aside(market: Market) -> None:
    line = Line(market.shop(), *["request lost"] * 3)
    budget = Budget(total=PRICE, allowed_currencies=[TOKEN])
    async with customer(market, line, budget=budget) as client:
        with pytest.raises(OutcomeUnknownError) as unknown:
            await client.get("/paid")
        assert unknown.value.paid is None
        assert client.ledger.tally() == Tally(0, PRICE)
        assert len(client.ledger.unknown) == 1
        assert len(line.paid) == 3
        assert await market.sold() == 0

        # The chain's time passes the transfer's: it was not made, and its money is free.
        market.chain.mine(2, interval_s=120)
        assert await client.reconcile() == ()
        assert client.ledger.tally() == Tally(0, 0)
        assert client.ledger.unknown == ()


async def test_a_transfer_that_is_made_later_is_counted_when_it_is_found(market: Market) -> None:
    shop = market.shop()
    line = Line(shop, *["request lost"] * 3)
    async with customer(market, line) as client:
        with pytest.raises(OutcomeUnknownError):
            await client.get("/paid")
        late = httpx.AsyncClient(transport=shop)
        async with late:  # the server had it all the time
            await late.get(line.paid[0].url, headers=line.paid[0].headers)
        assert await client.reconcile() == ()
        assert client.ledger.tally() == Tally(PRICE, 0)
    assert await market.sold() == 1


async def test_a_payment_that_can_no_longer_be_made_is_made_anew(market: Market) -> None:
    shop = market.shop()
    lost: list[httpx.Request] = []

    async def world(request: httpx.Request) -> httpx.Response:
        if credential_of(request) and len(lost) < 3:
            lost.append(request)
            if len(lost) == 3:  # it expires while nobody answers
                market.chain.mine(2, interval_s=120)
            raise httpx.ReadTimeout("nobody answers")
        return (
            httpx.Response(200)
            if credential_of(request)
            else await shop.handle_async_request(request)
        )

    line = Line(httpx.MockTransport(world))
    async with customer(market, line) as client:
        response = await client.get("/paid")
        assert response.status_code == 200
        assert client.ledger.tally() == Tally(PRICE, 0)
    assert len(line.paid) == 4
    assert len(set(credentials(line))) == 2
    assert len({key for _, key in credentials(line)}) == 1


async def test_a_reverted_transfer_is_reported_and_not_repeated(market: Market) -> None:
    # All money goes elsewhere after the transfer was signed. pympp broadcasts without a rehearsal:
    # the revert is on the chain, and the answer a 500.
    shop = market.shop()
    sender = Sender(market.node, PAYER, clock=Clock(), fee_token=ALPHA_USD)

    async def world(request: httpx.Request) -> httpx.Response:
        if credential_of(request) and (
            left := await token_balance(market.node, PATH_USD, PAYER.address)
        ):
            fee = 200_000
            data = TRANSFER.call(SPONSOR.address, left - fee)
            assert (await sender.send([Call(PATH_USD, 0, data)])).success
        return await shop.handle_async_request(request)

    line = Line(httpx.MockTransport(world))
    async with customer(market, line) as client:
        with pytest.raises(OutcomeUnknownError) as unknown:
            await client.get("/paid")
        assert client.ledger.tally() == Tally(0, 0)
    assert unknown.value.paid is False
    assert unknown.value.details["reverted"] is True
    assert len(set(credentials(line))) == 1
    assert await market.sold() == 0


async def test_an_application_that_fails_after_it_was_paid_is_not_paid_again(
    market: Market,
) -> None:
    shop = market.shop()

    async def world(request: httpx.Request) -> httpx.Response:
        response = await shop.handle_async_request(request)
        await response.aread()
        if response.status_code == 200:
            return httpx.Response(500, text="the application fell over")
        return response

    line = Line(httpx.MockTransport(world))
    async with customer(market, line) as client:
        with pytest.raises(OutcomeUnknownError) as unknown:
            await client.get("/paid")
        assert client.ledger.tally() == Tally(PRICE, 0)
    assert unknown.value.paid is True
    assert await market.sold() == 1


async def test_a_server_that_takes_the_money_and_says_it_did_not_gets_it_once(
    market: Market,
) -> None:
    shop = market.shop()
    offers: list[httpx.Response] = []

    async def world(request: httpx.Request) -> httpx.Response:
        response = await shop.handle_async_request(request)
        await response.aread()
        if response.status_code == 402:
            offers.append(response)
            return response
        return httpx.Response(402, headers=offers[-1].headers, json={"status": 402})

    async with customer(market, httpx.MockTransport(world)) as client:
        with pytest.raises(OutcomeUnknownError) as unknown:
            await client.get("/paid")
        assert client.ledger.tally() == Tally(PRICE, 0)
    assert unknown.value.paid is True
    assert await market.sold() == 1


async def test_a_server_that_is_gone_was_not_paid(market: Market) -> None:
    line = Line(market.shop(), *["no connection"] * 3)
    async with customer(market, line) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("/paid")
        assert client.ledger.tally() == Tally(0, 0)


async def test_a_cancelled_request_is_accounted_for_later(market: Market) -> None:
    shop, arrived = market.shop(), asyncio.Event()

    async def world(request: httpx.Request) -> httpx.Response:
        response = await shop.handle_async_request(request)
        await response.aread()
        if credential_of(request):
            arrived.set()
            await asyncio.Event().wait()
        return response

    async with customer(market, httpx.MockTransport(world)) as client:
        request = asyncio.create_task(client.get("/paid"))
        await arrived.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert client.ledger.tally() == Tally(0, PRICE)
        assert await client.reconcile() == ()
        assert client.ledger.tally() == Tally(PRICE, 0)
    assert await market.sold() == 1


async def test_without_a_node_to_ask_nothing_is_assumed(market: Market) -> None:
    # The node goes away after the transfer was signed.
    wire = httpx.AsyncHTTPTransport()

    async def node(request: httpx.Request) -> httpx.Response:
        if line.paid:
            raise httpx.ConnectError("the node is down")
        return await wire.handle_async_request(request)

    line = Line(market.shop(), "answer lost")
    async with (
        wire,
        httpx.AsyncClient(transport=httpx.MockTransport(node)) as rpc_http,
        customer(market, line, rpc_http=rpc_http) as client,
    ):
        with pytest.raises(OutcomeUnknownError) as unknown:
            await client.get("/paid")
        assert unknown.value.paid is None
        assert client.ledger.tally() == Tally(0, PRICE)
    assert await market.sold() == 1


def test_the_error_survives_a_pickle() -> None:
    error = OutcomeUnknownError("It is lost.", paid=None, tx_hash=b"\x01", details={"host": "a"})
    again = pickle.loads(pickle.dumps(error))
    assert (again.paid, again.tx_hash, again.details) == (None, b"\x01", error.details)
    assert str(again) == "It is lost."


async def test_a_sponsored_transfer_is_found_however_late_it_is_looked_for(market: Market) -> None:
    # Its hash is the sponsor's, so that it is looked for by its memo, from where it was signed on.
    shop = market.shop(fee_payer=True)
    line = Line(shop, *["request lost"] * 3)
    async with customer(market, line) as client:
        with pytest.raises(OutcomeUnknownError):
            await client.get("/paid")
        async with httpx.AsyncClient(transport=shop) as late:
            await late.get(line.paid[0].url, headers=line.paid[0].headers)
        market.chain.mine(1_500, interval_s=1)
        assert await client.reconcile() == ()
        assert client.ledger.tally() == Tally(PRICE, 0)
    assert await market.sold() == 1


async def test_what_the_chain_cannot_be_asked_about_is_said_to_be_unknown(market: Market) -> None:
    # Neither of them was told to anybody as unknown before: the one was refused, the other
    # cancelled, and the node is down by now.
    wire, is_down, arrived = httpx.AsyncHTTPTransport(), False, asyncio.Event()

    async def node(request: httpx.Request) -> httpx.Response:
        if is_down:
            raise httpx.ConnectError("the node is down")
        return await wire.handle_async_request(request)

    async def world(request: httpx.Request) -> httpx.Response:
        if credential_of(request) is None:
            return asking()
        arrived.set()
        if request.url.path == "/slow":
            await asyncio.Event().wait()
        return httpx.Response(404, text="no such page")

    async with (
        wire,
        httpx.AsyncClient(transport=httpx.MockTransport(node)) as rpc_http,
        customer(market, httpx.MockTransport(world), rpc_http=rpc_http) as client,
    ):
        assert (await client.get("/gone")).status_code == 404
        arrived.clear()
        slow = asyncio.create_task(client.get("/slow"))
        await arrived.wait()
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        is_down = True
        assert [one.payment.amount for one in await client.reconcile()] == [PRICE, PRICE]
        assert client.ledger.tally() == Tally(0, 2 * PRICE)
