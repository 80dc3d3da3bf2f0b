"""How fast the machine is: it is looked at while a block is open, and told as a time."""

from __future__ import annotations

from threading import enumerate as threads

import pytest

from benchmarks.pace import Pace, calibration, looking


def test_the_loop_is_looked_at_while_the_block_is_open() -> None:
    with looking() as pace:
        calibration()
    assert pace.us > 0
    assert not [one for one in threads() if one.name == "pace"]


def test_it_ends_with_what_it_is_wrapped_around() -> None:
    with pytest.raises(KeyboardInterrupt), looking():
        raise KeyboardInterrupt
    assert not [one for one in threads() if one.name == "pace"]


def test_nobody_has_looked_before_it_begins() -> None:
    assert Pace().us == 0
