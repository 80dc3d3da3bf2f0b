"""A charge's request: an amount of satoshis and the invoice that asks for it (facts: 1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mpp.errors import InvalidChallengeError

from sandbox.methods.lightning_charge.fields import (
    FieldError,
    agree,
    read_currency,
    read_hex32,
    read_invoice,
    read_object,
    read_sats,
    read_text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.lightning.bolt11 import Bolt11

DEFAULT_NETWORK: Final = "mainnet"
"""What a request without a network means."""

_DETAILS: Final = "methodDetails"
_OF_ONE_CLIENT: Final = frozenset({"invoice", "paymentHash"})


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """What is asked for. The invoice has been read and says the same."""

    amount_sat: int
    invoice: Bolt11
    description: str | None = None
    external_id: str | None = None
    recipient: str | None = None

    @property
    def payment_hash(self) -> bytes:
        """What the preimage must hash to."""
        return self.invoice.payment_hash

    @property
    def network(self) -> str:
        """The network that it is paid on."""
        return self.invoice.network

    def to_json(self) -> dict[str, Any]:
        """The challenge's `request`. The hash and the network stand in it although the invoice has
        them: shipping clients look there (facts 1.1)."""
        members = price(
            self.amount_sat,
            self.network,
            description=self.description,
            external_id=self.external_id,
            recipient=self.recipient,
        )
        details = {"invoice": self.invoice.text, "paymentHash": self.payment_hash.hex()}
        return {**members, _DETAILS: {**members[_DETAILS], **details}}


def price(
    amount_sat: int,
    network: str,
    *,
    description: str | None = None,
    external_id: str | None = None,
    recipient: str | None = None,
) -> dict[str, Any]:
    """The same without an invoice: what all clients are asked for."""
    members: dict[str, Any] = {
        "amount": str(amount_sat),
        "currency": "sat",
        "description": description,
        "externalId": external_id,
        "recipient": recipient,
        _DETAILS: {"network": network},
    }
    return {name: part for name, part in members.items() if part is not None}


def stable_parts(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request without what only one client was told: its invoice and its hash."""
    details = request.get(_DETAILS)
    if not isinstance(details, dict):
        return dict(request)
    kept = {name: part for name, part in details.items() if name not in _OF_ONE_CLIENT}
    return {**request, _DETAILS: kept}


def parse_request(value: object, *, lenient: bool = False) -> ChargeRequest:
    """Read a challenge's `request`, or raise `InvalidChallengeError`: a client pays nothing whose
    invoice does not ask for what the challenge says."""
    try:
        return _parsed(read_object(value, "request"), lenient)
    except FieldError as error:
        raise InvalidChallengeError(reason=str(error)) from error


def _parsed(members: Mapping[str, Any], lenient: bool) -> ChargeRequest:
    read_currency(members.get("currency"), lenient=lenient)
    amount_sat = read_sats(members.get("amount"), "amount")
    details = read_object(members.get(_DETAILS), _DETAILS)
    invoice = read_invoice(details.get("invoice"), f"{_DETAILS}.invoice")
    told = details.get("paymentHash")
    payment_hash = None if told is None else read_hex32(told, f"{_DETAILS}.paymentHash")
    agree(invoice, payment_hash=payment_hash, amount_sat=amount_sat, name="the amount")
    network = read_text(details.get("network"), f"{_DETAILS}.network") or DEFAULT_NETWORK
    if network != invoice.network:
        raise FieldError(f"{_DETAILS}.network is not the invoice's")
    return ChargeRequest(
        amount_sat,
        invoice,
        description=read_text(members.get("description"), "description"),
        external_id=read_text(members.get("externalId"), "externalId"),
        recipient=read_text(members.get("recipient"), "recipient"),
    )
