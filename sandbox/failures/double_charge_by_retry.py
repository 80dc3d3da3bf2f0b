"""A shop takes a lost answer of Stripe for a no, and its customer pays again (facts: stripe 0.2).

Measured with released packages: a server whose Stripe client turns a broken connection into a
refusal answers 402, and a client's second try is another challenge, another token and another
idempotency key, so that Stripe sees two payments that have nothing to do with each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx

from mock_rails.stripe.banner import TEST_KEY
from sandbox.failures.failure import Failure

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from sandbox.failures.scene import Scene

PRICE: Final = 50
SHOP: Final = "http://careless.test"


async def play(scene: Scene) -> None:
    """Lose Stripe's answer to a careless shop, and to one that asks again."""
    scene.part("A careless shop")
    scene.say(
        "It takes a broken connection to Stripe for a decline, and asks for the money again. Its "
        "customer's client, as most, pays whatever a 402 asks for."
    )
    scene.wire.shops.add("careless.test:80")
    scene.arm()
    async with (
        httpx.AsyncClient(transport=TakesItForANo(scene)) as to_stripe,
        careless_client(scene) as careless,
    ):
        scene.devnet.switchboard.mount(SHOP, careless_shop(to_stripe))
        answer = await scene.waiting(careless.get(f"{SHOP}/quote"))
    scene.check("the client has its quote", answer.is_success)
    scene.check("its card was charged twice", await charged(scene) == 2 * PRICE)
    (found,) = (await stripe(scene, "/_sandbox/double_charges"))["data"]
    scene.check("Stripe's sandbox calls it a double charge", found["verdict"] == "double_charge")

    scene.part("A careful shop")
    scene.say(
        "It asks Stripe once more under the same Idempotency-Key. If the payment was made, Stripe "
        "gives its answer again; if it never arrived, it is made now, and once."
    )
    scene.disarm()
    scene.arm()
    client = scene.customer()
    answer = await scene.waiting(client.get(scene.url("/stripe/quote")))
    scene.check("the client has its quote", answer.is_success)
    scene.check("its card was charged once", await charged(scene) == 3 * PRICE)
    scene.check("its ledger says so", client.card_ledger.tally().spent == PRICE)


def careless_shop(to_stripe: httpx.AsyncClient) -> Starlette:
    """pympp with a Stripe client that tells a lost answer and a decline alike."""
    from mpp.methods.stripe.server import charge
    from mpp.server.decorator import pay
    from mpp.server.mpp import Mpp
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from sandbox.merchants.merchants import NETWORK_ID

    methods = charge(
        network_id=NETWORK_ID, secret_key=TEST_KEY, http_client=to_stripe, currency="usd"
    )
    till = Mpp(methods=methods, realm="careless.test", secret_key="a secret that nobody must keep")

    @pay(till.charge(amount="0.50"))
    async def quote(request: Request, credential: object, receipt: object) -> Response:
        return JSONResponse({"quote": "Twice is not always better."})

    return Starlette(routes=[Route("/quote", quote)])


class TakesItForANo(httpx.AsyncBaseTransport):
    """The mistake: what broke is answered as what was refused."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry it to the sandbox's Stripe."""
        here = httpx.URL(self._scene.devnet.stripe_url or "")
        request.url = request.url.copy_with(scheme="http", host=here.host, port=here.port)
        try:
            return await self._scene.devnet.switchboard.handle_async_request(request)
        except httpx.TransportError:
            return httpx.Response(502, json={"error": {"message": "no answer"}}, request=request)


def careless_client(scene: Scene) -> httpx.AsyncClient:
    """pympp's client as it comes."""
    from mpp.client.transport import PaymentTransport
    from mpp.methods.stripe.client import charge

    async def new_token(wanted: Any) -> str:
        form = {
            "payment_method": wanted.payment_method,
            "usage_limits[currency]": wanted.currency,
            "usage_limits[max_amount]": wanted.amount,
            "usage_limits[expires_at]": str(int(scene.clock.now_s()) + 3_600),
            "seller_details[network_id]": wanted.network_id,
        }
        path = "/v1/test_helpers/shared_payment/granted_tokens"
        return str((await stripe(scene, path, form))["id"])

    method = charge(create_token=new_token, payment_method="pm_card_visa")
    return httpx.AsyncClient(transport=PaymentTransport([method], inner=scene.wire), timeout=None)


async def stripe(scene: Scene, path: str, form: dict[str, str] | None = None) -> Any:
    """What Stripe answers to the account's key."""
    async with httpx.AsyncClient(transport=scene.devnet.switchboard) as http:
        verb = "GET" if form is None else "POST"
        url = f"{scene.devnet.stripe_url}{path}"
        return (await http.request(verb, url, data=form, auth=(TEST_KEY, ""))).json()


async def charged(scene: Scene) -> int:
    """What all cards were charged, in cents."""
    intents = await stripe(scene, "/v1/payment_intents")
    return sum(one["amount_received"] for one in intents["data"])


FAILURE: Final = Failure(
    slug="double-charge-by-retry",
    title="a lost answer of Stripe becomes a second charge",
    summary=(
        "Stripe charges a card, and its answer is lost. A shop that takes this for a decline asks "
        "its customer for the money again, and gets it."
    ),
    faults=(
        {
            "at": "stripe.request",
            "do": "commit_then_drop",
            "when": "nth=1",
            "where": {"route": "/v1/payment_intents", "verb": "POST"},
        },
    ),
    play=play,
)
