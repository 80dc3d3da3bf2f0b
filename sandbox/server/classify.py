"""Is a request with a session credential for content, or does it only manage the channel?

draft-tempo-session-00 sends vouchers, top-ups and closes to the resource's own URL, so the gate
must tell a paid request from a message to itself. This is mppx's classifier (facts: protocol 2.5),
for its clients rely on it: management is a POST with neither query nor body, or a HEAD.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

_MANAGES_ALWAYS: Final = frozenset({"topUp", "close"})


class RequestKind(Enum):
    """What a request with a session credential wants."""

    CONTENT = "content"
    """The resource: it is charged, and the application answers."""

    MANAGEMENT = "management"
    """Only the channel: it costs nothing, and the gate answers 204."""


def has_body(
    content_length: str | None, transfer_encoding: str | None, *, received: bool = False
) -> bool:
    """Whether the request has a body, by its framing fields or by what was `received` of it.

    HTTP/2 frames bodies without fields: there the first message from the server tells. A declared
    length of 0 is believed, as in mppx.
    """
    if transfer_encoding is not None:
        return True
    return received if content_length is None else content_length.strip(" \t") != "0"


def classify(method: str, *, query: str | bytes, body: bool) -> RequestKind:
    """What a request wants, by its HTTP method, its query (without `?`), and whether it has a body.

    Methods are case-sensitive (RFC 9110, 9.1), and ASGI hands them over in upper case.
    """
    if method == "HEAD" or (method == "POST" and not query and not body):
        return RequestKind.MANAGEMENT
    return RequestKind.CONTENT


def is_delivered(kind: RequestKind, action: str) -> bool:
    """Whether the application answers after this session action; if not, the gate does with 204.

    `topUp` and `close` never deliver, whatever request they come with.
    """
    return kind is RequestKind.CONTENT and action not in _MANAGES_ALWAYS


def is_charged_up_front(kind: RequestKind, action: str, method: str, *, streams: bool) -> bool:
    """Whether the price of one request is spent before the application answers.

    A route that meters a stream charges POSTs by what it sends, not for being asked.
    """
    return is_delivered(kind, action) and not (streams and method == "POST")
