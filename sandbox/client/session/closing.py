"""Ending a channel: with the payee, or without it.

Together: a management request with a voucher for exactly what was spent; the server closes on the
chain and shows the transaction in its receipt. Without: the payer asks the chain, the payee has 15
minutes to capture its highest voucher, and after 16 the payer takes the rest (facts, protocol 2.5).
Whatever servers say or fail to say, the chain has the last word on whether a channel is closed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import httpx

from mock_rails.core.clock import US_PER_S
from sandbox.chain import ChainError
from sandbox.client.errors import OutcomeUnknownError, PaymentNotPreparedError
from sandbox.client.session.channel import ChannelState
from sandbox.client.session.errors import ChannelBusyError, CloseFailedError, GraceNotOverError
from sandbox.client.session.wire import problem_of
from sandbox.methods.tempo_session import (
    Close,
    FieldError,
    SessionProtocol,
    SessionReceipt,
    parse_request,
    sign_voucher,
)
from sandbox.methods.tempo_session.calls import request_close_call, withdraw_call
from sandbox.methods.tempo_session.fields import to_hex

if TYPE_CHECKING:
    from mpp import Challenge

    from sandbox.chain import OnChainChannel
    from sandbox.client.session.account import Account
    from sandbox.client.session.channel import PayerChannel
    from sandbox.client.session.services import Services
    from sandbox.client.session.wire import Answer

_SENDS: Final = 2


async def close_together(services: Services, account: Account) -> None:
    """Have the payee close the channel, at what was spent.

    Raises `CloseFailedError` if it does not, and `OutcomeUnknownError` if nobody knows.
    """
    await _drain(services, account)
    record = account.record
    if record.state is ChannelState.CLOSED:
        return
    found = await services.look(record)
    if found is None:
        await _end_without(services, account)
        return
    account.leave()
    account.save(state=ChannelState.CLOSING, deposit=found.deposit, pending=None)
    try:
        closing = _Closing(services, account, settled=found.settled)
        if not await closing.run():
            await _end_from_chain(services, account)
    except CloseFailedError as error:
        _go_on(account, record, is_gone=error.details.get("status") == httpx.codes.GONE)
        raise


def _go_on(account: Account, before: PayerChannel, *, is_gone: bool) -> None:
    """The channel was not closed: it is what it was, unless the server has just disowned it."""
    state = ChannelState.LOST if is_gone else before.state
    if state is ChannelState.OPENING:
        state = ChannelState.OPEN
    account.save(state=state)
    if account.is_usable and account.lane.current is None:
        account.lane.current = account


class _Closing:
    """A cooperative close under way."""

    def __init__(self, services: Services, account: Account, *, settled: int) -> None:
        self._services = services
        self._account = account
        self._settled = settled
        self._signed = account.record.spent
        self._tries = 0

    async def run(self) -> bool:
        """Ask until it is answered; True if the receipt proves the close, False if only the chain
        can."""
        services, record = self._services, self._account.record
        lane = self._account.lane
        challenge = lane.challenge(record.url)
        for _ in range(_SENDS):
            try:
                if challenge is None or not services.wire.is_fresh(challenge):
                    challenge = await services.wire.challenge(record.url, record.scope)
                answer = await services.wire.post(
                    record.url, record.scope, challenge, self._credential
                )
            except httpx.TransportError:
                if await services.look(record) is None:
                    return False
                continue
            except PaymentNotPreparedError as error:
                if self._tries:
                    break
                raise CloseFailedError(error.detail, hint="Force the close.") from error
            return await self._judge(answer)
        if not self._tries:
            raise CloseFailedError(
                f"{record.host} cannot be reached, and was not asked to close the channel.",
                hint="Try again, or force the close.",
                details={"channel": to_hex(record.id)},
            )
        raise OutcomeUnknownError(
            f"No answer came to the close of channel {to_hex(record.id)}, which is still open on"
            " the chain.",
            paid=None,
            hint="Close it again later, or force the close.",
            details={"channel": to_hex(record.id)},
        )

    def _credential(self, challenge: Challenge) -> str:
        """Sign what was spent; if that was refused, what the server may have served besides."""
        record = self._account.record
        self._tries += 1
        if self._tries > 1:
            self._signed = max(record.spent, self._known_to_server(challenge))
        signature = sign_voucher(record.book, record.id, self._signed, self._services.wallet)
        payload = Close(record.id, record.shown_descriptor, self._signed, signature)
        return self._services.wire.credential(challenge, payload, record.chain_id)

    def _known_to_server(self, challenge: Challenge) -> int:
        """What the server counts as spent: by its snapshot, or as far as our requests claimed.

        Never more than was signed before, so nothing new is given away.
        """
        record = self._account.record
        snapshot = parse_request(challenge.request).snapshot
        if snapshot is not None and snapshot.channel_id == record.id:
            return min(snapshot.spent, record.signed)
        return record.claimed if record.claimed > self._signed else record.signed

    async def _judge(self, answer: Answer) -> bool:
        response, account = answer.response, self._account
        record = account.record
        if not response.is_success:
            if await self._services.look(record) is None:
                return False
            raise CloseFailedError(
                f"{record.host} did not close the channel: {problem_of(response)[1]}",
                hint="Try again, or force the close.",
                details={"channel": to_hex(record.id), "status": response.status_code},
            )
        receipt = _receipt(response)
        if receipt is None or not receipt.confirms_close(
            answer.challenge.id, record.id, self._signed, minimum_spent=record.spent
        ):
            if await self._services.look(record) is None:
                return False
            raise CloseFailedError(
                f"{record.host} says that the channel is closed, and the chain does not.",
                hint="Try again, or force the close.",
                details={"channel": to_hex(record.id)},
            )
        is_v1 = record.protocol is SessionProtocol.V1
        captured = self._signed if is_v1 else max(receipt.spent, self._settled)
        account.note(spent=receipt.spent, claimed=max(record.claimed, receipt.spent))
        account.end(captured=captured, tx_hash=receipt.tx_hash)
        return True


def _receipt(response: httpx.Response) -> SessionReceipt | None:
    try:
        return SessionReceipt.from_header(response.headers.get("payment-receipt", ""))
    except FieldError:
        return None


# -- without the payee ----------------------------------------------------------------------------


async def request_close(services: Services, account: Account) -> None:
    """Ask the chain to let the payer leave; the grace period begins."""
    record = account.record
    found = await services.look(record)
    if found is None:
        await _end_without(services, account)
        return
    account.leave()
    if not found.close_requested_at_s:
        sender = services.sender(record.chain_id, record.descriptor.token)
        result = await sender.send([request_close_call(record.as_channel())])
        found = await services.look(record)
        if found is None:
            await _end_from_chain(services, account)
            return
        if not (result.success and found.close_requested_at_s):
            raise CloseFailedError(
                "The chain did not take the request to close.",
                details={"channel": to_hex(record.id), "tx_hash": to_hex(result.hash)},
            )
    account.save(
        state=ChannelState.CLOSING,
        deposit=found.deposit,
        pending=None,
        close_requested_at_s=found.close_requested_at_s,
    )


async def withdraw(services: Services, account: Account, *, wait: bool) -> None:
    """Take back what the payee did not capture, once the grace period is over.

    With `wait` it is waited out on the clock; without, `GraceNotOverError` says how long it lasts.
    """
    found = await _requested(services, account)
    if found is None:
        return
    record = account.record
    due_s = found.close_requested_at_s + services.settings.grace_s
    if services.clock.now_s() < due_s:
        if not wait:
            raise GraceNotOverError(
                f"The payee may still capture for {due_s - services.clock.now_s()} s.",
                hint="Withdraw then; nothing is lost by being late.",
                details={"channel": to_hex(record.id), "due_s": due_s},
            )
        await services.clock.sleep_until_us(due_s * US_PER_S)
        if await _requested(services, account) is None:
            return
    sender = services.sender(record.chain_id, record.descriptor.token)
    try:
        result = await sender.send([withdraw_call(record.as_channel())])
    except ChainError:
        if await services.look(record) is not None:
            raise
    else:
        if not result.success and await services.look(record) is not None:
            raise CloseFailedError(
                "The chain did not take the withdrawal.",
                details={"channel": to_hex(record.id), "tx_hash": to_hex(result.hash)},
            )
    await _end_from_chain(services, account)


async def _requested(services: Services, account: Account) -> OnChainChannel | None:
    """The channel as it waits to be withdrawn from; None if it has come to its end already."""
    found = await services.look(account.record)
    if found is None:
        if account.record.state is not ChannelState.CLOSED:
            await _end_without(services, account)
        return None
    if not found.close_requested_at_s:
        raise ChannelBusyError(
            "Nobody asked the chain to close this channel, or a top-up took that back.",
            hint="Force the close first.",
            details={"channel": to_hex(account.record.id)},
        )
    return found


# -- shared ---------------------------------------------------------------------------------------


async def _drain(services: Services, account: Account) -> None:
    """Wait for the requests that are under way, for their spending belongs to the close."""
    account.leave()
    with suppress(TimeoutError):
        async with asyncio.timeout(services.settings.drain_s):
            while account.in_flight:
                await account.lane.changed.wait()


async def _end_without(services: Services, account: Account) -> None:
    """The chain has no such channel: it is closed, or it was never opened and never can be."""
    waiting_s = services.waiting_s(account.record)
    if account.record.state is ChannelState.OPENING and waiting_s:
        raise ChannelBusyError(
            f"The opening may still be mined for {waiting_s} s.",
            hint="Close the channel then.",
            details={"channel": to_hex(account.record.id)},
        )
    await _end_from_chain(services, account)


async def _end_from_chain(services: Services, account: Account) -> None:
    captured, tx_hash = await services.ended(account.record)
    account.end(captured=captured, tx_hash=tx_hash)
