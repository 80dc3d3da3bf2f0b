"""A channel as its payee remembers it: the record that the gate's stores keep.

    authorised   `accepted`: the total of the highest voucher, with its signature
    delivered    `spent`: the total of what was served for it
    captured     `settled`: the total that the chain has paid out

    (nobody) --> opening --> open --> closing --> closed
                                <-- (the closing transaction failed)

`spent <= accepted <= deposit` always, and none of the three ever falls; `rules` sees to it. A
record is a value: a rule gives a new one, with the next `version`, or the same one if nothing
changed. It is a named tuple because to replace a field of one costs a fraction of what it costs in
a frozen dataclass, and every paid request does it twice.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sandbox.methods.disclosure import shown
from sandbox.methods.tempo_session.descriptor import descriptor_from_json, descriptor_to_json
from sandbox.methods.tempo_session.fields import (
    FieldError,
    read_address,
    read_amount,
    read_bytes,
    read_count,
    read_hash,
    read_object,
    read_text,
    to_hex,
)
from sandbox.methods.tempo_session.protocol import SessionProtocol
from sandbox.methods.tempo_session.voucher import Book

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.tempo.native.channel_reserve import Descriptor

RECORD_FORMAT: Final = 1


class Status(StrEnum):
    """Where a channel stands."""

    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class CloseOrder(NamedTuple):
    """What the chain is to be told: capture `capture` on the strength of this voucher."""

    cumulative: int
    capture: int
    signature: bytes

    def __repr__(self) -> str:
        """Without the voucher's signature."""
        return shown(self, self._fields, hidden={"signature"})


class Channel(NamedTuple):
    """Identity, which never changes, then standing.

    `close_requested_at_s` is the payer's forced close as the chain tells it, 0 if there is none.
    `settled_units` and `settled_at_s` are `units` and the time at the last settlement (the opening,
    before the first): settlement schedules count from there.
    """

    id: bytes
    protocol: SessionProtocol
    descriptor: Descriptor
    chain_id: int
    escrow: bytes
    deposit: int
    accepted: int
    signature: bytes
    settled: int = 0
    spent: int = 0
    units: int = 0
    status: Status = Status.OPENING
    close_requested_at_s: int = 0
    close_order: CloseOrder | None = None
    opened_tx: bytes | None = None
    closed_tx: bytes | None = None
    opened_at_s: int = 0
    settled_at_s: int = 0
    settled_units: int = 0
    version: int = 1

    def __repr__(self) -> str:
        """Without the highest voucher's signature: whoever holds it can use it."""
        return shown(self, self._fields, hidden={"signature"})

    @property
    def signer(self) -> bytes:
        """Whose vouchers count."""
        return self.descriptor.signer

    @property
    def book(self) -> Book:
        """Where its vouchers count."""
        return Book(self.protocol, self.chain_id, self.escrow)

    @property
    def available(self) -> int:
        """What is authorised and not yet delivered."""
        return self.accepted - self.spent

    @property
    def exposure(self) -> int:
        """What is delivered and not yet captured: the payee's loss if the voucher were lost. Of a
        closed channel nothing more can be captured, or lost."""
        return 0 if self.status is Status.CLOSED else max(self.spent - self.settled, 0)


def to_record(channel: Channel) -> dict[str, Any]:
    """A JSON-able record; amounts are strings, for JSON's numbers end at 2^53 in many readers."""
    order = channel.close_order
    return {
        "format": RECORD_FORMAT,
        "id": to_hex(channel.id),
        "protocol": channel.protocol.value,
        "descriptor": descriptor_to_json(channel.descriptor),
        "chainId": channel.chain_id,
        "escrow": to_hex(channel.escrow),
        "deposit": str(channel.deposit),
        "accepted": str(channel.accepted),
        "signature": to_hex(channel.signature),
        "settled": str(channel.settled),
        "spent": str(channel.spent),
        "units": channel.units,
        "status": channel.status.value,
        "closeRequestedAt": channel.close_requested_at_s,
        "closeOrder": order
        and {
            "cumulative": str(order.cumulative),
            "capture": str(order.capture),
            "signature": to_hex(order.signature),
        },
        "openedTx": channel.opened_tx and to_hex(channel.opened_tx),
        "closedTx": channel.closed_tx and to_hex(channel.closed_tx),
        "openedAt": channel.opened_at_s,
        "settledAt": channel.settled_at_s,
        "settledUnits": channel.settled_units,
        "version": channel.version,
    }


def from_record(record: object) -> Channel:
    """Read a record back; `FieldError` if it is not one of ours."""
    members = read_object(record, "channel record")
    if members.get("format") != RECORD_FORMAT:
        raise FieldError(
            f"channel record has format {members.get('format')!r}, this version reads"
            f" {RECORD_FORMAT}"
        )
    try:
        protocol = SessionProtocol(read_text(members.get("protocol"), "protocol"))
        status = Status(read_text(members.get("status"), "status"))
    except ValueError as error:
        raise FieldError(f"channel record: {error}") from error

    def amount(name: str) -> int:
        return read_amount(members.get(name), name, protocol.max_amount)

    def count(name: str) -> int:
        return read_count(members.get(name), name)

    return Channel(
        id=read_hash(members.get("id"), "id"),
        protocol=protocol,
        descriptor=descriptor_from_json(members.get("descriptor")),
        chain_id=count("chainId"),
        escrow=read_address(members.get("escrow"), "escrow"),
        deposit=amount("deposit"),
        accepted=amount("accepted"),
        signature=read_bytes(members.get("signature"), "signature"),
        settled=amount("settled"),
        spent=amount("spent"),
        units=count("units"),
        status=status,
        close_requested_at_s=count("closeRequestedAt"),
        close_order=_read_order(members, protocol),
        opened_tx=_read_optional_hash(members, "openedTx"),
        closed_tx=_read_optional_hash(members, "closedTx"),
        opened_at_s=count("openedAt"),
        settled_at_s=count("settledAt"),
        settled_units=count("settledUnits"),
        version=count("version"),
    )


def _read_order(members: Mapping[str, Any], protocol: SessionProtocol) -> CloseOrder | None:
    if members.get("closeOrder") is None:
        return None
    order = read_object(members["closeOrder"], "closeOrder")
    return CloseOrder(
        read_amount(order.get("cumulative"), "closeOrder.cumulative", protocol.max_amount),
        read_amount(order.get("capture"), "closeOrder.capture", protocol.max_amount),
        read_bytes(order.get("signature"), "closeOrder.signature"),
    )


def _read_optional_hash(members: Mapping[str, Any], name: str) -> bytes | None:
    value = members.get(name)
    return None if value is None else read_hash(value, name)
