"""Whether an answer is the recorded one, and, if not, what is different: read by people.

Two things are not compared: where the devnet's ports are, which differ from run to run, and
`elapsed_us`, which says how fast the machine was. All else must be equal, byte for byte.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox.base64_json import read_base64_json
from sandbox.recording.capture import from_body

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST: Final = 12
_LONGEST: Final = 160
_NOT_COMPARED: Final = frozenset({"date", "server-timing"})
_ELAPSED: Final = re.compile(r'("elapsed_us":)(?:\{[^}]*\}|[0-9]+)')
_NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first step that was answered otherwise."""

    step: int
    what: str
    """The request."""
    differences: tuple[str, ...]

    def __str__(self) -> str:
        """For people."""
        return "\n  ".join((f"step {self.step}, {self.what}", *self.differences))

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {"step": self.step, "what": self.what, "differences": list(self.differences)}


class Comparison:
    """Compares answers of two devnets whose ports are different."""

    def __init__(self, before: Mapping[str, str], now: Mapping[str, str]) -> None:
        self._before = {netloc: f"<{name}>" for name, netloc in before.items()}
        self._now = {netloc: f"<{name}>" for name, netloc in now.items()}

    def differences(self, recorded: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, ...]:
        """What is different, in words; nothing if they are equal."""
        return _most(self._all(recorded, found))

    def frame_differences(
        self, recorded: Mapping[str, Any] | None, found: Mapping[str, Any] | None
    ) -> tuple[str, ...]:
        """The same for a socket's frame, or its end; None where there was or is none."""
        return _most(self._frames(recorded or {}, found or {}))

    def _frames(self, recorded: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
        before, now = recorded.get("frame"), found.get("frame")
        if type(before) is type(now) and before is not None:
            yield from _bodies(
                self._text(from_body(before), self._before),
                self._text(from_body(now), self._now),
                "frame",
            )
        else:
            yield from _unequal("frame", before, now)
        yield from _within("close", recorded.get("close"), found.get("close"))

    def _all(self, recorded: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
        yield from _unequal("status", recorded.get("status"), found.get("status"))
        for mark in ("broken", "left"):
            yield from _unequal(mark, recorded.get(mark, False), found.get(mark, False))
        before = self._text(from_body(recorded["body"]), self._before)
        now = self._text(from_body(found["body"]), self._now)
        ports_differ = before != self._text(from_body(recorded["body"]), {})
        ignored = {*_NOT_COMPARED, *(("content-length",) if ports_differ else ())}
        if _ELAPSED.search(before):
            ignored.add("content-length")
        first = self._headers(recorded, self._before, ignored)
        second = self._headers(found, self._now, ignored)
        for name in sorted({*first, *second}):
            yield from _header(name, first.get(name), second.get(name))
        if recorded.get("left"):
            shorter = min(len(before), len(now))
            before, now = before[:shorter], now[:shorter]
        yield from _bodies(before, now)

    def _headers(
        self, answer: Mapping[str, Any], ports: Mapping[str, str], ignored: set[str]
    ) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in answer["headers"]:
            if name.lower() not in ignored:
                text = self._replaced(value, ports)
                found[name.lower()] = f"{found[name.lower()]}, {text}" if name in found else text
        return found

    def _text(self, body: bytes, ports: Mapping[str, str]) -> str:
        text = self._replaced(body.decode("utf-8", "backslashreplace"), ports)
        return _ELAPSED.sub(r"\g<1>0", text)

    @staticmethod
    def _replaced(text: str, ports: Mapping[str, str]) -> str:
        for netloc, name in ports.items():
            text = re.sub(rf"{re.escape(netloc)}(?![0-9])", name, text)
        return text


def _most(differences: Iterator[str]) -> tuple[str, ...]:
    """As many as people read."""
    told = list(differences)
    more = len(told) - _MOST
    return (*told[:_MOST], *((f"and {more} more",) if more > 0 else ()))


def _header(name: str, before: str | None, now: str | None) -> Iterator[str]:
    """The difference of two headers; what is JSON in base64 in them, decoded."""
    if before == now:
        return
    first, second = _opened(before or ""), _opened(now or "")
    found = list(_within(f"header {name}", first, second)) if first and second else []
    yield from found or _unequal(f"header {name}", before, now)


def _opened(value: str) -> dict[str, Any]:
    """A receipt, or a challenge's members with its request, as far as they can be read."""
    if (receipt := read_base64_json(value)) is not None:
        return dict(receipt)
    members: dict[str, Any] = {}
    for number, (member, text) in enumerate(_MEMBER.findall(value)):
        name = member if member not in members else f"{member} {number}"
        members[name] = read_base64_json(text) or text if member == "request" else text
    return members


_MEMBER: Final = re.compile(r'([a-z_]+)="([^"]*)"')


def _bodies(before: str, now: str, what: str = "body") -> Iterator[str]:
    if before == now:
        return
    try:
        first, second = json.loads(before), json.loads(now)
    except (ValueError, RecursionError):
        place = next(
            (n for n, (a, b) in enumerate(zip(before, now, strict=False)) if a != b),
            min(len(before), len(now)),
        )
        start = max(0, place - 20)
        yield from _unequal(
            f"{what} from character {start}", before[start:][:_LONGEST], now[start:][:_LONGEST]
        )
        return
    found = list(_within(what, first, second))
    yield from found or [f"{what}: the same JSON, written {before[:40]!r} and now {now[:40]!r}"]


def _within(path: str, before: Any, now: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for name in {**before, **now}:
            yield from _within(f"{path}.{name}", before.get(name), now.get(name))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for place, (first, second) in enumerate(zip(before, now, strict=True)):
            yield from _within(f"{path}[{place}]", first, second)
    else:
        yield from _unequal(path, before, now)


def _unequal(what: str, before: Any, now: Any) -> Iterator[str]:
    if before != now:
        yield f"{what}: recorded {_shown(before)}, now {_shown(now)}"


def _shown(value: Any) -> str:
    text = _NOTHING if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
