"""What a client does not pay: other chains, strange realms, other origins, unknown methods."""

from __future__ import annotations

import httpx
import pytest
from mpp import Credential

from sandbox.client.client import PaidClient
from sandbox.client.errors import (
    ChainMismatchError,
    CrossOriginPaymentError,
    PaymentNotMadeError,
    PaymentNotPreparedError,
    PaymentRefusedError,
    RealmNotTrustedError,
)
from sandbox.client.ledger import Tally
from tests.unit.sandbox.client.market import (
    PAYER,
    PRICE,
    Line,
    Market,
    asking,
    credential_of,
    customer,
    paid_by,
    unpaid_by,
)


async def test_a_charge_of_another_chain_is_refused_before_it_is_signed(market: Market) -> None:
    async def shop(request: httpx.Request) -> httpx.Response:
        return asking(chain_id=42_431)

    line = Line(httpx.MockTransport(shop))
    async with customer(market, line) as client:
        with pytest.raises(ChainMismatchError):
            await client.get("/paid")
        assert client.ledger.tally() == Tally(0, 0)
    assert line.paid == []


async def test_without_a_node_only_sandbox_chains_are_paid(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPP_SANDBOX_RPC_URL", market.rpc_url)
    http = httpx.AsyncClient(transport=market.shop(), base_url="https://shop.example")
    async with http, PaidClient(PAYER, http=http) as client:
        paid_by(await client.get("/paid"))

    async def mainnet(request: httpx.Request) -> httpx.Response:
        return asking(chain_id=4217)

    line = Line(httpx.MockTransport(mainnet))
    http = httpx.AsyncClient(transport=line, base_url="https://shop.example")
    async with http, PaidClient(PAYER, http=http) as client:
        response = await client.get("/paid")
        assert unpaid_by(response).offered == ("tempo/charge",)
    assert line.paid == []


async def test_a_node_that_is_away_is_a_clear_error(market: Market) -> None:
    line = Line(market.shop())
    http = httpx.AsyncClient(transport=line, base_url="https://shop.example")
    async with http, PaidClient(PAYER, http=http, rpc_url="http://127.0.0.1:9") as client:
        with pytest.raises(PaymentNotPreparedError, match=r"127\.0\.0\.1:9"):
            await client.get("/paid")
        assert client.ledger.tally() == Tally(0, 0)
    assert line.paid == []


async def test_nothing_is_signed_for_the_realm_of_somebody_else(market: Market) -> None:
    # Protocol 1.1, row 31: a payment of nothing still proves who pays, to that realm.
    line = Line(market.shop("0", realm="bank.example"))
    async with customer(market, line) as client:
        with pytest.raises(RealmNotTrustedError):
            await client.get("/paid")
    assert line.paid == []
    async with customer(market, line, trusted_realms=["bank.example"]) as client:
        assert paid_by(await client.get("/paid")).attempts == 2  # pympp takes no proof, a transfer
        assert paid_by(await client.get("/paid")).attempts == 1


async def test_a_charge_of_nothing_is_answered_with_a_proof(market: Market) -> None:
    # mppx's way, and the one for which no transaction is needed (protocol 2.6).
    async def world(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200) if credential_of(request) else asking(amount=0)

    line = Line(httpx.MockTransport(world), "answer lost")
    async with customer(market, line) as client:
        paid_by(await client.get("/paid"))
    sent = [Credential.from_authorization(credential_of(one) or "") for one in line.paid]
    assert [one.payload["type"] for one in sent] == ["proof", "proof"]
    assert sent[0].source == f"did:pkh:eip155:1337:0x{PAYER.address.hex()}"


@pytest.mark.parametrize("status", [302, 307])
async def test_a_redirect_to_another_origin_is_not_paid(market: Market, status: int) -> None:
    shop = market.shop()

    async def world(request: httpx.Request) -> httpx.Response:
        if request.url.host == "shop.example":
            return httpx.Response(status, headers={"Location": "https://other.example/paid"})
        return await shop.handle_async_request(request)

    line = Line(httpx.MockTransport(world))
    async with customer(market, line) as client:
        with pytest.raises(CrossOriginPaymentError) as refusal:
            await client.get("/paid", follow_redirects=True)
    assert isinstance(refusal.value, PaymentRefusedError)
    assert line.paid == []


async def test_a_credential_does_not_follow_a_redirect(market: Market) -> None:
    shop = market.shop()

    async def world(request: httpx.Request) -> httpx.Response:
        if request.url.host == "other.example":
            return httpx.Response(200, text="welcome")
        if credential_of(request) is None:
            return await shop.handle_async_request(request)
        await shop.handle_async_request(request)
        return httpx.Response(302, headers={"Location": "https://other.example/paid"})

    line = Line(httpx.MockTransport(world))
    async with customer(market, line) as client:
        response = await client.get("/paid", follow_redirects=True)
        assert response.text == "welcome"
        assert client.ledger.tally() == Tally(PRICE, 0)  # by the chain: a redirect has no receipt
    assert [one.url.host for one in line.paid] == ["shop.example"]
    assert line.sent[-1].url.host == "other.example"


async def test_a_redirect_within_the_origin_is_paid(market: Market) -> None:
    shop = market.shop()

    async def world(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/old":
            return httpx.Response(307, headers={"Location": "/paid"})
        return await shop.handle_async_request(request)

    async with customer(market, httpx.MockTransport(world)) as client:
        paid_by(await client.post("/old", content=b"moved", follow_redirects=True))
    assert market.delivered == [("POST", b"moved")]


async def test_what_cannot_be_paid_is_returned_and_says_why(market: Market) -> None:
    async def world(request: httpx.Request) -> httpx.Response:
        return asking(method="stripe")

    async with customer(market, httpx.MockTransport(world)) as client:
        response = await client.get("/paid")
    assert response.status_code == 402
    assert response.json()["title"] == "Payment Required"
    found = unpaid_by(response)
    assert found.offered == ("stripe/charge",)
    with pytest.raises(PaymentNotMadeError, match="stripe/charge"):
        found.raise_if_unpaid()
