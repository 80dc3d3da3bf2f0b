"""The snapshot: a server tells a client that came back where their channel stands.

It travels in the `Payment-Session-Snapshot` header and in a challenge's `sessionSnapshot`. Members
are facts, protocol 2.6; the header is padded standard base64 of JSON, as mppx's codec writes it
(the facts say base64url, which is read as well). What it says is proven, not trusted: the client
finds its own signature on the highest voucher, and asks the chain for the rest.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from mpp.errors import VerificationFailedError

from mock_rails.tempo.addresses import CHANNEL_RESERVE
from sandbox.base64_json import read_base64_json
from sandbox.methods.tempo_session.channel import Channel, Status
from sandbox.methods.tempo_session.descriptor import (
    channel_id,
    descriptor_from_json,
    descriptor_to_json,
)
from sandbox.methods.tempo_session.fields import (
    FieldError,
    read_address,
    read_amount,
    read_bytes,
    read_count,
    read_hash,
    read_object,
    to_hex,
)
from sandbox.methods.tempo_session.protocol import SessionProtocol
from sandbox.methods.tempo_session.voucher import Book, verify_voucher

if TYPE_CHECKING:
    from mock_rails.tempo.native.channel_reserve import Descriptor

_MAX = SessionProtocol.V2.max_amount


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A v2 channel from the server's side; `required` is what the next voucher must reach."""

    channel_id: bytes
    chain_id: int
    escrow: bytes
    descriptor: Descriptor
    deposit: int
    settled: int
    accepted: int
    signature: bytes = field(repr=False)
    spent: int
    required: int
    units: int
    close_requested_at_s: int = 0

    @classmethod
    def of(cls, channel: Channel, amount: int) -> Snapshot | None:
        """The snapshot of a channel that a request costing `amount` could use; else None.

        None too if there is no use in coming back to it: v1, not open, or its payer is leaving.
        """
        if channel.protocol is SessionProtocol.V1 or channel.status is not Status.OPEN:
            return None
        if channel.close_requested_at_s:
            return None
        return cls(
            channel_id=channel.id,
            chain_id=channel.chain_id,
            escrow=channel.escrow,
            descriptor=channel.descriptor,
            deposit=channel.deposit,
            settled=channel.settled,
            accepted=channel.accepted,
            signature=channel.signature,
            spent=channel.spent,
            required=channel.spent + amount,
            units=channel.units,
        )

    @classmethod
    def from_json(cls, value: object) -> Snapshot:
        """Read the JSON form; `FieldError` names what is wrong."""
        members = read_object(value, "sessionSnapshot")
        signed = read_object(members.get("highestVoucher"), "highestVoucher")
        this_id = read_hash(members.get("channelId"), "channelId")
        accepted = read_amount(members.get("acceptedCumulative"), "acceptedCumulative", _MAX)
        if read_hash(signed.get("channelId"), "highestVoucher.channelId") != this_id:
            raise FieldError("highestVoucher.channelId is not the snapshot's channelId")
        signed_amount = signed.get("cumulativeAmount")
        if read_amount(signed_amount, "highestVoucher.cumulativeAmount", _MAX) != accepted:
            raise FieldError("highestVoucher.cumulativeAmount is not acceptedCumulative")
        requested = members.get("closeRequestedAt")
        return cls(
            channel_id=this_id,
            chain_id=read_count(members.get("chainId"), "chainId", least=1),
            escrow=read_address(members.get("escrow"), "escrow"),
            descriptor=descriptor_from_json(members.get("descriptor")),
            deposit=read_amount(members.get("deposit"), "deposit", _MAX),
            settled=read_amount(members.get("settled"), "settled", _MAX),
            accepted=accepted,
            signature=read_bytes(signed.get("signature"), "highestVoucher.signature"),
            spent=read_amount(members.get("spent"), "spent", _MAX),
            required=read_amount(members.get("requiredCumulative"), "requiredCumulative", _MAX),
            units=read_count(members.get("units", 0), "units"),
            close_requested_at_s=(
                0 if requested is None else read_amount(requested, "closeRequestedAt", 2**64 - 1)
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        members: dict[str, Any] = {
            "acceptedCumulative": str(self.accepted),
            "chainId": self.chain_id,
            "channelId": to_hex(self.channel_id),
            "deposit": str(self.deposit),
            "descriptor": descriptor_to_json(self.descriptor),
            "escrow": to_hex(self.escrow),
            "highestVoucher": {
                "channelId": to_hex(self.channel_id),
                "cumulativeAmount": str(self.accepted),
                "signature": to_hex(self.signature),
            },
            "requiredCumulative": str(self.required),
            "settled": str(self.settled),
            "spent": str(self.spent),
            "units": self.units,
        }
        if self.close_requested_at_s:
            members["closeRequestedAt"] = str(self.close_requested_at_s)
        return members

    @classmethod
    def from_header(cls, value: str) -> Snapshot:
        """Read a `Payment-Session-Snapshot` header; `FieldError` if it is none."""
        members = read_base64_json(value)
        if members is None:
            raise FieldError("Payment-Session-Snapshot is not base64 of a JSON object")
        return cls.from_json(members)

    def to_header(self) -> str:
        """The value of a `Payment-Session-Snapshot` header."""
        return base64.b64encode(orjson.dumps(self.to_json())).decode()

    def verify(self) -> None:
        """Raise unless the snapshot agrees with itself and its voucher is the signer's own.

        What is left to ask is whether the chain has the channel, with this deposit.
        """
        if self.escrow != CHANNEL_RESERVE:
            raise VerificationFailedError("session snapshot is not of the channel reserve")
        protocol = SessionProtocol.V2
        if channel_id(protocol, self.descriptor, self.chain_id, self.escrow) != self.channel_id:
            raise VerificationFailedError("session snapshot descriptor does not match channelId")
        if self.spent > self.accepted:
            raise VerificationFailedError("session snapshot spent exceeds acceptedCumulative")
        if max(self.accepted, self.settled) > self.deposit:
            raise VerificationFailedError("session snapshot exceeds its deposit")
        book = Book(protocol, self.chain_id, self.escrow)
        signer = self.descriptor.signer
        verify_voucher(book, self.channel_id, self.accepted, self.signature, signer)

    def verify_against(self, channel: Channel) -> None:
        """Raise if the snapshot contradicts the client's own record of the channel.

        The server may be behind (a voucher was lost on its way) and the deposit may have grown;
        it cannot know a higher voucher than the client signed, nor another channel.
        """
        self.verify()
        if (self.channel_id, self.chain_id) != (channel.id, channel.chain_id):
            raise VerificationFailedError("session snapshot is of another channel")
        if self.accepted > channel.accepted:
            raise VerificationFailedError(
                f"session snapshot claims a voucher of {self.accepted}, the highest signed is"
                f" {channel.accepted}"
            )
