"""What a `stripe/charge` challenge asks of a card (draft-stripe-charge-00; facts: stripe 2.9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from mock_rails.stripe.currencies import KNOWN, LARGEST, MINIMUM

if TYPE_CHECKING:
    from mpp import Challenge

NAME: Final = "stripe/charge"
CARD: Final = "card"

_LONGEST_ID: Final = 255
_RESERVED: Final = "externalId"


@dataclass(frozen=True, slots=True)
class CardCharge:
    """A charge that a card can pay."""

    challenge_id: str
    amount: int
    """In the currency's smallest unit."""
    currency: str
    network_id: str
    """The seller's profile: who may charge the token."""
    expires_s: int | None
    """When the challenge ends, in whole seconds."""

    @classmethod
    def of(cls, challenge: Challenge) -> CardCharge | None:
        """What is asked; None if no card can pay it, for whatever reason."""
        if f"{challenge.method}/{challenge.intent}" != NAME:
            return None
        request = challenge.request
        details, currency = request.get("methodDetails"), request.get("currency")
        amount = _amount(request.get("amount"))
        if amount is None or not isinstance(currency, str) or not isinstance(details, dict):
            return None
        currency = currency.lower()
        least = MINIMUM.get(currency, 1)
        if currency not in KNOWN or not least <= amount <= LARGEST:
            return None
        network_id, types = details.get("networkId"), details.get("paymentMethodTypes")
        if not _is_id(network_id) or not isinstance(types, list) or CARD not in types:
            return None
        metadata = details.get("metadata")
        if isinstance(metadata, dict) and _RESERVED in metadata:
            return None
        return cls(
            challenge_id=challenge.id,
            amount=amount,
            currency=currency,
            network_id=network_id,
            expires_s=_end(challenge.expires),
        )


def _amount(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value) if len(value) <= len(str(LARGEST)) else None
    return None


def _is_id(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and value.isprintable()


def _end(expires: str | None) -> int | None:
    return None if expires is None else int(datetime.fromisoformat(expires).timestamp())
