"""The JSON frames of a paid WebSocket, written and read (facts: protocol 2.9).

    client -> server   authorization, payment-close-request
    server -> client   message, payment-need-voucher, payment-receipt, payment-close-ready,
                       payment-error

Writers return the text of one frame. The two readers take what the other side may send, and refuse
everything else with `FrameError`: a frame that nobody understands is never content.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST_FRAME: Final = 1_024 * 1_024
"""The largest frame of a client; an opening transaction is a few kilobytes."""

_LONGEST_AMOUNT: Final = 39  # digits of 2**128, the larger of the two protocols' amounts
_LONGEST_ID: Final = 256


class FrameError(ValueError):
    """A frame, an event or a receipt that is not what the protocol knows."""


class CloseCode:
    """Why a WebSocket ends (RFC 6455, 7.4; 3008 is mppx's client's)."""

    NORMAL: Final = 1000
    POLICY: Final = 1008
    INTERNAL: Final = 1011
    CLIENT_PROTOCOL: Final = 3008


class Kind(Enum):
    """The `mpp` member of a frame."""

    AUTHORIZATION = "authorization"
    CLOSE_REQUEST = "payment-close-request"
    MESSAGE = "message"
    NEED_VOUCHER = "payment-need-voucher"
    RECEIPT = "payment-receipt"
    CLOSE_READY = "payment-close-ready"
    ERROR = "payment-error"


@dataclass(frozen=True, slots=True)
class NeedVoucher:
    """The server holds the stream until more is authorised. Amounts are base units.

    `delivered` and `challenges` are the reader's own additions: how many messages of this stream it
    has handed over, and the fresh `WWW-Authenticate` values if the last answer was refused.
    """

    channel_id: str
    required: int
    accepted: int
    deposit: int
    delivered: int = 0
    challenges: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, value: object) -> NeedVoucher:
        """Read the data of a `payment-need-voucher`."""
        members = value if isinstance(value, dict) else {}
        channel_id = members.get("channelId")
        if not isinstance(channel_id, str) or not 0 < len(channel_id) <= _LONGEST_ID:
            raise FrameError("A payment-need-voucher names its channelId.")
        return cls(
            channel_id=channel_id,
            required=_amount(members, "requiredCumulative"),
            accepted=_amount(members, "acceptedCumulative"),
            deposit=_amount(members, "deposit"),
        )


@dataclass(frozen=True, slots=True)
class ClientFrame:
    """What a client said: an authorization, or that it wants to close."""

    kind: Kind
    authorization: str = ""

    def __repr__(self) -> str:
        """Without the credential: it may end up in a log."""
        return f"ClientFrame({self.kind.value})"


@dataclass(frozen=True, slots=True)
class ServerFrame:
    """What a server said. Only the member that belongs to the kind is set."""

    kind: Kind
    text: str = ""
    need: NeedVoucher | None = None
    receipt: dict[str, Any] | None = None
    status: int = 0


# -- writing ---------------------------------------------------------------------------------------


def authorization(credential: str) -> str:
    """The client pays: open, voucher, topUp or close."""
    return _frame(Kind.AUTHORIZATION, authorization=credential)


def close_request() -> str:
    """The client wants to know what it owes."""
    return _frame(Kind.CLOSE_REQUEST)


def message(data: str) -> str:
    """One unit of content."""
    return _frame(Kind.MESSAGE, data=data)


def need_voucher(need: Mapping[str, Any]) -> str:
    """The stream is held until the channel covers `requiredCumulative`."""
    return _frame(Kind.NEED_VOUCHER, data=need)


def receipt(data: Mapping[str, Any]) -> str:
    """A credential was accepted."""
    return _frame(Kind.RECEIPT, data=data)


def close_ready(data: Mapping[str, Any]) -> str:
    """The stream has ended: the client signs exactly `spent`, if it wants to close."""
    return _frame(Kind.CLOSE_READY, data=data)


def error(status: int, text: str) -> str:
    """What went wrong, with the status that HTTP would have had."""
    return _frame(Kind.ERROR, status=status, message=text)


def _frame(kind: Kind, **members: Any) -> str:
    return orjson.dumps({"mpp": kind.value, **members}).decode()


# -- reading ---------------------------------------------------------------------------------------


def read_client_frame(text: str) -> ClientFrame:
    """A frame that a server got."""
    if len(text) > LARGEST_FRAME:
        raise FrameError(f"The frame exceeds {LARGEST_FRAME:,} characters.")
    match _json(text):
        case {"mpp": "authorization", "authorization": str(credential)}:
            return ClientFrame(Kind.AUTHORIZATION, credential)
        case {"mpp": "payment-close-request"}:
            return ClientFrame(Kind.CLOSE_REQUEST)
    raise FrameError("Expected an authorization or a payment-close-request.")


def read_server_frame(text: str) -> ServerFrame:
    """A frame that a client got."""
    match _json(text):
        case {"mpp": "message", "data": str(data)}:
            return ServerFrame(Kind.MESSAGE, text=data)
        case {"mpp": "payment-need-voucher", "data": need}:
            return ServerFrame(Kind.NEED_VOUCHER, need=NeedVoucher.from_json(need))
        case {"mpp": "payment-receipt", "data": data}:
            return ServerFrame(Kind.RECEIPT, receipt=read_receipt(data))
        case {"mpp": "payment-close-ready", "data": data}:
            return ServerFrame(Kind.CLOSE_READY, receipt=read_receipt(data))
        case {"mpp": "payment-error", "status": int(status), "message": str(words)}:
            return ServerFrame(Kind.ERROR, text=words, status=status)
    raise FrameError("Not a frame that a server of paid streams sends.")


def read_receipt(value: object) -> dict[str, Any]:
    """A receipt as JSON: what every method's has, and a session's amounts if they are there."""
    if not isinstance(value, dict) or value.get("status") != "success":
        raise FrameError("Not a receipt.")
    if not all(isinstance(value.get(name), str) for name in ("method", "reference", "timestamp")):
        raise FrameError("A receipt names its method, reference and timestamp.")
    if value.get("intent") == "session":
        _amount(value, "acceptedCumulative")
        _amount(value, "spent")
    return value


def _json(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise FrameError("The frame is not JSON.") from None


def _amount(members: Mapping[str, Any], name: str) -> int:
    """Amounts are decimal strings: JavaScript's numbers end at 2**53."""
    match members.get(name):
        case str(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_AMOUNT:
            return int(text)
    raise FrameError(f"{name} is an amount, as a decimal string.")
