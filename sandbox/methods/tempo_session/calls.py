"""The contract calls of a session: written by payers and payees, read by whoever is shown one.

Signatures are facts, tempo 2.8 (the reserve) and 2.9 (the escrow). The reserve takes a deposit by
itself; the escrow needs an approval first, so paying into it is a batch of two calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mock_rails.tempo.abi import AbiError, Function
from mock_rails.tempo.addresses import ZERO_ADDRESS
from mock_rails.tempo.native.channel_reserve import Descriptor
from mock_rails.tempo.tx.model import Call
from sandbox.methods.tempo_session.protocol import SessionProtocol

if TYPE_CHECKING:
    from typing import Any

    from sandbox.methods.tempo_session.channel import Channel, CloseOrder
    from sandbox.methods.tempo_session.voucher import Book

_D: Final = "(address,address,address,address,bytes32,address,bytes32)"

APPROVE: Final = Function("approve(address,uint256)")
V2_OPEN: Final = Function("open(address,address,address,uint96,bytes32,address)")
V2_TOP_UP: Final = Function(f"topUp({_D},uint96)")
V2_SETTLE: Final = Function(f"settle({_D},uint96,bytes)")
V2_CLOSE: Final = Function(f"close({_D},uint96,uint96,bytes)")
V2_REQUEST_CLOSE: Final = Function(f"requestClose({_D})")
V2_WITHDRAW: Final = Function(f"withdraw({_D})")
V1_OPEN: Final = Function("open(address,address,uint128,bytes32,address)")
V1_TOP_UP: Final = Function("topUp(bytes32,uint256)")
V1_SETTLE: Final = Function("settle(bytes32,uint128,bytes)")
V1_CLOSE: Final = Function("close(bytes32,uint128,bytes)")
V1_REQUEST_CLOSE: Final = Function("requestClose(bytes32)")
V1_WITHDRAW: Final = Function("withdraw(bytes32)")


class OpenTerms(NamedTuple):
    """What a payer chooses when it opens a channel; v1 has no operator."""

    payee: bytes
    token: bytes
    deposit: int
    salt: bytes
    authorized_signer: bytes
    operator: bytes = ZERO_ADDRESS


class TopUpTerms(NamedTuple):
    """How much a payer adds to which channel: by descriptor in the reserve, by id in the escrow."""

    channel: Descriptor | bytes
    additional: int


# -- writing --------------------------------------------------------------------------------------


def open_calls(book: Book, terms: OpenTerms) -> tuple[Call, ...]:
    """Open a channel, in the name of whoever signs the transaction."""
    if book.protocol is SessionProtocol.V2:
        payee, token, deposit, salt, signer, operator = terms
        return (_call(book, V2_OPEN, payee, operator, token, deposit, salt, signer),)
    approve = APPROVE.call(book.escrow, terms.deposit)
    return (Call(terms.token, 0, approve), _call(book, V1_OPEN, *terms[:-1]))


def top_up_calls(channel: Channel, additional: int) -> tuple[Call, ...]:
    """Add to a channel's deposit, as its payer."""
    book = channel.book
    if book.protocol is SessionProtocol.V2:
        return (_call(book, V2_TOP_UP, channel.descriptor, additional),)
    approve = APPROVE.call(book.escrow, additional)
    return (
        Call(channel.descriptor.token, 0, approve),
        _call(book, V1_TOP_UP, channel.id, additional),
    )


def settle_call(channel: Channel) -> Call:
    """Capture the highest voucher and leave the channel open, as its payee."""
    function = V2_SETTLE if channel.protocol is SessionProtocol.V2 else V1_SETTLE
    subject = _subject(channel)
    return _call(channel.book, function, subject, channel.accepted, channel.signature)


def close_call(channel: Channel, order: CloseOrder) -> Call:
    """Capture what the order says and give the payer the rest back, as the payee."""
    if channel.protocol is SessionProtocol.V2:
        return _call(channel.book, V2_CLOSE, channel.descriptor, *order)
    return _call(channel.book, V1_CLOSE, channel.id, order.cumulative, order.signature)


def request_close_call(channel: Channel) -> Call:
    """Begin to leave without the payee, as the payer."""
    function = V2_REQUEST_CLOSE if channel.protocol is SessionProtocol.V2 else V1_REQUEST_CLOSE
    return _call(channel.book, function, _subject(channel))


def withdraw_call(channel: Channel) -> Call:
    """Take back what was not captured, once the grace period is over, as the payer."""
    function = V2_WITHDRAW if channel.protocol is SessionProtocol.V2 else V1_WITHDRAW
    return _call(channel.book, function, _subject(channel))


def _subject(channel: Channel) -> Descriptor | bytes:
    return channel.descriptor if channel.protocol is SessionProtocol.V2 else channel.id


def _call(book: Book, function: Function, *values: Any) -> Call:
    return Call(book.escrow, 0, function.call(*values))


# -- reading --------------------------------------------------------------------------------------


def read_open(protocol: SessionProtocol, data: bytes) -> OpenTerms | None:
    """What an `open` call says; None if it is not one."""
    if protocol is SessionProtocol.V1:
        values = decode(V1_OPEN, data)
        return None if values is None else OpenTerms(*values)
    values = decode(V2_OPEN, data)
    if values is None:
        return None
    payee, operator, token, deposit, salt, signer = values
    return OpenTerms(payee, token, deposit, salt, signer, operator)


def read_top_up(protocol: SessionProtocol, data: bytes) -> TopUpTerms | None:
    """What a `topUp` call says; None if it is not one."""
    if protocol is SessionProtocol.V1:
        values = decode(V1_TOP_UP, data)
        return None if values is None else TopUpTerms(*values)
    values = decode(V2_TOP_UP, data)
    return None if values is None else TopUpTerms(Descriptor(*values[0]), values[1])


def decode(function: Function, data: bytes) -> tuple[Any, ...] | None:
    """A call's arguments, as leniently as the chain reads them; None if it calls something else."""
    if data[:4] != function.selector:
        return None
    try:
        return function.inputs.decode(data, 4)
    except AbiError:
        return None
