"""Servers that mean no good: nothing is signed for what is malformed, and nothing hangs.

Issue, "Hostile input", from the client's side: wrong types, absurd amounts, endless bodies, fields
that are not for credentials.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mpp import Challenge

from sandbox.client.ledger import Tally
from sandbox.client.outcome import PaymentMade, PaymentNotMade, payment_of
from tests.unit.sandbox.client.market import (
    PRICE,
    SHOP,
    TOKEN,
    Line,
    Market,
    asking,
    credential_of,
    customer,
    paid_by,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GOOD: dict[str, Any] = {
    "amount": str(PRICE),
    "currency": TOKEN,
    "recipient": f"0x{SHOP.address.hex()}",
    "methodDetails": {"chainId": 1337},
}


def wanting(request: dict[str, Any], header: str | None = None) -> httpx.Response:
    challenge = Challenge.create(
        secret_key="a secret of at least 32 characters",
        realm="shop.example",
        method="tempo",
        intent="charge",
        request=request,
        expires="2099-01-01T00:00:00Z",
        header=header,
    )
    return httpx.Response(
        402, headers={"WWW-Authenticate": challenge.to_www_authenticate("shop.example")}
    )


async def check_unpaid(market: Market, answer: httpx.Response) -> None:
    async def world(request: httpx.Request) -> httpx.Response:
        return answer

    line = Line(httpx.MockTransport(world))
    async with customer(market, line) as client:
        response = await client.get("/paid")
        assert response.status_code == 402
        assert isinstance(payment_of(response), PaymentNotMade)
        assert client.ledger.tally() == Tally(0, 0)
    assert line.paid == []


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "-1"},
        {"amount": "1.5"},
        {"amount": "1e9"},
        {"amount": "\u0661"},
        {"amount": 250_000},
        {"amount": None},
        {"amount": "9" * 78},
        {"amount": "9" * 10_000},
        {"currency": 7},
        {"currency": ""},
        {"currency": "0x20c0"},
        {"recipient": "0x" + "zz" * 20},
        {"methodDetails": {"chainId": "1337"}},
        {"methodDetails": [1337]},
        {"recipient": None},
        {"recipient": {"a": 1}},
        {"methodDetails": {"chainId": 1337, "splits": [{"amount": "x", "recipient": "0x1"}]}},
        {"methodDetails": {"chainId": 1337, "splits": [7]}},
        {
            "methodDetails": {
                "chainId": 1337,
                "splits": [{"amount": str(PRICE + 1), "recipient": GOOD["recipient"]}],
            }
        },
    ],
    ids=repr,
)
async def test_a_malformed_request_is_not_paid(market: Market, change: dict[str, Any]) -> None:
    await check_unpaid(market, wanting({**GOOD, **change}))


@pytest.mark.parametrize("header", ["Host", "Cookie", "Content-Length", "Proxy-Authorization"])
async def test_a_credential_is_put_into_no_other_field(market: Market, header: str) -> None:
    await check_unpaid(market, wanting(GOOD, header))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Payment",
        "Payment ,,,",
        'Payment id="a", id="b", realm="r", method="tempo", intent="charge", request="e30"',
        'Payment id="a", realm="r", method="tempo", intent="charge", request="W10"',
        'Payment id="a", realm="r", method="tempo", intent="charge", request="'
        + "A" * 20_000
        + '"',
        "Payment " + '"' * 5_000,
    ],
    ids=lambda text: text[:30],
)
async def test_a_malformed_challenge_is_not_paid(market: Market, text: str) -> None:
    await check_unpaid(market, httpx.Response(402, headers={"WWW-Authenticate": text}))


async def test_an_endless_body_does_not_hold_the_payment_up(market: Market) -> None:
    shop = market.shop()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536

    async def world(request: httpx.Request) -> httpx.Response:
        response = await shop.handle_async_request(request)
        if response.status_code == 402:
            headers = {"WWW-Authenticate": response.headers["WWW-Authenticate"]}
            return httpx.Response(402, headers=headers, content=endless())
        return response

    async with customer(market, httpx.MockTransport(world)) as client:
        paid_by(await client.get("/paid"))


async def test_a_refusal_with_an_endless_body_is_cut_off(market: Market) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield gzip.compress(b"x" * 65_536)

    async def world(request: httpx.Request) -> httpx.Response:
        if credential_of(request) is None:
            return asking()
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/problem+json"}
        return httpx.Response(402, headers=headers, content=endless())

    async with customer(market, httpx.MockTransport(world)) as client:
        response = await client.get("/paid")
        assert response.status_code == 402
        assert len(response.content) <= 65_536


async def test_a_receipt_that_is_no_receipt_is_not_believed_to_be_one(market: Market) -> None:
    async def world(request: httpx.Request) -> httpx.Response:
        if credential_of(request) is None:
            return asking()
        return httpx.Response(200, headers={"Payment-Receipt": "thanks!"}, text="bought")

    async with customer(market, httpx.MockTransport(world)) as client:
        made = paid_by(await client.get("/paid"))
        assert made.receipt is None
        assert made.reference is None
        assert client.ledger.tally() == Tally(PRICE, 0)  # it has our transfer: it counts


async def test_a_402_with_a_receipt_is_not_paid_once_more(market: Market) -> None:
    # No receipt is ever on a refusal (protocol 1.1, row 5): this server says both at once.
    async def world(request: httpx.Request) -> httpx.Response:
        answer = asking()
        if credential_of(request) is not None:
            answer.headers["Payment-Receipt"] = "thanks!"
        return answer

    line = Line(httpx.MockTransport(world))
    async with customer(market, line) as client:
        response = await client.get("/paid")
        assert response.status_code == 402
        assert isinstance(payment_of(response), PaymentMade)
        assert client.ledger.tally() == Tally(PRICE, 0)
    assert len(line.paid) == 1
