"""Amounts in requests: satoshis or millisatoshis, never both (facts: lightning 4.3, 5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.lightning.errors import LightningError
from mock_rails.lightning.model import MSAT

if TYPE_CHECKING:
    from collections.abc import Mapping


def one_amount(sat: int, msat: int) -> int:
    """Millisatoshis; 0 if neither is given."""
    if sat and msat:
        raise LightningError("sat and msat arguments are mutually exclusive")
    if sat < 0 or msat < 0:
        raise LightningError("amount cannot be negative")
    return sat * MSAT or msat


def fee_limit(asked: Mapping[str, Any] | None, amount_msat: int) -> int:
    """The `fee_limit` of the older calls. Without one LND takes as much as the amount of a small
    payment, and a twentieth of one above 1,000 satoshis."""
    if asked is not None:
        fixed, percent = asked["fixed"] * MSAT or asked["fixed_msat"], asked["percent"]
        if fixed < 0 or percent < 0:
            raise LightningError("fee limit cannot be negative")
        if fixed or percent:
            return int(fixed or amount_msat * percent // 100)
    return amount_msat if amount_msat <= 1_000 * MSAT else amount_msat * 5 // 100
