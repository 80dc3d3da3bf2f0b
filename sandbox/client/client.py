"""The client of a paid web: `async with PaidClient(wallet, budget) as client`, and then `get`.

It is an httpx client whose transport pays (transport.py). One client has one wallet, one ledger and
one set of channels; requests may run at the same time. It may have a card too, with a budget and a
ledger of its own, for a card's cents are no token's base units, and a Lightning node with its own
in satoshis. What a response cost is in `response.extensions["mpp"]` (outcome.py); what was spent in
all, in `client.ledger`, `client.card_ledger` and `client.lightning_ledger`.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack, closing
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from mock_rails.core.clock import Clock
from mock_rails.core.errors import BadInput
from mock_rails.core.seeds import Seeds
from sandbox.client.budget import Budget
from sandbox.client.charge import ChargePayer
from sandbox.client.ledger import Ledger
from sandbox.client.nodes import Nodes
from sandbox.client.spending import Spending
from sandbox.client.streams import READ_TIMEOUT_S, open_socket, open_stream
from sandbox.client.transport import PaidTransport, ThroughClient, TransportSettings
from sandbox.client.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from types import TracebackType

    from sandbox.client.cards import CardPayer, CardWallet
    from sandbox.client.events import ClientEvent
    from sandbox.client.ledger import Reservation
    from sandbox.client.lightning import LightningChargePayer, LightningWallet
    from sandbox.client.lightning.session import LightningSessionPayer, LightningSessionSettings
    from sandbox.client.payer import Payer
    from sandbox.client.session import SessionPayer, SessionSettings
    from sandbox.client.streaming import EventReader, SocketReader
    from sandbox.client.wallet import Wallet

PREFER: Final = (
    "tempo/session",
    "tempo/charge",
    "lightning/session",
    "lightning/charge",
    "stripe/charge",
)
"""The methods that are paid, best first, as far as the client has what pays them."""

_MANAGEMENT_TIMEOUT: Final = httpx.Timeout(10, read=35)


class PaidClient(Verbs):
    """Sends requests and pays what they ask for, within a budget.

    `wallet` pays on the chain within `budget`, and `card` at Stripe within `card_budget`, which
    is in the smallest unit of a card's currencies; `lightning` pays from a Lightning node within
    `lightning_budget`, in satoshis with the fees. Each may be left out. Where a server offers
    several methods, the first of `prefer` is paid that the budgets allow; without it, all for which
    there is something to pay with, in the order of `PREFER`. `payers` adds others, after them.
    `http` and `rpc_http` are clients of the caller's for requests and for the chain's node, who
    also closes them. `state` is the directory where channels are remembered, and what was spent:
    the budget's limits but `per_request` then hold for all clients of the wallet together, in
    however many processes. `remembers_spending=False` makes the budget this client's alone.
    `session` and `lightning_session` say what sessions may do by themselves.
    """

    def __init__(  # noqa: PLR0913 - each is an option of its own
        self,
        wallet: Wallet | None = None,
        budget: Budget | None = None,
        *,
        card: CardWallet | None = None,
        card_budget: Budget | None = None,
        lightning: LightningWallet | None = None,
        lightning_budget: Budget | None = None,
        rpc_url: str | None = None,
        http: httpx.AsyncClient | None = None,
        rpc_http: httpx.AsyncClient | None = None,
        prefer: Sequence[str] | None = None,
        payers: Sequence[Payer] = (),
        state: Path | None = None,
        remembers_spending: bool = True,
        session: SessionSettings | None = None,
        lightning_session: LightningSessionSettings | None = None,
        trusted_realms: Collection[str] = (),
        clock: Clock | None = None,
        seeds: Seeds | None = None,
        settings: TransportSettings | None = None,
        on_event: Callable[[ClientEvent], None] | None = None,
    ) -> None:
        self.wallet = wallet
        self.card = card
        self.lightning = lightning
        self._clock = clock or Clock()
        self._seeds = seeds or Seeds("client")
        self._nodes = Nodes(rpc_url, http=rpc_http)
        self._owned = http is None
        self._raw = http or httpx.AsyncClient()
        self._sessions: SessionPayer | None = None
        self._cards: CardPayer | None = None
        self._invoices: LightningChargePayer | None = None
        self._deposits: LightningSessionPayer | None = None
        self._lightning_session = lightning_session
        with ExitStack() as opened:  # what fails leaves no file open
            place = opened, state if remembers_spending else None
            self.ledger = self._ledger(*place, budget, wallet.address if wallet else None)
            """What was reserved and spent on the chain."""
            self.card_ledger = self._ledger(*place, card_budget, card.name if card else None)
            """What was reserved and spent by card."""
            self.lightning_ledger = self._ledger(
                *place, lightning_budget, lightning.name if lightning else None
            )
            """What was reserved and spent over Lightning, in satoshis with the fees."""
            names = dict.fromkeys(self._payable() if prefer is None else prefer)
            made = [self._payer(name, state, session, trusted_realms) for name in names]
            opened.pop_all()
        self.payers = (*made, *payers)
        """Who pays, best first."""
        transport = PaidTransport(
            self.payers,
            ThroughClient(self._raw),
            clock=self._clock,
            keys=self._seeds.stream("client.idempotency"),
            settings=settings,
            observer=on_event,
        )
        self._http = httpx.AsyncClient(transport=transport, **_taken_over(self._raw))

    # -- requests ---------------------------------------------------------------------------------

    async def request(self, method: str, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """Send a request with httpx's options, and pay if that is asked for.

        Raises `PaymentRefusedError` where the budget forbids it, and `OutcomeUnknownError` where
        a payment may have been made without an answer.
        """
        return await self._http.request(method, url, **options)

    @property
    def ledgers(self) -> tuple[Ledger, ...]:
        """The ledgers of all that this client may pay with."""
        return self.ledger, self.card_ledger, self.lightning_ledger

    # -- streams and sessions ---------------------------------------------------------------------

    def stream(
        self, url: str | httpx.URL, *, method: str = "GET", **options: Any
    ) -> AbstractAsyncContextManager[EventReader]:
        """Read an event stream, and pay as it is read.

        async with client.stream(url) as events:
            async for data in events: ...
        events.receipt
        """
        limits = {**self._http.timeout.as_dict(), "read": READ_TIMEOUT_S}
        options.setdefault("timeout", httpx.Timeout(**limits))
        request = self._http.build_request(method, url, **options)
        return open_stream(self._http, self._raw, self._sessions, request)

    def websocket(self, url: str) -> AbstractAsyncContextManager[SocketReader]:
        """Read a paid WebSocket in the same way; `url` begins with ws or wss, or with http."""
        return open_socket(self._raw, self.sessions, self._clock, url)

    @property
    def sessions(self) -> SessionPayer:
        """The channels of this client: `channels()`, `close_channel`, `force_close`, `resume`."""
        if self._sessions is None:
            raise BadInput("This client pays no sessions.", hint="Add tempo/session to prefer.")
        return self._sessions

    @property
    def lightning_sessions(self) -> LightningSessionPayer:
        """The sessions over Lightning: `sessions()`, `close_session`, `close_all`."""
        if self._deposits is None:
            raise BadInput("This client pays no sessions over Lightning.")
        return self._deposits

    async def reconcile(self) -> tuple[Reservation, ...]:
        """Ask the rails about payments whose outcome is open; those that still are afterwards.

        Those that an earlier run left behind in `state` are among them. What was paid is counted,
        and what can no longer be made is free again; a voucher's end is that of its channel.
        """
        for payer in self.payers:
            if isinstance(payer, ChargePayer):
                await payer.reconcile()
        if self._sessions is not None:
            self._sessions.settle_unknown()
        if self._cards is not None:
            await self._cards.reconcile()
        if self._invoices is not None:
            await self._invoices.reconcile()
        if self._deposits is not None:
            await self._deposits.reconcile()
        return tuple(one for ledger in self.ledgers for one in ledger.unknown)

    # -- lifetime ---------------------------------------------------------------------------------

    async def aclose(self) -> None:
        """Let the payers settle what they should, then close all connections that are ours."""
        async with AsyncExitStack() as stack:  # what fails keeps nothing else from being closed
            stack.push_async_callback(self._nodes.aclose)
            if self._owned:
                stack.push_async_callback(self._raw.aclose)
            stack.push_async_callback(self._http.aclose)
            for ledger in self.ledgers:
                stack.callback(ledger.close)
            for payer in reversed(self.payers):
                stack.push_async_callback(payer.close)

    async def __aenter__(self) -> Self:
        """Use it in a block, to have it closed."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.aclose()

    # -- inside -----------------------------------------------------------------------------------

    def _ledger(
        self, opened: ExitStack, state: Path | None, budget: Budget | None, owner: bytes | None
    ) -> Ledger:
        spending = None if state is None or owner is None else Spending(state, owner)
        return opened.enter_context(closing(Ledger(budget or Budget(), self._clock, spending)))

    def _payable(self) -> list[str]:
        """The methods for which there is something to pay with."""
        has = {"tempo": self.wallet, "stripe": self.card, "lightning": self.lightning}
        return [one for one in PREFER if has[one.partition("/")[0]] is not None]

    def _payer(
        self,
        name: str,
        state: Path | None,
        session: SessionSettings | None,
        trusted_realms: Collection[str],
    ) -> Payer:
        if name not in PREFER:
            listed = ", ".join(PREFER)
            raise BadInput(f"There is no payer for {name!r}.", hint=f"There are {listed}.")
        if name == "stripe/charge":
            if self.card is None:
                raise BadInput(f"{name} is paid by card, and this client has none.")
            from sandbox.client.cards import CardPayer

            keys = self._seeds.stream("client.cards")
            self._cards = CardPayer(self.card, self.card_ledger, clock=self._clock, keys=keys)
            return self._cards
        if name.startswith("lightning/"):
            return self._lightning_payer(name, state)
        if self.wallet is None:
            raise BadInput(f"{name} is paid from a wallet, and this client has none.")
        if name == "tempo/session":
            from sandbox.client.session import SessionPayer

            self._sessions = SessionPayer(
                self.wallet,
                self.ledger,
                rpc_for=self._nodes.of_chain,
                send=self._manage,
                clock=self._clock,
                seeds=self._seeds,
                settings=session,
                state=state,
            )
            return self._sessions
        return ChargePayer(
            self.wallet,
            self.ledger,
            self._nodes,
            clock=self._clock,
            trusted_realms=trusted_realms,
        )

    def _lightning_payer(self, name: str, state: Path | None) -> Payer:
        if self.lightning is None:
            raise BadInput(f"{name} is paid from a Lightning node, and this client has none.")
        if name == "lightning/session":
            from sandbox.client.lightning.session import LightningSessionPayer

            self._deposits = LightningSessionPayer(
                self.lightning,
                self.lightning_ledger,
                send=self._manage,
                clock=self._clock,
                settings=self._lightning_session,
                state=state,
            )
            return self._deposits
        from sandbox.client.lightning import LightningChargePayer

        self._invoices = LightningChargePayer(
            self.lightning, self.lightning_ledger, clock=self._clock, state=state
        )
        return self._invoices

    async def _manage(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """Send a message to a channel: it pays by itself, and may wait for the chain."""
        request.extensions.setdefault("timeout", _MANAGEMENT_TIMEOUT.as_dict())
        return await self._raw.send(request, auth=None, follow_redirects=False, stream=stream)


def _taken_over(http: httpx.AsyncClient) -> dict[str, Any]:
    """What a client was told that concerns more than one request on the wire."""
    return {
        "auth": http.auth,
        "base_url": http.base_url,
        "cookies": http.cookies,
        "follow_redirects": http.follow_redirects,
        "headers": http.headers,
        "max_redirects": http.max_redirects,
        "params": http.params,
        "timeout": http.timeout,
    }
