"""The claims as a page of Markdown: a table of verdicts, and how each was reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.digits import ranged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenarios.claims.claim import Claim, Judgement, Number

_INTRODUCTION = """\
# What is said about MPP, as experiments

Each claim below was tried in the simulator: a study, run with the settings that are shown, and a
judgement that follows from its numbers. *Confirmed* means that every condition tried bears the
claim out, *refuted* that none does, *conditional* that some do; beside it stands how many of how
many, and below on what it depends. Intervals are 95 % over replications; a number without an
interval does not vary between them.

The numbers are the model's, not a network's: fees are this chain's own receipts, service times were
measured on one machine and are given to the model, network and block times were chosen. What a
study assumes, and how far it can be trusted, is said by `mpp-sandbox simulate describe STUDY`.
Claims about programs and not about designs (E14 on replays, E15 on MCP, E17 on TLS) are not here,
for a model cannot try them.

This page is written by `make claims` with seed {seed}; the same seed gives the same bytes.
"""


def page(found: Sequence[tuple[Claim, Judgement]], seed: int) -> str:
    """All of it."""
    rows = [
        f"| [{claim.number}](#{claim.number.lower()}) | {claim.says} | "
        f"{_number(judged.number)} | **{judged.verdict.word}**, "
        f"{judged.verdict.held} of {judged.verdict.tried} |"
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
            f"**{judged.verdict.word.capitalize()}**, {judged.verdict.held} of "
            f"{judged.verdict.tried} conditions. {judged.because} Measured: "
            f"{judged.number.what}, {_number(judged.number)}.",
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
