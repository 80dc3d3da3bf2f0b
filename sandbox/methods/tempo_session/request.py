"""A session offer: the `request` of a challenge with method `tempo` and intent `session`.

Spec: facts, protocol 2.4; names and nesting are mppx 0.11's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mpp.errors import InvalidChallengeError

from mock_rails.tempo.addresses import CHANNEL_RESERVE, ZERO_ADDRESS
from sandbox.methods.tempo_session.fields import (
    FieldError,
    read_address,
    read_amount,
    read_count,
    read_hash,
    read_object,
    read_text,
    to_hex,
)
from sandbox.methods.tempo_session.protocol import SessionProtocol
from sandbox.methods.tempo_session.snapshot import Snapshot
from sandbox.methods.tempo_session.voucher import Book

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.methods.tempo_session.channel import Channel


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """What is offered for how much, to whom, through which escrow. Amounts are base units."""

    amount: int
    unit_type: str
    currency: bytes
    recipient: bytes
    chain_id: int
    protocol: SessionProtocol = SessionProtocol.V2
    escrow: bytes = CHANNEL_RESERVE
    suggested_deposit: int | None = None
    operator: bytes | None = None
    min_voucher_delta: int | None = None
    fee_payer: bool | None = None
    fee_token: bytes | None = None
    channel_id: bytes | None = None
    snapshot: Snapshot | None = None

    def __post_init__(self) -> None:
        """Refuse an offer that no client could take; `FieldError` says why."""
        if self.amount <= 0:
            raise FieldError("amount must be greater than 0")
        if self.protocol is SessionProtocol.V2 and self.escrow != CHANNEL_RESERVE:
            raise FieldError(
                f"methodDetails.escrowContract must be {to_hex(CHANNEL_RESERVE)} for v2 sessions,"
                f" got {to_hex(self.escrow)}"
            )

    @property
    def book(self) -> Book:
        """Where this offer's vouchers count."""
        return Book(self.protocol, self.chain_id, self.escrow)

    @property
    def expected_operator(self) -> bytes:
        """The operator that a channel must name: nobody unless the offer says so."""
        return self.operator or ZERO_ADDRESS

    def covers(self, channel: Channel) -> bool:
        """Whether a channel pays this offer's recipient in its currency through its escrow."""
        return (
            channel.book == self.book
            and channel.descriptor.payee == self.recipient
            and channel.descriptor.token == self.currency
        )

    def to_json(self) -> dict[str, Any]:
        """The challenge's `request`."""
        details: dict[str, Any] = {
            "escrowContract": to_hex(self.escrow),
            "chainId": self.chain_id,
            "channelId": _hex(self.channel_id),
            "minVoucherDelta": _text(self.min_voucher_delta),
            "feePayer": self.fee_payer,
            "feeToken": _hex(self.fee_token),
            "operator": _hex(self.operator),
            "sessionProtocol": self.protocol.value,
            "sessionSnapshot": self.snapshot and self.snapshot.to_json(),
        }
        members: dict[str, Any] = {
            "amount": str(self.amount),
            "unitType": self.unit_type,
            "currency": to_hex(self.currency),
            "recipient": to_hex(self.recipient),
            "suggestedDeposit": _text(self.suggested_deposit),
            "methodDetails": {name: part for name, part in details.items() if part is not None},
        }
        return {name: part for name, part in members.items() if part is not None}


def parse_request(value: object) -> SessionRequest:
    """Read a challenge's `request`, or raise `InvalidChallengeError` naming what is wrong."""
    try:
        return _parse(read_object(value, "request"))
    except FieldError as error:
        raise InvalidChallengeError(reason=str(error)) from error


def _parse(members: Mapping[str, Any]) -> SessionRequest:
    details = read_object(members.get("methodDetails"), "methodDetails")
    protocol = _read_protocol(details.get("sessionProtocol"))
    snapshot = details.get("sessionSnapshot")

    def amount(source: Mapping[str, Any], name: str) -> int | None:
        found = source.get(name)
        return None if found is None else read_amount(found, name, protocol.max_amount)

    def address(name: str) -> bytes | None:
        found = details.get(name)
        return None if found is None else read_address(found, f"methodDetails.{name}")

    fee_payer = details.get("feePayer")
    if fee_payer is not None and not isinstance(fee_payer, bool):
        raise FieldError("methodDetails.feePayer must be a boolean")
    hinted = details.get("channelId")
    return SessionRequest(
        amount=read_amount(members.get("amount"), "amount", protocol.max_amount),
        unit_type=read_text(members.get("unitType"), "unitType"),
        currency=read_address(members.get("currency"), "currency"),
        recipient=read_address(members.get("recipient"), "recipient"),
        chain_id=read_count(details.get("chainId"), "methodDetails.chainId", least=1),
        protocol=protocol,
        escrow=read_address(details.get("escrowContract"), "methodDetails.escrowContract"),
        suggested_deposit=amount(members, "suggestedDeposit"),
        operator=address("operator"),
        min_voucher_delta=amount(details, "minVoucherDelta"),
        fee_payer=fee_payer,
        fee_token=address("feeToken"),
        channel_id=None if hinted is None else read_hash(hinted, "methodDetails.channelId"),
        snapshot=None if snapshot is None else Snapshot.from_json(snapshot),
    )


def _read_protocol(value: object) -> SessionProtocol:
    """Absent means v1: challenges from before there was a second generation do not say."""
    if value is None:
        return SessionProtocol.V1
    try:
        return SessionProtocol(read_text(value, "methodDetails.sessionProtocol"))
    except ValueError:
        names = ", ".join(SessionProtocol)
        raise FieldError(f"methodDetails.sessionProtocol must be one of {names}") from None


def _hex(value: bytes | None) -> str | None:
    return None if value is None else to_hex(value)


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)
