"""One HTTP request to a paid route, with what the gate has found out about it so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.server.admission import Admission
from sandbox.server.classify import has_body
from sandbox.server.credentials import find_credential
from sandbox.server.refusals import Refused
from sandbox.server.request import PaidRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.server.delivery import Message, Receive, Send
    from sandbox.server.exchange import Exchange
    from sandbox.server.offer import Offer
    from sandbox.server.route import Route

_BODILESS: Final = frozenset({"GET", "HEAD"})
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})
_AUTHORIZATION: Final = b"authorization"
_PAYMENT_AUTHORIZATION: Final = b"payment-authorization"


class Visit:
    """What the parts of the gate hand to each other."""

    __slots__ = ("exchange", "offers", "progress", "request", "route", "send", "taken")

    def __init__(
        self, route: Route, request: PaidRequest, send: Send, *, bootstraps: Sequence[Offer] = ()
    ) -> None:
        self.route = route
        self.offers: Sequence[Offer] = bootstraps or route.offers
        """What it is offered."""
        self.taken: Sequence[Offer] = (*bootstraps, *route.offers) if bootstraps else route.offers
        """What it may pay with: a HEAD may also be a message to a channel (facts: 2.5)."""
        self.request = request
        self.send = send
        self.progress = Admission()
        self.exchange: Exchange | None = None
        """Its record, where there is a journal."""

    @property
    def is_foreign(self) -> bool:
        """Whether a page of some origin asks, which is told only what CORS lets it see."""
        return self.request.field(b"origin") is not None


def in_its_words(visit: Visit, refused: Refused) -> Refused:
    """The refusal as the method's own draft names it, where it has a name of its own. A credential
    that nobody can read is of no method, unless the route takes no other."""
    credential, offers = visit.progress.credential, visit.taken
    if credential is not None:
        echo = credential.challenge
        offers = [one for one in offers if (one.method, one.intent) == (echo.method, echo.intent)]
    words = [getattr(one, "in_its_words", None) for one in offers]
    if not words or words[0] is None or not all(words):
        return refused
    error = words[0](refused.check, refused.error)
    if error is refused.error:
        return refused
    said = Refused(refused.check, error, expected=refused.expected, got=refused.got)
    said.__cause__ = refused.__cause__
    return said


def costs(route: Route, method: str) -> bool:
    """Whether the route is paid for with this method: HEAD is GET without the content."""
    return method in route.methods or (method == "HEAD" and "GET" in route.methods)


def bootstraps(route: Route) -> tuple[Offer, ...]:
    """What a HEAD is asked for instead of the price: a proof of who asks (facts: protocol 2.6)."""
    found = (getattr(offer, "bootstrap", None) for offer in route.offers)
    return tuple(offer for offer in found if offer is not None)


def found_credential(request: PaidRequest) -> str | None:
    """The request's one credential, in the spelling that pympp parses; see `find_credential`."""
    plain: list[str] = []
    other: list[str] = []
    for name, value in request.headers:
        if name == _AUTHORIZATION:
            plain.append(value.decode("latin-1"))
        elif name == _PAYMENT_AUTHORIZATION:
            other.append(value.decode("latin-1"))
    if not plain and not other:
        return None
    found = find_credential(plain, other)
    return None if found is None else found.value


def as_message(route: Route, request: PaidRequest) -> PaidRequest:
    """The request as its offer is to see it. On a route that serves no POST, a POST only speaks of
    a payment, whatever query its URL has: mppx's client sends vouchers to the URL that it reads."""
    if request.method != "POST" or "POST" in route.methods:
        return request
    headers = [one for one in request.headers if one[0] not in _FRAMING]
    return PaidRequest({**request.scope, "query_string": b"", "headers": headers})


def frame_requests(
    route: Route, authorization: str, scope: Message
) -> tuple[PaidRequest, PaidRequest]:
    """A WebSocket's credential as two requests (facts: protocol 2.9): the GET that its challenge
    was issued for, and the POST with nothing but an Authorization field that it amounts to."""
    asked = {
        **scope,
        "type": "http",
        "method": "GET",
        "path": route.path,
        "headers": [(_AUTHORIZATION, authorization.encode("latin-1", "replace"))],
    }
    return PaidRequest(asked), PaidRequest({**asked, "method": "POST", "query_string": b""})


class ClientLeft(Exception):
    """The client left before its request was complete."""


class BodyTooLarge(Exception):
    """The body has more bytes than the gate reads."""


def may_have_body(request: PaidRequest) -> bool:
    """Whether there is anything to read: a GET that does not say so has no body."""
    return request.method not in _BODILESS or has_body(
        request.field(b"content-length"), request.field(b"transfer-encoding")
    )


async def read_body(request: PaidRequest, receive: Receive, limit: int) -> bytes:
    """The request's body, of which no more is read than the limit."""
    declared = request.field(b"content-length")
    if declared is not None and declared.isdecimal() and int(declared[:20]) > limit:
        raise BodyTooLarge
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            raise BodyTooLarge
        if not message.get("more_body", False):
            return b"".join(pieces)
