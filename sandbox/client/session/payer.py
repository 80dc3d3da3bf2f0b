"""Pays tempo/session challenges: opens a channel once, then signs a larger total per request.

One channel serves all requests to the same host, payee and token, however many are under way; it is
opened, topped up, resumed and replaced without being asked (facts, protocol 2.5 to 2.10). The
budget is asked before every signature, and the book has every voucher before the server does.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from mpp.errors import InvalidChallengeError

from mock_rails.core.errors import BadInput, SandboxError
from sandbox.chain import ChainError
from sandbox.client.amounts import host_of
from sandbox.client.errors import PaymentNotPreparedError, PaymentRefusedError
from sandbox.client.living import ChannelsInUse
from sandbox.client.session.account import MOST_CONFLICTS
from sandbox.client.session.book import ChannelBook
from sandbox.client.session.channel import ChannelState, Scope
from sandbox.client.session.closing import close_together, request_close, withdraw
from sandbox.client.session.errors import ChannelInUseError, StateInUseError
from sandbox.client.session.left_over import settle_closed, take_over
from sandbox.client.session.needs import Need, answer_need
from sandbox.client.session.preparing import Preparation
from sandbox.client.session.registry import Registry
from sandbox.client.session.resume import adopt, check_snapshot, fetch_snapshot, reconcile
from sandbox.client.session.services import Services
from sandbox.client.session.settings import SessionSettings
from sandbox.client.session.wire import Wire
from sandbox.methods.tempo_session import (
    FieldError,
    SessionProtocol,
    SessionReceipt,
    parse_request,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any

    from mpp import Challenge

    from mock_rails.core.clock import Clock
    from mock_rails.core.seeds import Seeds
    from sandbox.chain import TempoRpc
    from sandbox.client.ledger import Ledger
    from sandbox.client.payer import Order
    from sandbox.client.session.account import Account
    from sandbox.client.session.attempt import SessionAttempt
    from sandbox.client.session.channel import PayerChannel
    from sandbox.client.session.wire import Send
    from sandbox.client.wallet import Wallet
    from sandbox.methods.tempo_session import SessionRequest, Snapshot

_log = logging.getLogger(__name__)


class CloseOutcome(NamedTuple):
    """What became of one channel when all were to be closed."""

    channel: PayerChannel
    error: Exception | None = None


class SessionPayer:
    """The payer of tempo/session, v2 and v1: a `sandbox.client.payer.Payer`.

    `rpc_for` gives a chain's node, or raises a `LookupError` or `SandboxError` for a chain that is
    not paid on. `send` sends management requests, unpaid. `state` is the directory of the book;
    without one, channels are forgotten with the process.
    """

    name = "tempo/session"

    def __init__(
        self,
        wallet: Wallet,
        ledger: Ledger,
        *,
        rpc_for: Callable[[int], TempoRpc],
        send: Send,
        clock: Clock,
        seeds: Seeds,
        settings: SessionSettings | None = None,
        state: Path | None = None,
    ) -> None:
        self.settings = settings or SessionSettings()
        self._services = Services(
            wallet,
            ledger,
            rpc_for=rpc_for,
            wire=Wire(wallet, send, clock),
            clock=clock,
            seeds=seeds,
            settings=self.settings,
            book=ChannelBook(state),
            in_use=ChannelsInUse(state),
        )
        self._registry = Registry(self._services)
        take_over(ledger, self._registry.all(), method=self.name)
        self._is_closed = False
        self._read: tuple[Challenge, SessionRequest] | None = None

    # -- paying -----------------------------------------------------------------------------------

    def can_pay(self, challenge: Challenge) -> bool:
        """Whether it is a session on a chain and an escrow that this payer trusts."""
        if (challenge.method, challenge.intent) != ("tempo", "session"):
            return False
        try:
            request = parse_request(challenge.request)
            self._services.rpc_for(request.chain_id)
        except (InvalidChallengeError, LookupError, SandboxError):
            return False
        return self._trusts(request)

    async def prepare(self, challenge: Challenge, order: Order) -> SessionAttempt:
        """Reserve the price and sign. Raises `PaymentRefusedError` if the budget or the settings
        forbid it, `PaymentNotPreparedError` if the chain cannot be asked; then nothing was sent."""
        request = self._request_of(challenge)
        if not self._trusts(request):
            raise PaymentRefusedError(
                "The session's protocol or escrow contract is not one that the settings trust.",
                details={"protocol": request.protocol.value, "escrow": request.escrow.hex()},
            )
        lane = self._registry.lane(Scope.of(request, order.host))
        lane.remember(order.url, challenge)
        preparation = Preparation(
            self._services,
            self._registry,
            lane,
            request=request,
            challenge=challenge,
            order=order,
        )
        try:
            return await preparation.run()
        except ChainError as error:
            raise PaymentNotPreparedError(
                f"The session could not be paid: {error.detail}", hint=error.hint
            ) from error

    def can_pay_ahead(self, challenge: Challenge, order: Order) -> bool:
        """Whether a channel of the challenge's scope is open, so that a voucher will do."""
        if self._is_closed:
            return False
        request = self._request_of(challenge)
        lane = self._registry.lane(Scope.of(request, order.host))
        account = lane.current
        return account is not None and account.record.state is ChannelState.OPEN

    async def authorize_need(
        self, need: Mapping[str, Any], url: str, challenge: Challenge | None = None
    ) -> str:
        """The credential that a stream asks for with `payment-need-voucher`, to be posted to `url`.

        `challenge` is a newer one than the stream began with, if there is one. Tops up first if
        need be; budgets apply. Asked the same again, it gives the same voucher.
        """
        try:
            read = Need.from_json(dict(need))
        except FieldError as error:
            raise BadInput(f"That is no payment-need-voucher event: {error}.") from error
        account = self._registry.need(read.channel_id)
        if host_of(url) != account.record.host:
            raise PaymentRefusedError(
                f"{host_of(url)} asks for a voucher on a channel of {account.record.host}."
            )
        async with account.lane.lock:
            challenge = await self._challenge(account, url, challenge)
            for _ in range(MOST_CONFLICTS):
                with suppress(StateInUseError):  # another process has signed meanwhile
                    return await answer_need(
                        self._services, account, read, challenge=challenge, url=url
                    )
            return await answer_need(self._services, account, read, challenge=challenge, url=url)

    def note_receipt(self, receipt: SessionReceipt | Mapping[str, Any]) -> None:
        """Take down a receipt that came otherwise than in a header: as a stream's last event."""
        if not isinstance(receipt, SessionReceipt):
            try:
                receipt = SessionReceipt.from_json(dict(receipt))
            except FieldError:
                return
        account = self._registry.get(receipt.channel_id)
        if account is not None and account.observe_receipt(receipt):
            account.save()

    def hint(self, url: str) -> str | None:
        """The value of the `Payment-Session` header that tells a server which channel it may
        speak of, if there is exactly one at its host."""
        found = self._registry.at(host_of(url))
        return f"0x{found[0].record.id.hex()}" if len(found) == 1 else None

    def introduction(self, url: str) -> Mapping[str, str]:
        """The same as a header, while the server has not spoken of the channel since it was read
        from the book: its snapshot then tells what became of the last run's vouchers."""
        found = self._registry.at(host_of(url))
        if len(found) != 1 or not found[0].is_unheard:
            return {}
        return {"Payment-Session": f"0x{found[0].record.id.hex()}"}

    # -- channels ---------------------------------------------------------------------------------

    def channels(self) -> list[PayerChannel]:
        """Every channel of this wallet in the book, closed ones too, in the order of opening."""
        return [account.record for account in self._registry.all()]

    async def close_channel(self, channel_id: bytes) -> PayerChannel:
        """Have the payee close a channel at what was spent; the record says what it captured."""
        account = self._registry.need(channel_id)
        async with account.lane.lock:
            await close_together(self._services, account)
        return account.record

    async def close_all(self) -> list[CloseOutcome]:
        """Close every channel that is open. One that fails does not keep the others from it.

        One that another running program pays with is left to that one: `ChannelInUseError`.
        """
        outcomes: list[CloseOutcome] = []
        for account in self._registry.all():
            is_leaving = account.record.close_requested_at_s
            if account.record.state is ChannelState.CLOSED or is_leaving:
                continue
            error: Exception | None = None
            try:
                if not self._services.in_use.leave(account.record.id):
                    raise ChannelInUseError(
                        "Another running program pays with the channel, and closes it at its end.",
                        details={"channel": f"0x{account.record.id.hex()}"},
                    )
                await self.close_channel(account.record.id)
            except Exception as failure:  # whatever it is, it belongs to this channel only
                error = failure
            outcomes.append(CloseOutcome(account.record, error))
        return outcomes

    async def force_close(self, channel_id: bytes) -> PayerChannel:
        """Leave without the payee: ask the chain. `withdraw` takes the money when it is due, or
        this does, if the settings say that forced closes are waited for."""
        account = self._registry.need(channel_id)
        async with account.lane.lock:
            await request_close(self._services, account)
        if self.settings.wait_for_forced_close and account.record.state is ChannelState.CLOSING:
            await withdraw(self._services, account, wait=True)
        return account.record

    async def withdraw(self, channel_id: bytes, *, wait: bool | None = None) -> PayerChannel:
        """Take back what was not captured after a forced close. Before it is due it waits, or
        raises `GraceNotOverError`; which, the settings say unless `wait` does."""
        account = self._registry.need(channel_id)
        patient = self.settings.wait_for_forced_close if wait is None else wait
        await withdraw(self._services, account, wait=patient)
        return account.record

    async def resume(self, url: str) -> PayerChannel | None:
        """Find the channel to go on with at this URL: by the server's snapshot, else by the book.

        Both are held against the chain. None if there is none; the next request opens one.
        """
        host = host_of(url)
        known = self._registry.at(host)
        hint = known[0].record.id if len(known) == 1 else None
        snapshot = await fetch_snapshot(self._services, url, hint)
        if snapshot is not None:
            return await self._adopt(snapshot, host, url)
        for account in known:
            if await self._services.look(account.record) is not None:
                return account.record
        return None

    def settle_unknown(self) -> None:
        """Count what is unknown of channels that are closed: their end says what was captured."""
        settle_closed(self._services.ledger, self._registry.all())

    async def close(self) -> None:
        """Close what the settings say is to be closed, and the book. Failures are logged."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self.settings.close_on_exit:
                for channel, error in await self.close_all():
                    if error is not None and not isinstance(error, ChannelInUseError):
                        _log.warning("Channel 0x%s stays open: %s", channel.id.hex(), error)
            else:
                for account in self._registry.all():
                    if account.is_noted:
                        account.save()
            self.settle_unknown()
        finally:
            self._services.in_use.close()
            self._services.book.close()

    # -- inside -----------------------------------------------------------------------------------

    def _request_of(self, challenge: Challenge) -> SessionRequest:
        """What a challenge asks for. One is answered by many vouchers in a row."""
        if self._read is None or self._read[0] is not challenge:
            self._read = challenge, parse_request(challenge.request)
        return self._read[1]

    def _trusts(self, request: SessionRequest) -> bool:
        if request.protocol not in self.settings.protocols:
            return False
        is_v2 = request.protocol is SessionProtocol.V2  # whose escrow is the chain's own
        return is_v2 or request.escrow in self.settings.v1_escrows

    async def _challenge(
        self, account: Account, url: str, challenge: Challenge | None
    ) -> Challenge:
        """A challenge of this URL that will not end on the way."""
        lane, wire = account.lane, self._services.wire
        challenge = challenge or lane.challenge(url)
        if challenge is None or not wire.is_fresh(challenge):
            challenge = await wire.challenge(url, lane.scope)
        lane.remember(url, challenge)
        return challenge

    async def _adopt(self, snapshot: Snapshot, host: str, url: str) -> PayerChannel | None:
        account = self._registry.get(snapshot.channel_id)
        record = None if account is None else account.record
        deposit = await check_snapshot(self._services, snapshot, record)
        if deposit is None:
            return None
        if account is None:
            parts = snapshot.descriptor
            scope = Scope(
                host,
                snapshot.chain_id,
                SessionProtocol.V2,
                snapshot.escrow,
                parts.payee,
                parts.token,
                parts.operator,
            )
            lane = self._registry.lane(scope)
            async with lane.lock:
                account = self._registry.get(snapshot.channel_id)
                if account is None:
                    account = await adopt(self._services, lane, snapshot, deposit, url)
                    self._registry.add(account)
            return account.record
        async with account.lane.lock:
            account.hear_deposit(deposit)
            reconcile(account, snapshot)
            account.save(state=ChannelState.OPEN)
            self._registry.add(account)
            account.lane.current = account
        return account.record
