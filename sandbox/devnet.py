"""The devnet: the rails, the merchants on them and the control of all, in one event loop.

    async with Devnet(DevnetSettings().with_free_ports()) as devnet:
        print(devnet.info()["merchants"]["url"])

Starting opens the ports, the rails' first and the control's last; `ready` is true from then on.
Stopping goes the other way and first brings in the money: merchants take no more requests, settle
and close their channels on a chain that still runs, and `captures` says what they got. Then the
state file is written.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from mock_rails.core.rail import RailContext
from mock_rails.held import own_folder
from mock_rails.listening import LOOPBACK, bind
from mock_rails.process import holding, load_state, save_state
from mock_rails.server import Host
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.banner import summary
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.history import DEFAULT_DEPTH
from mock_rails.tempo.rail import Chain
from sandbox import info
from sandbox.chain import TempoRpc, token_balance
from sandbox.client.wallet import Wallet
from sandbox.deposits import ChainDeposits
from sandbox.lightning.prices import Rate
from sandbox.local_rpc import LocalRpc
from sandbox.merchants.faults import FAULT_POINTS
from sandbox.server.stores import MemoryStore
from sandbox.settings import AT_SHUTDOWN, DevnetSettings, Part
from sandbox.snapshots.books import Books
from sandbox.storage import open_store, public_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from mock_rails.core.clock import Clock
    from mock_rails.core.rail import Rail
    from mock_rails.lightning.api import Listener
    from mock_rails.lightning.rail import Lightning
    from mock_rails.stripe.proxy import StripeProxy
    from mock_rails.stripe.rail import Stripe
    from sandbox.lightning import LightningNode
    from sandbox.merchants.merchants import Merchants, Till
    from sandbox.methods.lightning_session import Session
    from sandbox.methods.stripe_charge import StripeMerchant
    from sandbox.server.session import Capture, Recovered
    from sandbox.workers.crew import Crew

CURRENCY: Final = PATH_USD
_WILDCARDS: Final = frozenset({"0.0.0.0", "::", ""})


class Devnet:
    """Everything that `mpp-sandbox up` runs. It starts once."""

    def __init__(
        self,
        settings: DevnetSettings | None = None,
        *,
        clock: Clock | None = None,
        tap: Callable[[str, Any], Any] | None = None,
    ) -> None:
        """`tap` is given what each port will serve, by its name, and returns what is served there:
        how a run is recorded. The devnet's own programs go round it."""
        self.settings = settings or DevnetSettings()
        self.context = RailContext.create(seed=self.settings.seed, clock=clock)
        self._tap = tap
        self.chain: Chain | None = None
        self.stripe: Stripe | None = None
        self.lightning: Lightning | None = None
        self.merchants: Merchants | None = None
        self.rpc: TempoRpc | None = None
        self.ready = False
        self.balances: dict[str, int] = {}
        """What the development accounts held of the currency at the start, by address."""
        self.captures: list[Capture] = []
        """What stopping brought in."""
        self.refunds: list[Session] = []
        """The Lightning sessions that stopping closed."""
        self.found: Recovered | None = None
        """What the merchants found in their store at the start."""
        self.kept: list[int] = []
        """What stopping did not bring in: the exposure of each channel, in base units."""
        self.store_name = self.settings.store
        self.rate: Rate
        """Dollars for a bitcoin; what it becomes is counted from the start."""
        self._tempo_host: Host | None = None
        self._stripe_host: Host | None = None
        self._stripe_proxy: StripeProxy | None = None
        self._stripe_inside: str | None = None
        """Where the merchants find Stripe while its own port is tapped."""
        self._wires: list[tuple[Listener, Host]] = []
        """Lightning's nodes as they are served."""
        self._api_host: Host | None = None
        self._control_host: Host | None = None
        self._crew: Crew | None = None
        self._stack = AsyncExitStack()
        self._state = ExitStack()
        in_memory = self.settings.store == "memory" and self.settings.workers == 1
        self.books = Books() if in_memory and self.settings.runs(Part.MERCHANTS) else None
        """The merchants' part of snapshots; None where a file or a database keeps it."""
        if self.settings.runs(Part.MERCHANTS):
            self.context.faults.register(FAULT_POINTS)
        if self.settings.runs(Part.RAILS):
            from mock_rails.lightning.rail import Lightning
            from mock_rails.lightning.settings import LightningSettings
            from mock_rails.stripe.rail import Stripe

            self.stripe = Stripe(self.context)
            profile = self.settings.lnd_profile
            self.lightning = Lightning(self.context, LightningSettings(lnd_profile=profile))
            self.chain = Chain(
                self.context,
                ChainSettings(
                    chain_id=self.settings.chain_id,
                    block_time_ms=self.settings.block_time_ms,
                    history_depth=self.settings.history or DEFAULT_DEPTH,
                ),
            )

    @property
    def rails(self) -> list[Rail]:
        """The rails that run."""
        rails = (self.chain, self.stripe, self.lightning)
        return [rail for rail in rails if rail is not None]

    @property
    def parts(self) -> list[Rail]:
        """What a snapshot holds together: the rails, and the merchants' books about them."""
        return [*self.rails, *(() if self.books is None else (self.books,))]

    @property
    def api_url(self) -> str | None:
        """Where the paid API is."""
        return None if self._api_host is None else self._api_host.url

    @property
    def control_url(self) -> str | None:
        """Where the control is."""
        return None if self._control_host is None else self._control_host.url

    @property
    def rpc_url(self) -> str:
        """Where the chain is."""
        if self._tempo_host is not None:
            return self._tempo_host.url
        return self.settings.chain_url or ""

    @property
    def stripe_url(self) -> str | None:
        """Where Stripe is, if there is one."""
        return self.settings.stripe_url if self._stripe_host is None else self._stripe_host.url

    @property
    def lightning_url(self) -> str | None:
        """Where the merchants' LND is, if there is one."""
        return self._wires[0][1].url if self._wires else self.settings.lightning_url

    @property
    def _lightning_macaroon(self) -> str | None:
        if not self._wires:
            return self.settings.lightning_macaroon
        macaroon: str = self._wires[0][0].app.macaroon()
        return macaroon

    # -- starting and stopping --------------------------------------------------------------------

    async def start(self) -> None:
        """Open everything; if something cannot be opened, close what was and say why."""
        self._state.enter_context(holding(self.settings.state))
        try:
            load_state(self.settings.state, self.context, self.parts)
            self.rate = self._rate()
            await self._start_chain()
            await self._start_stripe()
            await self._start_lightning()
            if self.settings.runs(Part.MERCHANTS):
                await self._start_merchants()
            if self.settings.runs(Part.CONTROL):
                await self._start_control()
        except BaseException:
            with self._state:
                await self._stack.aclose()
            raise
        self.ready = True

    async def stop(self) -> list[Capture]:
        """Bring in the money, close everything, write the state; returns what was captured."""
        was_ready, self.ready = self.ready, False
        with self._state:
            try:
                await self._stack.aclose()
            finally:  # what the chain has is true however the rest ended
                if was_ready:
                    save_state(self.settings.state, self.context, self.parts)
        return self.captures

    async def __aenter__(self) -> Self:
        """Start it."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        await self.stop()

    async def _start_chain(self) -> None:
        if self.chain is None:
            http = httpx.AsyncClient(timeout=30)
        else:
            relay = self.settings.fee_payer
            key = None if relay is None else self.chain.accounts[relay].key
            api = TempoApi(self.chain, relay_key=key)
            self._tempo_host = self._host(api, self.settings.tempo_port, "the Tempo chain")
            await self._stack.enter_async_context(self._tempo_host)
            http = httpx.AsyncClient(transport=LocalRpc(api))
        await self._stack.enter_async_context(http)
        self._http = http
        self.rpc = TempoRpc(self.rpc_url, http=http)
        for one in () if self.chain is None else self.chain.accounts:
            held = await token_balance(self.rpc, CURRENCY, one.address)
            self.balances[f"0x{one.address.hex()}"] = held

    async def _start_stripe(self) -> None:
        if self.stripe is None or self.chain is None:
            return
        from mock_rails.stripe.api import StripeApi

        api = StripeApi(self.stripe, lazy=True)
        host = self._host(api, self.settings.stripe_port, "Stripe")
        self._stripe_host = await self._stack.enter_async_context(host)
        if self._tap is not None:
            from sandbox.recording.inside import Inside

            inside = Host(Inside(api), host=LOOPBACK)
            self._stripe_inside = (await self._stack.enter_async_context(inside)).url
        self._stack.callback(self.stripe.attach_chain(ChainDeposits(self.chain)))
        if self.settings.stripe_proxy:
            from mock_rails.stripe.proxy import StripeProxy

            proxy = StripeProxy(
                rail_host=_reachable(host.host), rail_port=host.port, clock=self.context.clock
            )
            self._stripe_proxy = await self._stack.enter_async_context(proxy)

    async def _start_lightning(self) -> None:
        if self.lightning is None:
            return
        from mock_rails.lightning.api import listeners

        settings = self.settings
        for one in listeners(
            self.lightning, port=settings.lightning_port, phoenixd_port=settings.phoenixd_port
        ):
            host = self._host(one.app, one.port, one.name)
            self._wires.append((one, await self._stack.enter_async_context(host)))

    def _rate(self) -> Rate:
        """Dollars for a bitcoin, from now on."""
        settings, now_s = self.settings, self.context.clock.now_s()
        steps = [(now_s + after_s, rate) for after_s, rate in settings.btc_usd_later]
        context = self.context
        return Rate(settings.btc_usd, steps, clock=context.clock, journal=context.journal)

    async def _lightning_node(self) -> LightningNode | None:
        """The merchants' node: this devnet's, reached in process, or the one that was named."""
        from sandbox.lightning import LndNode, LocalApp

        settings = self.settings
        if not self._wires:
            if settings.lightning_url is None or settings.lightning_macaroon is None:
                return None
            node = LndNode(
                settings.lightning_url,
                settings.lightning_macaroon,
                network=settings.lightning_network,
            )
            self._stack.push_async_callback(node.aclose)
            return node
        listener, host = self._wires[0]
        http = httpx.AsyncClient(transport=LocalApp(listener.app))
        await self._stack.enter_async_context(http)
        return LndNode(host.url, listener.app.macaroon(), http=http)

    def _card_account(self) -> StripeMerchant | None:
        """The merchants' account at the Stripe that there is."""
        from sandbox.merchants.merchants import card_account

        return card_account(self._stripe_inside or self.stripe_url, self.context.clock)

    async def _start_merchants(self) -> None:
        from sandbox.merchants.merchants import Merchants, Till, challenge_secret
        from sandbox.server.session import AtShutdown, Schedule

        assert self.rpc is not None
        if self.settings.workers > 1 and self.store_name == "memory":
            folder = self._stack.enter_context(own_folder("mpp-sandbox-store-"))
            self.store_name = f"sqlite:{folder}/channels.db"
        store = await open_store(self.store_name, self.context.clock)
        self._stack.push_async_callback(store.close)
        if self.books is not None:
            assert isinstance(store, MemoryStore)
            self.books.attach(store)
        stripe = self._card_account()
        if stripe is not None:
            self._stack.push_async_callback(stripe.aclose)
        till = Till(
            rpc=self.rpc,
            rpc_url=self.rpc_url,
            http=self._http,
            chain_id=await self.rpc.chain_id(),
            currency=CURRENCY,
            payee=Wallet.dev(info.MERCHANT),
            store=store,
            clock=self.context.clock,
            seeds=self.context.seeds,
            journal=self.context.journal,
            faults=self.context.faults,
            stripe=stripe,
            lightning=await self._lightning_node(),
            rate=self.rate,
            server_timing=self.settings.server_timing,
            schedule=Schedule(
                amount=self.settings.settle_at_amount,
                units=self.settings.settle_at_units,
                interval_s=self.settings.settle_every,
                at_shutdown=AtShutdown(self.settings.at_shutdown),
            ),
        )
        realm = _reachable(self.settings.host)
        secret = challenge_secret(self.context.seeds.seed)
        self.merchants = Merchants(till, host=realm, secret=secret, killed=self.renew_merchants)
        self.found = await self.merchants.start()
        self._stack.push_async_callback(self._bring_in)
        if self.settings.workers > 1:
            await self._start_crew(till, realm, secret)
        else:
            self._api_host = self._host(_Front(self), self.settings.api_port, "the paid API")
            await self._stack.enter_async_context(self._api_host)

    async def renew_merchants(self) -> None:
        """Let new merchants go on with what the store holds, as after the death of the others:
        what those had in mind is gone."""
        from sandbox.merchants.merchants import Merchants, challenge_secret

        old = self.merchants
        assert old is not None
        await old.abandon()
        secret = challenge_secret(self.context.seeds.seed)
        self.merchants = Merchants(
            old.till, host=old.host, secret=secret, killed=self.renew_merchants
        )
        await self.merchants.start()

    async def _start_crew(self, till: Till, realm: str, secret: str) -> None:
        from sandbox.workers.crew import Crew
        from sandbox.workers.orders import Orders

        settings, context = self.settings, self.context
        listener = self._stack.enter_context(bind(settings.host, settings.api_port))
        self._api_host = Host(None, host=settings.host, port=listener.getsockname()[1])
        orders = [
            Orders(
                number=number,
                socket=listener.fileno(),
                realm=realm,
                rpc_url=self.rpc_url,
                chain_id=till.chain_id,
                store=self.store_name,
                seed=context.seeds.seed,
                stripe_url=self.stripe_url,
                lightning_url=self.lightning_url,
                lightning_macaroon=self._lightning_macaroon,
                lightning_network=settings.lightning_network,
                btc_usd=till.rate.first,
                btc_usd_steps=till.rate.steps,
                server_timing=settings.server_timing,
                clock=context.clock.snapshot(),
                secret=secret,
            )
            for number in range(1, settings.workers + 1)
        ]
        self._crew = Crew(listener, orders, context)
        await self._crew.start()
        self._stack.push_async_callback(self._crew.stop)

    async def _bring_in(self) -> None:
        from sandbox.methods.tempo_session import Status

        assert self.merchants is not None
        refund = self.settings.at_shutdown != AT_SHUTDOWN[-1]
        self.captures, self.refunds = await self.merchants.stop(refund=refund)
        channels = await self.merchants.sessions.channels()
        owing = [one for one in channels if one.exposure and one.status is not Status.CLOSED]
        self.kept = [one.exposure for one in owing]

    async def _start_control(self) -> None:
        from sandbox.control import Control

        control = Control(self)
        self._control_host = self._host(control, self.settings.control_port, "the control")
        await self._stack.enter_async_context(self._control_host)
        self._stack.callback(control.end_streams)

    def _host(self, app: Any, port: int, name: str) -> Host:
        served = app if self._tap is None else self._tap(name, app)
        return Host(served, host=self.settings.host, port=port, name=name)

    async def tell_time(self) -> None:
        """Let the merchant processes, if there are any, go by the clock as it was just moved."""
        if self._crew is not None:
            await self._crew.tell_time()

    # -- describing -------------------------------------------------------------------------------

    def trouble(self) -> str | None:
        """Why it is not ready, or None if it is."""
        if not self.ready:
            return "starting or stopping"
        return None if self._crew is None else self._crew.trouble()

    def info(self) -> dict[str, Any]:
        """What it says about itself: `--json` and `/_sandbox/info`."""
        tempo = None
        if self.chain is not None and self._tempo_host is not None:
            tempo = summary(self.chain, self._tempo_host.url, self._tempo_host.ws_url)
        stripe = None
        if self.stripe is not None and self._stripe_host is not None:
            from mock_rails.stripe import banner

            stripe = banner.summary(self.stripe, self._stripe_host.url)
            if self._stripe_proxy is not None:
                stripe["proxy"] = self._stripe_proxy.environment()
        lightning = None
        if self.lightning is not None and self._wires:
            from mock_rails.lightning import api
            from mock_rails.lightning import banner as lightning_banner

            served = [(listener, host.url) for listener, host in self._wires]
            lightning = lightning_banner.summary(self.lightning, served, api.PASSWORD)
            lightning["btc_usd"] = self.rate.now()
        merchants = None
        if self.merchants is not None and self._api_host is not None:
            merchants = self.merchants.facts(self._api_host.url)
        return info.describe(
            ready=self.ready,
            workers=self.settings.workers,
            store=public_name(self.store_name),
            control_url=self.control_url,
            tempo=tempo,
            stripe=stripe,
            lightning=lightning,
            merchants=merchants,
        )


class _Front:
    """The paid API, whichever merchants are behind it."""

    def __init__(self, devnet: Devnet) -> None:
        self._devnet = devnet

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand the request to the present merchants."""
        assert self._devnet.merchants is not None
        await self._devnet.merchants.app(scope, receive, send)


def _reachable(host: str) -> str:
    """Where this machine's own programs find what listens on an address."""
    return LOOPBACK if host in _WILDCARDS else host
