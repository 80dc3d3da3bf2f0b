"""A request as the gate sees it: what ASGI handed over, with the body read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.server.classify import RequestKind, classify, has_body

if TYPE_CHECKING:
    from collections.abc import MutableMapping


class PaidRequest:
    """One HTTP request. Header names are looked up in lower case, as ASGI delivers them."""

    __slots__ = ("body", "headers", "method", "path", "query", "scope")

    def __init__(self, scope: MutableMapping[str, Any], body: bytes = b"") -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope.get("query_string", b"")
        self.headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.body = body

    def fields(self, name: bytes) -> list[str]:
        """All values of a header, in the order they came."""
        return [value.decode("latin-1") for key, value in self.headers if key == name]

    def field(self, name: bytes) -> str | None:
        """The first value of a header, or None."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return None

    @property
    def kind(self) -> RequestKind:
        """Whether it wants content or only speaks of its channel (facts: protocol 2.5)."""
        body = has_body(
            self.field(b"content-length"),
            self.field(b"transfer-encoding"),
            received=bool(self.body),
        )
        return classify(self.method, query=self.query, body=body)
