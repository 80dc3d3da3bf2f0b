"""One credential on its way, and what each outcome means for the channel and the ledger.

taken      the price is spent
refused    the price is not, but the voucher is out: the next request uses it
lost       the same credential may be sent once more: an equal voucher is accepted again, and
           pays for nothing that it has paid for already (facts, protocol 2.5)
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from weakref import finalize

import httpx

from sandbox.chain import ChainError
from sandbox.client.errors import OutcomeUnknownError
from sandbox.client.exchange import NEVER_SENT
from sandbox.client.session.channel import ChannelState
from sandbox.client.session.errors import BookDamagedError
from sandbox.client.session.wire import problem_of
from sandbox.methods.tempo_session.fields import to_hex

if TYPE_CHECKING:
    from mpp import Challenge

    from sandbox.client.ledger import Reservation
    from sandbox.client.session.account import Account
    from sandbox.client.session.services import Services

_log = logging.getLogger(__name__)

_GONE: Final = frozenset({"channel-not-found", "channel-finalized"})
_RESENDS: Final = 1


class SessionAttempt:
    """A voucher, or an opening with its first voucher. Made by `SessionPayer.prepare`."""

    def __init__(
        self,
        services: Services,
        account: Account,
        *,
        challenge: Challenge,
        authorization: str,
        cumulative: int,
        reservation: Reservation,
        opens: bool = False,
        is_new: bool = True,
    ) -> None:
        self.account = account
        self.challenge = challenge
        self.cumulative = cumulative
        self.opens = opens
        self.is_new = is_new
        """Whether the voucher was signed for this attempt, and is not one sent before."""
        self._services = services
        self._authorization = authorization
        self._reservation = reservation
        self._losses = 0
        self._may_be_served = False
        self._is_over = False
        self._abandoned = finalize(
            self, _tell, asyncio.get_running_loop(), _abandon, services, account, reservation, opens
        )
        self._abandoned.atexit = False
        account.in_flight.add(self)
        if account.is_careful:
            account.protected.add(self)

    @property
    def authorization(self) -> str:
        """The credential."""
        return self._authorization

    @property
    def channel_id(self) -> str:
        """The channel, as the credential writes it."""
        return to_hex(self.account.record.id)

    # -- outcomes ---------------------------------------------------------------------------------

    async def taken(self, response: httpx.Response) -> None:
        """The server accepted the voucher, and the channel if it was an opening."""
        if not self._finish():
            return
        account = self.account
        self._services.ledger.commit(self._reservation)
        account.observe(response)
        try:
            await self._keep(response)
        except BookDamagedError as error:
            # What must not be forgotten was written down before it was sent, and the next voucher
            # is not signed: then somebody is told.
            _log.info("Channel 0x%s is not written down: %s", account.record.id.hex(), error)
        finally:
            account.lane.announce()

    async def _keep(self, response: httpx.Response) -> None:
        account = self.account
        if account.record.state is not ChannelState.OPENING:
            if not account.in_flight:
                account.save()
        elif response.is_error and "payment-receipt" not in response.headers:
            await self._look()  # whoever answered so need not have opened anything
        else:
            account.note(state=ChannelState.OPEN, pending=None)
            account.save()

    async def refused(self, response: httpx.Response) -> bool:
        """The server refused; whether the request was surely not served and may be paid anew."""
        if not self._finish():
            return False
        kind = problem_of(response)[0]
        try:
            if self.opens:
                await self._opening_refused()
            elif response.status_code == httpx.codes.GONE or kind in _GONE:
                await self._channel_gone()
            elif self._may_be_served:
                self._services.ledger.mark_unknown(self._reservation)
            else:
                self._voucher_refused(kind)
        finally:
            self.account.lane.announce()
        return not self._may_be_served

    async def lost(self, error: Exception) -> None:
        """No answer came. Once, the same credential may be sent again; then it is given up."""
        if self._is_over:
            raise error
        self._may_be_served |= not isinstance(error, NEVER_SENT)
        self._losses += 1
        if self._losses <= _RESENDS:
            return
        self._finish()
        try:
            if self.opens:
                await self._opening_lost(error)
            elif self._may_be_served:
                self._services.ledger.mark_unknown(self._reservation)
                raise self._unknown(error, paid=None)
            else:
                self._give_back()
                raise error
        finally:
            self.account.lane.announce()

    # -- vouchers ---------------------------------------------------------------------------------

    def _voucher_refused(self, kind: str) -> None:
        account = self.account
        is_highest = self.cumulative == account.record.signed
        repeats = kind == "verification-failed" and is_highest and not self.is_new
        if kind == "insufficient-balance" or repeats:
            # Authorised, but used up: by a stream on the same channel, or captured by the payee.
            self._services.ledger.commit(self._reservation)
            account.use_up()
            return
        self._give_back()
        if kind == "verification-failed":
            account.is_careful = True
        elif kind == "amount-exceeds-deposit":
            account.deposit_doubtful = True

    def _give_back(self) -> None:
        """Surely not served. The voucher stays where it is, and so does its money."""
        self.account.unclaim(self._reservation)

    async def _channel_gone(self) -> None:
        """Give the channel up; what it grants is free again only if the chain has closed it."""
        account = self.account
        self._give_back()
        await give_up(self._services, account)

    # -- openings ---------------------------------------------------------------------------------

    async def _opening_refused(self) -> None:
        """The server has the signed opening, and might send it although it refused us."""
        account = self.account
        await self._look()
        if self._may_be_served:
            self._services.ledger.mark_unknown(self._reservation)
        else:
            self._give_back()
        account.save()

    async def _opening_lost(self, error: Exception) -> None:
        is_there = await self._look()
        if not self._may_be_served and not is_there:
            self._give_back()
            self.account.save()
            raise error
        self._services.ledger.mark_unknown(self._reservation)
        self.account.save()
        raise self._unknown(error, paid=True if is_there else None)

    async def _look(self) -> bool:
        """Whether the chain has opened the channel. If nobody can be asked, not that we know."""
        account = self.account
        try:
            found = await self._services.look(account.record)
        except ChainError:
            return False
        if found is None:
            return False
        account.save(state=ChannelState.OPEN, deposit=found.deposit, pending=None)
        return True

    # -- shared -----------------------------------------------------------------------------------

    def _finish(self) -> bool:
        """Count the attempt out; False if that was done before."""
        if self._is_over:
            return False
        self._is_over = True
        self._abandoned.detach()
        account = self.account
        account.in_flight.discard(self)
        account.protected.discard(self)
        if not account.in_flight and not account.queued:
            account.is_careful = False
        if self.opens:
            account.lane.is_opening = False
        return True

    def _unknown(self, error: Exception, *, paid: bool | None) -> OutcomeUnknownError:
        record = self.account.record
        what = "an opening" if self.opens else f"a voucher of {self.cumulative}"
        return OutcomeUnknownError(
            f"No answer came to {what} that was sent twice: {type(error).__name__}.",
            paid=paid,
            hint="The channel is kept; the next request goes on with it and pays for itself only.",
            details={"channel": to_hex(record.id), "cumulative": self.cumulative},
        )


def _tell(loop: asyncio.AbstractEventLoop, *call: Any) -> None:
    """Leave it to the loop: the collector may come in any thread, and in the midst of anything."""
    with suppress(RuntimeError):  # the loop has ended, and everything with it
        loop.call_soon_threadsafe(*call)


def _abandon(
    services: Services,
    account: Account,
    reservation: Reservation,
    opens: bool,
) -> None:
    """The request was cancelled on its way: nobody will say what came of it."""
    services.ledger.mark_unknown(reservation)
    if opens:
        account.lane.is_opening = False
    account.lane.announce()


async def give_up(services: Services, account: Account) -> None:
    """The server does not know the channel, or has ended it: what does the chain say?"""
    account.leave()
    try:
        found = await services.look(account.record)
        if found is None:
            captured, tx_hash = await services.ended(account.record)
            account.end(captured=captured, tx_hash=tx_hash)
            return
        requested_at_s = found.close_requested_at_s
    except ChainError:
        requested_at_s = 0
    account.purse.doubt()
    account.save(state=ChannelState.LOST, close_requested_at_s=requested_at_s)
