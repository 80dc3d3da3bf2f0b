"""The merchants of one process: the paid application behind its gate, and the money it takes.

One `Merchants` is one ASGI application. Several processes may run one each on the same store and
port; then one of them, or their parent, keeps the settlement schedule (`keeps_books`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.seeds import Seeds
from mock_rails.stripe.banner import TEST_KEY
from sandbox.lightning.prices import Rate
from sandbox.merchants import discovery
from sandbox.merchants.faults import DiesDelivering, LosesAnswers
from sandbox.merchants.routes import build_routes, ticket_prices
from sandbox.server.stores import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from mock_rails.core.clock import Clock
    from mock_rails.core.faults import Faults
    from mock_rails.core.journal import Journal
    from sandbox.chain import TempoRpc
    from sandbox.client.wallet import Wallet
    from sandbox.lightning import LightningNode
    from sandbox.methods.lightning_session import Session
    from sandbox.methods.stripe_charge import StripeMerchant
    from sandbox.server.lightning import LightningServer
    from sandbox.server.session import Capture, Recovered, Schedule, SessionServer
    from sandbox.server.stores import Store

SECRET_BYTES: Final = 32
NETWORK_ID: Final = "profile_test_sandbox"
"""What the account of any test key is called on Stripe's network (facts: stripe 1.4)."""


@dataclass(frozen=True, slots=True)
class Till:
    """Where the merchants' money comes in, and what they do it with."""

    rpc: TempoRpc
    rpc_url: str
    http: httpx.AsyncClient
    """The connection that `rpc` uses; pympp's charge method gets it too."""
    chain_id: int
    currency: bytes
    payee: Wallet
    store: Store
    clock: Clock
    seeds: Seeds
    journal: Journal
    stripe: StripeMerchant | None = None
    """The account that takes cards; None for no cards."""
    lightning: LightningNode | None = None
    """The node that takes satoshis; None for no Lightning."""
    rate: Rate = field(default_factory=Rate)
    """Dollars for a bitcoin."""
    server_timing: bool = False
    """Whether paid answers say how long their phases took."""
    schedule: Schedule | None = None
    """When they settle by themselves; None for only as they stop."""
    faults: Faults | None = None
    """What goes wrong with what they answer; None where nothing can be armed."""


def challenge_secret(seed: str) -> str:
    """The HMAC secret of a devnet's challenges: the same after each start with the same seed, so
    that a client's challenge outlives the merchant's process."""
    return Seeds(seed).stream("merchants.challenges").hex(SECRET_BYTES)


def card_account(
    url: str | None, clock: Clock, inner: httpx.AsyncBaseTransport | None = None
) -> StripeMerchant | None:
    """The merchants' account at the Stripe of this address, if there is one; `inner` carries the
    bytes there."""
    if url is None:
        return None
    from sandbox.methods.stripe_charge import StripeMerchant

    return StripeMerchant(url, secret_key=TEST_KEY, network_id=NETWORK_ID, clock=clock, inner=inner)


def _lightning_server(till: Till) -> LightningServer | None:
    """The server of Lightning's offers, if there is a node to take satoshis."""
    if till.lightning is None:
        return None
    from sandbox.server.lightning import LightningServer

    return LightningServer(
        node=till.lightning, store=till.store, clock=till.clock, journal=till.journal
    )


class Merchants:
    """The paid API: `app` is what a server serves.

    Challenges name `host` as their realm, without a port, as mppx wants it (facts: protocol 3.2).
    """

    def __init__(
        self,
        till: Till,
        *,
        host: str,
        secret: str,
        keeps_books: bool = True,
        killed: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`killed` puts others in their place when a fault lets them die."""
        from mpp.methods.tempo.server import charge

        from sandbox.merchants.app import build_app
        from sandbox.server.challenges import Challenges
        from sandbox.server.gate import Gate
        from sandbox.server.session import SessionServer

        self.till = till
        self.host = host
        self._keeps_books = keeps_books
        self.sessions: SessionServer = SessionServer(
            rpc=till.rpc,
            payee=till.payee,
            store=till.store,
            clock=till.clock,
            seeds=till.seeds,
            journal=till.journal,
            schedule=till.schedule,
        )
        self.lightning = _lightning_server(till)
        charges = charge(
            chain_id=till.chain_id,
            rpc_url=till.rpc_url,
            recipient=f"0x{till.payee.address.hex()}",
            currencies=[f"0x{till.currency.hex()}"],
            store=till.store.replays(),
            http_client=till.http,
        )
        self.routes = build_routes(
            self.sessions,
            charges,
            currency=till.currency,
            chain_id=till.chain_id,
            rpc=till.rpc,
            stripe=till.stripe,
            lightning=self.lightning,
            rate=till.rate,
        )
        answers: Any = build_app(discovery.describe(self.routes), till.clock)
        if till.faults is not None:
            answers = DiesDelivering(answers, till.faults)
        self.gate = Gate(
            answers,
            self.routes,
            challenges=Challenges(
                realm=host,
                secret=secret,
                clock=till.clock,
                # Marks in memory end with the run, so that nonces may begin alike in the next.
                seeds=till.seeds if isinstance(till.store, MemoryStore) else None,
            ),
            store=till.store,
            clock=till.clock,
            journal=till.journal,
            server_timing=till.server_timing,
        )
        self.app: Any = self._with_tickets(answers, secret)
        if till.faults is not None:
            self.app = LosesAnswers(self.app, till.faults, killed)

    def _with_tickets(self, answers: Any, secret: str) -> Any:
        """The gate, and where Lightning is taken L402's tickets around it."""
        till = self.till
        if till.lightning is None:
            return self.gate
        from sandbox.server.l402 import L402

        return L402(
            self.gate,
            answers,
            ticket_prices(till.rate),
            node=till.lightning,
            secret=secret,
            store=till.store,
            clock=till.clock,
            journal=till.journal,
        )

    async def start(self) -> Recovered | None:
        """Go on with the channels and sessions of the store, if this process keeps the books; what
        it found of channels."""
        if not self._keeps_books:
            return None
        await self.gate.purge()
        if self.lightning is not None:
            await self.lightning.start()
        return await self.sessions.start()

    async def stop(self, *, refund: bool = True) -> tuple[list[Capture], list[Session]]:
        """Settle and close what is open, if this process keeps the books: what was captured, and
        the Lightning sessions whose rest went back, if it was to."""
        if not self._keeps_books:
            return [], []
        closed: list[Session] = []
        if self.lightning is not None:
            closed = await self.lightning.stop(close_sessions=refund)
        return await self.sessions.stop(), closed

    async def abandon(self) -> None:
        """End as a killed process does: what was under way is left where it stands."""
        await self.sessions.abandon()
        if self.lightning is not None:
            await self.lightning.stop()

    def facts(self, url: str) -> dict[str, Any]:
        """What a payer wants to know, as plain values."""
        return {
            "url": url,
            "realm": self.host,
            "openapi": f"{url}/openapi.json",
            "recipient": f"0x{self.till.payee.address.hex()}",
            "currency": f"0x{self.till.currency.hex()}",
            "routes": discovery.facts(self.routes),
        }
