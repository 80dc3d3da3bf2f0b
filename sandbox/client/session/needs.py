"""Paying for a stream as it is read: the answer to a `payment-need-voucher` event.

The event says how much the stream lacks: `requiredCumulative` against `acceptedCumulative` (facts,
protocol 2.8). What other requests have signed for and not yet received is theirs, so the lack comes
on top of it. The same event again is answered with the same voucher.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sandbox.client.budget import Payment
from sandbox.client.session.channel import ChannelState
from sandbox.client.session.errors import ChannelBusyError
from sandbox.client.session.purse import EVIDENCE
from sandbox.client.session.top_up import ChannelGoneError, top_up
from sandbox.methods.tempo_session import SessionProtocol, parse_request
from sandbox.methods.tempo_session.fields import read_amount, read_hash, read_object, to_hex

if TYPE_CHECKING:
    from mpp import Challenge

    from sandbox.client.session.account import Account
    from sandbox.client.session.services import Services


class Need(NamedTuple):
    """A `payment-need-voucher` event."""

    channel_id: bytes
    required: int
    accepted: int

    @classmethod
    def from_json(cls, value: object) -> Need:
        """Read the event's data; `FieldError` names what is wrong."""
        members = read_object(value, "payment-need-voucher")
        most = SessionProtocol.V1.max_amount
        return cls(
            read_hash(members.get("channelId"), "channelId"),
            read_amount(members.get("requiredCumulative"), "requiredCumulative", most),
            read_amount(members.get("acceptedCumulative"), "acceptedCumulative", most),
        )


async def answer_need(
    services: Services, account: Account, need: Need, *, challenge: Challenge, url: str
) -> str:
    """The credential that lets the stream go on; called with the lane's lock held."""
    record = account.record
    if record.state is not ChannelState.OPEN:
        raise ChannelBusyError(
            f"The stream asks for more, and its channel is {record.state}.",
            details={"channel": to_hex(record.id)},
        )
    asked = need.required, need.accepted
    if account.last_need != asked or need.required > record.signed:
        await _authorise(services, account, need, challenge, url)
        account.last_need = asked
    return account.voucher(challenge, account.record.signed)


async def _authorise(
    services: Services, account: Account, need: Need, challenge: Challenge, url: str
) -> None:
    """Sign for what is lacking. It counts as spent at once: the server may take it from now on."""
    record = account.record
    lacking = max(need.required - need.accepted, 0)
    used = max(need.required, record.claimed + lacking)
    amount = used - record.claimed
    if amount <= 0:
        return
    request = parse_request(challenge.request)
    payment = Payment(
        amount,
        currency=to_hex(record.descriptor.token),
        host=record.host,
        recipient=to_hex(record.descriptor.payee),
        session=to_hex(record.id),
    )
    reservation = account.purse.take(payment)
    try:
        total = record.signed
        if used > record.signed:
            total = account.next_total(used, request.min_voucher_delta or 0)
            extra = total - used - account.purse.spare
            if extra > 0:
                step = services.ledger.reserve(replace(payment, amount=extra), EVIDENCE)
                account.purse.keep(step)
        if total > account.record.deposit:
            await top_up(
                services,
                account,
                total,
                request=request,
                challenge=challenge,
                url=url,
                left=services.ledger.left(payment),
            )
        account.sign_for(signed=total, claimed=used)
    except BaseException as error:
        account.purse.keep(reservation)
        account.fit_purse()
        if isinstance(error, ChannelGoneError):
            raise ChannelBusyError("The server has ended the channel.") from error
        raise
    services.ledger.commit(reservation)
    account.fit_purse()
