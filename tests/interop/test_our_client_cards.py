"""Our client pays by card to servers that are not ours: mppx and pympp, each in both its modes.

Facts: stripe 0.2 - what these servers answer after a lost answer makes other clients pay twice;
1.5 and 5 - how each of them is led to the rail. Each call must end with one PaymentIntent that
succeeded at most, one token, and an outcome that says what is known.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import stripe
from mpp.methods.stripe import _defaults
from mpp.methods.stripe import server as pympp_stripe
from mpp.server import Mpp, pay
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from mock_rails.core.clock import Clock
from mock_rails.core.rail import RailContext
from mock_rails.server import Host
from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.faults import REQUEST
from mock_rails.stripe.proxy import StripeProxy
from mock_rails.stripe.rail import Stripe
from sandbox.client import CardWallet, OutcomeUnknownError, PaidClient
from sandbox.client.ledger import Tally
from sandbox.client.outcome import PaymentMade, PaymentNotMade, payment_of
from tests.interop.node_support import HERE, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mpp import Credential, Receipt
    from starlette.requests import Request

pytestmark = [
    pytest.mark.node,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),  # stripe-python's
]

KEY = "sk_test_merchant"
SECRET = "an interop test signs challenges with this, and nothing else"
PRICE = 50
_MPPX_LOG = r"mppx: internal verification error|\s|\}"
"""What mppx writes to its log when an answer of Stripe's is lost."""
SERVERS = ("mppx secretKey", "mppx client", "pympp secret_key", "pympp client")


@dataclass
class World:
    """One server that takes cards, and the Stripe that it is paid through."""

    rail: Stripe
    stripe_url: str
    url: str
    http: httpx.AsyncClient
    """Leads to the server."""

    @asynccontextmanager
    async def customer(self, card: str = "pm_card_visa") -> AsyncIterator[PaidClient]:
        """Our client."""
        wallet = CardWallet(card, stripe_url=self.stripe_url, key="sk_test_payer")
        async with PaidClient(card=wallet, http=self.http) as client:
            yield client

    @property
    def intents(self) -> list[str]:
        """The statuses of all PaymentIntents."""
        return [one["status"] for one in self.rail.state.all("payment_intents")]

    @property
    def tokens(self) -> list[str | None]:
        """Why all tokens have ended."""
        return [one["deactivated_reason"] for one in self.rail.state.all("granted_tokens")]


@asynccontextmanager
async def world_of(server: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A new Stripe, and one of the servers."""
    rail = Stripe(RailContext.create("our cards"))
    async with Host(StripeApi(rail), name="Stripe") as host:
        opened = mppx_server if server.startswith("mppx") else pympp_server
        async with (
            opened(server, host, monkeypatch) as (url, line),
            httpx.AsyncClient(transport=line) as http,
        ):
            yield World(rail, host.url, url, http)
        rail.check_conservation()


@asynccontextmanager
async def mppx_server(
    server: str, host: Host, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[str, httpx.AsyncBaseTransport]]:
    env = {"STRIPE_HOST": "127.0.0.1", "STRIPE_PORT": str(host.port)}
    async with StripeProxy(rail_port=host.port, clock=Clock()) as proxy:
        command = ["node", "--no-warnings", "mppx_card_server.mjs"]
        env |= proxy.environment()
        with running(command, cwd=HERE, env=env, may_say=_MPPX_LOG) as said:
            path = "/secret" if server == "mppx secretKey" else "/client"
            yield f"{said['url']}{path}", httpx.AsyncHTTPTransport()


@asynccontextmanager
async def pympp_server(
    server: str, host: Host, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[str, httpx.AsyncBaseTransport]]:
    direct = httpx.AsyncClient()
    mode: dict[str, Any] = {"secret_key": KEY, "http_client": direct}
    sdk = stripe.HTTPXClient()
    if server == "pympp client":
        addresses = {"api": host.url}
        mode = {"client": stripe.StripeClient(KEY, base_addresses=addresses, http_client=sdk)}
    monkeypatch.setattr(_defaults, "STRIPE_API_BASE", f"{host.url}/v1")
    methods = pympp_stripe.charge(network_id="internal", currency="usd", **mode)
    mpp = Mpp(methods=methods, realm="shop.example", secret_key=SECRET)

    @pay(mpp.charge(amount="0.50"))
    async def paid(request: Request, credential: Credential, receipt: Receipt) -> JSONResponse:
        headers = {"Payment-Receipt": receipt.to_payment_receipt()}
        return JSONResponse({"quote": 42}, headers=headers)

    app = Starlette(routes=[Route("/paid", paid)])
    async with direct:
        yield "http://shop.example/paid", httpx.ASGITransport(app, raise_app_exceptions=False)
    await sdk.close_async()
    sdk.close()


@pytest.fixture(params=SERVERS)
async def world(
    request: pytest.FixtureRequest, packages: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    async with world_of(request.param, monkeypatch) as opened:
        yield opened


async def test_a_card_pays_a_decline_is_one_try_and_a_lost_answer_is_no_second_payment(
    world: World,
) -> None:
    async with world.customer() as client:
        answer = await client.get(world.url)
        made = payment_of(answer)
        assert isinstance(made, PaymentMade), answer.text
        (intent,) = world.rail.state.all("payment_intents")
        assert made.reference == intent.id
        assert (answer.json(), world.tokens) == ({"quote": 42}, ["consumed"])
        assert client.card_ledger.tally() == Tally(PRICE, 0)

    async with world.customer("pm_card_visa_chargeDeclinedInsufficientFunds") as client:
        refused = payment_of(await client.get(world.url))
        assert isinstance(refused, PaymentNotMade)
        assert refused.is_declined
        assert world.intents == ["succeeded", "requires_payment_method"]
        assert world.tokens == ["consumed", "revoked"]
        assert client.card_ledger.tally() == Tally(0, 0)

    where = {"verb": "POST", "route": "/v1/payment_intents"}
    world.rail.context.faults.arm(
        {"at": REQUEST, "do": "commit_then_drop", "when": "nth=1", "where": where}
    )
    async with world.customer() as client:
        try:
            lost = await client.get(world.url)
            assert (lost.status_code, lost.json()) == (200, {"quote": 42})
        except OutcomeUnknownError as unknown:
            assert unknown.paid is True  # noqa: PT017 - either end will do, in these words
        assert client.card_ledger.tally() == Tally(PRICE, 0)
    assert world.intents == ["succeeded", "requires_payment_method", "succeeded"]
    assert world.tokens == ["consumed", "revoked", "consumed"]


async def test_a_bank_that_wants_to_see_the_buyer_is_asked_once(world: World) -> None:
    async with world.customer("pm_card_authenticationRequired") as client:
        refused = payment_of(await client.get(world.url))
        assert isinstance(refused, PaymentNotMade)
        assert "3D Secure" in refused.reason
    assert world.intents == ["requires_action"]
    assert world.tokens == ["revoked"]
