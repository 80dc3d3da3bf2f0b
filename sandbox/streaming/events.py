"""Server-Sent Events: an incremental parser that cannot be made to hoard, and the writer.

The format is the HTML standard's (9.2.6): lines end with CRLF, LF or CR, an event ends with an
empty line, the first blank after a colon is dropped, unknown fields are ignored. The names of the
payment's events are facts, protocol 2.8. Unlike a browser's, this parser also keeps what has no
data (comments, ids, retry times), so that a server can pass it on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MESSAGE: Final = "message"
NEED_VOUCHER: Final = "payment-need-voucher"
NEED_TOP_UP: Final = "payment-need-topup"
SESSION_TIMEOUT: Final = "session-timeout"
RECEIPT: Final = "payment-receipt"
RESERVED_PREFIX: Final = "payment-"
"""Events whose names begin so are the payment's, never an application's."""

DONE: Final = "[DONE]"
"""How OpenAI-like streams say that they end: no content, so nobody pays for it."""

LARGEST_EVENT: Final = 1_024 * 1_024

_BOM: Final = b"\xef\xbb\xbf"
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_TEXT_LINE_END: Final = re.compile(r"\r\n|\n|\r")


class EventTooLarge(ValueError):
    """An event exceeds the limit; the stream cannot be read any further."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a method's streams speak of payment; this one is mppx's (facts: protocol 2.8)."""

    need: str = NEED_VOUCHER
    """The event by which the server asks for more."""
    timeout: str | None = None
    """The event that ends a stream for which no more came; it has no receipt then. Without a name
    the receipt for what was delivered ends it."""
    names_content: bool = True
    """Whether content says that it is a `message`, which is what an event without a name is."""
    done: str | None = None
    """What a complete stream ends with, after its receipt."""


MPPX: Final = Dialect()
LIGHTNING: Final = Dialect(NEED_TOP_UP, SESSION_TIMEOUT, names_content=False, done=DONE)
"""How the Lightning session's draft has it (facts: lightning 2.4)."""


@dataclass(frozen=True, slots=True)
class Event:
    """What stood between two empty lines. Without `data` a browser would not see an event."""

    data: str | None = None
    name: str = MESSAGE
    id: str | None = None
    retry: str | None = None
    comments: tuple[str, ...] = ()

    @property
    def is_message(self) -> bool:
        """Whether it is content: the unit that is metered."""
        return self.data is not None and self.name == MESSAGE

    @property
    def is_reserved(self) -> bool:
        """Whether it speaks of the payment."""
        return self.data is not None and self.name.startswith(RESERVED_PREFIX)

    def encode(self, *, names_content: bool = True) -> bytes:
        """The event on the wire, `event` before `data`, with its empty line."""
        lines = [f": {_one_line(comment)}" for comment in self.comments]
        if self.data is not None and (names_content or not self.is_message):
            lines.append(f"event: {_one_line(self.name)}")
        if self.id is not None:
            lines.append(f"id: {_one_line(self.id)}")
        if self.retry is not None:
            lines.append(f"retry: {_one_line(self.retry)}")
        if self.data is not None:
            lines += [f"data: {line}" for line in _TEXT_LINE_END.split(self.data)]
        return ("\n".join(lines) + "\n\n").encode()


def json_event(name: str, data: Mapping[str, Any]) -> Event:
    """An event of the payment, whose data is JSON."""
    return Event(name=name, data=orjson.dumps(data).decode())


def comment(text: str) -> bytes:
    """A line that only keeps proxies from thinking the stream is dead."""
    return Event(comments=(text,)).encode()


class EventParser:
    """Turns chunks of bytes, cut anywhere, into events.

    At most `limit` bytes of an unfinished event are held; one more raises `EventTooLarge`.
    """

    def __init__(self, limit: int = LARGEST_EVENT) -> None:
        self._limit = limit
        self._line: list[bytes] = []
        self._held = 0
        self._skip_lf = False
        self._at_start = True
        self._name = ""
        self._data: list[str] = []
        self._comments: list[str] = []
        self._id: str | None = None
        self._retry: str | None = None

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that this chunk completes. Exhaust the iterator before the next chunk."""
        if self._skip_lf and chunk:  # the CR that ended the last chunk was half of a CRLF
            chunk = chunk.removeprefix(b"\n")
            self._skip_lf = False
        if not chunk:
            return
        self._skip_lf = chunk.endswith(b"\r")
        *ended, rest = _LINE_END.split(chunk)
        for piece in ended:
            self._hold(piece)
            line = b"".join(self._line)
            self._line.clear()
            if self._at_start:
                line = line.removeprefix(_BOM)
                self._at_start = False
            if line:
                self._field(line)
            elif event := self._take():
                yield event
        self._hold(rest)

    def finish(self) -> Event | None:
        """What the stream ended in the middle of, for writers that forget the last empty line."""
        event = None
        if self._line:
            event = next(self.feed(b"\n"), None)
        return self._take() or event

    def _hold(self, piece: bytes) -> None:
        self._held += len(piece)
        if self._held > self._limit:
            raise EventTooLarge(f"An event exceeds {self._limit:,} bytes.")
        if piece:
            self._line.append(piece)

    def _field(self, line: bytes) -> None:
        name, _, raw = line.decode("utf-8", "replace").partition(":")
        value = raw.removeprefix(" ")
        match name:
            case "":
                self._comments.append(value)
            case "data":
                self._data.append(value)
            case "event":
                self._name = value
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if value.isascii() and value.isdigit():
                self._retry = value

    def _take(self) -> Event | None:
        """The event as far as it came, or None if nothing of meaning was in it."""
        event = Event(
            data="\n".join(self._data) if self._data else None,
            name=self._name or MESSAGE,
            id=self._id,
            retry=self._retry,
            comments=tuple(self._comments),
        )
        self._reset()
        silent = event.data is None and event.id is None and event.retry is None
        return None if silent and not event.comments else event

    def _reset(self) -> None:
        self._held = 0
        self._name = ""
        self._data = []
        self._comments = []
        self._id = self._retry = None


def _one_line(text: str) -> str:
    """A field's value cannot hold a line's end: it would begin another field."""
    if _TEXT_LINE_END.search(text):
        raise ValueError("A comment, name, id or retry time of an event is one line.")
    return text
