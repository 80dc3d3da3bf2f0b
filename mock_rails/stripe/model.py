"""The rail's state: tables of records, and an undo log that makes every call all or nothing.

A record is one Stripe object. `fields` is the object as the newest supported version shows it, made
of JSON values; references to other objects are ids. `hidden` holds what Stripe knows and never
shows. Neither is ever changed in place: `State.update` puts new values where the old ones were, so
events and answers may keep what they have seen, and a call that fails is undone by putting the old
ones back.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mock_rails.core.errors import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(eq=False, slots=True)
class Record:
    """One object of one account."""

    table: str
    """Which table it is in: the name of its endpoint, as `payment_intents`."""
    id: str
    account: str
    fields: dict[str, Any]
    hidden: dict[str, Any] = field(default_factory=dict)
    number: int = 0
    """Its place in the order of creation, over all tables; lists show the highest first."""

    def __getitem__(self, name: str) -> Any:
        """A field of the object."""
        return self.fields[name]


class State:
    """All records of all accounts, and small values by name (`ledger`, `agenda`, …)."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, Record]] = {}
        self._values: dict[str, Any] = {}
        self._undo: list[Callable[[], None]] | None = None
        self._unsorted: set[str] = set()
        """Tables whose order an undo has disturbed."""
        self._count = 0

    # -- records ----------------------------------------------------------------------------------

    def add(self, record: Record) -> Record:
        """Put a new record in its table."""
        self._count += 1
        record.number = self._count
        table = self._tables.setdefault(record.table, {})
        table[record.id] = record

        def undo() -> None:
            del table[record.id]
            self._count = record.number - 1

        self.on_undo(undo)
        return record

    def find(self, table: str, record_id: str) -> Record | None:
        """The record of that id, whoever it belongs to."""
        return self._tables.get(table, {}).get(record_id)

    def size(self, table: str) -> int:
        """How many records a table has."""
        return len(self._tables.get(table, {}))

    def all(self, table: str) -> list[Record]:
        """The records of a table, oldest first."""
        return list(self._in_order(table).values())

    def newest(self, table: str) -> Iterator[Record]:
        """The records of a table, newest first; the table must not change meanwhile."""
        return iter(reversed(self._in_order(table).values()))

    def oldest(self, table: str) -> Record | None:
        """The oldest record of a table."""
        return next(iter(self._in_order(table).values()), None)

    def count(self, table: str) -> int:
        """How many records a table has."""
        return len(self._tables.get(table, ()))

    def _in_order(self, table: str) -> dict[str, Record]:
        records = self._tables.get(table, {})
        if table in self._unsorted:
            self._unsorted.discard(table)
            ordered = sorted(records.values(), key=lambda one: one.number)
            records.clear()
            records.update((one.id, one) for one in ordered)
        return records

    def update(
        self,
        record: Record,
        changes: Mapping[str, Any] | None = None,
        *,
        hidden: Mapping[str, Any] | None = None,
    ) -> None:
        """Give fields new values. The values must not be changed afterwards."""
        before, before_hidden = record.fields, record.hidden
        record.fields = {**before, **(changes or {})}
        record.hidden = {**before_hidden, **(hidden or {})}

        def undo() -> None:
            record.fields, record.hidden = before, before_hidden

        self.on_undo(undo)

    def remove(self, record: Record) -> None:
        """Take a record away."""
        table = self._tables[record.table]
        del table[record.id]

        def undo() -> None:
            table[record.id] = record
            self._unsorted.add(record.table)

        self.on_undo(undo)

    # -- values -----------------------------------------------------------------------------------

    def value(self, name: str, default: Any = None) -> Any:
        """A small value by name, never to be changed in place."""
        return self._values.get(name, default)

    def put(self, name: str, value: Any) -> None:
        """Set a small value."""
        had, before = name in self._values, self._values.get(name)
        self._values[name] = value

        def undo() -> None:
            if had:
                self._values[name] = before
            else:
                del self._values[name]

        self.on_undo(undo)

    # -- all or nothing ---------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo everything done inside if it raises; errors that commit (a decline) keep it."""
        outer, self._undo = self._undo, []
        try:
            yield
        except BaseException as error:
            if not getattr(error, "commits", False):
                for undo in reversed(self._undo):
                    undo()
                self._undo = []
            raise
        finally:
            done, self._undo = self._undo, outer
            if outer is not None:
                outer.extend(done)

    def on_undo(self, undo: Callable[[], None]) -> None:
        """Call this if the present transaction is undone, after what was done later."""
        if self._undo is not None:
            self._undo.append(undo)

    # -- snapshots --------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Everything as JSON values; the values are shared, for nobody changes them."""
        return {
            "count": self._count,
            "values": dict(self._values),
            "tables": {
                name: [
                    {
                        "id": one.id,
                        "account": one.account,
                        "fields": one.fields,
                        "hidden": one.hidden,
                        "number": one.number,
                    }
                    for one in self.all(name)
                ]
                for name, table in self._tables.items()
                if table
            },
        }

    def restore(self, document: object) -> None:
        """Become what a snapshot says; one that cannot be read changes nothing."""
        match document:
            case {"count": int(count), "values": dict(values), "tables": dict(tables), **rest} if (
                not rest and type(count) is int
            ):
                read = {name: _read_table(name, rows) for name, rows in tables.items()}
            case _:
                raise SnapshotError("The Stripe state must hold count, values and tables.")
        self._tables, self._values, self._count = read, dict(values), count
        self._unsorted = set()

    def clear(self) -> None:
        """Forget everything."""
        self._tables, self._values, self._count = {}, {}, 0
        self._unsorted = set()


def _read_table(name: object, rows: object) -> dict[str, Record]:
    if not isinstance(name, str) or not isinstance(rows, list):
        raise SnapshotError("A table of the Stripe state is a list under a name.")
    table: dict[str, Record] = {}
    for row in rows:
        match row:
            case {
                "id": str(record_id),
                "account": str(account),
                "fields": dict(fields),
                "hidden": dict(hidden),
                "number": int(number),
                **rest,
            } if not rest and type(number) is int:
                table[record_id] = Record(
                    name, record_id, account, dict(fields), dict(hidden), number
                )
            case _:
                raise SnapshotError(f"This is no record of {name!r}: {repr(row)[:200]}")
    return table
