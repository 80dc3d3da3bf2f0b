"""A charge's proof: the preimage, and nothing else (facts: lightning 1.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.methods.lightning_charge.fields import FieldError, read_hex32, read_object
from sandbox.methods.lightning_charge.problems import MalformedCredentialError


@dataclass(frozen=True, slots=True)
class ChargePayload:
    """Whoever shows the preimage has paid, or was told by who has."""

    preimage: bytes = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """The credential's payload."""
        return {"preimage": self.preimage.hex()}


def parse_payload(value: object) -> ChargePayload:
    """Read a credential's payload; other members are passed over."""
    try:
        members = read_object(value, "payload")
        return ChargePayload(read_hex32(members.get("preimage"), "preimage"))
    except FieldError as error:
        raise MalformedCredentialError(str(error)) from None
