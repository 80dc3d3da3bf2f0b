"""The four things a client says in a session: open, bearer, topUp, close (facts: lightning 2.2).

Unknown members are passed over. What proves a payment is in no repr.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from sandbox.methods.lightning_charge.fields import FieldError, read_hex32, read_object
from sandbox.methods.lightning_charge.problems import MalformedCredentialError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Open:
    """The deposit of this very challenge is paid; what is left goes to the return invoice."""

    action: ClassVar[str] = "open"

    preimage: bytes = field(repr=False)
    return_invoice: str

    def to_json(self) -> dict[str, Any]:
        """The credential's payload."""
        return {
            "action": self.action,
            "preimage": self.preimage.hex(),
            "returnInvoice": self.return_invoice,
        }


@dataclass(frozen=True, slots=True)
class Bearer:
    """Pay from this session; the deposit's preimage shows that it is mine."""

    action: ClassVar[str] = "bearer"

    session_id: bytes
    preimage: bytes = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """The credential's payload."""
        return _owned(self)


@dataclass(frozen=True, slots=True)
class TopUp:
    """The deposit of this very challenge is paid, and is for this session."""

    action: ClassVar[str] = "topUp"

    session_id: bytes
    preimage: bytes = field(repr=False)
    """Of the further deposit: `topUpPreimage`."""

    def to_json(self) -> dict[str, Any]:
        """The credential's payload."""
        return {
            "action": self.action,
            "sessionId": self.session_id.hex(),
            "topUpPreimage": self.preimage.hex(),
        }


@dataclass(frozen=True, slots=True)
class Close:
    """Close this session and send back what is left."""

    action: ClassVar[str] = "close"

    session_id: bytes
    preimage: bytes = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """The credential's payload."""
        return _owned(self)


Payload = Open | Bearer | TopUp | Close


def parse_payload(value: object) -> Payload:
    """Read a credential's payload, or raise `MalformedCredentialError` naming what is wrong."""
    try:
        members = read_object(value, "payload")
        action = members.get("action")
        reader = _READERS.get(action) if isinstance(action, str) else None
        if reader is None:
            raise FieldError("action must be open, bearer, topUp or close")
        return reader(members)
    except FieldError as error:
        raise MalformedCredentialError(str(error)) from None


def _read_open(members: Mapping[str, Any]) -> Open:
    invoice = members.get("returnInvoice")
    if not isinstance(invoice, str) or not invoice:
        raise FieldError("returnInvoice must be a BOLT 11 invoice")
    return Open(read_hex32(members.get("preimage"), "preimage"), invoice)


def _read_bearer(members: Mapping[str, Any]) -> Bearer:
    return Bearer(_session_id(members), read_hex32(members.get("preimage"), "preimage"))


def _read_top_up(members: Mapping[str, Any]) -> TopUp:
    return TopUp(_session_id(members), read_hex32(members.get("topUpPreimage"), "topUpPreimage"))


def _read_close(members: Mapping[str, Any]) -> Close:
    return Close(_session_id(members), read_hex32(members.get("preimage"), "preimage"))


def _session_id(members: Mapping[str, Any]) -> bytes:
    return read_hex32(members.get("sessionId"), "sessionId")


def _owned(payload: Bearer | Close) -> dict[str, Any]:
    return {
        "action": payload.action,
        "sessionId": payload.session_id.hex(),
        "preimage": payload.preimage.hex(),
    }


_READERS: dict[str, Callable[[Mapping[str, Any]], Payload]] = {
    "open": _read_open,
    "bearer": _read_bearer,
    "topUp": _read_top_up,
    "close": _read_close,
}
