"""The four things a client says in a session: open, voucher, topUp, close.

Exactly mppx 0.11's credential payloads: same names, amounts as decimal strings, bytes as 0x-hex.
In v2 each carries the channel's descriptor; v1 knows none. Whatever does not fit is an
`InvalidPayloadError` with the field's name. What proves a payment is in no repr. Spec: facts,
protocol 2.5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from mpp.errors import InvalidPayloadError

from sandbox.methods.tempo_session.descriptor import descriptor_from_json, descriptor_to_json
from sandbox.methods.tempo_session.fields import (
    FieldError,
    read_address,
    read_amount,
    read_bytes,
    read_hash,
    read_object,
    to_hex,
)
from sandbox.methods.tempo_session.protocol import SessionProtocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_rails.tempo.native.channel_reserve import Descriptor


@dataclass(frozen=True, slots=True)
class Open:
    """Open a channel with this transaction, and pay for the first request with this voucher."""

    action: ClassVar[str] = "open"

    channel_id: bytes
    descriptor: Descriptor | None
    transaction: bytes = field(repr=False)
    cumulative: int
    signature: bytes = field(repr=False)
    authorized_signer: bytes | None = None

    def to_json(self) -> dict[str, Any]:
        """The credential's payload."""
        members = {
            **_head(self),
            "type": "transaction",
            "transaction": to_hex(self.transaction),
            "cumulativeAmount": str(self.cumulative),
            "signature": to_hex(self.signature),
        }
        if self.authorized_signer is not None:
            members["authorizedSigner"] = to_hex(self.authorized_signer)
        return members


@dataclass(frozen=True, slots=True)
class Voucher:
    """Authorise a larger total."""

    action: ClassVar[str] = "voucher"

    channel_id: bytes
    descriptor: Descriptor | None
    cumulative: int
    signature: bytes = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """The credential's payload."""
        return _signed(self)


@dataclass(frozen=True, slots=True)
class TopUp:
    """Add to the deposit with this transaction."""

    action: ClassVar[str] = "topUp"

    channel_id: bytes
    descriptor: Descriptor | None
    transaction: bytes = field(repr=False)
    additional_deposit: int

    def to_json(self) -> dict[str, Any]:
        """The credential's payload."""
        return {
            **_head(self),
            "type": "transaction",
            "transaction": to_hex(self.transaction),
            "additionalDeposit": str(self.additional_deposit),
        }


@dataclass(frozen=True, slots=True)
class Close:
    """End the session; the voucher covers what was spent."""

    action: ClassVar[str] = "close"

    channel_id: bytes
    descriptor: Descriptor | None
    cumulative: int
    signature: bytes = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """The credential's payload."""
        return _signed(self)


Payload = Open | Voucher | TopUp | Close


def parse_payload(value: object, protocol: SessionProtocol) -> Payload:
    """Read a credential's payload, or raise `InvalidPayloadError` naming what is wrong."""
    try:
        members = read_object(value, "payload")
        action = members.get("action")
        read = _READERS.get(action) if isinstance(action, str) else None
        if read is None:
            raise FieldError(f"action must be one of {', '.join(_READERS)}")
        return read(members, protocol)
    except FieldError as error:
        raise InvalidPayloadError(str(error)) from error


def _head(payload: Payload) -> dict[str, Any]:
    head: dict[str, Any] = {"action": payload.action, "channelId": to_hex(payload.channel_id)}
    if payload.descriptor is not None:
        head["descriptor"] = descriptor_to_json(payload.descriptor)
    return head


def _signed(payload: Voucher | Close) -> dict[str, Any]:
    return {
        **_head(payload),
        "cumulativeAmount": str(payload.cumulative),
        "signature": to_hex(payload.signature),
    }


def _descriptor(members: Mapping[str, Any], protocol: SessionProtocol) -> Descriptor | None:
    if protocol is SessionProtocol.V1:
        return None
    return descriptor_from_json(members.get("descriptor"))


def _transaction(members: Mapping[str, Any]) -> bytes:
    if members.get("type") != "transaction":
        raise FieldError('type must be "transaction"')
    return read_bytes(members.get("transaction"), "transaction")


def _cumulative(members: Mapping[str, Any], protocol: SessionProtocol) -> int:
    return read_amount(members.get("cumulativeAmount"), "cumulativeAmount", protocol.max_amount)


def _read_open(members: Mapping[str, Any], protocol: SessionProtocol) -> Open:
    signer = members.get("authorizedSigner")
    return Open(
        read_hash(members.get("channelId"), "channelId"),
        _descriptor(members, protocol),
        _transaction(members),
        _cumulative(members, protocol),
        read_bytes(members.get("signature"), "signature"),
        None if signer is None else read_address(signer, "authorizedSigner"),
    )


def _read_voucher(members: Mapping[str, Any], protocol: SessionProtocol) -> Voucher:
    return Voucher(
        read_hash(members.get("channelId"), "channelId"),
        _descriptor(members, protocol),
        _cumulative(members, protocol),
        read_bytes(members.get("signature"), "signature"),
    )


def _read_top_up(members: Mapping[str, Any], protocol: SessionProtocol) -> TopUp:
    additional = members.get("additionalDeposit")
    return TopUp(
        read_hash(members.get("channelId"), "channelId"),
        _descriptor(members, protocol),
        _transaction(members),
        read_amount(additional, "additionalDeposit", protocol.max_amount),
    )


def _read_close(members: Mapping[str, Any], protocol: SessionProtocol) -> Close:
    return Close(
        read_hash(members.get("channelId"), "channelId"),
        _descriptor(members, protocol),
        _cumulative(members, protocol),
        read_bytes(members.get("signature"), "signature"),
    )


_READERS: dict[str, Callable[[Mapping[str, Any], SessionProtocol], Payload]] = {
    Open.action: _read_open,
    Voucher.action: _read_voucher,
    TopUp.action: _read_top_up,
    Close.action: _read_close,
}
