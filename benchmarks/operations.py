"""What is asked of a server under load: every intent on every rail, and a free route as the floor.

A customer is one payer with its own key, card or session, built on the sandbox's client and asked
for one request at a time. Phases are what its connection sees: when the 402 came, when the
credential left, when the answer was complete; and what the server says of itself in Server-Timing
(W3C Server Timing, `verify`, `settle` and `deliver`).
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from benchmarks.stamps import Stamps
from benchmarks.wire import Wire
from mock_rails.core.errors import BadInput, SandboxError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from benchmarks.leg import Phase
    from benchmarks.orders import Places
    from mock_rails.core.clock import Clock
    from sandbox.client import PaidClient

TOKENS: Final = 32
"""Of each stream."""
_TOKENS_A_REQUEST: Final = 8
_PLENTY: Final = "1000000000"


class NotServed(SandboxError):
    """A request was not answered with what was asked for."""

    code = "not-served"
    title = "A request was not served"


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of request."""

    name: str
    intent: str
    """`free`, `charge`, `session` or `stream`."""
    rail: str
    """`none`, `tempo`, `stripe` or `lightning`."""
    path: str
    says: str
    """One line for people."""
    units: int = 1
    """What one request delivers: itself, or so many tokens."""

    @property
    def method(self) -> str:
        """What pays for it, such as `tempo/session`; empty for what is free."""
        if self.intent == "free":
            return ""
        return f"{self.rail}/{'session' if self.intent == 'stream' else self.intent}"

    @property
    def weight(self) -> int:
        """How many ordinary requests it is about as much as: what a ladder begins lower by, and is
        more patient by, and what more customers are there for."""
        return 1 + self.units // _TOKENS_A_REQUEST

    @property
    def is_sponsored(self) -> bool:
        """Whether somebody else pays the fee."""
        return self.name.endswith("-sponsored")


_ALL: Final = (
    Operation("free", "free", "none", "/health", "a route that costs nothing: the floor"),
    Operation("tempo-charge", "charge", "tempo", "/quote", "a transfer for each request"),
    Operation(
        "tempo-charge-sponsored", "charge", "tempo", "/quote", "the same, the merchant pays the fee"
    ),
    Operation("tempo-session", "session", "tempo", "/search", "a voucher for each request"),
    Operation(
        "tempo-stream", "stream", "tempo", f"/complete?tokens={TOKENS}",
        f"a stream of {TOKENS} tokens, paid for as it flows", TOKENS,
    ),
    Operation("stripe-charge", "charge", "stripe", "/stripe/quote", "a card payment each"),
    Operation("lightning-charge", "charge", "lightning", "/lightning/quote", "an invoice each"),
    Operation(
        "lightning-session", "session", "lightning", "/lightning/search", "from a deposit of sats"
    ),
)  # fmt: skip

OPERATIONS: Final = {one.name: one for one in _ALL}

INTENTS: Final = ("free", "charge", "session", "stream")
RAILS: Final = ("tempo", "stripe", "lightning")


def chosen(intent: str | None = None, rail: str | None = None) -> tuple[Operation, ...]:
    """The operations of an intent and a rail; all where neither is named. The floor has no rail,
    and goes with every choice of one but not of an intent."""
    _check(intent, INTENTS, "intent")
    _check(rail, RAILS, "rail")
    found = tuple(
        one
        for one in _ALL
        if intent in (None, one.intent) and (rail in (None, one.rail) or one.intent == "free")
    )
    if not [one for one in found if rail in (None, one.rail)] and intent != "free":
        raise BadInput(
            f"There is no {intent} on {rail}.", hint=f"There are {', '.join(OPERATIONS)}."
        )
    return found


def _check(given: str | None, known: Sequence[str], what: str) -> None:
    if given is not None and given not in known:
        raise BadInput(f"{given[:40]!r} is no {what}.", hint=f"There are {', '.join(known)}.")


