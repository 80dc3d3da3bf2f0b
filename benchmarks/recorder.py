"""What a leg's requests were like: HDR histograms by phase and outcome, and each request itself.

Microseconds from 1 us to a minute with three digits (style 4.2). Failures and timeouts have
latencies like everything else. Recorders of several generators are added up without loss: their
histograms have the same buckets, and a sum of counts is what one recorder would have counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.leg import Outcome, Phase, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LOWEST_US: Final = 1
HIGHEST_US: Final = 60_000_000
DIGITS: Final = 3

LAG: Final = "lag"
"""A histogram beside those of the phases: how late the generator was by its own fault."""


def histogram() -> Any:
    """An empty one; all have the same buckets."""
    from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

    return HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)


def decode(encoded: str) -> Any:
    """A histogram as it was encoded, to ask for percentiles or to add to another."""
    from hdrh.histogram import HdrHistogram

    return HdrHistogram.decode(encoded)


class Recorder:
    """The requests of one leg, or of a part of it."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._histograms: dict[tuple[str, str], Any] = {}

    def add(self, samples: Iterable[Sample], lags_us: Iterable[int] = ()) -> None:
        """Count requests, and how late each was sent."""
        for one in samples:
            self.samples.append(one)
            self._record(Phase.TOTAL, one.outcome, one.ended_us - one.due_us)
            self._record(Phase.SERVICE, one.outcome, one.ended_us - one.started_us)
            for phase, took_us in one.phases_us.items():
                self._record(phase, one.outcome, took_us)
        for lag_us in lags_us:
            self._record(LAG, Outcome.OK, lag_us)

    def add_openings(self, openings_us: Iterable[int]) -> None:
        """Count customers' first requests, which are no part of the leg."""
        for took_us in openings_us:
            self._record(Phase.OPENING, Outcome.OK, took_us)

    def merge(self, other: Recorder) -> None:
        """Add another recorder's requests."""
        self.samples += other.samples
        for key, found in other._histograms.items():
            self._at(*key).add(found)

    def counts(self) -> dict[Outcome, int]:
        """How many requests ended in each way."""
        return {one: self._count(Phase.TOTAL, one) for one in Outcome}

    @property
    def under_way_us(self) -> int:
        """How long requests were under way, all together."""
        return sum(one.ended_us - one.started_us for one in self.samples)

    def percentile_us(self, name: str, percent: float, outcome: Outcome | None = None) -> int:
        """What so many in a hundred stayed within, of one outcome or of all; 0 if there are none.

        The histogram's answer, the upper end of its bucket: never less than the true one.
        """
        wanted = [outcome] if outcome is not None else list(Outcome)
        found = [self._histograms[name, one] for one in wanted if (name, one) in self._histograms]
        if not found:
            return 0
        whole = histogram()
        for one in found:
            whole.add(one)
        return int(whole.get_value_at_percentile(percent))

    def encoded(self) -> dict[str, dict[str, str]]:
        """The histograms in base64, by phase and outcome, as a leg's folder keeps them."""
        told: dict[str, dict[str, str]] = {}
        for (name, outcome), found in sorted(self._histograms.items()):
            told.setdefault(str(name), {})[str(outcome)] = found.encode().decode()
        return told

    def to_json(self) -> dict[str, Any]:
        """Everything, for another process."""
        samples = [
            [
                one.due_us, one.started_us, one.ended_us, str(one.outcome),
                {str(phase): took_us for phase, took_us in one.phases_us.items()},
            ]
            for one in self.samples
        ]  # fmt: skip
        return {"histograms": self.encoded(), "samples": samples}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Recorder:
        """The recorder of another process."""
        recorder = cls()
        for name, by_outcome in told["histograms"].items():
            for outcome, encoded in by_outcome.items():
                recorder._histograms[name, outcome] = decode(encoded)
        for due_us, started_us, ended_us, outcome, phases in told["samples"]:
            took = {Phase(name): int(us) for name, us in phases.items()}
            recorder.samples.append(Sample(due_us, started_us, ended_us, Outcome(outcome), took))
        return recorder

    def _count(self, name: str, outcome: Outcome) -> int:
        found = self._histograms.get((name, outcome))
        return 0 if found is None else int(found.get_total_count())

    def _record(self, name: str, outcome: Outcome, took_us: int) -> None:
        # What took longer than a minute counts as a minute, and is not left out.
        self._at(name, outcome).record_value(min(max(took_us, LOWEST_US), HIGHEST_US))

    def _at(self, name: str, outcome: str) -> Any:
        key = (str(name), str(outcome))
        found = self._histograms.get(key)
        if found is None:
            found = self._histograms[key] = histogram()
        return found
