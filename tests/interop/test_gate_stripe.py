"""pympp and cards: its client pays our merchants, and its servers are paid through the rail, in
each configuration that it has (facts: stripe 0.2, 1.5 and 5). All of it is the released package.

What pympp's own servers make of a lost answer is told here as it is: one of them charges twice.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import stripe as stripe_sdk
from mpp import Receipt
from mpp.client import PaymentTransport
from mpp.errors import PaymentOutcomeUnknownError
from mpp.events import PAYMENT_FAILED
from mpp.methods.stripe import _defaults
from mpp.methods.stripe import client as stripe_client
from mpp.methods.stripe import server as stripe_server
from mpp.server import Mpp, pay
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mock_rails.core.rail import RailContext
from mock_rails.server import Host
from mock_rails.stripe import double_charges
from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.faults import REQUEST
from mock_rails.stripe.proxy import StripeProxy
from mock_rails.stripe.rail import Stripe
from tests.interop.node_support import running_devnet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mpp.methods.stripe.client import OnChallengeParameters
    from starlette.requests import Request

# stripe-python's own way of calling httpx; a warning raised in it would look like a lost answer.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

KEY = "sk_test_x"
CHARGES = {"verb": "POST", "route": "/v1/payment_intents"}
TRIES = 3
"""What pympp's client does by default for one call."""


class ToRail(httpx.AsyncBaseTransport):
    """What a program injects into pympp's `secret_key` mode: requests go to another host."""

    def __init__(self, url: str) -> None:
        self.url = httpx.URL(url)
        self.inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(
            scheme=self.url.scheme, host=self.url.host, port=self.url.port
        )
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


@dataclass
class Town:
    """The rail on a port, and whoever lives beside it."""

    rail: Stripe
    api: StripeApi
    url: str
    stack: AsyncExitStack
    tokens: list[str] = field(default_factory=list)

    async def mint(self, asked: OnChallengeParameters) -> str:
        """A customer's create-token callback, as the documentation has it."""
        form = {
            "payment_method": asked.payment_method,
            "usage_limits[currency]": asked.currency,
            "usage_limits[max_amount]": asked.amount,
            "usage_limits[expires_at]": str(asked.expires_at),
            "seller_details[network_id]": asked.network_id,
        }
        async with httpx.AsyncClient() as http:
            answer = await http.post(
                f"{self.url}/v1/test_helpers/shared_payment/granted_tokens",
                auth=("sk_test_payer", ""),
                data=form,
            )
        self.tokens.append(answer.json()["id"])
        return self.tokens[-1]

    async def buy(
        self, shop: str, card: str = "pm_card_visa", told: list[Any] | None = None
    ) -> httpx.Response:
        """What pympp's client gets, with its defaults."""
        wallet = stripe_client.charge(create_token=self.mint, payment_method=card)
        transport = PaymentTransport([wallet], inner=httpx.AsyncHTTPTransport())
        if told is not None:
            transport.on(PAYMENT_FAILED, lambda event: told.append(event["error"]))
        async with httpx.AsyncClient(transport=transport) as http:
            return await http.get(shop)

    async def shop(self, **options: Any) -> str:
        """A paid API of nothing but pympp and a web framework, under uvicorn: its URL."""
        method = stripe_server.charge(network_id="profile_test_x", currency="usd", **options)
        server = Mpp(methods=method, realm="127.0.0.1", secret_key="k" * 32)

        @pay(server.charge(amount="0.50"))
        async def quote(request: Request, credential: object, receipt: object) -> Response:
            return JSONResponse({"quote": 42})

        host = Host(Starlette(routes=[Route("/quote", quote)]), name="a shop")
        await self.stack.enter_async_context(host)
        return f"{host.url}/quote"

    def lose_next_answer(self) -> None:
        """The next charge is made, and its answer is lost."""
        fault = {"at": REQUEST, "do": "commit_then_drop", "when": "nth=1", "where": CHARGES}
        self.rail.context.faults.arm(fault)

    @property
    def intents(self) -> list[str]:
        """How the PaymentIntents ended."""
        return [one["status"] for one in self.rail.state.all("payment_intents")]

    @property
    def charges_asked(self) -> int:
        """How often a charge was asked for."""
        found = self.api.dispatcher.log.newest()
        return sum(one.path == "/v1/payment_intents" and one.verb == "POST" for one in found)

    @property
    def verdicts(self) -> list[str]:
        """What the rail thinks of the customers' calls."""
        found = double_charges.find(self.rail.state, self.api.dispatcher.log)
        return [one["verdict"] for one in found]


