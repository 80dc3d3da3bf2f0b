"""A claim, the trials that test it, and what they found (facts: protocol 6).

The verdict is computed from the trials and never written down beforehand: a claim is confirmed if
every condition that was tried bears it out, refuted if none does, and else conditional.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from shlex import quote
from typing import TYPE_CHECKING

from scenarios.experiment import Method, Result, find, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from scenarios.statistics import Interval


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a study."""

    study: str
    settings: Mapping[str, str] = field(default_factory=dict)
    replications: int = 10

    @property
    def command(self) -> str:
        """How anybody runs it."""
        sets = "".join(f" --set {quote(f'{key}={one}')}" for key, one in self.settings.items())
        name = self.study.replace("_", "-")
        return f"mpp-sandbox simulate {name}{sets} --replications {self.replications}"

    def run(self, seed: int) -> Result:
        """Run it with a seed."""
        study = find(self.study)
        method = Method(seed=seed, replications=self.replications)
        return run(study, study.parameters.read(self.settings), method)


@dataclass(frozen=True, slots=True)
class Number:
    """The number that a claim comes down to."""

    value: Interval
    unit: str
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a claim is borne out, and in how many of the conditions that were tried."""

    word: str
    held: int
    tried: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the trials of a claim found."""

    verdict: Verdict
    number: Number
    because: str
    """The condition, or why not: one sentence."""
    more: tuple[str, ...] = ()
    """Further numbers, a sentence each."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that is said about MPP, and how it is tried."""

    number: str
    says: str
    experiment: str
    trials: tuple[Trial, ...]
    judge: Callable[..., Judgement]
    """Takes the trials' results in their order."""


CONFIRMED = "confirmed"
REFUTED = "refuted"
CONDITIONAL = "conditional"


def verdict(borne_out: Iterable[bool]) -> Verdict:
    """By whether the claim held in each condition that was tried."""
    held = list(borne_out)
    word = CONFIRMED if all(held) else CONDITIONAL if any(held) else REFUTED
    return Verdict(word, sum(held), len(held))


def judged(claims: Iterable[Claim], seed: int) -> list[tuple[Claim, Judgement]]:
    """Try all claims; a trial that several share is run once."""
    found: dict[str, Result] = {}

    def result(trial: Trial) -> Result:
        if trial.command not in found:
            found[trial.command] = trial.run(seed)
        return found[trial.command]

    return [(one, one.judge(*map(result, one.trials))) for one in claims]
