"""Does this credential speak of this offer's channel, in the name of someone who may?

The first checks of every action, in mppx's order: they need no signature and no chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mpp.errors import VerificationFailedError

from sandbox.methods.tempo_session.descriptor import channel_id
from sandbox.methods.tempo_session.fields import FieldError, read_address
from sandbox.methods.tempo_session.problems import ChannelNotFoundError, SignerMismatchError
from sandbox.methods.tempo_session.protocol import SessionProtocol

if TYPE_CHECKING:
    from mock_rails.tempo.native.channel_reserve import Descriptor
    from sandbox.methods.tempo_session.channel import Channel
    from sandbox.methods.tempo_session.payload import Payload
    from sandbox.methods.tempo_session.request import SessionRequest

_DID: Final = "did:pkh:eip155:"


def check_descriptor(request: SessionRequest, descriptor: Descriptor, claimed_id: bytes) -> None:
    """Raise unless the descriptor has the claimed id and is the offer's kind of channel."""
    computed = channel_id(request.protocol, descriptor, request.chain_id, request.escrow)
    if computed != claimed_id:
        raise VerificationFailedError("channel descriptor does not match channelId")
    if descriptor.payee != request.recipient:
        raise VerificationFailedError("channel descriptor payee does not match server destination")
    if descriptor.token != request.currency:
        raise VerificationFailedError("channel descriptor token does not match server token")
    if descriptor.operator != request.expected_operator:
        raise VerificationFailedError("channel descriptor operator does not match server operator")


def check_channel(request: SessionRequest, payload: Payload, found: Channel | None) -> Channel:
    """The channel that a voucher, topUp or close is about, or the reason why not.

    `found` is what the server has under the payload's channel id.
    """
    if payload.descriptor is not None:
        check_descriptor(request, payload.descriptor, payload.channel_id)
    if found is None:
        raise ChannelNotFoundError("channel not found")
    if request.protocol is SessionProtocol.V2 and payload.descriptor != found.descriptor:
        raise VerificationFailedError("credential descriptor does not match stored channel")
    if payload.channel_id != found.id or not request.covers(found):
        raise VerificationFailedError("stored channel does not belong to this offer")
    return found


def check_source(channel: Channel, source: str | None) -> None:
    """Raise unless the credential comes from the channel's payer or its voucher signer.

    Only vouchers are held to it, as in mppx: the other actions are signed by whom they bind.
    """
    prefix = f"{_DID}{channel.chain_id}:"
    if source is None or not source.startswith(prefix):
        raise SignerMismatchError(f"credential source must be {prefix} and an address")
    try:
        address = read_address(source[len(prefix) :], "credential source")
    except FieldError as error:
        raise SignerMismatchError(str(error)) from error
    if address not in {channel.descriptor.payer, channel.signer}:
        raise SignerMismatchError(
            "credential source does not match channel payer or authorized signer"
        )
