"""The agents of the model: degenerate cases, conservation, monotonicity, bounded memory."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from itertools import pairwise
from typing import Any

import pytest

from mock_rails.tempo.execution.fees import MIN_BASE_FEE, fee_amount
from scenarios.experiment import Method, Result, find, run
from scenarios.facts import tempo
from scenarios.model.books import ESCROW, MERCHANTS, PAYERS, VALIDATORS
from scenarios.model.payments import charge_visit, free_visit, session_visit
from scenarios.streams import Streams
from scenarios.studies.charge_vs_session import (
    CHARGE,
    INTENTS,
    SESSION,
    ChargeVsSession,
    play,
    scene_of,
)

CHARGE_FEE = fee_amount(tempo.CHARGE, MIN_BASE_FEE)
SESSION_FEE = fee_amount(tempo.OPEN, MIN_BASE_FEE) + fee_amount(tempo.CLOSE, MIN_BASE_FEE)


def alone(intent: str, requests: int, visit: Any) -> Any:
    """One agent on an idle server whose work takes no time: 10 ms each way, blocks of 500 ms."""
    scene = scene_of(ChargeVsSession(rtt_ms=20, block_ms=500), intent, Streams(1, 0), 0)
    scene.challenge = scene.check = scene.node = lambda: 0.0
    scene.think = lambda: 0.0
    scene.env.process(visit(scene, requests))
    scene.env.run()
    scene.books.check()
    return scene


def test_a_free_request_is_a_round_trip() -> None:
    scene = alone("free", 4, free_visit)
    assert scene.latency.mean == pytest.approx(0.02)
    assert scene.books.balances == {}


def test_a_charge_is_two_round_trips_and_a_block() -> None:
    """402 and credential reach the server at 30 ms; the block is at 500, the answer 10 later."""
    scene = alone(CHARGE, 1, charge_visit)
    assert scene.latency.mean == pytest.approx(0.51)
    assert scene.books.balances[VALIDATORS] == CHARGE_FEE
    assert scene.books.balances[MERCHANTS] == scene.price


def test_a_session_pays_the_chain_twice_whatever_its_length() -> None:
    scene = alone(SESSION, 50, session_visit)
    assert scene.latency.mean == pytest.approx((0.51 + 49 * 0.02) / 50)
    assert scene.transactions == 2
    assert scene.books.balances[VALIDATORS] == SESSION_FEE
    assert scene.books.balances[ESCROW] == 0
    assert -scene.books.balances[PAYERS] == 50 * scene.price + fee_amount(tempo.OPEN, MIN_BASE_FEE)


@pytest.mark.parametrize("intent", INTENTS)
def test_money_is_conserved_and_every_request_is_served(intent: str) -> None:
    scene = play(ChargeVsSession(visits=100), intent, 5, Streams(3, 0))
    lengths = Streams(3, 0).generator("visits").geometric(1 / 5, 2_048)
    assert scene.delivered == lengths[: scene.visits].sum()
    assert sum(scene.books.balances.values()) == 0
    paid = {"free": 0, CHARGE: CHARGE_FEE * scene.delivered, SESSION: SESSION_FEE * scene.visits}
    assert scene.books.balances[VALIDATORS] == paid[intent]


def latency(**settings: float) -> list[float]:
    p = ChargeVsSession(visits=200, **settings)  # type: ignore[arg-type]
    return [play(p, intent, 5, Streams(1, 0)).latency.mean for intent in INTENTS]


def test_worse_conditions_are_never_faster_under_common_numbers() -> None:
    for name, values in (
        ("rtt_ms", (0, 10, 50)),
        ("block_ms", (1, 100, 1_000)),
        ("requests_per_s", (100, 1_500)),
    ):
        found = [latency(**{name: value}) for value in values]
        for better, worse in pairwise(found):
            assert all(a <= b * 1.01 for a, b in zip(better, worse, strict=True)), name
        assert found[0] != found[-1]


def test_common_numbers_make_differences_narrow() -> None:
    """The paired interval is narrower than two runs with seeds of their own would give."""
    study = find("charge-vs-session")
    p = study.parameters.read({"requests": "10", "visits": "100"})
    ours = run(study, p, Method(seed=1, replications=8))
    other = run(study, p, Method(seed=2, replications=8))
    rows = [row for row in ours.rows if row["intent"] == CHARGE]
    rows += [row for row in other.rows if row["intent"] == SESSION]
    apart = Result(study, p, ours.method, rows)
    pair = ("first_mean_ms", (CHARGE, 10), (SESSION, 10))
    common, independent = ours.difference(*pair), apart.difference(*pair)
    assert 5 * (common.high - common.low) < independent.high - independent.low


A_MILLION = """
import resource
from scenarios.streams import Streams
from scenarios.studies.charge_vs_session import SESSION, ChargeVsSession, play

for visits in (1_000, 34_000):
    scene = play(ChargeVsSession(visits=visits), SESSION, 30, Streams(1, 0))
    print(scene.delivered, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_a_million_payments_in_one_run_take_hardly_more_memory() -> None:
    """The process's own peak, beside what it needed for the thirty thousand before."""
    told = subprocess.run(
        [sys.executable, "-c", A_MILLION], check=True, capture_output=True, text=True
    ).stdout
    (_, few), (delivered, many) = (map(int, line.split()) for line in told.splitlines())
    assert delivered > 1_000_000
    assert many < 1.1 * few


def test_memory_is_bounded() -> None:
    """Four times as many payments need hardly more."""
    peaks = []
    for visits in (1_000, 4_000):
        tracemalloc.start()
        scene = play(ChargeVsSession(visits=visits), SESSION, 20, Streams(1, 0))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert scene.delivered > 15 * visits
    assert peaks[1] < 1.2 * peaks[0]
