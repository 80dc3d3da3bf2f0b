"""The session server: everything that the sessions of one payee share.

    server = SessionServer(rpc=rpc, payee=wallet, store=store, clock=clock)
    offer = server.offer(amount=100, currency=PATH_USD, unit_type="request",
                         suggested_deposit=100_000, chain_id=42431)
    await server.start()        # looks up what a crash interrupted, begins to watch the chain
    ...                         # the gate calls `offer.settle` for each paid request
    captures = await server.stop()

Several processes may share one store; each has a server of its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from mpp.errors import PaymentError

from mock_rails.core.errors import SandboxError
from mock_rails.tempo.addresses import CHANNEL_RESERVE, SESSION_ESCROW
from sandbox.chain import Sender
from sandbox.methods.tempo_session import Channel, SessionProtocol, SessionRequest, Status
from sandbox.methods.tempo_session.fields import to_hex
from sandbox.server.session.actions import Actions
from sandbox.server.session.background import Background
from sandbox.server.session.book import ChannelBook
from sandbox.server.session.bootstrap import BootstrapOffer
from sandbox.server.session.chain_state import ChainState
from sandbox.server.session.closing import Closer
from sandbox.server.session.context import SessionContext
from sandbox.server.session.limits import SessionLimits
from sandbox.server.session.offer import SessionOffer
from sandbox.server.session.recovery import Recovered, recover
from sandbox.server.session.schedule import AtShutdown, Capture, Schedule
from sandbox.server.session.watch import Watch

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from mock_rails.core.journal import Journal
    from mock_rails.core.seeds import Seeds
    from sandbox.chain import TempoRpc, TxResult
    from sandbox.client.wallet import Wallet
    from sandbox.server.stores import Store

STATE_TTL_S: Final = 5
WATCH_INTERVAL_S: Final = 5

_WATCH: Final = "watch"
_AT_ONCE: Final = 8
"""How many closing transactions are under way together at shutdown."""

_ESCROWS: Final = {SessionProtocol.V1: SESSION_ESCROW, SessionProtocol.V2: CHANNEL_RESERVE}


class SessionServer:
    """Serves sessions for one payee, through one node."""

    def __init__(  # noqa: PLR0913 - the settings of a server, all by name
        self,
        *,
        rpc: TempoRpc,
        payee: Wallet,
        store: Store,
        clock: Clock,
        seeds: Seeds | None = None,
        journal: Journal | None = None,
        fee_payer: Wallet | None = None,
        schedule: Schedule | None = None,
        fee_token: bytes | None = None,
        state_ttl_s: int = STATE_TTL_S,
        watch_interval_s: int = WATCH_INTERVAL_S,
        limits: SessionLimits | None = None,
    ) -> None:
        """`payee` settles and closes: the payee of the channels, or their operator. `fee_payer`
        pays the fees of clients that hand their transactions over, in `fee_token`."""
        self._background = Background(journal)
        self._context = SessionContext(
            rpc=rpc,
            sender=Sender(rpc, payee, clock=clock, seeds=seeds, fee_token=fee_token),
            book=ChannelBook(store, clock),
            clock=clock,
            background=self._background,
            limits=limits or SessionLimits(),
            schedule=schedule or Schedule(),
            fee_payer=fee_payer,
            fee_token=fee_token,
        )
        self._closer = Closer(self._context)
        self._state = ChainState(self._context, state_ttl_s, self._closer.close_if_owed)
        self._closer.state = self._state
        self._actions = Actions(self._context, self._state, self._closer)
        self._watch = Watch(self._context, self._state, self._closer, watch_interval_s)

    def __repr__(self) -> str:
        """Who is paid."""
        return f"<SessionServer of {to_hex(self.address)}>"

    @property
    def address(self) -> bytes:
        """The account that settles and closes."""
        return self._context.sender.address

    # -- offers -----------------------------------------------------------------------------------

    def offer(  # noqa: PLR0913 - the members of a challenge, all by name
        self,
        *,
        amount: int,
        currency: bytes,
        unit_type: str,
        chain_id: int,
        suggested_deposit: int | None = None,
        min_voucher_delta: int | None = None,
        protocol: SessionProtocol = SessionProtocol.V2,
        escrow: bytes | None = None,
        recipient: bytes | None = None,
        streams: bool = False,
        bootstrap: bool = True,
        description: str | None = None,
    ) -> SessionOffer:
        """A priced offer. With a `recipient` other than this server's account, channels must name
        this account as their operator, so that it can close them. `bootstrap` lets a payer ask
        with HEAD which channel it has here."""
        is_operator = recipient is not None and recipient != self.address
        sponsors = self._context.fee_payer is not None
        terms = SessionRequest(
            amount=amount,
            unit_type=unit_type,
            currency=currency,
            recipient=recipient or self.address,
            chain_id=chain_id,
            protocol=protocol,
            escrow=escrow or _ESCROWS[protocol],
            suggested_deposit=suggested_deposit,
            operator=self.address if is_operator else None,
            min_voucher_delta=min_voucher_delta,
            fee_payer=True if sponsors else None,
            fee_token=self._context.fee_token if sponsors else None,
        )
        self._context.escrows.add(terms.book)
        offer = SessionOffer(
            terms,
            context=self._context,
            actions=self._actions,
            closer=self._closer,
            streams=streams,
            description=description,
        )
        if bootstrap:
            offer.bootstrap = self.bootstrap_offer(offer)
        return offer

    def bootstrap_offer(self, offer: SessionOffer) -> BootstrapOffer:
        """What a HEAD is offered: prove for nothing who you are, and learn of your channel."""
        return BootstrapOffer(offer, self._context)

    # -- life -------------------------------------------------------------------------------------

    async def start(self) -> Recovered:
        """Go on with what a crash interrupted, then watch the chain in the background."""
        found = await recover(self._context, self._state, self._closer)
        self._background.start(_WATCH, self._watch.run)
        return found

    async def look(self) -> None:
        """Look at the chain and the clock now, as the watch does every few seconds."""
        await self._watch.look()

    async def stop(self) -> list[Capture]:
        """Finish what is under way, then do with the open channels as the schedule says; what was
        captured. A channel that cannot be settled or closed now keeps its record and voucher."""
        await self._background.cancel(_WATCH)
        await self._background.join()
        policy = self._context.schedule.at_shutdown
        gate = asyncio.Semaphore(_AT_ONCE)
        if policy is AtShutdown.KEEP:
            return []

        async def end(channel: Channel) -> Capture | None:
            async with gate:
                try:
                    if channel.status is Status.CLOSING:
                        return await self._closer.resume(channel)
                    if policy is AtShutdown.CLOSE:
                        return await self.close(channel.id)
                    result = await self.settle(channel.id)
                    after = await self.channel(channel.id) or channel
                    captured = after.settled - channel.settled
                    return Capture(channel.id, captured, result.fee, result.hash, closes=False)
                except (SandboxError, PaymentError) as error:
                    self._background.note(
                        "shutdown.failed", channel=to_hex(channel.id), error=type(error).__name__
                    )
                return None

        owing = [one for one in await self.channels() if _is_owing(one)]
        ended = await asyncio.gather(*map(end, owing))
        return [capture for capture in ended if capture is not None]

    async def abandon(self) -> None:
        """End as a process does that is killed: nothing more is settled or closed by this one."""
        await self._background.cancel_all()

    # -- for people -------------------------------------------------------------------------------

    async def channels(self) -> list[Channel]:
        """All channels that are known, closed ones too."""
        return [channel async for channel in self._context.book.scan()]

    async def channel(self, channel_id: bytes) -> Channel | None:
        """One channel."""
        return await self._context.book.get(channel_id)

    async def exposure(self) -> int:
        """What is delivered and not captured, over all channels, in base units."""
        return sum([channel.exposure async for channel in self._context.book.scan()])

    async def settle(self, channel_id: bytes) -> TxResult:
        """Capture a channel's highest voucher now, and leave it open."""
        return await self._closer.settle(channel_id)

    async def close(self, channel_id: bytes) -> Capture:
        """Close a channel now, with its highest voucher."""
        return await self._closer.close(channel_id)


def _is_owing(channel: Channel) -> bool:
    return channel.status is Status.CLOSING or (
        channel.status is Status.OPEN and channel.exposure > 0
    )
