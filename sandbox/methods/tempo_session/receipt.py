"""The receipt of a session: what has been authorised and spent on a channel by now.

Members are facts, protocol 2.7, in mppx's order; the `Payment-Receipt` header is unpadded base64url
of that JSON, and the closing event of a stream carries the JSON itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox.base64_json import read_base64_json, to_base64url_json
from sandbox.methods.tempo_session.fields import (
    FieldError,
    read_amount,
    read_count,
    read_hash,
    read_object,
    read_text,
    to_hex,
)
from sandbox.methods.tempo_session.protocol import SessionProtocol
from sandbox.methods.timestamps import rfc3339

if TYPE_CHECKING:
    from sandbox.methods.tempo_session.channel import Channel

_MAX: Final = SessionProtocol.V1.max_amount
_FIXED: Final = {"method": "tempo", "intent": "session", "status": "success"}


@dataclass(frozen=True, slots=True)
class SessionReceipt:
    """`tx_hash` is set where the chain was involved: open, topUp, close, a scheduled settlement."""

    challenge_id: str
    channel_id: bytes
    accepted: int
    spent: int
    timestamp: str
    units: int | None = None
    tx_hash: bytes | None = None

    @classmethod
    def of(
        cls,
        channel: Channel,
        challenge_id: str,
        *,
        now_us: int,
        tx_hash: bytes | None = None,
        accepted: int | None = None,
    ) -> SessionReceipt:
        """The receipt for a channel as it stands, at a time in microseconds since 1970.

        For a close, `accepted` is what the client signed just then, which may be less than it had
        authorised before: it takes no other receipt.
        """
        return cls(
            challenge_id=challenge_id,
            channel_id=channel.id,
            accepted=channel.accepted if accepted is None else accepted,
            spent=channel.spent,
            timestamp=rfc3339(now_us),
            units=channel.units,
            tx_hash=tx_hash,
        )

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        channel_id = to_hex(self.channel_id)
        members: dict[str, Any] = {
            **_FIXED,
            "timestamp": self.timestamp,
            "reference": channel_id,
            "challengeId": self.challenge_id,
            "channelId": channel_id,
            "acceptedCumulative": str(self.accepted),
            "spent": str(self.spent),
        }
        if self.units is not None:
            members["units"] = self.units
        if self.tx_hash is not None:
            members["txHash"] = to_hex(self.tx_hash)
        return members

    def to_header(self) -> str:
        """The value of a `Payment-Receipt` header."""
        return to_base64url_json(self.to_json())

    @classmethod
    def from_json(cls, value: object) -> SessionReceipt:
        """Read the JSON form; `FieldError` if it is not a session's receipt."""
        members = read_object(value, "receipt")
        for name, wanted in _FIXED.items():
            if members.get(name) != wanted:
                raise FieldError(f'{name} must be "{wanted}" in a session receipt')
        channel_id = read_hash(members.get("channelId"), "channelId")
        if read_hash(members.get("reference"), "reference") != channel_id:
            raise FieldError("reference must be the channelId in a session receipt")
        units, tx_hash = members.get("units"), members.get("txHash")
        return cls(
            challenge_id=read_text(members.get("challengeId"), "challengeId"),
            channel_id=channel_id,
            accepted=read_amount(members.get("acceptedCumulative"), "acceptedCumulative", _MAX),
            spent=read_amount(members.get("spent"), "spent", _MAX),
            timestamp=read_text(members.get("timestamp"), "timestamp"),
            units=None if units is None else read_count(units, "units"),
            tx_hash=None if tx_hash is None else read_hash(tx_hash, "txHash"),
        )

    @classmethod
    def from_header(cls, value: str) -> SessionReceipt:
        """Read a `Payment-Receipt` header; `FieldError` if it is not a session's."""
        members = read_base64_json(value)
        if members is None:
            raise FieldError("Payment-Receipt is not base64url of a JSON object")
        return cls.from_json(members)

    def confirms_close(
        self, challenge_id: str, channel_id: bytes, signed: int, *, minimum_spent: int = 0
    ) -> bool:
        """Whether this answers the client's close of `signed`, with the chain's hash as evidence.

        `minimum_spent` is what the client saw spent: a server cannot forget it at the end.
        """
        return (
            self.tx_hash is not None
            and (self.challenge_id, self.channel_id) == (challenge_id, channel_id)
            and self.accepted == signed
            and minimum_spent <= self.spent <= signed
        )
