"""The parts of the model: tally, books, station, arrivals, costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from simpy import Environment

from mock_rails.core.errors import BadInput, ConservationError
from scenarios.facts import cards
from scenarios.model.arrivals import read_trace, token_gaps, trace, zipf_clients
from scenarios.model.books import ESCROW, MERCHANTS, PAYERS, Books
from scenarios.model.costs import WAYS
from scenarios.model.station import Station
from scenarios.model.tally import Tally
from scenarios.streams import Streams

if TYPE_CHECKING:
    from pathlib import Path


def test_a_tally_agrees_with_numpy() -> None:
    data = np.random.Generator(np.random.PCG64(1)).lognormal(-3, 1, 50_000)
    tally = Tally()
    for value in data.tolist():
        tally.add(0, value)
    assert tally.count == len(data)
    assert tally.mean == pytest.approx(data.mean())
    assert tally.largest == data.max()
    for share in (0.5, 0.95, 0.99, 0.999):
        assert tally.quantile(share) == pytest.approx(np.quantile(data, share), rel=0.01)
    assert tally.quantile(1) == pytest.approx(data.max(), rel=0.0026)


def test_a_tally_leaves_out_the_warm_up() -> None:
    tally = Tally(since_s=10)
    tally.add(9.9, 100)
    assert (tally.count, tally.mean, tally.quantile(0.5)) == (0, 0, 0)
    tally.add(10, 4)
    assert (tally.count, tally.mean) == (1, 4)


def test_books_notice_what_nobody_had() -> None:
    books = Books()
    books.move(PAYERS, ESCROW, 5)
    books.move(ESCROW, MERCHANTS, 5)
    books.check()
    with pytest.raises(ConservationError, match="would give"):
        books.move(PAYERS, ESCROW, -1)
    books.move(ESCROW, MERCHANTS, 1)
    with pytest.raises(ConservationError, match="was not there"):
        books.check()
    books.balances[MERCHANTS] += 1
    with pytest.raises(ConservationError, match="do not add up"):
        books.check()


def test_a_station_serves_in_order_and_can_be_closed() -> None:
    station = Station(2)
    assert [station.delay_s(0, 2) for _ in range(3)] == [2, 2, 4]
    assert station.delay_s(10, 1) == 1
    station.close_until(30)
    assert station.delay_s(20, 1) == 11
    assert station.utilisation(10) == pytest.approx(8 / 20)


def test_a_trace_is_played_as_recorded() -> None:
    env, seen = Environment(), []

    def visit(size: int) -> object:
        seen.append((env.now, size))
        yield env.timeout(1)

    env.process(trace(env, visit, [(0.5, 3), (0.5, 1), (2.0, 2)]))  # type: ignore[arg-type]
    env.run()
    assert seen == [(0.5, 3), (0.5, 1), (2.0, 2)]
    env.process(trace(env, visit, [(0.0, 1)]))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="goes back in time"):
        env.run()


def test_a_trace_is_read_from_a_file(tmp_path: Path) -> None:
    """A heading, an empty line, and a line that leaves the number of requests to chance."""
    path = tmp_path / "log.csv"
    path.write_text("seconds,requests\n0.5,3\n\n1,\n2\n")
    assert list(read_trace(str(path), lambda: 7.0)) == [(0.5, 3), (1.0, 7), (2.0, 7)]


@pytest.mark.parametrize("line", ["x,1", "1,x", "-1,2", "1,0", "1,2.5"])
def test_a_line_that_is_no_arrival_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"0,1\n{line}\n")
    with pytest.raises(BadInput, match="line 2: no arrival"):
        list(read_trace(str(path), lambda: 1.0))
    with pytest.raises(BadInput, match="Cannot read the trace"):
        list(read_trace(str(tmp_path / "absent.csv"), lambda: 1.0))


def test_tokens_come_at_their_rate_and_spread() -> None:
    gap = token_gaps(Streams(1, 0), 50, 0.5)
    gaps = np.array([gap() for _ in range(20_000)])
    assert gaps.mean() == pytest.approx(0.02, rel=0.02)
    assert gaps.std() / gaps.mean() == pytest.approx(0.5, rel=0.03)


def test_the_popular_service_is_asked_more() -> None:
    client = zipf_clients(Streams(1, 0), [0.7, 0.2, 0.1])
    counts = np.bincount([int(client()) for _ in range(5_000)]) / 5_000
    assert counts == pytest.approx([0.7, 0.2, 0.1], abs=0.02)


def test_ways_of_paying_cost_what_the_tables_add_up_to() -> None:
    """Facts: tempo 4.6 at the floor; stripe 3; lightning 5.1."""
    floor = 600_000_000
    assert WAYS["tempo charge"](10, 1_000, floor) == 10 * 29
    assert WAYS["tempo session"](10, 1_000, floor) == 184 + 49
    assert WAYS["card charge"](1, cards.LEAST - 1, floor) is None
    assert WAYS["card charge"](2, 1_000_000, floor) == 2 * (330_000 + 150_000)
    assert WAYS["card once"](1_000, 1_000, floor) == 330_000 + 150_000
    assert WAYS["lightning charge"](3, 1_000, floor) == 3 * 2_000
    assert WAYS["lightning session"](500, 1_000, floor) == 2_002 + 2_000
