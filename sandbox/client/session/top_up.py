"""Topping up: adding to a channel's deposit when the next voucher would exceed it.

By how much: what the settings say, else what the server suggests, at least what is missing, and
within the settings' and the budget's limits (facts, protocol 2.10). The transaction travels in a
management request. If the answer is lost the chain is asked, and the same bytes are sent again; a
second top-up is never signed while the first may still be mined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from sandbox.chain import TransactionReverts
from sandbox.client.budget import Limit
from sandbox.client.errors import OutcomeUnknownError
from sandbox.client.session.errors import DepositLimitError, TopUpFailedError
from sandbox.client.session.opening import pending_of
from sandbox.client.session.wire import problem_of
from sandbox.methods.tempo_session import TopUp
from sandbox.methods.tempo_session.calls import top_up_calls
from sandbox.methods.tempo_session.fields import to_hex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpp import Challenge

    from sandbox.client.session.account import Account
    from sandbox.client.session.channel import PayerChannel, Pending
    from sandbox.client.session.services import Services
    from sandbox.client.session.settings import SessionSettings
    from sandbox.methods.tempo_session import SessionRequest

_SENDS: Final = 2


class ChannelGoneError(Exception):
    """There is no such channel any more: it is to be given up, and another opened."""


def top_up_amount(
    channel: PayerChannel,
    total: int,
    request: SessionRequest,
    settings: SessionSettings,
    left: Mapping[Limit, int],
) -> int:
    """How much to add so that vouchers may reach `total`; raises if that is not allowed."""
    shortfall = total - channel.deposit
    wanted = settings.top_up if settings.top_up is not None else request.suggested_deposit
    caps = [shortfall + amount for limit, amount in left.items() if limit is not Limit.PER_REQUEST]
    most = channel.protocol.max_amount
    if settings.max_deposit is not None:
        most = min(most, settings.max_deposit)
    cap = min([most - channel.deposit, *caps])
    if cap < shortfall:
        raise DepositLimitError(
            f"The channel's vouchers would reach {total} base units; it may hold {most}.",
            hint="Raise max_deposit, or close the channel and begin another.",
            details={"total": total, "limit": most, "deposit": channel.deposit},
        )
    return min(max(wanted or 0, shortfall), cap)


async def top_up(
    services: Services,
    account: Account,
    total: int,
    *,
    request: SessionRequest,
    challenge: Challenge,
    url: str,
    left: Mapping[Limit, int],
) -> None:
    """Make the deposit cover `total`. Raises `ChannelGoneError` if the server forgot the channel,
    or the chain has it no more.

    `left` is what the budget still allows, with the price at hand reserved already.
    """
    if account.record.pending is not None or account.deposit_doubtful:
        await _ask_chain(services, account)
    while total > account.record.deposit:
        pending = account.record.pending
        if pending is None:
            amount = top_up_amount(account.record, total, request, services.settings, left)
            pending = await _sign(services, account, request, amount)
            account.save(pending=pending)
        await _send(services, account, pending, challenge, url)


async def _sign(
    services: Services, account: Account, request: SessionRequest, amount: int
) -> Pending:
    sender = services.sender(request.chain_id, request.currency)
    try:
        signed = await sender.sign(
            top_up_calls(account.record.as_channel(), amount),
            sponsored=bool(request.fee_payer),
            fee_token=request.fee_token or request.currency,
        )
    except TransactionReverts:
        if await services.look(account.record) is None:
            raise ChannelGoneError from None
        raise
    return pending_of(signed, amount)


async def _send(
    services: Services, account: Account, pending: Pending, challenge: Challenge, url: str
) -> None:
    """Hand the top-up over, and see the deposit grow."""
    record = account.record
    target = record.deposit + pending.amount
    payload = TopUp(record.id, record.shown_descriptor, pending.transaction, pending.amount)

    def make(challenge: Challenge) -> str:
        return services.wire.credential(challenge, payload, record.chain_id)

    for _ in range(_SENDS):
        try:
            response = (await services.wire.post(url, record.scope, challenge, make)).response
        except httpx.TransportError:
            if await _has_grown(services, account, target):
                return
            continue
        if response.is_success:
            account.observe(response)
            account.save(deposit=target, pending=None)
            return
        if await _has_grown(services, account, target):
            return
        if response.status_code == httpx.codes.GONE:
            raise ChannelGoneError
        raise TopUpFailedError(
            f"The server did not take a top-up of {pending.amount}: {problem_of(response)[1]}",
            details={"channel": to_hex(record.id), "amount": pending.amount},
        )
    raise OutcomeUnknownError(
        f"A top-up of {pending.amount} was sent twice, and no answer came; the chain has not"
        " taken it so far.",
        paid=None,
        hint="It is sent again with the next request, never signed twice.",
        details={"channel": to_hex(record.id)},
    )


async def _has_grown(services: Services, account: Account, target: int) -> bool:
    found = await services.look(account.record)
    if found is None or found.deposit < target:
        return False
    account.save(deposit=found.deposit, pending=None)
    return True


async def _ask_chain(services: Services, account: Account) -> None:
    """Whether a top-up of before has got there; forget it once it no longer can."""
    record, pending = account.record, account.record.pending
    found = await services.look(record)
    if found is None:
        raise ChannelGoneError
    account.deposit_doubtful = False
    if found.deposit != record.deposit:
        account.save(deposit=found.deposit, pending=None)
    elif pending is not None and not services.waiting_s(record):
        account.save(pending=None)
