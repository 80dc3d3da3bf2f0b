"""What will happen by itself: money becoming available, tokens expiring, invoices renewing.

Entries are records of the state, so a snapshot holds them and a failed call takes its own back.
They come due by sandbox time, or by the time of the test clock they are on, and run in the order of
their due times, each as an operation of its own that happens *at* its due time: after a jump of a
month, the renewal in the middle of it carries the middle's date (unlike Stripe: facts 1.10).

Who has things happen later registers their names: `agenda.handles("refund.settle", settle)`.
"""

from __future__ import annotations

import logging
from heapq import heapify, heappop, heappush
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import ConservationError
from mock_rails.stripe.model import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_rails.stripe.model import State
    from mock_rails.stripe.operation import Operation

TABLE: Final = "agenda"

_LOG: Final = logging.getLogger("mock_rails.stripe")

_HANDLERS: Final[dict[str, Callable[[Operation, Mapping[str, Any]], None]]] = {}


def handles(what: str, handler: Callable[[Operation, Mapping[str, Any]], None]) -> None:
    """Register what is done when entries of this name come due."""
    if what in _HANDLERS:
        raise ValueError(f"There are two handlers of {what!r}.")
    _HANDLERS[what] = handler


def _handler(what: str) -> Callable[[Operation, Mapping[str, Any]], None]:
    """What is done then. The files that do it are loaded when the first of them is needed: a
    devnet starts without them."""
    if what not in _HANDLERS:
        import_module("mock_rails.stripe.endpoints")
    if what not in _HANDLERS:
        raise ValueError(f"Nothing handles {what!r}.")
    return _HANDLERS[what]


class Agenda:
    """The entries of one state, the earliest first."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._due: dict[str | None, list[tuple[int, int, str]]] = {}
        """For each test clock (None: sandbox time) a heap of (due, number, id)."""

    def schedule(self, operation: Operation, due_s: int, what: str, args: Mapping[str, Any]) -> str:
        """Add an entry, on the operation's test clock if it is on one; returns its id."""
        _handler(what)
        record = self._state.add(
            Record(
                TABLE,
                operation.new_id("agenda"),
                operation.account,
                {
                    "due_s": due_s,
                    "what": what,
                    "livemode": operation.livemode,
                    "test_clock": operation.test_clock,
                    "args": dict(args),
                },
            )
        )
        self._push(record)
        return record.id

    def next_due(self, test_clock: str | None = None) -> int | None:
        """When the earliest entry is due, if there is one."""
        heap = self._due.get(test_clock, [])
        while heap and self._state.find(TABLE, heap[0][2]) is None:
            heappop(heap)  # its call was undone, or a snapshot was loaded
        return heap[0][0] if heap else None

    def take(self, until_s: int, test_clock: str | None = None) -> Record | None:
        """Remove and return the earliest entry that is due by `until_s`."""
        due_s = self.next_due(test_clock)
        if due_s is None or due_s > until_s:
            return None
        record = self._state.find(TABLE, heappop(self._due[test_clock])[2])
        assert record is not None
        self._state.remove(record)
        self._state.on_undo(lambda: self._push(record))
        return record

    def drop_clock(self, test_clock: str) -> None:
        """Forget what was to happen on a test clock that is deleted."""
        self._state.on_undo(self.reread)
        for _, _, record_id in self._due.pop(test_clock, []):
            record = self._state.find(TABLE, record_id)
            if record is not None:
                self._state.remove(record)

    def reread(self) -> None:
        """Find all entries again, after the state was replaced."""
        self._due = {}
        for record in self._state.all(TABLE):
            self._due.setdefault(record["test_clock"], []).append(_place(record))
        for heap in self._due.values():
            heapify(heap)

    def _push(self, record: Record) -> None:
        heappush(self._due.setdefault(record["test_clock"], []), _place(record))


def _place(record: Record) -> tuple[int, int, str]:
    return record["due_s"], record.number, record.id


def run(operation: Operation, entry: Record) -> None:
    """Do what the entry says; `operation` is at its due time.

    It is nobody's request, so nobody can be told if it cannot be done: that is undone and noted,
    and the next thing happens. Only books that do not balance stop everything.
    """
    try:
        with operation.state.transaction():
            _handler(entry["what"])(operation, entry["args"])
    except ConservationError:
        raise
    except Exception as error:
        _LOG.exception("what was due could not be done: %s", entry["what"])
        said = {"what": entry["what"], "args": entry["args"], "error": str(error)}
        operation.context.journal.append("stripe", "agenda.failed", said)
