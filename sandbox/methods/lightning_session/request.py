"""A session's request: the price of a unit, and the deposit's invoice (facts: lightning 2.1).

Flat, as the draft has it: no `methodDetails`, and no network but the invoice's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mpp.errors import InvalidChallengeError

from sandbox.methods.lightning_charge.fields import (
    MSAT,
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

UNITS_OF_DEPOSIT: Final = 20
"""How many units a deposit covers where nothing else is configured."""

_OF_ONE_CLIENT: Final = frozenset({"depositInvoice", "paymentHash"})


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """What is offered. `deposit` is None in challenges that only name a running session's hash."""

    amount_sat: int
    payment_hash: bytes
    deposit: Bolt11 | None
    idle_timeout_s: int | None = None
    unit_type: str | None = None
    description: str | None = None

    @property
    def deposit_sat(self) -> int:
        """What the deposit's invoice asks for; 0 without one."""
        return 0 if self.deposit is None else (self.deposit.amount_msat or 0) // MSAT

    def to_json(self) -> dict[str, Any]:
        """The challenge's `request`."""
        members = price(
            self.amount_sat,
            self.deposit_sat or None,
            idle_timeout_s=self.idle_timeout_s,
            unit_type=self.unit_type,
            description=self.description,
        )
        members["paymentHash"] = self.payment_hash.hex()
        if self.deposit is not None:
            members["depositInvoice"] = self.deposit.text
        return members


def price(
    amount_sat: int,
    deposit_sat: int | None,
    *,
    idle_timeout_s: int | None = None,
    unit_type: str | None = None,
    description: str | None = None,
) -> dict[str, Any]:
    """The same without an invoice: what all clients are asked for."""
    members: dict[str, Any] = {
        "amount": str(amount_sat),
        "currency": "sat",
        "depositAmount": None if deposit_sat is None else str(deposit_sat),
        "idleTimeout": None if idle_timeout_s is None else str(idle_timeout_s),
        "unitType": unit_type,
        "description": description,
    }
    return {name: part for name, part in members.items() if part is not None}


def stable_parts(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request without what only one client was told: its invoice and its hash."""
    return {name: part for name, part in request.items() if name not in _OF_ONE_CLIENT}


def parse_request(value: object, *, lenient: bool = False) -> SessionRequest:
    """Read a challenge's `request`, or raise `InvalidChallengeError`."""
    try:
        return _parsed(read_object(value, "request"), lenient)
    except FieldError as error:
        raise InvalidChallengeError(reason=str(error)) from error


def _parsed(members: Mapping[str, Any], lenient: bool) -> SessionRequest:
    read_currency(members.get("currency"), lenient=lenient)
    amount_sat = read_sats(members.get("amount"), "amount")
    payment_hash = read_hex32(members.get("paymentHash"), "paymentHash")
    idle = members.get("idleTimeout")
    written = members.get("depositInvoice")
    deposit = None if written is None else read_invoice(written, "depositInvoice")
    if deposit is not None:
        _check_deposit(deposit, members.get("depositAmount"), amount_sat, payment_hash)
    return SessionRequest(
        amount_sat,
        payment_hash,
        deposit,
        idle_timeout_s=None if idle is None else read_sats(idle, "idleTimeout"),
        unit_type=read_text(members.get("unitType"), "unitType"),
        description=read_text(members.get("description"), "description"),
    )


def _check_deposit(deposit: Bolt11, told: object, amount_sat: int, payment_hash: bytes) -> None:
    asked_msat = deposit.amount_msat or 0
    if asked_msat < amount_sat * MSAT or asked_msat % MSAT:
        raise FieldError("depositInvoice asks for whole satoshis that cover one unit or more")
    expected_sat = asked_msat // MSAT if told is None else read_sats(told, "depositAmount")
    agree(deposit, payment_hash=payment_hash, amount_sat=expected_sat, name="depositAmount")
