"""Reading what a peer wrote: hex, whole satoshis, invoices. `FieldError` names what is wrong with
a field and never repeats a proof."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from mock_rails.lightning.bolt11 import Bolt11Error, decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.lightning.bolt11 import Bolt11

MSAT: Final = 1_000
"""Millisatoshis in a satoshi."""

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_SATS: Final = re.compile(r"[1-9][0-9]{0,15}")
"""More digits than there are satoshis are no amount."""


class FieldError(ValueError):
    """A value is missing or malformed; the message names the field."""


def read_object(value: object, name: str) -> Mapping[str, Any]:
    """A JSON object."""
    if isinstance(value, dict):
        return value
    raise FieldError(f"{name} must be an object")


def read_hex32(value: object, name: str) -> bytes:
    """32 bytes as 64 lower-case hexadecimal digits: a preimage, a payment hash, a session's id."""
    if isinstance(value, str) and _HASH.fullmatch(value):
        return bytes.fromhex(value)
    raise FieldError(f"{name} must be 64 lower-case hexadecimal digits")


def read_sats(value: object, name: str) -> int:
    """A positive whole number of satoshis, as a decimal string."""
    if isinstance(value, str) and _SATS.fullmatch(value):
        return int(value)
    raise FieldError(f"{name} must be a positive whole number of satoshis, as a string")


def read_text(value: object, name: str) -> str | None:
    """A text, or nothing."""
    if value is None or isinstance(value, str):
        return value
    raise FieldError(f"{name} must be a string")


def read_currency(value: object, *, lenient: bool) -> None:
    """Refuse what is not `sat`. Samples in the drafts and docs say BTC: only the lenient take it
    (facts: lightning 1.6)."""
    if value != "sat" and not (lenient and value == "BTC"):
        raise FieldError('currency must be "sat"')


def read_invoice(value: object, name: str) -> Bolt11:
    """A BOLT 11 invoice, read as strictly as a node reads it."""
    if not isinstance(value, str):
        raise FieldError(f"{name} must be a BOLT 11 invoice")
    try:
        return decode(value)
    except Bolt11Error as error:
        raise FieldError(f"{name} is no invoice: {error.detail.rstrip('.')}") from None


def agree(invoice: Bolt11, *, payment_hash: bytes | None, amount_sat: int, name: str) -> None:
    """Raise unless an invoice asks for exactly this, by this hash."""
    if payment_hash is not None and invoice.payment_hash != payment_hash:
        raise FieldError("paymentHash is not the invoice's")
    if invoice.amount_msat != amount_sat * MSAT:
        raise FieldError(f"the invoice does not ask for {name}")
