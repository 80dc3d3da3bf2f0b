"""Idempotency-Key: a request that is sent twice is charged once and answered the same.

Core draft, Idempotency (facts: protocol 1.1, row 16; no SDK does it for incoming requests, G14).
Under one key there is at most one record, and it says how far the request came:

    new ---begin---> running ---finish---> done ---(its end)---> new
                       |  └--abandon--> new      nothing was charged: the next try is a first one
                       └--leave, or (the lease)--> begin says RECOVER: look before paying

Whoever saw an attempt end without knowing what it charged leaves it, and the next may look at once.
Of one that died nobody says so: another process may be at it for as long as the lease.

The gate begins after it has verified the credential and before it charges. What decides is pure
(`decide`); `IdempotencyLog` makes it one atomic step on the channels' `RecordStore`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import deque
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from mpp.errors import BadRequestError, PaymentError

from mock_rails.core.errors import PROBLEM_TYPE_PREFIX, BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_rails.core.clock import Clock
    from sandbox.server.stores import RecordStore

LONGEST_KEY: Final = 255
LARGEST_BODY: Final = 256 * 1_024
"""The largest body that is kept to be sent again."""

KEPT_FOR_S: Final = 24 * 60 * 60
MOST_KEPT: Final = 20_000
"""Answers that one process keeps, the newest: clients give keys to all of their requests."""

_SWEEP: Final = 8
"""How many old answers each new one takes away at the most: they go faster than they come."""

LEASE_S: Final = 60

_PLAIN_KEY: Final = re.compile(r"[!-~]+")
_QUOTED_KEY: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])+)"')
_ESCAPED: Final = re.compile(r"\\(.)")


class IdempotencyMismatchError(PaymentError):
    """The key was used with another request. Nothing was charged."""

    status = 422
    type = PROBLEM_TYPE_PREFIX + "idempotency-mismatch"
    title = "Idempotency Key Reused"
    hint = "Use a new Idempotency-Key for each request that is to be paid on its own."

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used with another method, URL or body.")


class IdempotencyInProgressError(PaymentError):
    """The first request with the key has not been answered yet. Nothing more was charged."""

    status = 409
    type = PROBLEM_TYPE_PREFIX + "idempotency-in-progress"
    title = "Request In Progress"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("A request with this Idempotency-Key is in progress.")
        self.retry_after_s = retry_after_s
        self.details = {"retryAfter": retry_after_s}


def parse_key(fields: Sequence[str]) -> str | None:
    """The key in a request's `Idempotency-Key` fields, or None; BadRequestError if it is no key.

    The IETF draft writes it as a quoted string, most clients write it bare: both mean the same key.
    """
    if not fields:
        return None
    if len(fields) > 1:
        raise BadRequestError(f"{len(fields)} Idempotency-Key fields were sent, not one")
    text = fields[0].strip(" \t")
    if quoted := _QUOTED_KEY.fullmatch(text):
        key = _ESCAPED.sub(r"\1", quoted[1])
    elif _PLAIN_KEY.fullmatch(text) and '"' not in text:
        key = text
    else:
        raise BadRequestError("Idempotency-Key is 1 to 255 printable ASCII characters")
    if len(key) > LONGEST_KEY:
        raise BadRequestError(f"Idempotency-Key has {len(key)} characters, more than {LONGEST_KEY}")
    return key


def record_key(scope: str, key: str) -> str:
    """The store's key for a client's key.

    `scope` names who asks, by something that the credential proves (its source or challenge): else
    whoever guesses a key would be handed what another paid for.
    """
    return _digest(scope.encode(), key.encode())


def fingerprint(method: str, path: str, query: str | bytes, body: bytes) -> str:
    """What makes two requests the same: method, path (not its template), query and body, exactly.

    Credentials are left out, for a retry may carry another.
    """
    query = query.encode() if isinstance(query, str) else query
    return _digest(method.encode(), path.encode(), query, body)


@dataclass(frozen=True, slots=True)
class KeptResponse:
    """An answer that can be given again, its receipt included."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = b""
    """None where it was streamed or too large to keep: paid and delivered, but not repeatable."""


