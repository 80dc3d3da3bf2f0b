"""The table at the end of the demo."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchmarks.demo.measure import FEE_UNIT, break_even

if TYPE_CHECKING:
    from rich.table import Table

    from benchmarks.demo.measure import Run


def summary_table(charge: Run, session: Run) -> Table:
    """Both ways side by side."""
    from rich.table import Table

    table = Table(title=f"{charge.requests:,} requests of ${charge.price / FEE_UNIT:.2f}")
    table.add_column("")
    table.add_column("a charge each", justify="right")
    table.add_column("one session", justify="right")
    runs = (charge, session)
    table.add_row("time to an answer, half of them", *(_ms(run, 50) for run in runs))
    table.add_row("time to an answer, 99 of 100", *(_ms(run, 99) for run in runs))
    table.add_row("transactions on the chain", *(f"{run.transactions:,}" for run in runs))
    table.add_row("fees in all", *(f"${sum(run.fees) / FEE_UNIT:.4f}" for run in runs))
    table.add_row("fee per request", *(_dollars(run.fee_per_request / FEE_UNIT) for run in runs))
    table.add_row(
        "fee as a share of the price", *(f"{run.fee_per_request / run.price:.4%}" for run in runs)
    )
    return table


def conclusion(charge: Run, session: Run) -> str:
    """What the table says, in two sentences."""
    crossing = break_even(charge, session)
    faster = charge.percentile_us(50) / max(session.percentile_us(50), 1)
    said = f"A request through the session was answered {faster:.1f} times as fast."
    if crossing is None:
        return said
    return f"{said} From {crossing} requests on, the session also costs less in fees."


def _dollars(amount: float) -> str:
    """Two digits that say something, however small the amount."""
    decimals = 2 if amount >= 1 or amount <= 0 else 1 - math.floor(math.log10(amount))
    return f"${amount:.{decimals}f}"


def _ms(run: Run, percent: int) -> str:
    return f"{run.percentile_us(percent) / 1_000:.1f} ms"
