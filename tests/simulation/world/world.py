"""One world: the rails, the merchants on them, payers, and a network between all.

Everything is the product's own code; only time and the network are the world's. The merchants can
be killed at any instant: their tasks end, their store and their lines refuse them from then on, and
what the store held is written out and read back for their next life, as a disk would keep it.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import httpx
import mpp.methods.stripe.client
import mpp.methods.stripe.server
import mpp.methods.tempo.client
import mpp.methods.tempo.server  # noqa: F401 - all is loaded before its time is led

from mock_rails.core.rail import RailContext
from mock_rails.core.seeds import Seeds
from mock_rails.lightning.api import listeners
from mock_rails.lightning.rail import Lightning
from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.banner import TEST_KEY
from mock_rails.stripe.rail import Stripe
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.rail import Chain
from sandbox.chain import TempoRpc
from sandbox.client import CardWallet, LightningWallet, PaidClient, SessionSettings, Wallet
from sandbox.deposits import ChainDeposits
from sandbox.lightning import LndNode, LocalApp
from sandbox.local_rpc import LocalRpc
from sandbox.merchants.merchants import NETWORK_ID, Merchants, Till, challenge_secret
from sandbox.methods.stripe_charge import StripeMerchant
from sandbox.server.session import Schedule
from tests.simulation.world.deliveries import Counter, Deliveries, Edge
from tests.simulation.world.disk import Disk
from tests.simulation.world.loop import OWNER, VirtualClock, VirtualLoop
from tests.simulation.world.network import Line, Network
from tests.simulation.world.tickets import Tickets

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine

    from sandbox.server.stores import Store

PAYEE: Final = Wallet.dev(4)
URL: Final = "http://merchants.test"
_TEMPO: Final = "http://tempo.test"
_STRIPE: Final = "http://stripe.test"
_LND: Final = "http://lnd.test"


class Shop:
    """One life of the merchants."""

    def __init__(self, world: World, store: Store) -> None:
        self.store = store
        life = world.network.program("merchants")
        http = httpx.AsyncClient(transport=world.line(f"{life} > tempo"), timeout=30)
        lnd = httpx.AsyncClient(transport=world.line(f"{life} > lnd"), timeout=30)
        stripe = StripeMerchant(
            _STRIPE,
            secret_key=TEST_KEY,
            network_id=NETWORK_ID,
            clock=world.clock,
            inner=world.line(f"{life} > stripe"),
        )
        till = Till(
            rpc=TempoRpc(_TEMPO, http=http),
            rpc_url=_TEMPO,
            http=http,
            chain_id=world.chain.chain_id,
            currency=PATH_USD,
            payee=PAYEE,
            store=store,
            clock=world.clock,
            seeds=world.context.seeds,
            journal=world.context.journal,
            stripe=stripe,
            lightning=LndNode(_LND, world.macaroons[0], http=lnd),
            schedule=world.schedule,
        )
        self.merchants = Merchants(
            till, host="merchants.test", secret=challenge_secret(world.context.seeds.seed)
        )
        gate = self.merchants.gate
        gate._challenges._salt = world.nonces.hex(8)  # also where it would be the system's
        counter = Counter(gate.app, world.deliveries, world.tell)
        gate.app = gate._courier._app = self.merchants.app._app = counter
        self.app = Edge(self.merchants.app, world.deliveries)
        self.is_ready = False
        self._closers = (stripe.aclose, http.aclose, lnd.aclose)

    async def start(self) -> None:
        """Go on with what the store holds, then serve."""
        await self.merchants.start()
        self.is_ready = True

    async def aclose(self) -> None:
        """Close the connections."""
        for close in self._closers:
            await close()


class World:
    """Everything that a seed makes."""

    def __init__(self, seed: int, loop: VirtualLoop, clock: VirtualClock) -> None:
        self.seed = seed
        self.loop = loop
        self.clock = clock
        self.context = RailContext.create(seed=f"world {seed}", clock=clock, journal_capacity=4_096)
        self.draws = Seeds(f"world {seed} draws")
        self.nonces = self.draws.stream("nonces")
        self.trace: list[str] = []
        self.deliveries = Deliveries()
        self.network = Network(clock, self.draws.stream, self.tell)
        self.stripe = Stripe(self.context)
        self.lightning = Lightning(self.context)
        self.chain = Chain(self.context)
        self.stripe.attach_chain(ChainDeposits(self.chain))
        wires = listeners(self.lightning, port=0, phoenixd_port=0)
        self.macaroons = [wire.app.macaroon() for wire in wires[:2]]
        self._there: dict[str, httpx.AsyncBaseTransport] = {
            "tempo": LocalRpc(TempoApi(self.chain)),
            "stripe": LocalApp(StripeApi(self.stripe)),
            "lnd": LocalApp(wires[0].app),
            "payers-lnd": LocalApp(wires[1].app),
        }
        every = self.draws.stream("schedule").choice([None, 20_000, 200_000])
        self.schedule = Schedule(amount=every)
        self.shop: Shop | None = None
        self._folder = TemporaryDirectory(prefix="mpp-world-")
        in_file = self.draws.stream("disk").integer(0, 2) == 0
        self.disk = Disk(Path(self._folder.name) if in_file else None, clock)
        self.kept: Store
        """What the merchants keep, whether they live or not."""
        self.payers: list[Payer] = []
        self.dead_shops: list[Shop] = []

    def tell(self, what: str) -> None:
        """Write a line of the trace."""
        self.trace.append(f"{self.loop.time():12.6f} {what}")

    def line(self, name: str) -> Line:
        """A connection, named `from > to`."""
        there = name.partition(" > ")[2]
        return Line(name, self.network, lambda: self._inner(there))

    def _inner(self, there: str) -> httpx.AsyncBaseTransport | None:
        if there != "merchants":
            return self._there[there]
        return None if self.app is None else LocalApp(self.app)

    @property
    def app(self) -> Edge | None:
        """What the merchants serve now; None while they are down."""
        return self.shop.app if self.shop is not None and self.shop.is_ready else None

    # -- life -------------------------------------------------------------------------------------

    async def open(self, payers: int) -> None:
        """Let the rails keep time, and the merchants serve."""
        self.chain.start()
        self.spawn("stripe", self.stripe.keep_time())
        self.spawn("lightning", self.lightning.keep_time())
        self.kept = await self.disk.empty()
        await self.start_shop()
        self.payers = [Payer(self, number) for number in range(payers)]

    async def start_shop(self) -> None:
        """Begin a life of the merchants, with what the last one has left."""
        self.shop = shop = Shop(self, self.kept)
        await self.spawn(self.network.program("merchants"), shop.start())

    async def crash_shop(self) -> None:
        """Kill the merchants between two steps of theirs."""
        shop, self.shop = self.shop, None
        assert shop is not None
        self.kept = await self.disk.left_by(shop.store)
        life = self.network.kill("merchants")
        self.dead_shops.append(shop)
        for task in self.loop.tasks_of(life):
            task.cancel()

    def spawn(self, owner: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let a program do something."""
        mine = OWNER.set(owner)
        try:
            return self.loop.create_task(work)
        finally:
            OWNER.reset(mine)

    async def aclose(self) -> None:
        """End everything that still runs, and close what is open."""
        for payer in self.payers:
            await payer.aclose()
        for shop in (*self.dead_shops, *([self.shop] if self.shop else [])):
            await shop.aclose()
        self.chain.stop()
        await self.kept.close()
        self._folder.cleanup()