class State(Enum):
    """How far the request under a key came; where there is no record, it is new."""

    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """What is kept under a key."""

    fingerprint: str
    owner: str
    """The attempt that runs or ran it."""
    ends_at_s: int
    """When the lease of a running attempt ends, or when a done one is forgotten."""
    response: KeptResponse | None = None

    @property
    def state(self) -> State:
        """How far it came."""
        return State.RUNNING if self.response is None else State.DONE


class Verdict(Enum):
    """What to do with a request that has a key."""

    START = "start"
    """It is the first: charge, answer, finish."""
    RECOVER = "recover"
    """An earlier attempt died on the way and may have charged: look, then go on as with START."""
    REPLAY = "replay"
    """It was answered: give the same answer, charge nothing."""
    IN_PROGRESS = "in progress"
    """Another attempt is at it: 409."""
    MISMATCH = "mismatch"
    """The key belongs to another request: refuse."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and the record that it leaves behind."""

    verdict: Verdict
    record: IdempotencyRecord

    def raise_refusal(self, now_s: int) -> None:
        """Raise the problem that the verdict stands for, if it is a refusal."""
        if self.verdict is Verdict.MISMATCH:
            raise IdempotencyMismatchError
        if self.verdict is Verdict.IN_PROGRESS:
            raise IdempotencyInProgressError(max(1, self.record.ends_at_s - now_s))


def decide(before: IdempotencyRecord | None, attempt: IdempotencyRecord, now_s: int) -> Decision:
    """What to do with this attempt, given the record before it. Pure: stores may call it again."""
    if before is None or (before.state is State.DONE and before.ends_at_s <= now_s):
        return Decision(Verdict.START, attempt)
    if before.fingerprint != attempt.fingerprint:
        return Decision(Verdict.MISMATCH, before)
    if before.state is State.DONE:
        return Decision(Verdict.REPLAY, before)
    if before.ends_at_s <= now_s:
        return Decision(Verdict.RECOVER, attempt)
    return Decision(Verdict.IN_PROGRESS, before)


class IdempotencyLog:
    """The records by key, in a store that several processes may share."""

    def __init__(
        self,
        records: RecordStore[IdempotencyRecord],
        clock: Clock,
        *,
        lease_s: int = LEASE_S,
        kept_for_s: int = KEPT_FOR_S,
        most_kept: int = MOST_KEPT,
    ) -> None:
        if lease_s < 1 or kept_for_s < 1:
            raise BadInput(f"A lease ({lease_s} s) and a record ({kept_for_s} s) last a second.")
        self._records = records
        self._clock = clock
        self._lease_s = lease_s
        self._kept_for_s = kept_for_s
        self._most_kept = most_kept
        self._done: deque[tuple[int, str]] = deque()
        """The answers of this process, oldest first: when each is over, and its key."""

    async def look(self, key: str, fingerprint: str) -> IdempotencyRecord | None:
        """What there is of this request under this key: its answer, or an attempt at it."""
        found = await self._records.get(key)
        if found is None or found.fingerprint != fingerprint:
            return None
        return None if _is_over(found, self._clock.now_s()) else found

    async def dead(self, key: str, fingerprint: str) -> IdempotencyRecord | None:
        """The attempt at this request that died under this key, if there is one. Its record stays
        as it is, for it is the only trace of what may have been charged."""
        before = await self.look(key, fingerprint)
        if before is None or before.state is State.DONE:
            return None
        return before if before.ends_at_s <= self._clock.now_s() else None

    async def begin(
        self, key: str, fingerprint: str, owner: str, *, dead: IdempotencyRecord | None = None
    ) -> Decision:
        """Claim this record for the attempt called `owner`, unless it is taken or done.

        Of any number that race, one gets START (or RECOVER). `owner` must be new each time. An
        attempt that died is followed only by who has looked what came of it, and names it: `dead`.
        """
        now_s = self._clock.now_s()
        attempt = IdempotencyRecord(fingerprint, owner, now_s + self._lease_s)
        decision = Decision(Verdict.START, attempt)

        def change(before: IdempotencyRecord | None) -> IdempotencyRecord:
            nonlocal decision
            decision = decide(before, attempt, now_s)  # the last call is the one that is kept
            if before is not None and decision.verdict is Verdict.RECOVER and before != dead:
                decision = Decision(Verdict.IN_PROGRESS, before)
            return decision.record

        await self._records.update(key, change)
        return decision

    async def finish(self, key: str, owner: str, response: KeptResponse) -> bool:
        """Keep the answer. False if the attempt is not the record's any more: it took too long."""
        if response.body is not None and len(response.body) > LARGEST_BODY:
            response = replace(response, body=None)
        ends_at_s = self._clock.now_s() + self._kept_for_s

        def change(before: IdempotencyRecord | None) -> IdempotencyRecord | None:
            if not _runs(before, owner):
                return before
            return IdempotencyRecord(before.fingerprint, owner, ends_at_s, response)

        after = await self._records.update(key, change)
        is_kept = after is not None and after.owner == owner
        if is_kept:
            self._done.append((ends_at_s, key))
            await self._sweep()
        return is_kept

    async def abandon(self, key: str, owner: str) -> None:
        """Forget an attempt that charged nothing, so that the key can be used again at once."""
        await self._records.update(key, lambda now: None if _runs(now, owner) else now)

    async def leave(self, key: str, owner: str) -> None:
        """The attempt is over, and nobody knows what it charged: the next may look at once."""
        now_s = self._clock.now_s()

        def change(before: IdempotencyRecord | None) -> IdempotencyRecord | None:
            if not _runs(before, owner):
                return before
            return replace(before, ends_at_s=min(before.ends_at_s, now_s))

        await self._records.update(key, change)

    async def _sweep(self) -> None:
        """Forget a few answers whose time is over, and the oldest where there are too many."""
        now_s = self._clock.now_s()
        for _ in range(_SWEEP):
            is_over = bool(self._done) and self._done[0][0] <= now_s
            if not is_over and len(self._done) <= self._most_kept:
                return
            ends_at_s, key = self._done.popleft()
            await self._records.update(key, partial(_without, ends_at_s))

    async def purge(self) -> int:
        """Forget all answers whose time is over; how many. Unfinished attempts stay: they tell."""
        now_s = self._clock.now_s()

        def change(record: IdempotencyRecord | None) -> IdempotencyRecord | None:
            return None if record is not None and _is_over(record, now_s) else record

        forgotten = 0
        async for key, record in self._records.scan():
            if _is_over(record, now_s) and await self._records.update(key, change) is None:
                forgotten += 1
        return forgotten