@asynccontextmanager
async def town() -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        rail = Stripe(RailContext.create("pympp"))
        api = StripeApi(rail)
        host = await stack.enter_async_context(Host(api, name="Stripe"))
        yield Town(rail, api, host.url, stack)
        rail.check_conservation()


def with_client(here: Town) -> dict[str, Any]:
    """stripe-python's client, told of another address."""
    http = stripe_sdk.HTTPXClient()
    here.stack.push_async_callback(http.close_async)
    addresses: Any = {"api": here.url}
    return {"client": stripe_sdk.StripeClient(KEY, base_addresses=addresses, http_client=http)}


def with_injection(here: Town) -> dict[str, Any]:
    """The secret key, and an httpx client that goes elsewhere."""
    http = httpx.AsyncClient(transport=ToRail(here.url))
    here.stack.push_async_callback(http.aclose)
    return {"secret_key": KEY, "http_client": http}


def with_attribute(here: Town) -> dict[str, Any]:
    """The secret key, and pympp's own constant, which is read at every call."""
    here.stack.enter_context(pytest.MonkeyPatch.context()).setattr(
        _defaults, "STRIPE_API_BASE", f"{here.url}/v1"
    )
    http = httpx.AsyncClient()
    here.stack.push_async_callback(http.aclose)
    return {"secret_key": KEY, "http_client": http}


CONFIGURATIONS = [with_client, with_injection, with_attribute]


# -- pympp's servers ------------------------------------------------------------------------------


@pytest.mark.parametrize("configured", CONFIGURATIONS)
async def test_its_server_is_paid(configured: Callable[[Town], dict[str, Any]]) -> None:
    async with town() as here:
        answer = await here.buy(await here.shop(**configured(here)))
        assert (answer.status_code, answer.json()) == (200, {"quote": 42})
        (intent,) = here.rail.state.all("payment_intents")
        receipt = Receipt.from_payment_receipt(answer.headers["payment-receipt"])
        assert receipt.reference == intent.id
        assert intent["metadata"]["mpp_sdk"].startswith("pympp/")
        assert here.intents == ["succeeded"]


@pytest.mark.parametrize("configured", CONFIGURATIONS)
async def test_its_server_refuses_a_declined_card_and_its_client_tries_three_times(
    configured: Callable[[Town], dict[str, Any]],
) -> None:
    """Three intents and three tokens for one decline (0.2)."""
    async with town() as here:
        shop = await here.shop(**configured(here))
        answer = await here.buy(shop, "pm_card_visa_chargeDeclined")
        assert answer.status_code == 402
        assert here.intents == ["requires_payment_method"] * TRIES
        assert len(here.tokens) == TRIES
        assert here.verdicts == [double_charges.ATTEMPTS]


async def test_so_does_it_when_the_bank_wants_to_see_the_buyer() -> None:
    async with town() as here:
        shop = await here.shop(**with_client(here))
        answer = await here.buy(shop, "pm_card_authenticationRequired")
        assert answer.status_code == 402
        assert answer.json()["type"].endswith("payment-action-required")
        assert here.intents == ["requires_action"] * TRIES


async def test_a_lost_answer_at_its_server_with_a_client_is_paid_for_twice() -> None:
    """It takes the loss for a refusal and asks for another payment (0.2)."""
    async with town() as here:
        shop = await here.shop(**with_client(here))
        here.lose_next_answer()
        answer = await here.buy(shop)
        assert answer.status_code == 200
        assert (here.intents, len(here.tokens)) == (["succeeded"] * 2, 2)
        assert here.verdicts == [double_charges.DOUBLE]


