"""The 402 conversation as it went over the wire, decoded, for `pay -v`: messages in, text out.

    > GET /quote                        a request, with its credential taken apart
    < 402 Payment Required (2.1 ms)     an answer, with challenges, receipt and problem taken apart

A proof (a signature, a signed transaction) is shown by its ends only: whoever holds a credential
can use it.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import orjson

from sandbox.cli.writing import latency, paint
from sandbox.client.events import challenge_facts
from sandbox.journaling.exchange import read_receipt
from sandbox.methods.disclosure import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx

_CREDENTIALS: Final = frozenset({"authorization", "payment-authorization", "proxy-authorization"})
_DECODED: Final = frozenset({"payment-receipt", "payment-session-snapshot"})
_QUIET: Final = frozenset({"accept", "accept-encoding", "connection", "user-agent"})
_WHOLE_PROOFS: Final = frozenset({"preimage", "topUpPreimage"})
"""Proofs that are short, and of which not even the ends are shown."""
_FORM: Final = "application/x-www-form-urlencoded"
_LONGEST_BODY: Final = 16 * 1_024
_WIDTH: Final = 80


def request_lines(request: httpx.Request) -> Iterator[str]:
    """What was sent."""
    target = request.url.raw_path.decode("ascii", "replace")
    yield paint(f"> {request.method} {target}", "cyan", bold=True)
    for name, value in request.headers.multi_items():
        if name in _QUIET:
            continue
        if name in _CREDENTIALS:
            yield from _credential(name, value)
        else:
            yield f"> {name}: {value}"
    if request.headers.get("content-type") == _FORM and len(request.content) <= _LONGEST_BODY:
        fields = parse_qsl(request.content.decode("latin-1"))
        yield from _members(dict(fields), "> ")
    elif request.headers.get("content-length", "0") != "0":
        yield f"> ({request.headers['content-length']} bytes)"
    yield ">"


def response_lines(response: httpx.Response, elapsed_us: int, body: bytes | None) -> Iterator[str]:
    """What was answered; `body` where it was read, as that of a refusal is."""
    colour = "red" if response.is_error and response.status_code != 402 else "green"
    colour = "yellow" if response.status_code == 402 else colour
    first = f"< {response.status_code} {response.reason_phrase} ({latency(elapsed_us)})"
    yield paint(first, colour, bold=True)
    for name, value in response.headers.multi_items():
        if name == "www-authenticate":
            yield from _challenges(value)
        elif name in _DECODED:
            yield f"< {name}:"
            yield from _members(read_receipt(value) or value)
        else:
            yield f"< {name}: {value}"
    if body:
        yield from _body(response, body)
    yield "<"


# -- headers --------------------------------------------------------------------------------------


def _credential(name: str, value: str) -> Iterator[str]:
    from mpp import Credential
    from mpp._parsing import ParseError

    try:
        credential = Credential.from_authorization(value)
    except ParseError:
        yield f"> {name}: {value.partition(' ')[0]} (not shown)"
        return
    echo = credential.challenge
    payload = credential.payload if isinstance(credential.payload, dict) else {}
    shown = {
        "challenge": {"id": echo.id, "method": echo.method, "intent": echo.intent},
        "source": credential.source,
        "payload": {key: _hidden(key, one) for key, one in payload.items()},
    }
    yield f"> {name}: Payment, {len(value)} characters, of which"
    yield from _members(shown, "> ")


def _challenges(value: str) -> Iterator[str]:
    from mpp import Challenge
    from mpp._parsing import ParseError
    from mpp.client.transport import _payment_challenges

    texts = list(_payment_challenges(value))
    if not texts:
        yield f"< www-authenticate: {value}"
    for text in texts:
        try:
            challenge = Challenge.from_www_authenticate(text)
        except ParseError as error:
            yield f"< www-authenticate: Payment, which cannot be read: {error}"
            continue
        yield "< www-authenticate: Payment"
        yield from _members(challenge_facts(challenge))


def _body(response: httpx.Response, body: bytes) -> Iterator[str]:
    yield "<"
    if "json" in response.headers.get("content-type", "") and len(body) <= _LONGEST_BODY:
        try:
            yield from _members(orjson.loads(body))
        except orjson.JSONDecodeError:
            pass
        else:
            return
    yield f"< ({len(body)} bytes)"


# -- values ---------------------------------------------------------------------------------------


def _members(value: Any, mark: str = "< ") -> Iterator[str]:
    """An object's members, one a line, each under its parent."""
    if not isinstance(value, dict):
        yield f"{mark}  {_scalar(value)}"
        return
    yield from _tree(value.items(), f"{mark}  ")


def _tree(items: Iterable[tuple[str, Any]], indent: str) -> Iterator[str]:
    for name, value in items:
        if isinstance(value, dict) and value:
            yield f"{indent}{name}:"
            yield from _tree(value.items(), indent + "  ")
        elif value is not None:
            yield from _wrapped(indent, name, _scalar(value))


def _wrapped(indent: str, name: str, text: str) -> Iterator[str]:
    """A member on one line, or a sentence on as many as it needs."""
    line = f"{indent}{name}: {text}"
    if len(line) <= _WIDTH or " " not in text:
        yield line
        return
    room = max(_WIDTH - len(indent) - 2, 20)
    yield f"{indent}{name}:"
    for piece in textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False):
        yield f"{indent}  {piece}"


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def _hidden(name: str, value: Any) -> Any:
    if name in FACTS:
        return value
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    if len(text) <= 16 or name in _WHOLE_PROOFS:
        return f"({len(text)} characters, not shown)"
    size = f"{len(text) // 2 - 1} bytes" if text.startswith("0x") else f"{len(text)} characters"
    return f"{text[:8]}…{text[-4:]} ({size})"
