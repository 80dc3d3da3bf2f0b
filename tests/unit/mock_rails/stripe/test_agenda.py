"""What happens by itself: in its order, at its own time, all or nothing (facts: stripe 1.10)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.core.errors import ConservationError
from mock_rails.stripe import agenda
from mock_rails.stripe.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.operation import Operation
    from mock_rails.stripe.rail import Stripe

DEED = "test.note"


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Any]]:
    """When the test's deed was done, and with what; some words make it fail."""
    done: list[tuple[int, Any]] = []

    def note(op: Operation, args: Mapping[str, Any]) -> None:
        done.append((op.at_s, args["word"]))
        op.state.put("word", args["word"])
        if args["word"] == "refused":
            raise InvalidRequest("this cannot be done now")
        if args["word"] == "broken":
            raise KeyError("a defect")
        if args["word"] == "unbalanced":
            raise ConservationError("money from nowhere")

    monkeypatch.setitem(agenda._HANDLERS, DEED, note)
    return done


def plan(rail: Stripe, *words: tuple[int, str]) -> int:
    """Schedule the deed so many seconds from now; returns now."""
    with rail.operation() as op:
        for after_s, word in words:
            op.schedule(op.at_s + after_s, DEED, word=word)
        return op.at_s


def test_things_happen_in_their_order_at_their_own_times(
    rail: Stripe, noted: list[tuple[int, Any]]
) -> None:
    now_s = plan(rail, (30, "c"), (10, "a"), (10, "b"), (99, "never"))
    rail.context.clock.advance(60)
    rail.catch_up()
    assert noted == [(now_s + 10, "a"), (now_s + 10, "b"), (now_s + 30, "c")]


def test_what_an_undone_call_had_planned_does_not_happen(
    rail: Stripe, noted: list[tuple[int, Any]]
) -> None:
    with suppress(RuntimeError), rail.operation() as op:
        op.schedule(op.at_s, DEED, word="ghost")
        raise RuntimeError
    rail.catch_up()
    assert noted == []


@pytest.mark.parametrize("word", ["refused", "broken"])
def test_what_cannot_be_done_is_undone_noted_and_stops_nothing(
    rail: Stripe, noted: list[tuple[int, Any]], word: str
) -> None:
    plan(rail, (1, "before"), (2, word), (3, "after"))
    rail.context.clock.advance(2)
    rail.catch_up()
    assert rail.state.value("word") == "before"
    (failure,) = rail.context.journal.read(kind="agenda.failed")
    assert failure.data["what"] == DEED
    rail.context.clock.advance(1)
    with rail.operation():
        assert rail.state.value("word") == "after"


def test_books_that_do_not_balance_stop_everything(
    rail: Stripe, noted: list[tuple[int, Any]]
) -> None:
    plan(rail, (1, "unbalanced"))
    rail.context.clock.advance(1)
    with pytest.raises(ConservationError):
        rail.catch_up()


def test_what_a_failed_call_had_taken_is_still_to_happen(
    rail: Stripe, noted: list[tuple[int, Any]]
) -> None:
    now_s = plan(rail, (10, "a"), (20, "b"))
    with suppress(RuntimeError), rail.operation() as op:
        assert op.agenda.take(now_s + 20) is not None
        assert op.agenda.take(now_s + 20) is not None
        raise RuntimeError
    rail.context.clock.advance(20)
    rail.catch_up()
    assert [word for _, word in noted] == ["a", "b"]


def test_a_snapshot_holds_what_is_to_happen(rail: Stripe, noted: list[tuple[int, Any]]) -> None:
    plan(rail, (10, "a"))
    document = rail.snapshot()
    rail.reset()
    rail.restore(document)
    rail.context.clock.advance(10)
    rail.catch_up()
    assert [word for _, word in noted] == ["a"]
