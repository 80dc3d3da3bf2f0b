"""One channel in use: its record, its reservations, and who is on the way with a voucher.

Requests share a channel without waiting for each other: each signs for the next total. They may
overtake each other on the wire, and a server refuses a voucher that is lower than one it has,
although the higher one pays for both. The late request then sends the highest voucher again, which
costs nothing new. So that it is not overtaken once more, the channel is `careful` for a while:
nobody signs a higher voucher while a careful one is under way, and those who wait share the next.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from sandbox.client.session.channel import ChannelState, PayerChannel
from sandbox.client.session.errors import StateInUseError
from sandbox.client.session.purse import Purse, uncounted
from sandbox.methods.tempo_session import FieldError, SessionReceipt, Voucher, sign_voucher

if TYPE_CHECKING:
    import httpx
    from mpp import Challenge

    from sandbox.client.ledger import Reservation
    from sandbox.client.session.channel import Scope
    from sandbox.client.session.services import Services

_MOST_URLS: Final = 64

MOST_CONFLICTS: Final = 16
"""How often another process that signs for the channel may be ahead of us."""


class Lane:
    """The requests of one scope. Its lock is held while a credential is made, and no longer."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.lock = asyncio.Lock()
        self.current: Account | None = None
        self.is_opening = False
        """Whether a request is under way that opens the channel; all others wait for it."""
        self._challenges: dict[str, Challenge] = {}
        self._changed = asyncio.Event()

    def remember(self, url: str, challenge: Challenge) -> None:
        """Keep a URL's newest challenge: management requests answer it."""
        self._challenges.pop(url, None)
        self._challenges[url] = challenge
        if len(self._challenges) > _MOST_URLS:
            del self._challenges[next(iter(self._challenges))]

    def challenge(self, url: str) -> Challenge | None:
        """The newest challenge of a URL."""
        return self._challenges.get(url)

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next change that those who wait may have waited for."""
        return self._changed

    def announce(self) -> None:
        """Wake those who wait: an attempt has come to its end."""
        event, self._changed = self._changed, asyncio.Event()
        event.set()

    def stop_waiting(self) -> None:
        """Whoever was waited for did not come back; go on without them."""
        self.is_opening = False
        if self.current is not None:
            self.current.protected.clear()


class Account:
    """A channel and what is going on with it. Its methods do not wait."""

    def __init__(self, services: Services, lane: Lane, record: PayerChannel) -> None:
        self.lane = lane
        self.record = record
        self.purse = Purse(services.ledger)
        # Weak: an attempt whose request was cancelled is forgotten, and holds nobody up.
        self.in_flight: WeakSet[object] = WeakSet()
        self.protected: WeakSet[object] = WeakSet()
        self.is_careful = False
        self.queued = 0
        """What those who wait to sign have reserved."""
        self.last_need: tuple[int, int] | None = None
        self.deposit_doubtful = False
        self.is_noted = False
        """Whether the record has changes that are not on disk."""
        self.is_unheard = False
        """Whether it is from the book, and the server has said nothing of it yet."""
        self._services = services

    # -- the record -------------------------------------------------------------------------------

    def sign_for(self, **changes: Any) -> None:
        """Write down a larger total, before anybody sees a voucher of it.

        `StateInUseError` if another process has signed meanwhile: the record is then what that one
        left, and the total is to be worked out anew.
        """
        record = self.record.next(**changes)
        try:
            self._services.book.save(record)
        except StateInUseError:
            theirs = self._services.book.read(self.record.id)
            # The book forgets nothing but what was closed long ago.
            self.record = theirs or replace(self.record, state=ChannelState.CLOSED)
            raise
        self.record = record
        self.is_noted = False

    def save(self, **changes: Any) -> None:
        """Change the record, on disk first. What another process has written meanwhile is kept."""
        mine = self.record
        for _ in range(MOST_CONFLICTS):
            with suppress(StateInUseError):
                self.sign_for(**changes)
                return
            theirs = self.record
            self.note(
                signed=max(mine.signed, theirs.signed),
                claimed=max(mine.claimed, theirs.claimed),
                spent=max(mine.spent, theirs.spent),
            )
        self.sign_for(**changes)

    def note(self, **changes: Any) -> None:
        """Change the record in memory: what may be forgotten, and is written with the next save."""
        self.record = replace(self.record, **changes)
        self.is_noted = True

    def hear_deposit(self, deposit: int) -> None:
        """The chain has the channel, with this deposit. A top-up that it has not taken may come."""
        if deposit != self.record.deposit or self.record.state is ChannelState.OPENING:
            self.note(deposit=deposit, pending=None)

    @property
    def is_usable(self) -> bool:
        """Whether it can be paid with, or will be."""
        return self.record.state in {ChannelState.OPENING, ChannelState.OPEN}

    # -- vouchers ---------------------------------------------------------------------------------

    def needs_signing(self, price: int) -> bool:
        """Whether a request needs a larger voucher than there is."""
        return self.record.claimed + price > self.record.signed

    def next_total(self, wanted: int, min_delta: int) -> int:
        """The total to sign so that `wanted` is covered, in steps that the server takes."""
        return max(wanted, self.record.signed + min_delta)

    def unclaim(self, reservation: Reservation) -> None:
        """A request was surely not served: its voucher may pay for another, but for what a stream
        has taken of it meanwhile."""
        record = self.record
        claimed = record.claimed - reservation.payment.amount
        self.note(claimed=max(record.spent, claimed))
        self.purse.keep(reservation)
        self.purse.use(record.spent - claimed)
        self.fit_purse()

    def use_up(self) -> None:
        """The server says that what is authorised does not do: take all of it for used."""
        self.note(claimed=self.record.signed)
        self.purse.spend()

    def fit_purse(self) -> None:
        """Keep exactly as much aside as vouchers are out that nobody uses or waits to use."""
        self.purse.fit(max(self.record.headroom - self.queued, 0))

    def voucher(self, challenge: Challenge, cumulative: int) -> str:
        """The credential of a total that was saved before."""
        record, services = self.record, self._services
        services.in_use.use(record.id)
        if cumulative > record.signed:
            raise AssertionError("a voucher is written down before it is signed")
        signature = sign_voucher(record.book, record.id, cumulative, services.wallet)
        payload = Voucher(record.id, record.shown_descriptor, cumulative, signature)
        return services.wire.credential(challenge, payload, record.chain_id)

    # -- receipts ---------------------------------------------------------------------------------

    def observe(self, response: httpx.Response) -> SessionReceipt | None:
        """Take a response's receipt down, if it is one of this channel."""
        header = response.headers.get("payment-receipt")
        if header is None:
            return None
        try:
            receipt = SessionReceipt.from_header(header)
        except FieldError:
            return None
        return receipt if self.observe_receipt(receipt) else None

    def observe_receipt(self, receipt: SessionReceipt) -> bool:
        """Take a receipt down. One that claims more than was signed proves nothing."""
        record = self.record
        if receipt.channel_id != record.id:
            return False
        if not receipt.spent <= receipt.accepted <= record.signed:
            return False
        self.is_unheard = False
        spent = max(record.spent, receipt.spent)
        self.purse.use(spent - record.claimed)
        self.note(spent=spent, claimed=max(record.claimed, spent))
        return True

    # -- its end ----------------------------------------------------------------------------------

    def leave(self) -> None:
        """No request of the lane shall use it any more."""
        if self.lane.current is self:
            self.lane.current = None

    def end(self, *, captured: int | None, tx_hash: bytes | None) -> None:
        """The chain has closed it, or never opened it: its vouchers are worth nothing now."""
        self.leave()
        self.purse.close(uncounted(self._services.ledger, self.record.id, captured))
        self.save(state=ChannelState.CLOSED, captured=captured, closed_tx=tx_hash, pending=None)
        self._services.in_use.leave(self.record.id)
