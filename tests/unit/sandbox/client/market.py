"""A market for the client's tests: a chain, a pympp shop, and lines that lose what they carry."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from mpp import Challenge
from mpp.methods.tempo import server as tempo_server
from mpp.server.decorator import pay
from mpp.server.mpp import Mpp
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from mock_rails.tempo.addresses import PATH_USD
from sandbox.chain import TempoRpc, token_balance
from sandbox.client.client import PaidClient
from sandbox.client.outcome import PaymentMade, PaymentNotMade, payment_of
from sandbox.client.wallet import Wallet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mpp import Credential, Receipt
    from starlette.requests import Request

    from mock_rails.tempo.rail import Chain

PAYER = Wallet.dev(1)
SPONSOR = Wallet.dev(6)
SHOP = Wallet.from_seed("market", "shop")  # owns nothing at first
TOKEN = f"0x{PATH_USD.hex()}"
PRICE = 250_000
SECRET = "a secret that only the tests know"


@dataclass
class Market:
    """A chain with a paid API."""

    chain: Chain
    rpc_url: str
    http: httpx.AsyncClient
    """The shop's and the tests' connection to the chain."""
    node: TempoRpc
    delivered: list[tuple[str, bytes]] = field(default_factory=list)
    """Method and body of what was delivered."""

    def shop(self, price: str = "0.25", **route: Any) -> httpx.ASGITransport:
        """An API that charges for `/paid`."""
        mpp = Mpp(
            methods=tempo_server.charge(
                recipient=f"0x{SHOP.address.hex()}",
                chain_id=self.chain.chain_id,
                rpc_url=self.rpc_url,
                currencies=[TOKEN],
                fee_payer=SPONSOR.tempo_account() if route.get("fee_payer") else None,
                http_client=self.http,
            ),
            realm=route.pop("realm", "shop.example"),
            secret_key=SECRET,
            requires_auth=route.pop("requires_auth", False),
        )

        @pay(mpp.charge(amount=price, **route))
        async def paid(request: Request, credential: Credential, receipt: Receipt) -> JSONResponse:
            body = await request.body()
            self.delivered.append((request.method, body))
            return JSONResponse(
                {"body": body.decode()},
                headers={"Payment-Receipt": receipt.to_payment_receipt()},
            )

        async def free(request: Request) -> JSONResponse:
            return JSONResponse({"free": True})

        app = Starlette(
            routes=[
                Route("/paid", paid, methods=["GET", "POST", "PUT", "DELETE"]),
                Route("/free", free),
            ]
        )
        return httpx.ASGITransport(app, raise_app_exceptions=False)

    async def sold(self) -> int:
        """How much money has reached the shop, in prices, by the chain."""
        return await token_balance(self.node, PATH_USD, SHOP.address) // PRICE


class Line(httpx.AsyncBaseTransport):
    """A line to a server on which the answers to paid requests meet with the accidents told."""

    def __init__(self, inner: httpx.AsyncBaseTransport, *accidents: str) -> None:
        self.inner = inner
        self.accidents = list(accidents)
        self.sent: list[httpx.Request] = []

    @property
    def paid(self) -> list[httpx.Request]:
        """The requests that carried a credential."""
        return [one for one in self.sent if credential_of(one) is not None]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """`answer lost` comes after the server has done its work, `request lost` before."""
        self.sent.append(request)
        accident = ""
        if credential_of(request) is not None and self.accidents:
            accident = self.accidents.pop(0)
        if accident == "request lost":
            raise httpx.ReadError("the line is dead")
        if accident == "no connection":
            raise httpx.ConnectError("nobody listens")
        response = await self.inner.handle_async_request(request)
        if accident == "answer lost":
            await response.aread()
            raise httpx.RemoteProtocolError("the server went away")
        if accident == "gateway":
            await response.aread()
            return httpx.Response(502, text="bad gateway")
        return response

    async def aclose(self) -> None:
        """Close the server."""
        await self.inner.aclose()


@asynccontextmanager
async def customer(
    market: Market, line: httpx.AsyncBaseTransport, **options: Any
) -> AsyncIterator[PaidClient]:
    """A client that reaches the shop by this line, and the chain by its port."""
    http = httpx.AsyncClient(transport=line, base_url="https://shop.example")
    async with http, PaidClient(PAYER, http=http, rpc_url=market.rpc_url, **options) as client:
        yield client


def credential_of(request: httpx.Request) -> str | None:
    """The Payment credential of a request."""
    for name in ("Authorization", "Payment-Authorization"):
        if request.headers.get(name, "").startswith("Payment "):
            return request.headers[name]
    return None


def paid_by(response: httpx.Response) -> PaymentMade:
    """What was paid for a response, which is a success."""
    assert response.status_code == 200, response.text
    made = payment_of(response)
    assert isinstance(made, PaymentMade)
    return made


def unpaid_by(response: httpx.Response) -> PaymentNotMade:
    """Why a response was not paid for."""
    found = payment_of(response)
    assert isinstance(found, PaymentNotMade)
    return found


def asking(
    *,
    method: str = "tempo",
    amount: int = PRICE,
    chain_id: int = 1337,
    expires: str = "2099-01-01T00:00:00Z",
    problem: str = "payment-required",
) -> httpx.Response:
    """The 402 of a shop that there is not."""
    challenge = Challenge.create(
        secret_key="a secret of at least 32 characters",
        realm="shop.example",
        method=method,
        intent="charge",
        request={
            "amount": str(amount),
            "currency": TOKEN,
            "recipient": f"0x{SHOP.address.hex()}",
            "methodDetails": {"chainId": chain_id},
        },
        expires=expires,
    )
    return httpx.Response(
        402,
        headers={
            "WWW-Authenticate": challenge.to_www_authenticate("shop.example"),
            "Content-Type": "application/problem+json",
        },
        json={
            "type": f"https://paymentauth.org/problems/{problem}",
            "title": "Payment Required",
            "status": 402,
            "detail": "It is refused.",
        },
    )
