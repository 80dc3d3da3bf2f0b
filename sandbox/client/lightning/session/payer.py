"""Pays `lightning/session`: a deposit once, then a bearer for each request (facts: lightning 2).

One session serves all requests to a host and realm. It is opened, topped up, gone on with after a
restart and closed without being asked. Its money stays set aside in the ledger until it is known
what came back; only the rest was spent.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from sandbox.client.errors import ClientError
from sandbox.client.lightning.book import LightningBook
from sandbox.client.lightning.cashier import Cashier
from sandbox.client.lightning.errors import LightningPaymentFailedError, UnknownSessionError
from sandbox.client.lightning.reading import SESSION, is_of, read_session
from sandbox.client.lightning.record import State, place_of
from sandbox.client.lightning.session.attempt import SessionAttempt
from sandbox.client.lightning.session.closing import close_session, drop, settle, show_deposit
from sandbox.client.lightning.session.funding import open_session, top_up
from sandbox.client.lightning.session.lane import Lane
from sandbox.client.lightning.session.live import Live, Services
from sandbox.client.lightning.session.settings import LightningSessionSettings
from sandbox.client.lightning.session.wire import Wire

if TYPE_CHECKING:
    from pathlib import Path

    from mpp import Challenge

    from mock_rails.core.clock import Clock
    from sandbox.client.ledger import Ledger
    from sandbox.client.lightning.cashier import Debit
    from sandbox.client.lightning.record import SessionRecord
    from sandbox.client.lightning.session.wire import Send
    from sandbox.client.lightning.wallet import LightningWallet
    from sandbox.client.payer import Attempt, Order
    from sandbox.methods.lightning_session import SessionRequest

_log = logging.getLogger(__name__)


class CloseOutcome(NamedTuple):
    """What became of one session when all were to be closed."""

    session: SessionRecord
    error: Exception | None = None


class LightningSessionPayer:
    """The payer of lightning/session: a `sandbox.client.payer.Payer`.

    `send` sends what is said about a session, unpaid. `state` is the directory of the book; without
    one, sessions are forgotten with the process.
    """

    def __init__(
        self,
        wallet: LightningWallet,
        ledger: Ledger,
        *,
        send: Send,
        clock: Clock,
        settings: LightningSessionSettings | None = None,
        state: Path | None = None,
    ) -> None:
        self.settings = settings or LightningSessionSettings()
        self._services = Services(
            Cashier(wallet, ledger, clock),
            Wire(send),
            LightningBook(state, wallet.name),
            self.settings,
        )
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._known: dict[bytes, Live] = {}
        self._strays: list[Debit] = []
        """What an earlier run had reserved and not written into the book: it was not paid."""
        self._is_closed = False
        try:
            self._take_over(ledger)
        except BaseException:
            self._services.book.close()
            raise

    @property
    def name(self) -> str:
        """`lightning/session`."""
        return SESSION

    # -- paying -----------------------------------------------------------------------------------

    def can_pay(self, challenge: Challenge) -> bool:
        """Whether it is a session over Lightning; `prepare` says what is wrong with one."""
        return is_of(challenge, SESSION)

    async def prepare(self, challenge: Challenge, order: Order) -> Attempt:
        """A bearer of the session, which is opened or topped up first if need be."""
        services = self._services
        request = read_session(challenge, network=services.wallet.network, clock=services.clock)
        lane = self._lane(order.host, challenge.realm)
        await lane.wait(self.settings.patience_s)
        live = lane.session
        if live is not None and live.is_sure and await self._is_paid(lane, live):
            price_sat = _price(request, order)
            while not _has_ended(live) and live.left_sat < price_sat:
                await top_up(services, live, order.url, seen=live.top_ups)
            if _has_ended(live):
                return await self.prepare(challenge, order)
            proof = await live.preimage()
            echo = challenge.to_echo()
            return SessionAttempt(
                services, lane, live, order, echo, proof, opens=False, price_sat=price_sat
            )
        lane.begin()
        try:
            if lane.session is None or not await self._is_paid(lane, lane.session):
                try:
                    await open_session(services, lane, challenge, request, order)
                finally:
                    self._remember(lane)  # its deposit may be under way
            return await self._confirm(lane, challenge, order, _price(request, order))
        except BaseException:
            lane.end()
            raise

    # -- sessions ---------------------------------------------------------------------------------

    def sessions(self) -> list[SessionRecord]:
        """Every session of this run, and those that it has taken over, in the order of opening."""
        return [live.record for live in self._known.values()]

    async def close_session(self, session_id: bytes) -> SessionRecord:
        """Have the server close a session; the record says what came back."""
        live = self._known.get(session_id)
        if live is None:
            raise UnknownSessionError(f"This payer has no session {session_id.hex()}.")
        await close_session(self._services, self._lane_of(live), live)
        return live.record

    async def close_all(self) -> list[CloseOutcome]:
        """Close every session that is open. One that fails does not keep the others from it."""
        outcomes: list[CloseOutcome] = []
        for live in tuple(self._known.values()):
            if live.record.state is State.CLOSED:
                continue
            error: Exception | None = None
            try:
                await close_session(self._services, self._lane_of(live), live)
            except Exception as failure:  # whatever it is, it belongs to this session only
                error = failure
            outcomes.append(CloseOutcome(live.record, error))
        return outcomes

    async def reconcile(self) -> None:
        """Look up deposits whose outcome is open, and what came back of closed sessions."""
        for debit in tuple(self._strays):
            try:
                await self._services.cashier.find(debit)
            except LightningPaymentFailedError:
                self._strays.remove(debit)
            except ClientError:
                continue
        for live in tuple(self._known.values()):
            if live.record.state is State.CLOSED:
                if live.outlay.debits:
                    await settle(self._services, live)
            elif live.record.state is State.PAYING:
                try:
                    await self._is_paid(self._lane_of(live), live)
                except ClientError:
                    continue

    async def close(self) -> None:
        """Close what the settings say is to be closed, and the book. Failures are logged."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            await self.reconcile()
            if self.settings.close_on_exit:
                for record, error in await self.close_all():
                    if error is not None:
                        _log.warning("Session %s stays open: %s", record.id.hex(), error)
        finally:
            self._services.book.close()

    # -- inside -----------------------------------------------------------------------------------

    async def _confirm(
        self, lane: Lane, challenge: Challenge, order: Order, price_sat: int
    ) -> SessionAttempt:
        """Show the server a deposit that it may not know of. What was bought with it at another
        place is not asked for here: a bearer shows whether the session is open, and if it is not,
        it is opened where it was to be."""
        services, live = self._services, lane.session
        assert live is not None
        proof = await live.preimage()
        opens = not live.open_refused and live.record.place == place_of(order)
        if not opens and live.bearer_refused and not live.open_refused:
            await show_deposit(services, live, proof)
            live.open_refused, live.bearer_refused = True, False
        echo = live.record.challenge if opens else challenge.to_echo()
        return SessionAttempt(
            services, lane, live, order, echo, proof, opens=opens, price_sat=price_sat
        )

    async def _is_paid(self, lane: Lane, live: Live) -> bool:
        """Whether the first deposit was paid; given up if not. Raises if nobody knows."""
        try:
            await live.preimage()
        except LightningPaymentFailedError:
            drop(lane, live)
            return False
        return True

    def _lane(self, host: str, realm: str) -> Lane:
        key = host, realm
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(host, realm)
        return lane

    def _lane_of(self, live: Live) -> Lane:
        return self._lane(live.record.host, live.record.realm)

    def _remember(self, lane: Lane) -> None:
        if lane.session is not None:
            self._known[lane.session.record.id] = lane.session

    def _take_over(self, ledger: Ledger) -> None:
        """Go on with the sessions that earlier runs have left. Those of a run that is alive are
        its own: what it has set aside is not among what was left over."""
        services = self._services
        debits: dict[str, list[Debit]] = {}
        for reservation in ledger.left_over(SESSION):
            debit = services.cashier.left_over(reservation)
            if debit is not None:
                debits.setdefault(str(reservation.evidence.get("session")), []).append(debit)
        for record in services.book.load():
            found = debits.pop(record.id.hex(), [])
            if not found and (ledger.is_kept or record.state is State.CLOSED):
                continue
            live = Live(services, record)
            live.outlay.debits += found
            self._known[record.id] = live
            if record.state is not State.CLOSED:
                self._lane_of(live).session = live
            if record.state is State.OPEN:  # what comes back of it, its close will show
                for debit in found:
                    ledger.take_over(debit.reservation)
        self._strays = [debit for left in debits.values() for debit in left]


def _has_ended(live: Live) -> bool:
    """Whether a session came to its end while somebody waited."""
    return not live.is_sure


def _price(request: SessionRequest, order: Order) -> int:
    """What a request costs at once; a stream is paid for as it is read."""
    return 0 if order.streams else request.amount_sat
