"""What the chain says of a channel: its deposit, what was captured, and who closed it.

Both generations: the channel reserve (v2; facts, tempo 2.8) and the session escrow (v1; 2.9). Field
orders are the shipped code's, which differ from the spec's appendix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mock_rails.tempo.abi import AbiError, Event, Function
from mock_rails.tempo.addresses import ZERO_ADDRESS
from sandbox.chain.errors import ChainError, EscrowMissing
from sandbox.chain.logs import latest_log
from sandbox.chain.values import read_data, read_object, read_quantity, to_hex
from sandbox.methods.tempo_session.protocol import SessionProtocol

if TYPE_CHECKING:
    from sandbox.chain.rpc import TempoRpc
    from sandbox.methods.tempo_session.voucher import Book

_V2_STATE: Final = Function(
    "getChannelState(bytes32) returns (uint96 settled, uint96 deposit, uint32 closeRequestedAt)"
)
_V1_CHANNEL: Final = Function(
    "getChannel(bytes32) returns (bool finalized, uint64 closeRequestedAt, address payer,"
    " address payee, address token, address authorizedSigner, uint128 deposit, uint128 settled)"
)
_BALANCE: Final = Function("balanceOf(address) returns (uint256)")

# The generations differ in the width of the amounts, which is part of an event's topic.
_CLOSED: Final = {
    SessionProtocol.V1: Event(
        "ChannelClosed(bytes32 indexed channelId, address indexed payer, address indexed payee,"
        " uint256 captured, uint256 refunded)"
    ),
    SessionProtocol.V2: Event(
        "ChannelClosed(bytes32 indexed channelId, address indexed payer, address indexed payee,"
        " uint96 captured, uint96 refunded)"
    ),
}


class OnChainChannel(NamedTuple):
    """A channel's state on the chain. `close_requested_at_s` is 0 if nobody asked to close.

    `finalized` is v1's mark of a closed channel, all that it keeps of one: the rest is 0 then. v2
    forgets a channel as it closes. `find_close` says how either ended.
    """

    deposit: int
    settled: int
    close_requested_at_s: int
    finalized: bool = False

    @property
    def is_open(self) -> bool:
        """Whether vouchers can still be captured."""
        return not self.finalized


class CloseFound(NamedTuple):
    """How a channel ended: the payee was paid `captured` in all, the payer got `refunded` back.

    `closer` sent the transaction. It was `withdrawn` if that was the payer, who waited out the
    grace period; then the payee got no more than it had settled before.
    """

    tx_hash: bytes
    block_number: int
    closer: bytes
    captured: int
    refunded: int
    payer: bytes
    payee: bytes

    @property
    def withdrawn(self) -> bool:
        """Whether the payer left without the payee."""
        return self.closer == self.payer


async def read_channel(rpc: TempoRpc, channel_id: bytes, book: Book) -> OnChainChannel | None:
    """The channel's state; None if the chain knows no such channel (in v2 also: no longer)."""
    if book.protocol is SessionProtocol.V2:
        settled, deposit, asked_at_s = await _view(rpc, book.escrow, _V2_STATE, channel_id)
        return OnChainChannel(deposit, settled, asked_at_s) if deposit else None
    found = await _view(rpc, book.escrow, _V1_CHANNEL, channel_id)
    finalized, asked_at_s, payer, _, _, _, deposit, settled = found
    if payer == ZERO_ADDRESS and not finalized:
        return None
    return OnChainChannel(deposit, settled, asked_at_s, finalized)


async def token_balance(rpc: TempoRpc, token: bytes, address: bytes) -> int:
    """What an account holds of a token, in base units."""
    return int(await _view(rpc, token, _BALANCE, address))


async def find_close(
    rpc: TempoRpc, book: Book, channel_id: bytes, from_block: int = 0
) -> CloseFound | None:
    """How the channel ended, from the chain's logs; None if it did not, or before `from_block`."""
    event = _CLOSED[book.protocol]
    wanted = {"address": to_hex(book.escrow), "topics": [to_hex(event.topic), to_hex(channel_id)]}
    log = await latest_log(rpc, wanted, from_block)
    if log is None:
        return None
    topics = tuple(read_data(topic, "log's topic") for topic in log.get("topics") or ())
    try:
        values = event.decode(topics, read_data(log.get("data"), "log's data"))
    except (AbiError, ValueError, KeyError) as error:
        raise ChainError(f"The log of the channel's close is unreadable: {error}.") from error
    tx_hash = read_data(log.get("transactionHash"), "log's transactionHash")
    sent = read_object(
        await rpc.call("eth_getTransactionReceipt", to_hex(tx_hash)), "receipt of the close"
    )
    return CloseFound(
        tx_hash=tx_hash,
        block_number=read_quantity(log.get("blockNumber"), "log's blockNumber"),
        closer=read_data(sent.get("from"), "receipt's from"),
        captured=values["captured"],
        refunded=values["refunded"],
        payer=values["payer"],
        payee=values["payee"],
    )


async def _view(rpc: TempoRpc, to: bytes, function: Function, *values: Any) -> Any:
    request = {"to": to_hex(to), "data": to_hex(function.call(*values))}
    answer = read_data(await rpc.call("eth_call", request, "latest"), "eth_call")
    if not answer:
        raise EscrowMissing(
            f"There is no contract at {to_hex(to)} that knows {function.name}.",
            hint="Compare the address and the chain's id with what the challenge says.",
        )
    try:
        return function.result(answer)
    except AbiError as error:
        raise ChainError(f"{function.name} of {to_hex(to)} answered otherwise: {error}.") from error