class Payer:
    """A customer with money on every rail."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.name = f"payer-{number}"
        self.wallet = Wallet.dev(number)
        self.seen: list[httpx.Request] = []
        """Paid requests that a thief could have overheard."""
        self._http = httpx.AsyncClient(
            transport=_Overheard(world.line(f"{self.name} > merchants"), self.seen), timeout=30
        )
        self._rpc = httpx.AsyncClient(transport=world.line(f"{self.name} > tempo"), timeout=30)
        lnd = httpx.AsyncClient(transport=world.line(f"{self.name} > payers-lnd"), timeout=30)
        self._lnd = lnd
        card = CardWallet(
            stripe_url=_STRIPE,
            key=TEST_KEY,
            transport=world.line(f"{self.name} > stripe"),
            environment={},
        )
        node = LndNode(_LND, world.macaroons[1], http=lnd)
        self.tickets = Tickets(URL, self._http, node, world.draws.stream(f"{self.name} tickets"))
        deposit = world.draws.stream("deposits").choice([None, 3_000, 20_000])
        self.client = PaidClient(
            self.wallet,
            card=card,
            lightning=LightningWallet(node, name=self.name),
            rpc_url=_TEMPO,
            http=self._http,
            rpc_http=self._rpc,
            clock=world.clock,
            seeds=Seeds(f"world {world.seed} {self.name}"),
            session=SessionSettings(deposit=deposit, close_on_exit=False),
        )

    async def aclose(self) -> None:
        """Let go of everything."""
        for one in (self.client, self._http, self._rpc, self._lnd):
            await one.aclose()


class _Overheard(httpx.AsyncBaseTransport):
    """A line that somebody listens to."""

    def __init__(self, line: Line, seen: list[httpx.Request]) -> None:
        self._line = line
        self._seen = seen

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry it, and remember what pays, if it left."""
        try:
            response = await self._line.handle_async_request(request)
        except httpx.ConnectError:
            raise
        except httpx.TransportError:
            self._hear(request)
            raise
        self._hear(request)
        return response

    def _hear(self, request: httpx.Request) -> None:
        if request.headers.get("Authorization", "").startswith("Payment "):
            self._seen.append(request)
