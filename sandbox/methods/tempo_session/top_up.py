"""Topping up: what can be checked of a `topUp` credential without asking the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.errors import VerificationFailedError

from sandbox.methods.tempo_session.calls import read_top_up
from sandbox.methods.tempo_session.prefix import check_prefix
from sandbox.methods.tempo_session.protocol import SessionProtocol
from sandbox.methods.tempo_session.rules import require_usable
from sandbox.methods.tempo_session.transaction import read_transaction

if TYPE_CHECKING:
    from sandbox.methods.tempo_session.channel import Channel
    from sandbox.methods.tempo_session.payload import TopUp
    from sandbox.methods.tempo_session.request import SessionRequest
    from sandbox.methods.tempo_session.transaction import PayerTransaction


def check_top_up(request: SessionRequest, channel: Channel, payload: TopUp) -> PayerTransaction:
    """The transaction to broadcast, or the problem with it.

    `channel` is the one that `identity.check_channel` found. As in mppx, a channel whose payer has
    asked to leave takes no top-up through its server, although the chain would (and would forget
    the request): the payer is free to send the transaction itself.
    """
    require_usable(channel)
    if payload.additional_deposit > channel.protocol.max_amount - channel.deposit:
        raise VerificationFailedError("additionalDeposit would overflow the deposit")
    transaction = read_transaction(request, payload.transaction)
    terms = read_top_up(request.protocol, transaction.call.data)
    if terms is None:
        raise VerificationFailedError("transaction must end in one call of the escrow's topUp")
    is_v2 = channel.protocol is SessionProtocol.V2
    if terms.channel != (channel.descriptor if is_v2 else channel.id):
        raise VerificationFailedError("topUp transaction does not match stored channel")
    if terms.additional != payload.additional_deposit:
        raise VerificationFailedError("topUp deposit does not match credential")
    if transaction.sender != channel.descriptor.payer:
        raise VerificationFailedError("topUp transaction is not signed by the channel's payer")
    check_prefix(request.book, transaction.prefix, channel.descriptor.token, terms.additional)
    return transaction
