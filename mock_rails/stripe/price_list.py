"""A file of prices that differ from the published ones (facts: stripe 3, 6 "fee config file").

    {"card": {"basis_points": 150, "fixed": 25}, "crypto": {"basis_points": 100}}

The rows and their parts are those of `fees.PRICES`; what a row does not say stays as it is there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import orjson

from mock_rails.core.errors import BadInput
from mock_rails.stripe.fees import PRICES, Price

if TYPE_CHECKING:
    from pathlib import Path

_PARTS: Final = ("basis_points", "fixed", "least", "most")
_MOST: Final = 1_000_000
"""Ten thousand dollars, or a hundred times the amount."""


def read(file: Path) -> dict[str, Price]:
    """The prices that the file gives."""
    try:
        rows = orjson.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(f"The price file {file} cannot be read: {error}.") from None
    if not isinstance(rows, dict):
        raise _bad(file, "it is an object of rows by their names")
    return {name: _row(file, name, row) for name, row in rows.items()}


def _row(file: Path, name: str, row: object) -> Price:
    known = PRICES.get(name)
    if known is None or not known.charged:
        charged = ", ".join(one for one, price in PRICES.items() if price.charged)
        raise _bad(file, f"nothing is charged by {name!r}, but by: {charged}")
    if not isinstance(row, dict) or not row or not set(row) <= set(_PARTS):
        raise _bad(file, f"{name} takes some of: {', '.join(_PARTS)}")
    for part, value in row.items():
        if part == "most" and value is None:
            continue
        if type(value) is not int or not 0 <= value <= _MOST:
            raise _bad(file, f"{name}.{part} is a whole number from 0 to {_MOST}")
    return replace(known, **row, source=str(file), confidence="high")


def _bad(file: Path, why: str) -> BadInput:
    return BadInput(f"The price file {file} is not one: {why}.")
