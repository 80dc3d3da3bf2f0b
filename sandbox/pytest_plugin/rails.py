"""`stripe` and `lightning`: the other two rails, by the wire that everybody speaks."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx

from mock_rails.lightning.topology import MERCHANT, PAYER
from mock_rails.stripe.banner import TEST_KEY
from sandbox.lightning import LndNode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.pytest_plugin.fixtures import DevnetFixture

_MACAROON = "Grpc-Metadata-macaroon"


class StripeFixture:
    """Stripe, with the merchants' account: `stripe.http.get("/v1/balance").json()`."""

    def __init__(self, devnet: DevnetFixture) -> None:
        self.url = devnet.devnet.stripe_url or ""
        """Where its API is."""
        self.key = TEST_KEY
        """The account's secret key, which every devnet has."""
        self.http = httpx.Client(
            base_url=self.url, transport=devnet.transport, auth=(TEST_KEY, ""), timeout=30
        )
        """A client that the account's key is with."""

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """What is there: `stripe.get("/v1/payment_intents", limit=3)`."""
        return _good(self.http.get(path, params=params))

    def post(self, path: str, **fields: Any) -> dict[str, Any]:
        """Make or change something; fields are written as Stripe's forms have them."""
        return _good(self.http.post(path, data=fields))

    def payment_intents(self) -> list[dict[str, Any]]:
        """Those of this test, newest first."""
        found: list[dict[str, Any]] = self.get("/v1/payment_intents", limit=100)["data"]
        return found

    def close(self) -> None:
        """Close the client."""
        self.http.close()


class LightningFixture:
    """The Lightning network: the merchants' node and the payer's."""

    def __init__(self, devnet: DevnetFixture) -> None:
        self._devnet = devnet
        self._stack = ExitStack()
        self.merchant = self._client(MERCHANT)
        """The merchants' LND over REST, with its macaroon."""
        self.payer = self._client(PAYER)
        """The payer's."""

    def balance(self, node: str = MERCHANT) -> int:
        """What a node's channels hold for it, in satoshis."""
        return int(_good(self._http(node).get("/v1/balance/channels"))["balance"])

    def invoice(self, amount_sat: int, *, memo: str = "", expiry_s: int = 3_600) -> str:
        """Ask the merchants' node for an invoice."""

        async def made(node: LndNode) -> str:
            invoice = await node.create_invoice(amount_sat=amount_sat, memo=memo, expiry_s=expiry_s)
            return invoice.bolt11

        return self._with(MERCHANT, made)

    def pay(self, bolt11: str, *, fee_limit_sat: int = 10) -> str:
        """Pay an invoice from the payer's node; the preimage, which proves it."""

        async def paid(node: LndNode) -> str:
            done = await node.pay(bolt11, fee_limit_sat=fee_limit_sat, timeout_s=30)
            return done.preimage.hex()

        return self._with(PAYER, paid)

    def close(self) -> None:
        """Close the clients."""
        self._stack.close()

    def _with(self, name: str, use: Callable[[LndNode], Awaitable[str]]) -> str:
        http = self._http(name)
        url, macaroon = str(http.base_url).rstrip("/"), http.headers[_MACAROON]

        async def used() -> str:
            async with httpx.AsyncClient(transport=self._devnet.stage.switchboard) as inner:
                return await use(LndNode(url, macaroon, http=inner))

        return self._devnet.call(used)

    def _http(self, node: str) -> httpx.Client:
        return self.merchant if node == MERCHANT else self.payer

    def _client(self, node: str) -> httpx.Client:
        listener, host = next(
            one for one in self._devnet.devnet.lightning_wires if one[0].node == node
        )
        client = httpx.Client(
            base_url=host.url,
            transport=self._devnet.transport,
            headers={_MACAROON: listener.app.macaroon()},
            timeout=30,
        )
        return self._stack.enter_context(client)


def _good(response: httpx.Response) -> dict[str, Any]:
    """The answer's JSON, unless it is an error."""
    response.raise_for_status()
    document: dict[str, Any] = response.json()
    return document
