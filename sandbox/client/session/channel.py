"""A channel as its payer remembers it: the record in the book.

    signed      the highest total that any voucher was signed for: never forgotten, never undercut
    claimed     what requests have used of it, served or under way
    spent       what receipts confirm to have been delivered

    opening --> open --> closing --> closed
                  \\--> lost       (the server forgot it; the chain has not)

`spent <= claimed <= signed <= deposit`. What is signed and not claimed pays for the next request
without a larger voucher. A record is a value; every change makes a new one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sandbox.methods.disclosure import shown
from sandbox.methods.tempo_session import (
    Book,
    Channel,
    FieldError,
    SessionProtocol,
    Status,
)
from sandbox.methods.tempo_session.descriptor import descriptor_from_json, descriptor_to_json
from sandbox.methods.tempo_session.fields import (
    read_address,
    read_amount,
    read_bytes,
    read_count,
    read_hash,
    read_object,
    read_text,
    to_hex,
)

if TYPE_CHECKING:
    from sandbox.methods.tempo_session import Descriptor, SessionRequest

RECORD_FORMAT: Final = 1


class ChannelState(StrEnum):
    """Where a channel stands, seen from its payer."""

    OPENING = "opening"
    """The opening is signed; the server or the chain has not confirmed it."""
    OPEN = "open"
    CLOSING = "closing"
    """A close is under way: the payee's on the payer's word, or a forced one."""
    CLOSED = "closed"
    LOST = "lost"
    """The server does not know it, but its deposit is on the chain: a case for a forced close."""


class Pending(NamedTuple):
    """A signed opening or top-up that the chain may still take; the same bytes may be resent."""

    transaction: bytes
    amount: int
    valid_before_s: int

    def __repr__(self) -> str:
        """Without the signed bytes."""
        return shown(self, self._fields, hidden={"transaction"})


class Scope(NamedTuple):
    """Which requests share a channel. The host is part of it: no other server need know it."""

    host: str
    chain_id: int
    protocol: SessionProtocol
    escrow: bytes
    payee: bytes
    token: bytes
    operator: bytes

    @classmethod
    def of(cls, request: SessionRequest, host: str) -> Scope:
        """The scope of an offer that a host made."""
        return cls(
            host,
            request.chain_id,
            request.protocol,
            request.escrow,
            request.recipient,
            request.currency,
            request.expected_operator,
        )


@dataclass(frozen=True, slots=True)
class PayerChannel:
    """One channel. `url` is where it was last used: management requests go there."""

    id: bytes
    protocol: SessionProtocol
    descriptor: Descriptor
    chain_id: int
    escrow: bytes
    host: str
    url: str
    deposit: int
    signed: int = 0
    claimed: int = 0
    spent: int = 0
    state: ChannelState = ChannelState.OPENING
    pending: Pending | None = field(default=None, repr=False)
    close_requested_at_s: int = 0
    captured: int | None = None
    closed_tx: bytes | None = None
    opened_at_s: int = 0
    from_block: int = 0
    """No log of the channel is older than this block."""
    version: int = 1

    @property
    def book(self) -> Book:
        """Where its vouchers count."""
        return Book(self.protocol, self.chain_id, self.escrow)

    @property
    def headroom(self) -> int:
        """What is authorised and not yet used."""
        return self.signed - self.claimed

    @property
    def scope(self) -> Scope:
        """Which requests may use it."""
        parts = self.descriptor
        return Scope(
            self.host,
            self.chain_id,
            self.protocol,
            self.escrow,
            parts.payee,
            parts.token,
            parts.operator,
        )

    @property
    def shown_descriptor(self) -> Descriptor | None:
        """What a credential says of it: v1 knows no descriptors."""
        return self.descriptor if self.protocol is SessionProtocol.V2 else None

    def as_channel(self) -> Channel:
        """The protocol's own record, for its contract calls and its checks of snapshots."""
        return Channel(
            id=self.id,
            protocol=self.protocol,
            descriptor=self.descriptor,
            chain_id=self.chain_id,
            escrow=self.escrow,
            deposit=self.deposit,
            accepted=self.signed,
            signature=b"",
            spent=self.spent,
            status=Status.OPEN,
        )

    def next(self, **changes: Any) -> PayerChannel:
        """The record after a change that is to be kept."""
        return replace(self, version=self.version + 1, **changes)


def to_record(channel: PayerChannel) -> dict[str, Any]:
    """A JSON-able record; amounts are strings, as everywhere in the protocol."""
    pending = channel.pending
    return {
        "format": RECORD_FORMAT,
        "id": to_hex(channel.id),
        "protocol": channel.protocol.value,
        "descriptor": descriptor_to_json(channel.descriptor),
        "chainId": channel.chain_id,
        "escrow": to_hex(channel.escrow),
        "host": channel.host,
        "url": channel.url,
        "deposit": str(channel.deposit),
        "signed": str(channel.signed),
        "claimed": str(channel.claimed),
        "spent": str(channel.spent),
        "state": channel.state.value,
        "pending": pending
        and {
            "transaction": to_hex(pending.transaction),
            "amount": str(pending.amount),
            "validBefore": pending.valid_before_s,
        },
        "closeRequestedAt": channel.close_requested_at_s,
        "captured": None if channel.captured is None else str(channel.captured),
        "closedTx": channel.closed_tx and to_hex(channel.closed_tx),
        "openedAt": channel.opened_at_s,
        "fromBlock": channel.from_block,
        "version": channel.version,
    }


def from_record(record: object) -> PayerChannel:
    """Read a record back; `FieldError` if it is not one of ours."""
    members = read_object(record, "channel record")
    if members.get("format") != RECORD_FORMAT:
        raise FieldError(f"channel record has format {members.get('format')!r}")
    try:
        protocol = SessionProtocol(read_text(members.get("protocol"), "protocol"))
        state = ChannelState(read_text(members.get("state"), "state"))
    except ValueError as error:
        raise FieldError(f"channel record: {error}") from error

    def amount(name: str) -> int:
        return read_amount(members.get(name), name, protocol.max_amount)

    def count(name: str) -> int:
        return read_count(members.get(name), name)

    closed_tx = members.get("closedTx")
    return PayerChannel(
        id=read_hash(members.get("id"), "id"),
        protocol=protocol,
        descriptor=descriptor_from_json(members.get("descriptor")),
        chain_id=count("chainId"),
        escrow=read_address(members.get("escrow"), "escrow"),
        host=read_text(members.get("host"), "host"),
        url=read_text(members.get("url"), "url"),
        deposit=amount("deposit"),
        signed=amount("signed"),
        claimed=amount("claimed"),
        spent=amount("spent"),
        state=state,
        pending=_read_pending(members.get("pending"), protocol),
        close_requested_at_s=count("closeRequestedAt"),
        captured=None if members.get("captured") is None else amount("captured"),
        closed_tx=None if closed_tx is None else read_hash(closed_tx, "closedTx"),
        opened_at_s=count("openedAt"),
        from_block=count("fromBlock"),
        version=count("version"),
    )


def _read_pending(value: object, protocol: SessionProtocol) -> Pending | None:
    if value is None:
        return None
    members = read_object(value, "pending")
    return Pending(
        read_bytes(members.get("transaction"), "pending.transaction"),
        read_amount(members.get("amount"), "pending.amount", protocol.max_amount),
        read_count(members.get("validBefore"), "pending.validBefore"),
    )
