"""A paid route: where it is, how it can be paid for, and what a challenge for it is bound to.

A challenge for `GET /search?q=cats` says so in its `opaque` map, which clients echo as it is and
the challenge's id proves (facts: protocol 1.1, rows 10, 11 and 18). A credential that pays once is
bound to the HTTP method, the path and the query. One that may come again (a session's) is bound to
path and query only: its vouchers, top-ups and closes are POSTs to the URL that was read with GET,
and its WebSocket starts from a plain GET (2.5, 2.9).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mock_rails.core.errors import BadInput
from sandbox.server.request import PaidRequest

if TYPE_CHECKING:
    from sandbox.server.offer import Offer

LONGEST_QUERY: Final = 256
"""Longer queries are bound by their hash, so that challenges stay small."""

Policy = Callable[[PaidRequest], str | None]
"""Says why a request is not allowed whatever it pays, or None if it is."""


@dataclass(frozen=True)
class Route:
    """One path that costs money, for the HTTP methods that do."""

    path: str
    offers: tuple[Offer, ...]
    """In the order in which the server likes them."""
    methods: frozenset[str] = frozenset({"GET"})
    """Others go to the application unpaid; HEAD goes with GET."""
    streams: bool = False
    """Whether its event stream is charged by the event, where a payment can be."""
    socket_path: str | None = None
    """The WebSocket that serves the same stream. It stands for a GET of the route: a session that
    is priced by the request pays that price once, for the whole of what the socket sends."""
    summary: str = ""
    policy: Policy | None = None

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise BadInput(f"A route's path begins with '/', unlike {self.path!r}.")
        if not self.offers:
            raise BadInput(f"{self.path} can be paid for in no way: a route has offers.")
        if self.socket_path is None:
            return
        if not self.socket_path.startswith("/"):
            raise BadInput(f"A socket's path begins with '/', unlike {self.socket_path!r}.")
        if "GET" not in self.methods:
            raise BadInput(
                f"{self.socket_path} could not be paid for: a WebSocket starts from a GET, which is"
                f" free on {self.path}."
            )

    @property
    def is_managed(self) -> bool:
        """Whether its payments have a life of their own, which POSTs to the route speak of."""
        return any(not offer.is_single_use for offer in self.offers)


def binding(offer: Offer, request: PaidRequest) -> dict[str, str]:
    """What a challenge of this offer for this request is bound to."""
    path = request.path
    bound = {"route": f"{request.method} {path}" if offer.is_single_use else path}
    if request.query:
        bound["query"] = _shown(request.query)
    return bound


def _shown(query: bytes) -> str:
    if len(query) <= LONGEST_QUERY and query.isascii() and not query.startswith(b"sha256:"):
        return query.decode()
    return f"sha256:{hashlib.sha256(query).hexdigest()}"
