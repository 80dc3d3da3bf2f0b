"""What a wallet has spent and set aside, on disk: limits that a restart does not lift.

The ledger (ledger.py) decides, and this file remembers. A reservation is written down before
anything is signed for it, and so counts from then on: where a run is killed, the next one finds it
open, with what is needed to look up what became of it. Sums are kept by wallet and currency.

Several processes may spend at the same time. Each takes its turn with the file, hears what the
others have written since, and only then reserves, so that all of them together keep the limits. A
reservation belongs to the run that made it for as long as that lives (living.py); then the next run
takes it over.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sandbox.client.budget import Limit, Payment
from sandbox.client.errors import SpendingDamagedError
from sandbox.client.living import living_runs, sign_of_life
from sandbox.client.sqlite_file import open_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

FILE_NAME: Final = "spending.sqlite3"

_APPLICATION: Final = 0x4D505053
"""`MPPS`: how the file says whose it is."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS spent (
    wallet TEXT, currency TEXT, kind TEXT, name TEXT, amount TEXT NOT NULL,
    PRIMARY KEY (wallet, currency, kind, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reserved (
    id INTEGER PRIMARY KEY AUTOINCREMENT, wallet TEXT NOT NULL, currency TEXT NOT NULL,
    at_us INTEGER NOT NULL, payment TEXT NOT NULL, evidence TEXT NOT NULL,
    run INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY AUTOINCREMENT);
"""
_ADD_RUN: Final = "ALTER TABLE reserved ADD COLUMN run INTEGER NOT NULL DEFAULT 0"
"""For files from before runs were told apart."""
_READ: Final = "SELECT amount FROM spent WHERE (wallet, currency, kind, name) = (?, ?, ?, ?)"
_WRITE: Final = "INSERT OR REPLACE INTO spent VALUES (?, ?, ?, ?, ?)"
_RESERVE: Final = (
    "INSERT INTO reserved (run, wallet, currency, at_us, payment, evidence)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_RESERVED: Final = (
    "SELECT id, currency, payment, at_us, evidence, run FROM reserved WHERE wallet = ? ORDER BY id"
)


class Kept(NamedTuple):
    """A reservation of an earlier run that came to no end."""

    row: int
    payment: Payment
    reserved_at_us: int
    evidence: Mapping[str, Any]


class Spending:
    """One wallet's part of the file in a directory, as one run uses it."""

    def __init__(self, state: Path, wallet: bytes) -> None:
        self._wallet = f"0x{wallet.hex()}"
        self._file = open_file(
            state / FILE_NAME,
            application=_APPLICATION,
            schema=_SCHEMA,
            error=SpendingDamagedError,
        )
        try:
            with self.turn():
                self._run = self._number()
                self._mark = sign_of_life(state, self._run)
                self._living = living_runs(state)
        except (OSError, SpendingDamagedError) as error:
            self._file.close()
            raise _damaged(error) from error

    def _number(self) -> int:
        """A number that no run of this file has had."""
        columns = {name for _, name, *_ in self._file.execute("PRAGMA table_info(reserved)")}
        if "run" not in columns:
            self._file.execute(_ADD_RUN)
        number = self._file.execute("INSERT INTO runs DEFAULT VALUES").lastrowid
        self._file.execute("DELETE FROM runs")  # the next is another all the same
        assert number is not None
        return number

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Nobody else writes meanwhile. What is written within is kept as a whole or not at all."""
        try:
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                with suppress(sqlite3.Error):
                    self._file.execute("ROLLBACK")
                raise
            self._file.execute("COMMIT")
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            raise _damaged(error) from error

    def version(self) -> int:
        """Another number whenever another run has written."""
        try:
            (version,) = self._file.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error as error:
            raise _damaged(error) from error
        return int(version)

    # -- within a turn ----------------------------------------------------------------------------

    def spent(self, currencies: Collection[str] | None) -> dict[tuple[Limit, str], int]:
        """What was spent in these currencies, or in all of them."""
        sums: dict[tuple[Limit, str], int] = {}
        rows = self._file.execute(
            "SELECT currency, kind, name, amount FROM spent WHERE wallet = ?", (self._wallet,)
        )
        for currency, kind, name, amount in rows:
            if currencies is None or currency in currencies:
                key = Limit(kind), name
                sums[key] = sums.get(key, 0) + int(amount)
        return sums

    def set_aside_by_others(
        self, currencies: Collection[str] | None
    ) -> dict[tuple[Limit, str], int]:
        """What other runs have reserved in these currencies, or in all of them."""
        sums: dict[tuple[Limit, str], int] = {}
        for kept, run in self._reserved(currencies):
            if run != self._run:
                for key, part in kept.payment.charges(kept.payment.amount).items():
                    sums[key] = sums.get(key, 0) + part
        return sums

    def take_over(self, currencies: Collection[str] | None) -> list[Kept]:
        """What runs that have ended left reserved in these currencies: it is this run's now."""
        found = [kept for kept, run in self._reserved(currencies) if run not in self._living]
        self._file.executemany(
            "UPDATE reserved SET run = ? WHERE id = ?", [(self._run, one.row) for one in found]
        )
        return found

    def reserve(self, payment: Payment, at_us: int, evidence: Mapping[str, Any]) -> int:
        """Write a reservation down; the number of its row."""
        values = (
            self._run,
            self._wallet,
            payment.currency,
            at_us,
            _record(payment),
            json.dumps(dict(evidence)),
        )
        row = self._file.execute(_RESERVE, values).lastrowid
        assert row is not None
        return row

    def forget(self, row: int) -> None:
        """A reservation is no more; others stand in its place."""
        self._file.execute("DELETE FROM reserved WHERE id = ?", (row,))

    def _reserved(self, currencies: Collection[str] | None) -> list[tuple[Kept, int]]:
        return [
            (Kept(row, _payment(json.loads(payment)), at_us, json.loads(evidence)), run)
            for row, currency, payment, at_us, evidence, run in self._file.execute(
                _RESERVED, (self._wallet,)
            )
            if currencies is None or currency in currencies
        ]

    # -- each a turn of its own -------------------------------------------------------------------

    def note(self, row: int, evidence: Mapping[str, Any]) -> None:
        """Write down by what its outcome can be found out."""
        try:
            self._file.execute(
                "UPDATE reserved SET evidence = ? WHERE id = ?", (json.dumps(evidence), row)
            )
        except sqlite3.Error as error:
            raise _damaged(error) from error

    def end(self, row: int, currency: str, spent: Mapping[tuple[Limit, str], int]) -> None:
        """The reservation came to its end, and this was spent of it: both or neither is kept."""
        with self.turn():
            self.forget(row)
            for (limit, name), part in spent.items():
                place = self._wallet, currency, limit.value, name
                found = self._file.execute(_READ, place).fetchone()
                total = part + (0 if found is None else int(found[0]))
                self._file.execute(_WRITE, (*place, str(total)))

    def close(self) -> None:
        """Let go of the file. What is reserved is for the next run to take over."""
        self._mark.release()
        self._file.close()


def _damaged(error: Exception) -> SpendingDamagedError:
    return SpendingDamagedError(f"The record of what was spent cannot be used: {error}.")


def _record(payment: Payment) -> str:
    return json.dumps(
        {
            "amount": str(payment.amount),
            "currency": payment.currency,
            "host": payment.host,
            "recipient": payment.recipient,
            "session": payment.session,
            "splits": [[to, str(part)] for to, part in payment.splits],
        }
    )


def _payment(record: Mapping[str, Any]) -> Payment:
    return Payment(
        int(record["amount"]),
        currency=record["currency"],
        host=record["host"],
        recipient=record["recipient"],
        session=record["session"],
        splits=tuple((to, int(part)) for to, part in record["splits"]),
    )
