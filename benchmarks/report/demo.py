"""The demo's two figures: how long a paid request takes, and what it costs in fees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.demo.measure import FEE_UNIT, break_even
from scenarios.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE, YELLOW, new_figure, save

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from benchmarks.demo.measure import Run

_COLOURS: Final = (ORANGE, BLUE, GREEN, YELLOW, PURPLE)
_MOST: Final = 1_000
"""Requests in the figure of fees, unless the lines cross later."""
_WIDTH_IN: Final = 8.5
"""The legend stands beside the lines, which are close together."""


def latency_figure(runs: Sequence[Run]) -> Figure:
    """The share of the requests that were answered within a time, for each way."""
    from matplotlib.ticker import LogLocator

    figure, axes = new_figure("How long a paid request takes", _WIDTH_IN)
    for run, colour in zip(runs, _COLOURS, strict=False):
        ordered = sorted(run.latencies_us)
        shares = [(at + 1) / len(ordered) * 100 for at in range(len(ordered))]
        median = run.percentile_us(50) / 1_000
        label = f"{run.name}\nmedian {median:.1f} ms"
        axes.plot([one / 1_000 for one in ordered], shares, color=colour, label=label)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.margins(x=0.05)
    axes.set_xlabel("milliseconds from request to answer (log)")
    axes.set_ylabel("requests answered, %")
    axes.set_ylim(0, 101)
    _legend(axes)
    return figure


def cost_figure(runs: Sequence[Run]) -> Figure:
    """Fees paid after so many requests; where the chain's lines cross, its session begins to pay.

    The first two runs are the chain's. Both axes are logarithmic, for a card's fee is thousands of
    times the chain's.
    """
    figure, axes = new_figure("What the rail takes for it", _WIDTH_IN)
    crossing = break_even(runs[0], runs[1]) or 1
    counts = list(range(1, max(4 * crossing, _MOST) + 1))
    for run, colour in zip(runs, _COLOURS, strict=False):
        fees = [run.fees_after(n) / FEE_UNIT for n in counts]
        axes.plot(counts, fees, color=colour, label=run.name)
    axes.axvline(crossing, color=GREY, linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.yaxis.set_major_formatter("${x:g}")
    axes.annotate(
        f"from {crossing} requests on a session\ncosts less than charges (tempo)",
        (crossing, 1), xycoords=("data", "axes fraction"), xytext=(6, -4),
        textcoords="offset points", color=GREY, va="top",
    )  # fmt: skip
    axes.set_xlabel("requests (log)")
    axes.set_ylabel("fees in dollars (log)")
    axes.set_xlim(1, counts[-1])
    _legend(axes)
    return figure


def write_figures(folder: Path, runs: Sequence[Run]) -> list[Path]:
    """Both figures as PNG and SVG, with the numbers in them as JSON."""
    numbers = {
        run.name: {
            "price_base_units": run.price,
            "requests": run.requests,
            "transactions": run.transactions,
            "requests_a_transaction": run.covers,
            "fees_base_units": run.fees,
            "latencies_us": run.latencies_us,
        }
        for run in runs
    }
    return [
        *save(latency_figure(runs), folder / "latency", numbers),
        *save(cost_figure(runs), folder / "cost", numbers),
    ]


def _legend(axes: object) -> None:
    axes.legend(  # type: ignore[attr-defined]
        loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, labelspacing=1
    )
