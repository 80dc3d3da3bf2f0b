"""The table at the end of the demo."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchmarks.demo.measure import FEE_UNIT, break_even

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from benchmarks.demo.measure import Run


def summary_table(runs: Sequence[Run]) -> Table:
    """All ways, one below the other."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        title=f"{runs[0].requests:,} requests of /report",
    )
    table.add_column("paid by", no_wrap=True)
    for column in ("price", "half in", "99% in", "payments", "fee each", "of price"):
        table.add_column(column, justify="right", no_wrap=True)
    for run in runs:
        table.add_row(
            run.name,
            f"${run.price / FEE_UNIT:.2f}",
            _ms(run, 50),
            _ms(run, 99),
            f"{run.transactions:,}",
            _dollars(run.fee_per_request / FEE_UNIT),
            f"{run.fee_per_request / run.price:.3%}",
        )
    return table


def conclusion(runs: Sequence[Run]) -> str:
    """What the table says, in a few sentences."""
    charge, session, _, invoices, deposits = runs
    said = [
        f"A request through the session was answered {_faster(charge, session)} times as fast as "
        "one by a charge."
    ]
    crossing = break_even(charge, session)
    if crossing is not None:
        said.append(f"From {crossing} requests on, the session also costs less in fees.")
    payments = invoices.transactions / max(deposits.transactions, 1)
    said.append(f"Deposits take {payments:.1f} times fewer Lightning payments than invoices.")
    said.append("Banks and nodes answer at once here: their own time comes on top.")
    return " ".join(said)


def _faster(slow: Run, fast: Run) -> str:
    return f"{slow.percentile_us(50) / max(fast.percentile_us(50), 1):.1f}"


def _dollars(amount: float) -> str:
    """Two digits that say something, however small the amount."""
    decimals = 2 if amount >= 1 or amount <= 0 else 1 - math.floor(math.log10(amount))
    return f"${amount:.{decimals}f}"


def _ms(run: Run, percent: int) -> str:
    return f"{run.percentile_us(percent) / 1_000:.1f} ms"
