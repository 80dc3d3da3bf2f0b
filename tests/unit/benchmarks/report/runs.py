"""Runs made up for tests: legs whose right answers are known by hand, written as real ones are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

from benchmarks.leg import Kind, Leg, Money, Outcome, Phase, Sample, write_leg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ABOUT: Mapping[str, Any] = {
    "version": 1,
    "id": "20261127-120000",
    "command": "mpp-sandbox bench --intent session --rail tempo --ladder --seed 7",
    "seed": 7,
    "configuration": {"duration_s": 2.0, "rounds": 2},
    "environment": {"cpu": "a test's", "cores": 2, "python": "3.11"},
    "made_at": "2026-11-27T12:00:00Z",
}


def write_run(folder: Path, **changes: Any) -> Path:
    """A run's folder without a leg."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps({**ABOUT, **changes}), encoding="utf-8")
    return folder


def add_leg(
    folder: Path,
    operation: str,
    latencies_us: Sequence[int],
    *,
    phases_us: Mapping[Phase, int] | None = None,
    failed: int = 0,
    lag_us: int = 0,
    kind: Kind = Kind.STEADY,
    money: Money | None = None,
    **fields: Any,
) -> Path:
    """A leg of requests due at even gaps; the last `failed` of them were not answered well."""
    duration_s = fields.pop("duration_s", 1.0)
    number = fields.pop("number", len(list(folder.glob("legs/*"))) + 1)
    gap_us = int(duration_s * 1e6) // len(latencies_us)
    well = len(latencies_us) - failed
    samples = [
        Sample(
            at * gap_us,
            at * gap_us + lag_us,
            at * gap_us + took,
            Outcome.OK if at < well else Outcome.FAILED,
            dict(phases_us or {}),
        )
        for at, took in enumerate(latencies_us)
    ]
    leg = Leg(
        number=number,
        operation=operation,
        kind=kind,
        round=fields.pop("round", 0),
        offered_per_s=fields.pop("offered_per_s", len(latencies_us) / duration_s),
        users=fields.pop("users", 1),
        duration_s=duration_s,
        counts={Outcome.OK: well, Outcome.FAILED: failed},
        achieved_per_s=fields.pop("achieved_per_s", well / duration_s),
        money=money,
        **fields,
    )
    return write_leg(folder, leg, histograms(samples), samples)


def histograms(samples: Sequence[Sample]) -> dict[str, dict[str, str]]:
    """The histograms of some requests, encoded as a run keeps them."""
    found: dict[str, dict[str, HdrHistogram]] = {}
    for one in samples:
        times = {
            Phase.TOTAL: one.ended_us - one.due_us,
            Phase.SERVICE: one.ended_us - one.started_us,
            **one.phases_us,
        }
        for phase, took in times.items():
            outcomes = found.setdefault(phase.value, {})
            kept = outcomes.setdefault(one.outcome.value, HdrHistogram(1, 60_000_000, 3))
            kept.record_value(took)
    return {
        phase: {outcome: one.encode().decode() for outcome, one in outcomes.items()}
        for phase, outcomes in found.items()
    }


CHARGE_FEE = 1_000
OPEN_FEE, CLOSE_FEE = 7_000, 1_500


def charges(count: int) -> Money:
    """So many charges on the chain, each a transaction with its fee."""
    made = tuple({"id": f"0x{n:x}", "kind": "charge", "fee": CHARGE_FEE} for n in range(count))
    return Money("usd", count, count * 10_000, count * CHARGE_FEE, made)


def sessions(count: int, channels: int) -> Money:
    """So many requests over so many channels, each opened and closed once."""
    made = tuple(
        {"id": f"0x{n:x}-{kind}", "kind": kind, "fee": fee}
        for n in range(channels)
        for kind, fee in (("open", OPEN_FEE), ("close", CLOSE_FEE))
    )
    return Money("usd", count, count * 1_000, channels * (OPEN_FEE + CLOSE_FEE), made)


def whole_run(folder: Path) -> Path:
    """A run with a ladder and two interleaved rounds of charge, session and the floor.

    Medians: charge 9.5 and 10.5 ms, session 1.9 and 2.1 ms. Knees: 100/s and 800/s.
    """
    write_run(folder)
    cpu = {"server_cpu": {"merchants": 0.4, "rails": 0.2}, "generator_cpu": 0.3}
    memory = {"server_memory_bytes": {"merchants": 90_000_000, "rails": 60_000_000}}
    spread = (0.9, 0.95, 1.0, 1.05, 1.1)
    for operation, base_us, knee in (("tempo-charge", 10_000, 100), ("tempo-session", 2_000, 800)):
        for share, slower in ((0.25, 0.9), (0.5, 1.0), (1.0, 2.0), (1.5, 20.0)):
            rate = int(knee * share)
            add_leg(
                folder, operation, [int(base_us * slower * at) for at in spread] * (rate // 5),
                kind=Kind.LADDER, offered_per_s=rate, achieved_per_s=min(rate, knee * 1.02),
                **cpu, **memory,
            )  # fmt: skip
    for turn in (1, 2):
        near = 0.95 if turn == 1 else 1.05
        for operation, base_us, knee, money in (
            ("tempo-charge", 10_000, 100, charges(50)),
            ("tempo-session", 2_000, 800, sessions(400, 4)),
            ("free", 500, 2_000, None),
        ):
            median_us = int(base_us * near)
            parts = {
                Phase.CHALLENGE: median_us // 10,
                Phase.SIGN: median_us // 10,
                Phase.PAID: median_us * 7 // 10,
                Phase.VERIFY: median_us * 2 // 10,
                Phase.SETTLE: median_us * 3 // 10,
                Phase.DELIVER: median_us // 10,
            }
            add_leg(
                folder, operation, [int(median_us * at) for at in spread] * (knee // 10),
                phases_us={} if operation == "free" else parts, round=turn, share_of_knee=0.5,
                offered_per_s=knee / 2, money=money, **cpu, **memory,
            )  # fmt: skip
    return folder
