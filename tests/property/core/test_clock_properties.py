"""Whatever is done to a clock, it runs backwards only when told so, and can be restored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mock_rails.core import Clock, ClockError
from mock_rails.core.clock import LATEST_US

YEAR_US = 365 * 24 * 3_600 * 1_000_000


class SteeredClock(RuleBasedStateMachine):
    """Everything anyone may do to a clock, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.seen_us = self.clock.now_us()

    @rule()
    def freeze(self) -> None:
        self.clock.freeze()

    @rule()
    def resume(self) -> None:
        self.clock.resume()

    @rule(span_us=st.integers(0, YEAR_US))
    def advance(self, span_us: int) -> None:
        self.clock.advance(timedelta(microseconds=span_us))
        assert self.clock.now_us() >= self.seen_us + span_us

    @rule(span_us=st.integers(1, YEAR_US))
    def refuse_to_go_back(self, span_us: int) -> None:
        with pytest.raises(ClockError):
            self.clock.set_us(self.seen_us - span_us)

    @rule(span_us=st.integers(1, YEAR_US))
    def go_back_when_told(self, span_us: int) -> None:
        there_us = self.seen_us = max(0, self.clock.now_us() - span_us)
        self.clock.set_us(there_us, backwards=True)

    @precondition(lambda self: self.clock.is_frozen)
    @rule(span_us=st.integers(0, YEAR_US))
    def come_back_to_a_snapshot(self, span_us: int) -> None:
        before_us, document = self.clock.now_us(), self.clock.snapshot()
        self.clock.advance(timedelta(microseconds=span_us))
        self.clock.resume()
        self.clock.restore(document)
        assert self.clock.now_us() == before_us

    @precondition(lambda self: not self.clock.is_frozen)
    @rule()
    def take_over_its_own_snapshot(self) -> None:
        document = self.clock.snapshot()
        self.clock.restore(document)
        assert self.clock.snapshot() == document

    @invariant()
    def time_does_not_run_backwards(self) -> None:
        now_us = self.clock.now_us()
        assert now_us >= self.seen_us
        self.seen_us = now_us


TestSteeredClock = SteeredClock.TestCase


@given(at_us=st.integers(0, LATEST_US))
def test_units_and_calendar_agree(at_us: int) -> None:
    clock = Clock.frozen(0)
    clock.set_us(at_us)
    assert clock.now_us() == at_us
    assert clock.now_ms() == at_us // 1_000
    assert clock.now_s() == at_us // 1_000_000
    assert clock.utc().microsecond == at_us % 1_000_000
