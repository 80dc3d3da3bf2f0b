"""From a challenge to an attempt: reserve, wait for one's turn, sign.

    the channel is being opened by another request     wait
    there is none, or it cannot be used any more       open one
    it was signed for, and nobody confirmed it         send the same opening again
    a larger voucher is needed and must wait           queue (see `account`)
    the deposit does not cover it                      top up, then sign
    else                                               sign, or send the highest voucher again

Spec: facts, protocol 2.5 and 2.10.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.client.budget import Payment
from sandbox.client.session.account import MOST_CONFLICTS, Account
from sandbox.client.session.attempt import SessionAttempt, give_up
from sandbox.client.session.channel import ChannelState
from sandbox.client.session.errors import SnapshotRefusedError, StateInUseError
from sandbox.client.session.opening import open_payload, opening_deposit, sign_opening
from sandbox.client.session.purse import EVIDENCE, OPENING
from sandbox.client.session.resume import adopt, check_snapshot, reconcile, tells_news
from sandbox.client.session.top_up import ChannelGoneError, top_up
from sandbox.methods.tempo_session.fields import to_hex

if TYPE_CHECKING:
    from mpp import Challenge

    from sandbox.client.ledger import Reservation
    from sandbox.client.payer import Order
    from sandbox.client.session.account import Lane
    from sandbox.client.session.registry import Registry
    from sandbox.client.session.services import Services
    from sandbox.methods.tempo_session import SessionRequest


class Preparation:
    """One credential in the making."""

    def __init__(
        self,
        services: Services,
        registry: Registry,
        lane: Lane,
        *,
        request: SessionRequest,
        challenge: Challenge,
        order: Order,
    ) -> None:
        self._services = services
        self._registry = registry
        self._lane = lane
        self._request = request
        self._challenge = challenge
        self._order = order
        self._payment = Payment(
            request.amount,
            currency=to_hex(request.currency),
            host=order.host,
            recipient=to_hex(request.recipient),
        )
        self._account: Account | None = None
        """Whose reservation we hold."""
        self._reservation: Reservation | None = None
        self._is_queued = False
        self._conflicts = 0

    async def run(self) -> SessionAttempt:
        """Make the attempt. Raises `PaymentRefusedError` before anything is signed."""
        self._services.ledger.budget.check(self._payment)
        lane = self._lane
        try:
            while True:
                async with lane.lock:
                    changed = lane.changed
                    attempt = await self._next()
                if attempt is not None:
                    return attempt
                await self._wait(changed)
        finally:
            self._drop()

    async def _wait(self, changed: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._services.settings.patience_s):
                await changed.wait()
        except TimeoutError:
            self._lane.stop_waiting()

    async def _next(self) -> SessionAttempt | None:
        """The attempt; None if somebody else must come to an end first."""
        if self._lane.is_opening:
            return None
        while True:
            account = await self._usable()
            if account is None:
                return await self._open()
            try:
                if account.record.state is ChannelState.OPENING:
                    return self._reopen(account)
                return await self._voucher(account)
            except StateInUseError:
                self._conflicts += 1
                if self._conflicts > MOST_CONFLICTS:
                    raise
            except ChannelGoneError:
                self._drop()
                await give_up(self._services, account)

    # -- which channel ----------------------------------------------------------------------------

    async def _usable(self) -> Account | None:
        """The lane's channel, after a look at what is uncertain about it."""
        await self._hear_snapshot()
        account = self._lane.current
        if account is not None and account.record.state is ChannelState.OPENING:
            await self._look_at_opening(account)
        account = self._lane.current
        return account if account is not None and account.is_usable else None

    async def _hear_snapshot(self) -> None:
        """What the challenge says of the payer's channel; if it is not so, it is not heard."""
        snapshot, lane = self._request.snapshot, self._lane
        if snapshot is None or self._order.is_ahead:
            return
        known = self._registry.get(snapshot.channel_id)
        if known is not None and known is not lane.current:
            return
        if known is None and lane.current is not None:
            return
        if known is not None and not tells_news(known, snapshot):
            return  # the rule in a session that goes well, and then nobody is asked anything
        with suppress(SnapshotRefusedError):
            record = None if known is None else known.record
            deposit = await check_snapshot(self._services, snapshot, record)
            if deposit is None:
                return
            if known is None:
                account = await adopt(self._services, lane, snapshot, deposit, self._order.url)
                self._registry.add(account)
            else:
                known.hear_deposit(deposit)
                reconcile(known, snapshot)

    async def _look_at_opening(self, account: Account) -> None:
        """An opening that nobody confirmed: has the chain taken it, and can it still?"""
        services, record = self._services, account.record
        found = await services.look(record)
        if found is not None:
            account.save(state=ChannelState.OPEN, deposit=found.deposit, pending=None)
            return
        if not services.waiting_s(record) or await services.has_failed(record):
            captured, tx_hash = await services.ended(record)
            account.end(captured=captured, tx_hash=tx_hash)
        elif record.claimed + self._request.amount > record.deposit:
            account.leave()  # too small for this request; it stays in the book

    # -- opening ----------------------------------------------------------------------------------

    async def _open(self) -> SessionAttempt:
        """Sign an opening. The price is reserved first, under a name that no channel has yet."""
        services, request, ledger = self._services, self._request, self._services.ledger
        self._drop()
        salt = services.salt()
        named = replace(self._payment, session=f"{OPENING} {salt.hex()}")
        self._reservation = ledger.reserve(named, EVIDENCE)
        deposit = opening_deposit(request, services.settings, ledger.left(named))
        record = await sign_opening(
            services, request, deposit, salt=salt, host=self._order.host, url=self._order.url
        )
        account = Account(
            services, self._lane, replace(record, signed=request.amount, claimed=request.amount)
        )
        services.book.save(account.record)
        (self._reservation,) = ledger.exchange(self._reservation, self._named(account))
        self._account = account
        self._registry.add(account)
        self._lane.current = account
        return self._opening(account, is_new=True)

    def _reopen(self, account: Account) -> SessionAttempt:
        """The same opening again: the chain takes it once, and no second deposit is locked up."""
        self._take(account)
        price = self._request.amount
        wanted = account.record.claimed + price
        account.sign_for(signed=max(account.record.signed, wanted), claimed=wanted)
        return self._opening(account, is_new=False)

    def _opening(self, account: Account, *, is_new: bool) -> SessionAttempt:
        services, record = self._services, account.record
        pending = record.pending
        if pending is None:
            raise AssertionError("a channel that is opening holds its transaction")
        payload = open_payload(record, pending, record.signed, services.wallet)
        self._lane.is_opening = True
        return self._attempt(
            account,
            services.wire.credential(self._challenge, payload, record.chain_id),
            record.signed,
            opens=True,
            is_new=is_new,
        )

    # -- vouchers ---------------------------------------------------------------------------------

    async def _voucher(self, account: Account) -> SessionAttempt | None:
        price = self._request.amount
        self._take(account)
        is_new = account.needs_signing(price)
        if is_new and account.protected:
            self._enqueue(account)
            return None
        if account.deposit_doubtful and not is_new:
            await self._cover(account, account.record.signed)
        if is_new:
            total = await self._total(account)
            wanted = account.record.claimed + price
            waiting = account.queued - (price if self._is_queued else 0)
            self._reserve_step(account, total - wanted - waiting)
            self._dequeue()
            account.sign_for(signed=total, claimed=wanted, url=self._order.url)
        else:
            self._dequeue()
            account.note(claimed=account.record.claimed + price)
        signed = account.record.signed
        attempt = self._attempt(
            account, account.voucher(self._challenge, signed), signed, is_new=is_new
        )
        account.fit_purse()
        return attempt

    async def _total(self, account: Account) -> int:
        """The total to sign: ours, and that of all who wait, if the deposit covers it."""
        price = self._request.amount
        min_delta = self._request.min_voucher_delta or 0
        waiting = account.queued - (price if self._is_queued else 0)
        wanted = account.record.claimed + price
        total = account.next_total(wanted + waiting, min_delta)
        if total > account.record.deposit:
            total = account.next_total(wanted, min_delta)
        if total > account.record.deposit or account.record.pending or account.deposit_doubtful:
            await self._cover(account, total)
        return total

    async def _cover(self, account: Account, total: int) -> None:
        """See to it that the deposit covers a total."""
        await top_up(
            self._services,
            account,
            total,
            request=self._request,
            challenge=self._challenge,
            url=self._order.url,
            left=self._services.ledger.left(self._named(account)),
        )

    def _reserve_step(self, account: Account, extra: int) -> None:
        """What the server's smallest step adds to the price is authorised too."""
        extra -= account.purse.spare
        if extra > 0:
            payment = replace(self._named(account), amount=extra)
            account.purse.keep(self._services.ledger.reserve(payment, EVIDENCE))

    # -- reservations -----------------------------------------------------------------------------

    def _named(self, account: Account) -> Payment:
        return replace(self._payment, session=to_hex(account.record.id))

    def _take(self, account: Account) -> None:
        """Hold a reservation for the price on this channel."""
        if self._account is account:
            return
        self._drop()
        self._reservation = account.purse.take(self._named(account))
        self._account = account

    def _drop(self) -> None:
        """Give back the reservation that no attempt has taken over."""
        account, reservation = self._account, self._reservation
        self._dequeue()
        self._account = self._reservation = None
        if reservation is None:
            return
        if account is None:
            self._services.ledger.release(reservation)
        else:
            account.purse.keep(reservation)
            account.fit_purse()

    def _enqueue(self, account: Account) -> None:
        if not self._is_queued:
            account.queued += self._request.amount
            self._is_queued = True

    def _dequeue(self) -> None:
        if self._is_queued and self._account is not None:
            self._account.queued -= self._request.amount
        self._is_queued = False

    def _attempt(
        self,
        account: Account,
        authorization: str,
        cumulative: int,
        *,
        opens: bool = False,
        is_new: bool,
    ) -> SessionAttempt:
        reservation, self._reservation, self._account = self._reservation, None, None
        if reservation is None:
            raise AssertionError("nothing is signed without a reservation")
        return SessionAttempt(
            self._services,
            account,
            challenge=self._challenge,
            authorization=authorization,
            cumulative=cumulative,
            reservation=reservation,
            opens=opens,
            is_new=is_new,
        )
