"""The rail context: fresh, shared, and wired together."""

from __future__ import annotations

import dataclasses

import pytest

from mock_rails.core import Clock, Rail, RailContext
from tests.unit.mock_rails.core.piggy import PiggyBanks


def test_a_context_is_made_with_sensible_defaults() -> None:
    context = RailContext.create()
    assert context.seeds.seed == "mpp-sandbox"
    assert not context.clock.is_frozen
    assert context.faults.points == ()


def test_its_parts_know_each_other() -> None:
    clock = Clock.frozen(1_767_225_600)
    context = RailContext.create(7, clock, journal_capacity=3)
    assert context.seeds.seed == "7"
    assert context.journal.capacity == 3
    rail = PiggyBanks(context)
    context.faults.arm({"at": "piggy.pay", "do": "lose_response"})
    assert rail.pay("alice", "bob", 1) is None
    fired, paid = context.journal.read()
    assert (fired.kind, paid.kind) == ("fault.fired", "payment.made")
    assert paid.at_us == clock.now_us()


def test_it_cannot_be_rewired() -> None:
    context = RailContext.create()
    with pytest.raises(dataclasses.FrozenInstanceError):
        context.clock = Clock()  # type: ignore[misc]


def test_the_protocol_tells_rails_from_others() -> None:
    assert isinstance(PiggyBanks(RailContext.create()), Rail)
    assert not isinstance(object(), Rail)
