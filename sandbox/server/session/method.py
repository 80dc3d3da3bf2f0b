"""The session as a method of pympp's own server: `Mpp(methods=[session_method(server, ...)])`.

The shape in which it could go upstream (facts: protocol 2.2). pympp lacks what sessions need beyond
paid content: an answer by the method instead of the application, other statuses than 402, streams,
and challenges with a snapshot (G1-G7). So here a GET or a POST with a body is paid by open or
voucher, and whatever would not deliver is refused before anything happens: pympp would run the
application for it. Such a payee closes its channels itself. The gate of this package does it all.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from mpp import Credential, Receipt
from mpp.errors import BadRequestError
from mpp.methods import Method
from mpp.server.method import RequestContext, ServerMethod, VerifyContext
from pydantic import RootModel

from sandbox.methods.tempo_session import SessionReceipt, parse_payload
from sandbox.server.classify import is_delivered
from sandbox.server.request import PaidRequest

if TYPE_CHECKING:
    from mpp.server.http import Request

    from sandbox.server.session.offer import SessionOffer
    from sandbox.server.session.server import SessionServer

_PLAIN: Final = frozenset({"status", "timestamp", "reference", "method"})
"""Members that pympp's receipts have anyway."""

_REQUEST: ContextVar[PaidRequest | None] = ContextVar("session_request", default=None)


class SessionTerms(RootModel[dict[str, Any]]):
    """A session challenge's request, which the offer has written already."""


class SessionPayload(RootModel[dict[str, Any]]):
    """A session credential's payload; `parse_payload` reads it, and says what is wrong."""


SESSION: Final = Method(
    name="tempo", intent="session", request_model=SessionTerms, payload_model=SessionPayload
)


def session_method(server: SessionServer, **offer: Any) -> ServerMethod:
    """A method with one price, given as for `SessionServer.offer`; its routes take no options."""
    priced: SessionOffer = server.offer(**offer)

    def resolve_request(context: RequestContext) -> dict[str, Any]:
        if context.input is not None:
            _REQUEST.set(_paid_request(context.input))
        return dict(priced.request)

    async def verify(context: VerifyContext) -> Receipt:
        request = _REQUEST.get()
        if request is None:
            raise BadRequestError("a session pays for HTTP requests")
        root: Any = context.credential.payload
        plain = root.root if isinstance(root, SessionPayload) else root
        payload = parse_payload(plain, priced.terms.protocol)
        if not is_delivered(request.kind, payload.action):
            raise BadRequestError("this server takes session payments for content only")
        credential: Credential = replace(context.credential, payload=plain)
        settlement = await priced.settle(credential, request)
        shown = SessionReceipt.from_header(settlement.receipt).to_json()
        return Receipt(
            status="success",
            timestamp=datetime.fromisoformat(shown["timestamp"]),
            reference=settlement.reference,
            method="tempo",
            extensions={name: part for name, part in shown.items() if name not in _PLAIN},
            payer=settlement.payer,
        )

    return ServerMethod(method=SESSION, verify=verify, resolve_request=resolve_request)


def _paid_request(request: Request) -> PaidRequest:
    """pympp's request as the gate would see it."""
    path, _, query = request.url.partition("?")
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in request.headers.multi_items()
    ]
    scope: dict[str, Any] = {
        "type": "http",
        "method": request.method,
        "path": path,
        "query_string": query.encode(),
        "headers": headers,
    }
    return PaidRequest(scope, request.body or b"")