@pytest.mark.parametrize("configured", [with_injection, with_attribute])
async def test_a_lost_answer_at_its_server_with_a_key_is_an_error_that_the_client_respects(
    configured: Callable[[Town], dict[str, Any]],
) -> None:
    """The buyer is charged once and gets nothing; its client knows that it must not try again."""
    async with town() as here:
        shop = await here.shop(**configured(here))
        here.lose_next_answer()
        told: list[Any] = []
        answer = await here.buy(shop, told=told)
        assert answer.status_code == 500
        assert (here.intents, len(here.tokens), here.charges_asked) == (["succeeded"], 1, 1)
        assert [type(one) for one in told] == [PaymentOutcomeUnknownError]


SHOP = """
import sys, httpx
from mpp.client import PaymentTransport
from mpp.methods.stripe import client, server
from mpp.server import Mpp, pay
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
import asyncio

method = server.charge(secret_key="sk_test_x", network_id="profile_test_x", currency="usd")
shop = Mpp(methods=method, realm="shop.test", secret_key="k" * 32)

@pay(shop.charge(amount="0.50"))
async def quote(request, credential, receipt):
    return JSONResponse({"quote": 42})

async def mint(asked):
    async with httpx.AsyncClient() as http:
        answer = await http.post(
            "https://api.stripe.com/v1/test_helpers/shared_payment/granted_tokens",
            auth=("sk_test_payer", ""),
            data={"payment_method": asked.payment_method, "usage_limits[currency]": asked.currency,
                  "usage_limits[max_amount]": asked.amount},
        )
    return answer.json()["id"]

async def main():
    app = Starlette(routes=[Route("/quote", quote)])
    wallet = client.charge(create_token=mint, payment_method="pm_card_visa")
    transport = PaymentTransport([wallet], inner=httpx.ASGITransport(app))
    async with httpx.AsyncClient(transport=transport, base_url="https://shop.test") as http:
        answer = await http.get("/quote")
    print(answer.status_code, answer.json())

asyncio.run(main())
"""


async def test_beside_the_proxy_it_needs_no_change_at_all() -> None:
    """Server and customer name api.stripe.com, as their documentation does."""
    async with town() as here:
        port = int(here.url.rpartition(":")[2])
        async with StripeProxy(rail_port=port, clock=here.rail.context.clock) as proxy:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", SHOP,
                env={**os.environ, **proxy.environment()},
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            said, errors = await process.communicate()
        assert said.decode().strip() == "200 {'quote': 42}", errors.decode()
        assert here.intents == ["succeeded"]


# -- our merchants --------------------------------------------------------------------------------


async def test_its_client_pays_our_merchants_with_a_card() -> None:
    """The callback of its documentation, with the rail's address."""
    with running_devnet() as devnet:
        async with AsyncExitStack() as stack:
            rail = Stripe(RailContext.create("unused"))
            here = Town(rail, StripeApi(rail), devnet["stripe"]["url"], stack)
            for path in ("/stripe/quote", "/report"):
                answer = await here.buy(devnet["merchants"]["url"] + path)
                assert answer.status_code == 200, answer.text
                receipt = Receipt.from_payment_receipt(answer.headers["payment-receipt"])
                assert (receipt.method, receipt.status) == ("stripe", "success")
            assert len(here.tokens) == 2


async def test_its_client_pays_our_merchants_once_though_an_answer_is_lost() -> None:
    with running_devnet() as devnet:
        url = devnet["stripe"]["url"]
        fault = {"at": REQUEST, "do": "commit_then_drop", "when": "nth=1", "where": CHARGES}
        async with AsyncExitStack() as stack, httpx.AsyncClient(base_url=url) as http:
            assert (await http.post("/_sandbox/faults", json=fault)).status_code == 200
            rail = Stripe(RailContext.create("unused"))
            here = Town(rail, StripeApi(rail), url, stack)
            answer = await here.buy(f"{devnet['merchants']['url']}/stripe/quote")
            assert answer.status_code == 200
            listed = await http.get("/v1/payment_intents", auth=(KEY, ""))
            assert [one["status"] for one in listed.json()["data"]] == ["succeeded"]
            assert len(here.tokens) == 1
            found = (await http.get("/_sandbox/double_charges")).json()
            assert found["data"] == []
