"""Prints the gas table: `python -m tests.integration.tempo.gas_table`.

For each operation what it used on this chain, what the facts say, the difference in per cent, and
its price in dollars at the floor and at the cap of the base fee.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mock_rails.tempo.execution.fees import MAX_BASE_FEE, MIN_BASE_FEE
from tests.integration.tempo.gas_chain import GasChain
from tests.integration.tempo.gas_rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.integration.tempo.gas_rows import Row

ATTO_PER_USD: Final = 10**18
_HEADER: Final = (
    f"{'operation':<53}{'ours':>10}{'facts':>11}{'diff %':>8}"
    f"{'$ @0.6e9':>12}{'$ @12e9':>12}  facts' figure"
)


@dataclass(frozen=True, slots=True)
class Measured:
    """A row of the table with what the operation used."""

    row: Row
    used: int

    @property
    def difference_percent(self) -> float:
        """How far it is from the facts."""
        return 100 * (self.used - self.row.expected) / self.row.expected

    def __str__(self) -> str:
        low, high = (self.used * price / ATTO_PER_USD for price in (MIN_BASE_FEE, MAX_BASE_FEE))
        return (
            f"{self.row.operation:<53}{self.used:>10,}{self.row.expected:>11,}"
            f"{self.difference_percent:>+8.2f}{low:>12.7f}{high:>12.6f}  {self.row.why}"
        )


def measure(row: Row) -> Measured:
    """Do the operation on a new chain."""
    return Measured(row, row.measure(GasChain()))


def render(lines: Iterable[Measured]) -> str:
    """The table as text."""
    return "\n".join([_HEADER, *map(str, lines), ""])


if __name__ == "__main__":
    sys.stdout.write(render(measure(row) for row in ROWS))