class Customer:
    """One payer of one operation; used as a block, which opens and closes what it pays with."""

    def __init__(self, operation: Operation, places: Places, name: str, clock: Clock) -> None:
        self.operation = operation
        self._places = places
        self._name = name
        self._clock = clock
        self._stack = AsyncExitStack()
        self._stamps = Stamps(clock)
        self._client: PaidClient | None = None
        base = places.sponsor_url if operation.is_sponsored else places.api_url
        self._url = f"{base}{operation.path}"

    async def __aenter__(self) -> Self:
        """Make the client, and give its key money."""
        async with self._stack:
            self._raw = await self._stack.enter_async_context(
                httpx.AsyncClient(transport=self._stamps)
            )
            if self.operation.intent != "free":
                options = await getattr(self, f"_by_{self.operation.rail}")()
                self._client = await self._stack.enter_async_context(self._paying(**options))
            self._stack = self._stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close its sessions, and the client."""
        await self._stack.aclose()

    async def request(self) -> dict[Phase, int]:
        """One request and its phases, in microseconds; raises if it is not served."""
        stamps = self._stamps
        stamps.clear()
        began_ns = self._clock.monotonic_ns()
        if self._client is None:
            response = await self._raw.get(self._url)
            served = response.status_code == httpx.codes.OK
        elif self.operation.intent == "stream":
            served = await self._read(self._client) == self.operation.units
            response = None
        else:
            response = await self._client.get(self._url)
            response.extensions["mpp"].raise_if_unpaid()
            served = response.status_code == httpx.codes.OK
        if not served:
            status = "a shorter stream" if response is None else f"HTTP {response.status_code}"
            raise NotServed(f"{self.operation.path} was answered with {status}.")
        return stamps.phases(began_ns, self._clock.monotonic_ns())

    async def _read(self, client: PaidClient) -> int:
        """Read a stream to its end; how many tokens came."""
        count = 0
        async with client.stream(self._url) as events:
            async for _ in events:
                count += 1
        return count

    def _paying(self, **options: Any) -> PaidClient:
        from mock_rails.core.seeds import Seeds
        from sandbox.client import PaidClient

        return PaidClient(
            http=self._raw,
            prefer=(self.operation.method,),
            clock=self._clock,
            seeds=Seeds(self._name),
            **options,
        )

    async def _by_tempo(self) -> dict[str, Any]:
        """A wallet of its own, with money from the faucet."""
        from sandbox.chain import TempoRpc
        from sandbox.chain.sender import fund
        from sandbox.client import Budget, SessionSettings, Wallet

        wallet = Wallet.from_seed(self._name)
        http = httpx.AsyncClient(transport=Wire(), timeout=30)
        await self._stack.enter_async_context(http)
        await fund(TempoRpc(self._places.rpc_url, http=http), wallet.address)
        budget = Budget.parse(decimals=6, allowed_currencies=self._places.tokens, total=_PLENTY)
        return {
            "wallet": wallet,
            "budget": budget,
            "rpc_url": self._places.rpc_url,
            "rpc_http": http,
            "session": SessionSettings(),
        }

    async def _by_stripe(self) -> dict[str, Any]:
        """A card."""
        from sandbox.client import Budget, CardWallet

        card = CardWallet(stripe_url=self._places.stripe_url, key=self._places.stripe_key)
        wire = Wire()
        self._stack.push_async_callback(wire.aclose)
        budget = Budget.parse(decimals=2, allowed_currencies=["usd"], total=_PLENTY)
        return {"card": card.through(wire), "card_budget": budget}

    async def _by_lightning(self) -> dict[str, Any]:
        """The payers' node, over a connection of its own."""
        from sandbox.client import Budget, LightningWallet
        from sandbox.lightning import LndNode

        http = await self._stack.enter_async_context(httpx.AsyncClient(transport=Wire()))
        node = LndNode(self._places.lnd_url, self._places.lnd_macaroon, http=http)
        await self._stack.enter_async_context(node)
        budget = Budget(total=10**9, allowed_currencies=["sat"], decimals=0)
        return {"lightning": LightningWallet(node), "lightning_budget": budget}
