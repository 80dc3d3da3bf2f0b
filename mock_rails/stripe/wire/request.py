"""One HTTP request as it came, and the answer that it gets (facts: stripe 1.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.wire.form import parse_form

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTROL: Final = "/_sandbox/"
"""Where the paths of the sandbox's own controls begin."""
_V2: Final = "/v2/"
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are in lower case."""

    verb: str
    path: str
    query: bytes
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def is_control(self) -> bool:
        """Whether it asks the sandbox, not Stripe."""
        return self.path.startswith(CONTROL)

    @property
    def is_v2(self) -> bool:
        """Whether it is of the API whose bodies are JSON."""
        return self.path.startswith(_V2)

    @property
    def media_type(self) -> str:
        """What the body is said to be, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def parameters(self) -> dict[str, Any]:
        """The parameters of query and body, not yet parsed to values."""
        if not self.body:
            return parse_form(_text(self.query)) if self.query else {}
        if self.is_control or self.is_v2:
            if not self.is_control and self.media_type != "application/json":
                raise _wrong_type("application/json")
            return {**parse_form(_text(self.query)), **_json_object(self.body)}
        if self.media_type not in (_FORM, ""):
            raise _wrong_type(_FORM)
        parts = [part for part in (self.query, self.body) if part]
        return parse_form(_text(b"&".join(parts)))


@dataclass(slots=True)
class Answer:
    """What is answered, and whether it gets through."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    fate: str = "sent"
    """`sent`, `dropped` (not a byte) or `truncated` (half of it)."""


def dump(document: Any) -> bytes:
    """The document as JSON."""
    return orjson.dumps(document)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InvalidRequest("Invalid form body: it is not UTF-8.") from None


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidRequest("The body is not JSON.") from None
    if not isinstance(document, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return document


def _wrong_type(wanted: str) -> InvalidRequest:
    return InvalidRequest(f"The request's body must be {wanted}; this content type is refused.")
