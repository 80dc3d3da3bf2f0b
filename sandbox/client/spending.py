"""What a wallet has spent and set aside, on disk: limits that a restart does not lift.

The ledger (ledger.py) decides, and this file remembers. A reservation is written down before
anything is signed for it, and so counts from then on: where a run is killed, the next one finds it
open, with what is needed to look up what became of it. Sums are kept by wallet and currency.

Several processes may write; each counts what it found when it began, and its own.
"""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sandbox.client.budget import Limit, Payment
from sandbox.client.errors import SpendingDamagedError
from sandbox.client.sqlite_file import open_file

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
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
    at_us INTEGER NOT NULL, payment TEXT NOT NULL, evidence TEXT NOT NULL
);
"""
_READ: Final = "SELECT amount FROM spent WHERE (wallet, currency, kind, name) = (?, ?, ?, ?)"
_WRITE: Final = "INSERT OR REPLACE INTO spent VALUES (?, ?, ?, ?, ?)"
_RESERVE: Final = (
    "INSERT INTO reserved (wallet, currency, at_us, payment, evidence) VALUES (?, ?, ?, ?, ?)"
)


class Kept(NamedTuple):
    """A reservation of an earlier run that came to no end."""

    row: int
    payment: Payment
    reserved_at_us: int
    evidence: Mapping[str, Any]


class Spending:
    """One wallet's part of the file in a directory."""

    def __init__(self, state: Path, wallet: bytes) -> None:
        self._wallet = f"0x{wallet.hex()}"
        self._file = open_file(
            state / FILE_NAME,
            application=_APPLICATION,
            schema=_SCHEMA,
            error=SpendingDamagedError,
        )

    def spent(self, currencies: Collection[str] | None) -> dict[tuple[Limit, str], int]:
        """What was spent in these currencies, or in all of them."""
        sums: dict[tuple[Limit, str], int] = {}
        try:
            rows = self._file.execute(
                "SELECT currency, kind, name, amount FROM spent WHERE wallet = ?", (self._wallet,)
            )
            for currency, kind, name, amount in rows:
                if currencies is None or currency in currencies:
                    key = Limit(kind), name
                    sums[key] = sums.get(key, 0) + int(amount)
        except (sqlite3.Error, ValueError) as error:
            raise _damaged(error) from error
        return sums

    def reserved(self, currencies: Collection[str] | None) -> list[Kept]:
        """What earlier runs have set aside in these currencies and not accounted for."""
        try:
            rows = self._file.execute(
                "SELECT id, currency, payment, at_us, evidence FROM reserved WHERE wallet = ?"
                " ORDER BY id",
                (self._wallet,),
            ).fetchall()
            return [
                Kept(row, _payment(json.loads(payment)), at_us, json.loads(evidence))
                for row, currency, payment, at_us, evidence in rows
                if currencies is None or currency in currencies
            ]
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            raise _damaged(error) from error

    def reserve(self, payment: Payment, at_us: int, evidence: Mapping[str, Any]) -> int:
        """Write a reservation down; the number of its row."""
        values = self._wallet, payment.currency, at_us, _record(payment), json.dumps(evidence)
        try:
            row = self._file.execute(_RESERVE, values).lastrowid
        except sqlite3.Error as error:
            raise _damaged(error) from error
        assert row is not None
        return row

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
        try:
            self._file.execute("BEGIN IMMEDIATE")
            try:
                self._file.execute("DELETE FROM reserved WHERE id = ?", (row,))
                for (limit, name), part in spent.items():
                    place = self._wallet, currency, limit.value, name
                    found = self._file.execute(_READ, place).fetchone()
                    total = part + (0 if found is None else int(found[0]))
                    self._file.execute(_WRITE, (*place, str(total)))
            except BaseException:
                self._file.execute("ROLLBACK")
                raise
            self._file.execute("COMMIT")
        except (sqlite3.Error, ValueError) as error:
            raise _damaged(error) from error

    def close(self) -> None:
        """Let go of the file."""
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
