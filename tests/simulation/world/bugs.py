"""Known bugs, planted in the product's own code: what the suite must find, or it finds nothing.

Each is one of those that payment servers really have. It is planted for the length of a block.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from sandbox.client.ledger import Ledger
from sandbox.client.session.account import Lane
from sandbox.client.session.attempt import SessionAttempt
from sandbox.methods.lightning_session import rules as lightning_rules
from sandbox.methods.tempo_session import rules
from sandbox.server.l402 import L402
from sandbox.server.lightning.closing import Closer
from sandbox.server.session import actions, meter, server
from sandbox.server.session import closing as server_closing
from sandbox.server.session.book import ChannelCodec
from sandbox.server.session.watch import Watch
from sandbox.server.stores import memory
from sandbox.server.stores.sqlite_file import SqliteFile
from sandbox.server.streaming import socket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Bug:
    """One bug: where it is, what the code does there instead, and the invariants it breaks."""

    name: str
    changes: tuple[tuple[Any, str, Callable[[Callable[..., Any]], Callable[..., Any]]], ...]
    """Whose function, its name, and what makes of the right one the wrong one."""
    breaks: frozenset[str]

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The bug is in the code while this lasts."""
        before = [(owner, word, getattr(owner, word)) for owner, word, _ in self.changes]
        try:
            for owner, word, wrong in self.changes:
                setattr(owner, word, wrong(getattr(owner, word)))
            yield
        finally:
            for owner, word, right in before:
                setattr(owner, word, right)


def _forgets_marks(right: Callable[..., Any]) -> Callable[..., Any]:
    async def put_if_absent(self: Any, *args: Any, **options: Any) -> bool:
        await right(self, *args, **options)
        return True

    return put_if_absent


def _forgets_spent(right: Callable[..., Any]) -> Callable[..., Any]:
    def spend(channel: Any, amount: int, units: int = 1) -> Any:
        right(channel, amount, units)
        return channel

    return spend


def _refunds_twice(right: Callable[..., Any]) -> Callable[..., Any]:
    async def refund(self: Any, session: Any) -> None:
        await right(self, replace(session, refund_sat=2 * session.refund_sat))

    return refund


def _serves_the_closed(right: Callable[..., Any]) -> Callable[..., Any]:
    def opened(session: Any) -> Any:
        return right(session) if session is None else session

    return opened


def _writes_an_old_voucher(right: Callable[..., Any]) -> Callable[..., Any]:
    def encode(self: Any, record: Any) -> Any:
        return right(self, record) | {"accepted": str(record.settled), "spent": str(record.settled)}

    return encode


def _captures_too_little(right: Callable[..., Any]) -> Callable[..., Any]:
    def closing(channel: Any, *args: Any) -> Any:
        after = right(channel, *args)
        return after._replace(close_order=after.close_order._replace(capture=channel.settled))

    return closing


def _commits_late(right: Callable[..., Any]) -> Callable[..., Any]:
    turns = count(1)

    def transact(self: SqliteFile, work: Callable[[Any], Any]) -> Any:
        connection = self._open()
        if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            return right(self, work)  # the tables are made
        if not connection.in_transaction:
            connection.execute("BEGIN IMMEDIATE")
        result = work(connection)
        if next(turns) % _GROUP == 0:
            connection.execute("COMMIT")
        return result

    return transact


def _takes_unknown_for_unpaid(right: Callable[..., Any]) -> Callable[..., Any]:
    def mark_unknown(self: Ledger, reservation: Any) -> None:
        self.release(reservation)

    return mark_unknown


def _stays_opening(right: Callable[..., Any]) -> Callable[..., Any]:
    def finish(self: Any) -> bool:
        waits = self.account.lane.is_opening
        ended: bool = right(self)
        self.account.lane.is_opening = waits and self._losses > 0
        return ended

    return finish


def _charges_nothing(right: Callable[..., Any]) -> Callable[..., Any]:
    class Free(right):  # type: ignore[valid-type, misc] # it is a class
        async def charge(self) -> None:
            """Let it pass."""

    return Free


def _is_always(right: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *_: True


def _looks_away(right: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, channel: None


async def _nothing(*_: Any) -> None:
    """Do nothing."""


def _does_nothing(right: Callable[..., Any]) -> Callable[..., Any]:
    return _nothing


def _waits_on(right: Callable[..., Any]) -> Callable[..., Any]:
    return lambda lane: None


_GROUP: Final = 8
_ONCE: Final = "at most one delivery per settlement"
_UNPAID: Final = "no delivery without payment"

BUGS: Final = (
    Bug(
        "the replay check is dropped",
        ((memory._Replays, "put_if_absent", _forgets_marks),),
        frozenset({_ONCE}),
    ),
    Bug(
        "what is spent is not persisted",
        ((actions, "spend", _forgets_spent), (meter, "spend", _forgets_spent)),
        frozenset({_UNPAID}),
    ),
    Bug(
        "the rest is refunded twice",
        ((Closer, "_refund", _refunds_twice),),
        frozenset({"each refund once"}),
    ),
    Bug(
        "a closed session is closed again",
        ((lightning_rules, "_opened", _serves_the_closed),),
        frozenset({"each refund once", _UNPAID}),
    ),
    Bug(
        "a restart finds an old voucher",
        ((ChannelCodec, "encode", _writes_an_old_voucher),),
        frozenset({"no lost voucher", _UNPAID}),
    ),
    Bug(
        "changes are committed in groups",
        ((SqliteFile, "_transact", _commits_late),),
        frozenset({"no lost voucher", _ONCE, _UNPAID}),
    ),
    Bug(
        "a WebSocket's messages are not charged",
        ((socket, "Hold", _charges_nothing),),
        frozenset({_UNPAID}),
    ),
    Bug(
        "a ticket has no end",
        ((L402, "_is_met", _is_always),),
        frozenset({"a ticket ends"}),
    ),
    Bug(
        "nobody sees that a payer leaves",
        ((server_closing.Closer, "close_if_owed", _looks_away),),
        frozenset({"what is delivered is captured"}),
    ),
    Bug(
        "a close captures what was captured before",
        ((rules, "_closing", _captures_too_little),),
        frozenset({"what is delivered is captured"}),
    ),
    Bug(
        "what a crash interrupted is never taken up again",
        ((server, "recover", _does_nothing), (Watch, "_look_at_clock", _does_nothing)),
        frozenset({"all is closed"}),
    ),
    Bug(
        "a payer takes an unknown outcome for unpaid",
        ((Ledger, "mark_unknown", _takes_unknown_for_unpaid),),
        frozenset({"a ledger says what left"}),
    ),
    Bug(
        "a lost opening holds up its payer for ever",
        ((SessionAttempt, "_finish", _stays_opening), (Lane, "stop_waiting", _waits_on)),
        frozenset({"liveness"}),
    ),
)
