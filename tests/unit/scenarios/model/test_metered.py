"""One authorisation for many requests: who pays, who waits, who loses (facts: protocol 6, E7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_rails.tempo.execution.fees import MIN_BASE_FEE, fee_amount
from scenarios.facts import tempo
from scenarios.model.books import ESCROW, MERCHANTS, PAYERS, VALIDATORS
from scenarios.model.metered import BATCH, SESSION, UPTO, Desk, metered_visit
from scenarios.streams import Streams
from scenarios.studies.charge_vs_session import ChargeVsSession, play, scene_of

if TYPE_CHECKING:
    from pathlib import Path

MORE = 24_343


def served(way: str, visits: int = 1, requests: int = 5, broke: float = 0.0) -> Desk:
    """Agents that come together to an idle server: a think of a second, blocks of half of one."""
    scene = scene_of(ChargeVsSession(rtt_ms=20, block_ms=500), SESSION, Streams(1, 0), 0)
    scene.challenge = scene.check = scene.node = lambda: 0.0
    scene.think = lambda: 1.0
    desk = Desk(scene, 60.0, MORE, broke, lambda: 0.5)
    for _ in range(visits):
        scene.env.process(metered_visit(desk, way, requests))
    scene.env.run()
    scene.books.check()
    return desk


def fee(gas: int) -> int:
    return fee_amount(gas, MIN_BASE_FEE)


def test_a_session_opens_and_closes() -> None:
    desk = served(SESSION)
    assert desk.scene.transactions == 2
    assert desk.scene.books.balances[VALIDATORS] == fee(tempo.OPEN) + fee(tempo.CLOSE)
    assert desk.scene.books.balances[ESCROW] == desk.owed == 0


def test_a_batch_claims_for_many_payers_together() -> None:
    desk = served(BATCH, visits=10)
    assert desk.scene.transactions == 10 + 1
    claim = fee(tempo.SETTLE + 9 * MORE)
    assert desk.scene.books.balances[VALIDATORS] == 10 * fee(tempo.OPEN) + claim
    assert desk.scene.books.balances[MERCHANTS] == 50 * desk.scene.price - claim
    assert desk.scene.books.balances[ESCROW] == desk.owed == 0
    assert desk.owed_area / (50 * desk.scene.price) == pytest.approx(58, abs=2)  # Little's law


def test_an_authorisation_without_a_deposit_can_be_worth_nothing() -> None:
    paid, unpaid = served(UPTO), served(UPTO, broke=1.0)
    assert paid.scene.transactions == 1
    assert paid.scene.books.balances[VALIDATORS] == fee(tempo.CHARGE)
    assert paid.scene.latency.mean == pytest.approx(0.02 + 0.02 / 5)  # no block, one 402
    assert unpaid.lost == 5 * unpaid.scene.price
    assert (unpaid.scene.transactions, unpaid.owed) == (0, 0)
    assert unpaid.scene.books.balances[PAYERS] == 0


def test_a_study_is_played_from_a_trace(tmp_path: Path) -> None:
    """The arrivals of one's own log take the place of the drawn ones."""
    log = tmp_path / "log.csv"
    log.write_text("seconds,requests\n0.5,3\n2,1\n2.25,4\n")
    scene = play(ChargeVsSession(trace=str(log)), SESSION, 10, Streams(1, 0))
    assert (scene.visits, scene.delivered) == (3, 8)
    assert scene.transactions == 6
