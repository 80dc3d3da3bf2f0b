"""What a piece of work on the rail is done with: whose it is, when it happens, who asked.

A request is one operation, and so is every entry of the agenda that has come due. What happens in
an operation is all or nothing (`State.transaction`), and carries one time: that of the request, of
the moment the entry was due, or of the test clock that the objects live on (facts: stripe 1.10).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import events
from mock_rails.stripe.errors import Missing
from mock_rails.stripe.model import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.core.rail import RailContext
    from mock_rails.stripe.agenda import Agenda
    from mock_rails.stripe.deposits import DepositChain
    from mock_rails.stripe.model import State
    from mock_rails.stripe.settings import StripeSettings
    from mock_rails.stripe.version import Version

ID_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH: Final = 24
_LETTERS: Final = bytes(ord(ID_ALPHABET[byte % len(ID_ALPHABET)]) for byte in range(256))
"""The letter that each byte stands for."""

NOUNS: Final = {
    "payment_intents": "payment_intent",
    "customers": "customer",
    "charges": "charge",
    "payment_methods": "PaymentMethod",
    "granted_tokens": "shared_payment_granted_token",
}
"""How error messages call a table's objects, where it is not the name without its `s`."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One piece of work. Domain functions take it first."""

    state: State
    agenda: Agenda
    context: RailContext
    settings: StripeSettings
    account: str
    livemode: bool
    version: Version
    at_s: int
    """Sandbox time of what happens, in seconds."""
    request_id: str | None = None
    """The request that asked for it; None for what happens by itself."""
    idempotency_key: str | None = None
    test_clock: str | None = None
    """The test clock whose time `at_s` is."""
    chain: DepositChain | None = None
    """The chain on which crypto deposits arrive, where there is one."""

    def at(self, at_s: int, test_clock: str | None = None) -> Operation:
        """The same work at another time, for objects that live on a test clock."""
        return replace(self, at_s=at_s, test_clock=test_clock)

    def of(self, account: str, *, livemode: bool) -> Operation:
        """The same work on another account: what sandbox controls do, for they belong to none."""
        return replace(self, account=account, livemode=livemode)

    def asked_by(
        self, request_id: str | None, idempotency_key: str | None, version: Version | None
    ) -> Operation:
        """The same work, done for a request."""
        return replace(
            self,
            request_id=request_id,
            idempotency_key=idempotency_key,
            version=version or self.version,
        )

    # -- objects ----------------------------------------------------------------------------------

    def new_id(self, prefix: str) -> str:
        """A fresh id: the prefix and 24 characters, from the seed."""
        drawn = self.context.seeds.stream("stripe.ids").bytes(ID_LENGTH)
        return f"{prefix}_{drawn.translate(_LETTERS).decode()}"

    def create(
        self,
        table: str,
        record_id: str,
        fields: Mapping[str, Any],
        hidden: Mapping[str, Any] | None = None,
    ) -> Record:
        """A new object of this account; `id`, `created` and `livemode` are filled in."""
        whole = {
            "id": record_id,
            "created": self.at_s,
            "livemode": self.livemode,
            **fields,
        }
        return self.state.add(Record(table, record_id, self.account, whole, dict(hidden or {})))

    def find(self, table: str, record_id: str | None) -> Record | None:
        """This account's object of that id, if there is one."""
        if record_id is None:
            return None
        found = self.state.find(table, record_id)
        return found if found is not None and self.may_see(found) else None

    def may_see(self, record: Record) -> bool:
        """Whether the record is this account's, and of this mode: live or test."""
        return (
            record.account == self.account
            and record.fields.get("livemode", self.livemode) == self.livemode
        )

    def get(self, table: str, record_id: str, *, param: str | None = None) -> Record:
        """This account's object of that id, or `Missing`, blamed on `param`."""
        found = self.find(table, record_id)
        if found is None:
            noun = NOUNS.get(table, table.removesuffix("s"))
            raise Missing(noun, record_id, param=param)
        return found

    def update(
        self,
        record: Record,
        changes: Mapping[str, Any] | None = None,
        *,
        hidden: Mapping[str, Any] | None = None,
    ) -> Record:
        """Give fields new values."""
        self.state.update(record, changes, hidden=hidden)
        return record

    # -- what follows -----------------------------------------------------------------------------

    def emit(
        self, event_type: str, record: Record, *, previous: Mapping[str, Any] | None = None
    ) -> None:
        """Record an event about the object as it is now, and send it to the webhook endpoints.
        `previous` is for `*.updated`: the old values of what changed."""
        events.emit(self, event_type, record, previous)

    def schedule(self, due_s: int, what: str, **args: Any) -> None:
        """Let `what` happen at `due_s`, on the test clock if this work is on one."""
        self.agenda.schedule(self, due_s, what, args)
