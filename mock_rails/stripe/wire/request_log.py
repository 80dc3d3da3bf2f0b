"""What was asked and what was answered, newest last, at most so many (facts: stripe 6, must 10).

The log is what a lost answer or a double charge is found with, so it says of each request whether
it was replayed, which fault struck it, and which challenge it was to pay. Card numbers and secrets
never get into it. It is about the wire, not about money: snapshots do not hold it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.plain import REDACTED, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHALLENGE: Final = "mpp_challenge_id"
"""The metadata key under which MPP SDKs name the challenge that a payment answers."""

_NUMBERS: Final = frozenset({"number", "account_number"})
_UNSHOWN: Final = frozenset({"cvc", "client_secret"})

UNKNOWN_TO_CALLER: Final = frozenset({"dropped", "truncated", "garbled"})
"""What may become of an answer so that the caller does not know the outcome."""


@dataclass(eq=False, slots=True)
class Entry:
    """One request."""

    id: str
    at_s: int
    verb: str
    path: str
    route: str | None = None
    """The endpoint's path, with the names of its ids."""
    key: str = ""
    """The API key, masked."""
    account: str | None = None
    livemode: bool = False
    version: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None
    challenge_id: str | None = None
    source: str | None = None
    """What program says it is: X-Request-Source or User-Agent."""
    status: int | None = None
    """None while it runs."""
    error: str | None = None
    """The error's code, or its type where it has none."""
    object_id: str | None = None
    """The object that the answer is about."""
    replayed: str | None = None
    """The request whose answer was given again."""
    fault: str | None = None
    """The action of the armed fault that struck."""
    fate: str = "sent"
    """What became of the answer."""
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The entry as its endpoint shows it."""
        return {
            "object": "sandbox.request",
            **{name: getattr(self, name) for name in self.__slots__},
            "warnings": list(self.warnings),
        }


class RequestLog:
    """The newest requests."""

    def __init__(self, capacity: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=max(1, capacity))

    def add(self, entry: Entry) -> None:
        """Remember a request; its entry is filled in while it is served."""
        self._entries.append(entry)

    def newest(self) -> Iterator[Entry]:
        """The entries, newest first."""
        return reversed(self._entries)

    def find(self, request_id: str) -> Entry | None:
        """The entry of that id, if it is still remembered."""
        return next((one for one in self._entries if one.id == request_id), None)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()


def challenge_of(params: Mapping[str, Any]) -> str | None:
    """The challenge that a request's metadata names: a payment's, or what a token shares."""
    for name in ("metadata", "shared_metadata"):
        metadata = params.get(name)
        found = metadata.get(CHALLENGE) if isinstance(metadata, dict) else None
        if isinstance(found, str):
            return found
    return None


def redacted(value: Any) -> Any:
    """Parameters without what must not be seen: card numbers but for their end, and secrets."""
    if isinstance(value, dict):
        return {name: _entry(name, item) for name, item in value.items()}
    if isinstance(value, list):
        return [redacted(item) for item in value]
    return value


def _entry(name: str, item: Any) -> Any:
    if name in _NUMBERS and isinstance(item, str):
        return "…" + item[-4:] if len(item) > 8 else REDACTED
    if name in _UNSHOWN or is_secret(name):
        return REDACTED
    return redacted(item)
