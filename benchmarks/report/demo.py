"""The demo's two figures: how long a paid request takes, and what it costs in fees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.demo.measure import FEE_UNIT, break_even
from benchmarks.report.style import BLUE, GREY, ORANGE, new_figure, save

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from benchmarks.demo.measure import Run


def latency_figure(charge: Run, session: Run) -> Figure:
    """The share of the requests that were answered within a time, for both ways."""
    figure, axes = new_figure("How long a paid request takes")
    for run, colour in ((charge, ORANGE), (session, BLUE)):
        ordered = sorted(run.latencies_us)
        shares = [(at + 1) / len(ordered) * 100 for at in range(len(ordered))]
        axes.plot([one / 1_000 for one in ordered], shares, color=colour)
        median = run.percentile_us(50) / 1_000
        axes.annotate(
            f"{run.name}\nmedian {median:.1f} ms", (median, 50), xytext=(8, -4),
            textcoords="offset points", color=colour, va="top",
        )  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(x=0.12)
    axes.set_xlabel("milliseconds from request to answer (log)")
    axes.set_ylabel("requests answered, %")
    axes.set_ylim(0, 101)
    return figure


def cost_figure(charge: Run, session: Run) -> Figure:
    """Fees paid after so many requests; where the lines cross, the session begins to pay."""
    figure, axes = new_figure("What the chain takes for it")
    fixed = sum(session.fees) / FEE_UNIT
    each = charge.fee_per_request / FEE_UNIT
    crossing = break_even(charge, session) or 1
    most = max(4 * crossing, 20)
    counts = list(range(1, most + 1))
    axes.plot(counts, [each * n for n in counts], color=ORANGE)
    axes.plot(counts, [fixed for _ in counts], color=BLUE)
    axes.annotate(
        "a charge each", (most, each * most), xytext=(-6, 0), textcoords="offset points",
        color=ORANGE, ha="right", va="bottom",
    )  # fmt: skip
    axes.annotate(
        "one session: open and close", (most, fixed), xytext=(-6, 4), textcoords="offset points",
        color=BLUE, ha="right", va="bottom",
    )  # fmt: skip
    axes.axvline(crossing, color=GREY, linestyle=":", linewidth=1)
    axes.annotate(
        f"from {crossing} requests on\na session costs less", (crossing, 0), xytext=(6, 8),
        textcoords="offset points", color=GREY,
    )  # fmt: skip
    axes.set_xlabel("requests")
    axes.set_ylabel("fees in dollars")
    axes.set_ylim(0)
    axes.set_xlim(0, most)
    return figure


def write_figures(folder: Path, charge: Run, session: Run) -> list[Path]:
    """Both figures as PNG and SVG, with the numbers in them as JSON."""
    numbers = {
        run.name: {
            "requests": run.requests,
            "transactions": run.transactions,
            "fees_base_units": run.fees,
            "latencies_us": run.latencies_us,
        }
        for run in (charge, session)
    }
    return [
        *save(latency_figure(charge, session), folder / "latency", numbers),
        *save(cost_figure(charge, session), folder / "cost", numbers),
    ]
