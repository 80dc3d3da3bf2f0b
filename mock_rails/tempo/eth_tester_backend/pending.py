"""The pending block, which Tempo does not have and eth-tester cannot do without.

A transaction that was sent to eth-tester has a receipt before it is mined, so that log filters hear
of it at once. Here the waiting transactions are sealed into a block that is taken back again.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from mock_rails.tempo.engine import Pin
from mock_rails.tempo.execution.executor import next_nonce

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_rails.tempo.engine import Engine, Sealed

_PIN: Final = 0
"""Snapshot ids count from 1."""


@contextmanager
def pending_block(engine: Engine) -> Iterator[Sealed]:
    """The block that a seal would make now; it is the head until the end of the `with`."""
    waiting, timestamp_s = tuple(engine.pool), engine.next_timestamp_s
    pin = engine.pins[_PIN] = Pin(engine.head.number, engine.world.mark())
    try:
        yield engine.seal()
    finally:
        engine.rewind(pin.number, pin.mark)
        engine.pins.pop(_PIN, None)
        engine.next_timestamp_s = timestamp_s
        engine.pool.clear()
        for one in waiting:
            engine.pool.add(one, next_nonce(engine.world, one.sender, one.tx.nonce_key))