class IdempotencyCodec:
    """Idempotency records as JSON, for the stores that keep text."""

    def encode(self, record: IdempotencyRecord) -> dict[str, Any]:
        """The record as plain values."""
        return {
            "fingerprint": record.fingerprint,
            "owner": record.owner,
            "endsAt": record.ends_at_s,
            "response": None if record.response is None else _encode(record.response),
        }

    def decode(self, document: Any) -> IdempotencyRecord:
        """The record that `encode` made this document of."""
        kept = document["response"]
        return IdempotencyRecord(
            document["fingerprint"],
            document["owner"],
            document["endsAt"],
            None if kept is None else _decode(kept),
        )


def _encode(response: KeptResponse) -> dict[str, Any]:
    return {
        "status": response.status,
        "headers": [list(pair) for pair in response.headers],
        "body": None if response.body is None else base64.b64encode(response.body).decode(),
    }


def _decode(kept: dict[str, Any]) -> KeptResponse:
    headers = tuple((name, value) for name, value in kept["headers"])
    body = kept["body"]
    return KeptResponse(
        kept["status"], headers, None if body is None else base64.b64decode(body, validate=True)
    )


def _runs(record: IdempotencyRecord | None, owner: str) -> TypeGuard[IdempotencyRecord]:
    return record is not None and record.state is State.RUNNING and record.owner == owner


def _without(ends_at_s: int, record: IdempotencyRecord | None) -> IdempotencyRecord | None:
    """Nothing, if the record is the answer with this end; else it was claimed anew since."""
    if record is not None and record.state is State.DONE and record.ends_at_s == ends_at_s:
        return None
    return record


def _is_over(record: IdempotencyRecord, now_s: int) -> bool:
    return record.state is State.DONE and record.ends_at_s <= now_s


def _digest(*parts: bytes) -> str:
    """SHA-256 over the parts, each after its length, so that none can pass for two."""
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(len(part).to_bytes(8, "big"))
        hashed.update(part)
    return hashed.hexdigest()
