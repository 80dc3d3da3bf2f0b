"""A devnet without a port: its parts are served to this process only.

Tests and played failures reach it through `Switchboard`, an httpx transport that knows which
application an address stands for. Addresses are below `.test`, which no name server answers for
(RFC 6761), so that a program which tries them over the network is told so at once, and meets
nobody else.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import httpx

from mock_rails.core.seeds import Seeds
from mock_rails.lightning.topology import PAYER
from mock_rails.server import Host
from mock_rails.stripe.banner import TEST_KEY
from sandbox.client import CardWallet, LightningWallet, PaidClient, SessionSettings
from sandbox.client.lightning.session import LightningSessionSettings
from sandbox.devnet import Devnet
from sandbox.lightning import LndNode, LocalApp

if TYPE_CHECKING:
    from mpp import Challenge

    from mock_rails.core.clock import Clock
    from mock_rails.lightning.api import Listener
    from sandbox.client import Wallet
    from sandbox.methods.stripe_charge import StripeMerchant
    from sandbox.settings import DevnetSettings

HOST: Final = "mpp-sandbox.test"


class Inside(Host):
    """An application that lives as if it were served, and has no port."""

    _life: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin the application's lifetime."""
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._life = asyncio.create_task(self.app(scope, self._heard.get, self._said.put))
        await self._tell("lifespan.startup")

    async def stop(self) -> None:
        """End it."""
        life, self._life = self._life, None
        if life is None:
            return
        if (end_streams := getattr(self.app, "end_streams", None)) is not None:
            end_streams()
        self._life = life
        await self._tell("lifespan.shutdown")
        self._life = None
        await life

    async def _tell(self, what: str) -> None:
        """Say that it starts or stops, and wait until the application is done with that."""
        assert self._life is not None
        await self._heard.put({"type": what})
        answer = asyncio.ensure_future(self._said.get())
        await asyncio.wait({answer, self._life}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            await self._life
            raise RuntimeError(f"{self.name} ended at {what}.")
        if answer.result()["type"] != f"{what}.complete":
            raise RuntimeError(f"{self.name} failed at {what}: {answer.result().get('message')}")


class TestedDevnet(Devnet):
    """A devnet on ports or without any."""

    __test__ = False

    def __init__(
        self, settings: DevnetSettings, *, ports: bool, clock: Clock | None = None
    ) -> None:
        super().__init__(settings, clock=clock)
        self.has_ports = ports
        self.apps: dict[int, Any] = {}
        """The applications by the port of their address, where no port is open."""
        self.switchboard = Switchboard(self)
        """The way to them."""
        if self.stripe is not None and not ports:
            self.stripe.webhook_transport = self.switchboard

    @property
    def lightning_wires(self) -> list[tuple[Listener, Host]]:
        """Lightning's nodes, and where each of them is."""
        return self._wires

    def _card_account(self) -> StripeMerchant | None:
        if self.has_ports or self.stripe_url is None:
            return super()._card_account()
        from sandbox.merchants.merchants import card_account

        return card_account(self.stripe_url, self.context.clock, inner=self.switchboard)

    def _host(self, app: Any, port: int, name: str) -> Host:
        if self.has_ports:
            return super()._host(app, port, name)
        self.apps[port] = app
        return Inside(app, host=self.settings.host, port=port, name=name)


class Switchboard(httpx.AsyncBaseTransport):
    """Carries requests to the parts of one devnet; all others go where they would go anyway."""

    def __init__(self, devnet: TestedDevnet) -> None:
        self._devnet = devnet
        self._mounted: dict[tuple[str, int | None], Any] = {}
        self._outside: httpx.AsyncHTTPTransport | None = None

    def mount(self, url: str, app: Any) -> None:
        """Let an ASGI application answer at an address from now on."""
        self._mounted[_place(httpx.URL(url))] = app

    def clear(self) -> None:
        """Take away what was mounted."""
        self._mounted.clear()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it to whom its address stands for."""
        app = self._mounted.get(_place(request.url)) or self._part(request)
        if app is not None:
            return await LocalApp(app).handle_async_request(request)
        if self._outside is None:
            self._outside = httpx.AsyncHTTPTransport()
        return await self._outside.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections to the outside."""
        outside, self._outside = self._outside, None
        if outside is not None:
            await outside.aclose()

    def _part(self, request: httpx.Request) -> Any:
        if self._devnet.has_ports or request.url.host != HOST:
            return None
        app = self._devnet.apps.get(request.url.port or 0)
        if app is None:
            raise httpx.ConnectError(
                f"Nothing of the devnet is at {request.url}; its parts are at the ports "
                f"{', '.join(map(str, self._devnet.apps))}.",
                request=request,
            )
        return app


def _place(url: httpx.URL) -> tuple[str, int | None]:
    return url.host, url.port


def customer(
    devnet: TestedDevnet, wallet: Wallet, http: httpx.AsyncClient, **options: Any
) -> PaidClient:
    """A client with the devnet's clock and something to pay with on each rail. The options are
    `PaidClient`'s; `http` carries its requests, and whoever made it closes it."""
    listener, host = next(one for one in devnet.lightning_wires if one[0].node == PAYER)
    chosen: dict[str, Any] = {
        "card": CardWallet(
            stripe_url=devnet.stripe_url or "", key=TEST_KEY, transport=devnet.switchboard
        ),
        "lightning": LightningWallet(LndNode(host.url, listener.app.macaroon(), http=http)),
        "rpc_url": devnet.rpc_url,
        # Closing as a test ends would take time, and nobody would see what it does.
        "session": SessionSettings(close_on_exit=False),
        "lightning_session": LightningSessionSettings(close_on_exit=False),
        "clock": devnet.context.clock,
        "seeds": Seeds(devnet.context.seeds.seed),
    }
    return PaidClient(wallet, http=http, rpc_http=http, **{**chosen, **options})


async def charge_credential(devnet: TestedDevnet, wallet: Wallet, challenge: Challenge) -> str:
    """An Authorization header that answers a charge on the chain: signed, and not sent."""
    from sandbox.client.charge_signer import NodeMethod

    assert devnet.rpc is not None
    signer = NodeMethod(wallet, devnet.rpc, devnet.context.clock)
    return (await signer.create_credential(challenge)).to_authorization()
