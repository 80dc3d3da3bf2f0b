"""Idempotency-Key: the second try of a POST gets the first one's answer (facts: stripe 2.5).

What was answered is kept in the rail's state, so that a snapshot holds it: for a day of sandbox
time, and the newest so many. Nothing is kept of requests that failed before they began: their key
stays free. Those are the refusals that blame a parameter; a refusal because of a state (a consumed
token, a captured charge) is an answer like any other.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from mock_rails.stripe.errors import IdempotencyError, InvalidRequest, StripeError
from mock_rails.stripe.model import Record
from mock_rails.stripe.wire.form import as_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.model import State
    from mock_rails.stripe.wire.credentials import Caller

TABLE: Final = "idempotency_keys"
KEPT_S: Final = 24 * 3_600
LONGEST: Final = 255


class Stored(NamedTuple):
    """What a request with a key was answered."""

    request_id: str
    status: int
    body: dict[str, Any]


class Attempt(NamedTuple):
    """One request with a key."""

    slot: str
    """The key within its account and mode."""
    account: str
    key: str
    path: str
    params: str
    """A hash of the parameters, however they were spelled."""


def attempt(caller: Caller, key: str, path: str, given: Mapping[str, Any]) -> Attempt:
    """The attempt that a request makes with its key."""
    if len(key) > LONGEST:
        raise InvalidRequest(f"Idempotency keys must be at most {LONGEST} characters long.")
    mode = "live" if caller.livemode else "test"
    same = orjson.dumps(_spelled_alike(given), option=orjson.OPT_SORT_KEYS)
    slot = f"{caller.account}/{mode}/{key}"
    return Attempt(slot, caller.account, key, path, sha256(same).hexdigest())


class Keys:
    """The keys that were used, and those in use right now."""

    def __init__(self, state: State, most: int) -> None:
        self._state = state
        self._most = most
        self._running: set[str] = set()

    def recall(self, tried: Attempt, now_s: int) -> Stored | None:
        """The answer that this key has had already; the key is refused if it was used for
        something else, or its first request still runs."""
        if tried.slot in self._running:
            raise IdempotencyInUse(tried.key)
        record = self._state.find(TABLE, tried.slot)
        if record is None or record["at_s"] + KEPT_S <= now_s:
            return None
        if record["path"] != tried.path:
            raise IdempotencyError(
                "Keys for idempotent requests can only be used for the same endpoint they were "
                f"first used for ('{record['path']}', not '{tried.path}'). Try another key than "
                f"'{tried.key}' if you meant to execute a different request."
            )
        if record["params"] != tried.params:
            raise IdempotencyError(
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try another key than '{tried.key}' if you meant to execute a "
                "different request."
            )
        return Stored(record["request"], record["status"], record["body"])

    def begin(self, tried: Attempt) -> None:
        """The request runs: a second one with its key meets a 409."""
        self._running.add(tried.slot)

    def end(self, tried: Attempt) -> None:
        """It runs no more."""
        self._running.discard(tried.slot)

    def store(self, tried: Attempt, stored: Stored, now_s: int) -> None:
        """Keep what was answered, and forget what is too old or too much."""
        state = self._state
        stale = state.find(TABLE, tried.slot)
        if stale is not None:
            state.remove(stale)
        while (oldest := state.oldest(TABLE)) is not None and (
            oldest["at_s"] + KEPT_S <= now_s or state.count(TABLE) >= self._most
        ):
            state.remove(oldest)
        fields = {
            "at_s": now_s,
            "path": tried.path,
            "params": tried.params,
            "request": stored.request_id,
            "status": stored.status,
            "body": stored.body,
        }
        state.add(Record(TABLE, tried.slot, tried.account, fields))


class IdempotencyInUse(StripeError):
    """The first request with this key still runs."""

    type = "invalid_request_error"
    status = 409

    def __init__(self, key: str) -> None:
        super().__init__(
            "There is currently another in-progress request using this Idempotent Key (that "
            "probably means you submitted twice, and the other request is still going through): "
            f"{key}. Please try again later.",
            code="idempotency_key_in_use",
            headers={"Stripe-Should-Retry": "true"},
        )


def is_kept(error: StripeError | None, *, v2: bool) -> bool:
    """Whether an outcome is kept: everything whose execution had begun. The v2 API tries failed
    work again instead."""
    if error is None:
        return True
    if v2:
        return False
    return not (isinstance(error, InvalidRequest) and (error.param or error.status != 400))


def _spelled_alike(value: Any) -> Any:
    """Parameters as they are whether a list was written `a[]` or `a[0]`."""
    value = as_list(value)
    if isinstance(value, dict):
        return {name: _spelled_alike(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_spelled_alike(item) for item in value]
    return value
