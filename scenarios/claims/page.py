"""The claims as a page of Markdown: a table of verdicts, and how each was reached.

Numbers are written with three digits, so that a library's last digit changes no byte of the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.statistics import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenarios.claims.claim import Claim, Judgement, Number

_INTRODUCTION = """\
# What is said about MPP, as experiments

Each claim below was tried in the simulator: a study, run with the settings that are shown, and a
judgement that follows from its numbers. *Confirmed* means that every condition tried bears the
claim out, *refuted* that none does, *conditional* that it depends, and on what. Intervals are 95 %
over replications; a number without an interval does not vary between them.

The numbers are the model's, not a network's. What a study assumes, and how far it can be trusted,
is said by `mpp-sandbox simulate describe STUDY`.

This page is written by `make claims` with seed {seed}; the same seed gives the same bytes.
"""


def page(found: Sequence[tuple[Claim, Judgement]], seed: int) -> str:
    """All of it."""
    rows = [
        f"| [{claim.number}](#{claim.number.lower()}) | {claim.says} | "
        f"{_number(judged.number)} | **{judged.verdict}** |"
        for claim, judged in found
    ]
    table = ["| | claim | number | verdict |", "|---|---|---|---|", *rows]
    sections = [_section(claim, judged) for claim, judged in found]
    return "\n".join([_INTRODUCTION.format(seed=seed), *table, "", *sections])


def _section(claim: Claim, judged: Judgement) -> str:
    commands = [trial.command for trial in claim.trials]
    return "\n".join(
        [
            f"## {claim.number}",
            "",
            f"> {claim.says}",
            "",
            f"Tried: {claim.experiment}",
            "",
            f"**{judged.verdict.capitalize()}.** {judged.because} Measured: {judged.number.what}, "
            f"{_number(judged.number)}.",
            *(["", *(f"- {one}" for one in judged.more)] if judged.more else []),
            "",
            "```",
            *commands,
            "```",
            "",
        ]
    )


def _number(number: Number) -> str:
    return f"{ranged(number.value)} {number.unit}".strip()


def ranged(found: Interval, scale: float = 1.0) -> str:
    """A mean with its interval, or alone where it does not vary."""
    mean, low, high = (digits(one * scale) for one in (found.mean, found.low, found.high))
    return mean if low == high else f"{mean} ({low} to {high})"


def percent(found: Interval) -> str:
    """A share of a whole in per cent; an interval's end beyond the whole is written as its end."""
    low, high = max(found.low, 0.0), min(found.high, 1.0)
    return ranged(Interval(found.mean, low, high, found.n), 100) + " %"


def digits(value: float) -> str:
    """Three digits of a number, without an exponent."""
    text = f"{value:.3g}"
    if abs(float(text)) >= 1_000:
        return f"{float(text):,.0f}"
    return f"{value:.7f}".rstrip("0").rstrip(".") if "e" in text else text
