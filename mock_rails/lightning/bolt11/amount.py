"""Amounts in an invoice's prefix: a number and a unit of a bitcoin (facts: lightning 3.1)."""

from __future__ import annotations

import re
from typing import Final

from mock_rails.lightning.bolt11.invoice import Bolt11Error

_AMOUNT: Final = re.compile(r"([1-9][0-9]{0,20})([munp]?)")
_PICO_PER_MSAT: Final = 10
_PICO: Final = {"": 10**12, "m": 10**9, "u": 10**6, "n": 10**3, "p": 1}
"""Units, the largest first, in trillionths of a bitcoin."""
LARGEST_MSAT: Final = 21_000_000 * 100_000_000 * 1_000


def write(amount_msat: int | None) -> str:
    """The shortest text of an amount; nothing for no amount."""
    if amount_msat is None:
        return ""
    if not 0 < amount_msat <= LARGEST_MSAT:
        raise Bolt11Error(f"an invoice cannot ask for {amount_msat} msat")
    pico = amount_msat * _PICO_PER_MSAT
    unit, size = next((unit, size) for unit, size in _PICO.items() if pico % size == 0)
    return f"{pico // size}{unit}"


def read(text: str) -> int | None:
    """The amount in msat; None where there is none."""
    if not text:
        return None
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise Bolt11Error(f"{text[:40]!r} is no amount")
    pico = int(found[1]) * _PICO[found[2]]
    if pico % _PICO_PER_MSAT:
        raise Bolt11Error(f"{text!r} is not a whole number of millisatoshis")
    if pico // _PICO_PER_MSAT > LARGEST_MSAT:
        raise Bolt11Error(f"{text!r} is more than there are bitcoins")
    return pico // _PICO_PER_MSAT
