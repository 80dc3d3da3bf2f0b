"""The rules of a session: what may happen to a channel, and what becomes of it.

Every rule is a function from a channel to the next one. It raises the problem that the peer is told
and then changes nothing; what repeats something already true returns the very same object. Pure, so
a store may run them again when it loses a race. Spec: facts, protocol 2.5, in mppx's order.

What a peer asks for comes first; what the chain says, and cannot be argued with, after that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.errors import VerificationFailedError

from mock_rails.tempo.addresses import ZERO_ADDRESS
from sandbox.methods.tempo_session.channel import Channel, CloseOrder, Status
from sandbox.methods.tempo_session.problems import (
    AmountExceedsDepositError,
    ChannelClosedError,
    ChannelNotFoundError,
    DeltaTooSmallError,
    InsufficientBalanceError,
)
from sandbox.methods.tempo_session.protocol import SessionProtocol
from sandbox.methods.tempo_session.voucher import verify_voucher

if TYPE_CHECKING:
    from typing import Any

    from sandbox.methods.tempo_session.opening import Opening


# -- what a peer asks for -------------------------------------------------------------------------


def open_channel(current: Channel | None, opening: Opening, *, now_s: int) -> Channel:
    """Remember a checked opening before its transaction is sent, so that a crash cannot lose it.

    A client that resends its open finds the channel as it is.
    """
    if current is None:
        return Channel(
            id=opening.channel_id,
            protocol=opening.book.protocol,
            descriptor=opening.descriptor,
            chain_id=opening.book.chain_id,
            escrow=opening.book.escrow,
            deposit=opening.deposit,
            accepted=opening.cumulative,
            signature=opening.signature,
            opened_at_s=now_s,
            settled_at_s=now_s,
        )
    _require_not_ending(current)
    if opening.cumulative <= current.accepted:
        return current
    return _next(current, accepted=opening.cumulative, signature=opening.signature)


def accept_voucher(
    channel: Channel,
    cumulative: int,
    signature: bytes,
    *,
    min_delta: int = 0,
    signature_checked: bool = False,
) -> Channel:
    """Take a voucher as the channel's highest; the one it already has is accepted again.

    `signature_checked` is for the second look inside a store's update, at a voucher that passed
    `verify_voucher` before: everything else may have changed in between, its signature has not.
    """
    require_usable(channel)
    if cumulative > channel.deposit:
        raise AmountExceedsDepositError("voucher amount exceeds on-chain deposit")
    if cumulative < channel.accepted:
        raise VerificationFailedError(
            "voucher cumulativeAmount must be strictly greater than highest accepted voucher"
        )
    is_known = cumulative == channel.accepted and signature == channel.signature
    if not (is_known or signature_checked):
        verify_voucher(channel.book, channel.id, cumulative, signature, channel.signer)
    if cumulative <= channel.settled:
        raise VerificationFailedError("voucher cumulativeAmount is below on-chain settled amount")
    delta = cumulative - channel.accepted
    if not delta:
        return channel
    if delta < min_delta:
        raise DeltaTooSmallError(f"voucher delta {delta} below minimum {min_delta}")
    return _next(channel, accepted=cumulative, signature=signature)


def spend(channel: Channel, amount: int, units: int = 1) -> Channel:
    """Charge for what is about to be delivered."""
    if amount < 0 or units < 0:
        raise ValueError(f"a charge cannot be negative, got {amount} for {units} units")
    require_usable(channel)
    if channel.available < amount:
        raise InsufficientBalanceError(f"requested {amount}, available {channel.available}")
    if not (amount or units):
        return channel
    return _next(channel, spent=channel.spent + amount, units=channel.units + units)


def begin_close(
    channel: Channel,
    cumulative: int,
    signature: bytes,
    *,
    closer: bytes,
    signature_checked: bool = False,
) -> Channel:
    """Commit to the payer's close: nothing more is served, and `close_order` goes to the chain.

    The payee takes what it delivered (or captured already) and not all that the voucher grants; the
    escrow of v1 cannot do that and pays the voucher, which clients therefore sign for what they
    spent. A close for less than was authorised before is in order if it covers what was spent.
    """
    require_usable(channel)
    if cumulative < channel.spent:
        raise VerificationFailedError(f"close voucher amount must be >= {channel.spent} (spent)")
    if cumulative < channel.settled:
        raise VerificationFailedError(
            f"close voucher amount must be >= {channel.settled} (on-chain settled)"
        )
    is_known = cumulative == channel.accepted and signature == channel.signature
    if not (is_known or signature_checked):
        verify_voucher(channel.book, channel.id, cumulative, signature, channel.signer)
    closing = _closing(channel, cumulative, signature, closer)
    if channel.accepted < cumulative <= channel.deposit:
        return closing._replace(accepted=cumulative, signature=signature)
    return closing


def close_by_payee(channel: Channel, *, closer: bytes) -> Channel:
    """Commit to the payee's own close, with the highest voucher: at shutdown, or when the payer
    has asked to leave and the grace period is running.
    """
    if channel.status is not Status.OPEN:
        require_usable(channel)
    return _closing(channel, channel.accepted, channel.signature, closer)


# -- what the chain says --------------------------------------------------------------------------


def confirm_open(channel: Channel, opened_tx: bytes) -> Channel:
    """The opening transaction succeeded. (If it failed, forget the record.)"""
    if channel.status is not Status.OPENING:
        return channel
    return _next(channel, status=Status.OPEN, opened_tx=opened_tx)


def top_up(channel: Channel, deposit: int) -> Channel:
    """A top-up succeeded: the deposit is now this, and a request to leave is taken back."""
    if channel.status is Status.CLOSED:
        return channel
    if deposit <= channel.deposit and not channel.close_requested_at_s:
        return channel
    return _next(channel, deposit=max(deposit, channel.deposit), close_requested_at_s=0)


def finish_close(channel: Channel, closed_tx: bytes, captured: int) -> Channel:
    """The channel is gone from the chain: this transaction closed it, with this much captured.

    Whoever sent it: the payee, or a payer who had waited out the grace period.
    """
    if channel.status is Status.CLOSED:
        return channel
    return _next(
        channel,
        status=Status.CLOSED,
        closed_tx=closed_tx,
        settled=max(channel.settled, captured),
        close_order=None,
        close_requested_at_s=0,
    )


def abort_close(channel: Channel) -> Channel:
    """The closing transaction failed and is known not to have happened: go on serving."""
    if channel.status is not Status.CLOSING:
        return channel
    return _next(channel, status=Status.OPEN, close_order=None)


def note_forced_close(channel: Channel, requested_at_s: int) -> Channel:
    """The payer asked the chain to let it leave; 0 if it took that back."""
    if channel.status is Status.CLOSED or requested_at_s == channel.close_requested_at_s:
        return channel
    return _next(channel, close_requested_at_s=requested_at_s)


def note_settled(channel: Channel, settled: int, *, now_s: int) -> Channel:
    """The chain has captured this much in all; the settlement schedule starts anew.

    If the channel is closing, the settlement was on its way already, and the order follows it: the
    chain refuses to capture less than it has.
    """
    if settled <= channel.settled:
        return channel
    return _next(
        channel,
        settled=settled,
        settled_at_s=now_s,
        settled_units=channel.units,
        close_order=channel.close_order and _at_least(channel.close_order, settled),
    )


def note_chain_state(
    channel: Channel, *, deposit: int, settled: int, close_requested_at_s: int, now_s: int
) -> Channel:
    """The chain's own words about an open channel, asked for when ours are stale.

    Deposits and settlements only grow, so a node that lags behind takes nothing back. One that
    knows no such channel gets the peer a 410, and not our record: it may have missed the opening.
    """
    if channel.status is not Status.OPEN:
        return channel
    if not deposit:
        raise ChannelNotFoundError("channel not funded on-chain")
    channel = note_settled(channel, settled, now_s=now_s)
    if deposit > channel.deposit:
        channel = _next(channel, deposit=deposit)
    return note_forced_close(channel, close_requested_at_s)


# -- shared ---------------------------------------------------------------------------------------


def require_usable(channel: Channel) -> None:
    """Raise unless the channel can be paid with: open, and nobody is leaving."""
    if channel.status is Status.OPEN and not channel.close_requested_at_s:
        return
    _require_not_ending(channel)
    # 402, not 410: the client must not give the channel up, only wait for its own transaction.
    raise VerificationFailedError("channel is still being opened")


def _require_not_ending(channel: Channel) -> None:
    if channel.status is Status.CLOSED:
        raise ChannelClosedError("channel is finalized")
    if channel.status is Status.CLOSING or channel.close_requested_at_s:
        raise ChannelClosedError("channel has a pending close request")


def _closing(channel: Channel, cumulative: int, signature: bytes, closer: bytes) -> Channel:
    is_v1 = channel.protocol is SessionProtocol.V1
    wanted = cumulative if is_v1 else channel.spent
    order = _at_least(CloseOrder(cumulative, wanted, signature), channel.settled)
    if order.capture > channel.deposit:
        raise AmountExceedsDepositError("close capture amount exceeds on-chain deposit")
    descriptor = channel.descriptor
    if closer == ZERO_ADDRESS or closer not in {descriptor.payee, descriptor.operator}:
        raise VerificationFailedError("closing account is neither the channel's payee nor operator")
    return _next(channel, status=Status.CLOSING, close_order=order)


def _at_least(order: CloseOrder, settled: int) -> CloseOrder:
    """The order with nothing given back; for what is captured already, no voucher is asked."""
    capture = max(order.capture, settled)
    return order._replace(cumulative=max(order.cumulative, capture), capture=capture)


def _next(channel: Channel, **changes: Any) -> Channel:
    return channel._replace(version=channel.version + 1, **changes)
