"""The answers that the gate gives itself: challenges, refusals, 204s, and answers given again."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

import orjson
from mpp.errors import PaymentError, PaymentRequiredError

from mock_rails.core.errors import SandboxError
from sandbox.server.delivery import own_headers
from sandbox.server.digest import body_digest
from sandbox.server.idempotency import KeptResponse
from sandbox.server.negotiation import negotiate
from sandbox.server.page import payment_page, prefers_html
from sandbox.server.refusals import (
    CORS,
    HTML,
    JSON,
    NO_STORE,
    PROBLEM,
    Headers,
    NothingOfferedError,
    OutcomeUnknownError,
    Refused,
    invites,
    problem_body,
    refusal_headers,
)
from sandbox.server.route import binding
from sandbox.server.trouble import tell_unknown
from sandbox.server.visit import in_its_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.server.challenges import Challenges, Issued
    from sandbox.server.delivery import Send
    from sandbox.server.offer import Offer, Settlement
    from sandbox.server.repeats import Repeat
    from sandbox.server.request import PaidRequest
    from sandbox.server.visit import Visit

_LOG: Final = logging.getLogger("sandbox.server")


class Answers:
    """What the gate says, with its challenges."""

    def __init__(self, challenges: Challenges) -> None:
        self._challenges = challenges

    async def ask(self, visit: Visit) -> None:
        """402 to a request that pays with nothing."""
        error: PaymentError
        error = PaymentRequiredError(self._challenges.realm, visit.route.summary or None)
        issued = await self._issue(visit)
        if not issued:
            error = NothingOfferedError()
        if visit.exchange is not None:
            visit.exchange.challenged(issued, error.status)
        await self._problem(visit, error, issued)

    async def refuse(self, visit: Visit, refused: Refused) -> None:
        """Say what is wrong, with fresh challenges where paying can mend it."""
        refused = in_its_words(visit, refused)
        error = refused.error
        issued: Sequence[Issued] = await self._issue(visit) if invites(error) else ()
        if invites(error) and not issued:
            error = NothingOfferedError()
        if isinstance(error, OutcomeUnknownError) and refused.__cause__ is not None:
            tell_unknown(refused.__cause__)
        if visit.exchange is not None:
            visit.exchange.refused(refused, issued)
        await self._problem(visit, error, issued)

    async def acknowledge(
        self, visit: Visit, settlement: Settlement, repeat: Repeat | None
    ) -> None:
        """204 to a message that wants nothing but to be taken (facts: protocol 2.5), or what the
        method says to it."""
        status, body = 204, b""
        headers: Headers = [NO_STORE]
        if settlement.answer is not None:
            status, body = 200, orjson.dumps(settlement.answer)
            headers += [JSON, (b"content-length", b"%d" % len(body))]
        if settlement.receipt:
            headers.append((b"payment-receipt", settlement.receipt.encode("latin-1")))
        headers += own_headers(settlement)
        if visit.is_foreign:
            headers += CORS
        if repeat is not None:
            texts = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
            await repeat.finish(KeptResponse(status, tuple(texts), body))
        await _respond(visit.send, status, headers, body)
        if visit.exchange is not None:
            visit.exchange.lap("deliver")
            visit.exchange.delivered(status)

    async def repeat(self, visit: Visit, answer: KeptResponse) -> None:
        """The answer that was given the first time, receipt included; nothing is charged."""
        headers = [(name.encode("latin-1"), v.encode("latin-1")) for name, v in answer.headers]
        await _respond(visit.send, answer.status, headers, answer.body or b"")
        if visit.exchange is not None:
            visit.exchange.lap("deliver")
            visit.exchange.replayed(answer.status)

    async def _issue(self, visit: Visit) -> list[Issued]:
        """A challenge for each offer that the client takes, its favourite first. An offer that has
        something of its own for each client, and has it not now, is left out."""
        request = visit.request
        digest = body_digest(request.body)
        offers = negotiate(visit.offers, request.fields(b"accept-payment"))
        issued = []
        for offer, own in zip(offers, await _personal_requests(offers, request), strict=True):
            if own is None and _is_personal(offer):
                continue
            bound = binding(offer, request)
            issued.append(self._challenges.issue(offer, request=own, digest=digest, scope=bound))
        return issued

    async def _problem(self, visit: Visit, error: PaymentError, issued: Sequence[Issued]) -> None:
        request = visit.request
        kind = PROBLEM
        if issued and prefers_html(request.field(b"accept")):
            kind = HTML
            body = payment_page(error, issued, url=_url(request), summary=visit.route.summary)
        else:
            body = problem_body(error, issued[0].id if issued else None)
        headers = refusal_headers(error, issued, kind=kind, length=len(body), cors=visit.is_foreign)
        await _respond(visit.send, error.status, headers, b"" if request.method == "HEAD" else body)


async def _personal_requests(
    offers: Sequence[Offer], request: PaidRequest
) -> Sequence[Mapping[str, Any] | None]:
    """What this client is asked for by each offer, where that is not what everybody is; all are
    waited for together, for a slow one is bounded and should not add to another."""
    is_known = request.field(b"payment-session") is not None
    if not is_known and not any(map(_is_personal, offers)):
        return [None] * len(offers)

    async def one(offer: Offer) -> Mapping[str, Any] | None:
        return await _personal(offer, request) if is_known or _is_personal(offer) else None

    return await asyncio.gather(*map(one, offers))


def _is_personal(offer: Offer) -> bool:
    return getattr(offer, "is_personal", False)


async def _personal(offer: Offer, request: PaidRequest) -> Mapping[str, Any] | None:
    """What only this client is told. A session's challenge is as good without it."""
    try:
        return await offer.personal_request(request)
    except SandboxError as error:  # of the store, or the chain
        _LOG.warning("a client could not be told about its channel: %s", error)
        return None
    except Exception:
        _LOG.exception("a client could not be told about its channel")
        return None


async def _respond(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _url(request: PaidRequest) -> str:
    """What was asked for, as the client wrote it."""
    scope = request.scope
    host = request.field(b"host") or "localhost"
    raw = scope.get("raw_path") or request.path.encode()
    query = f"?{request.query.decode('latin-1')}" if request.query else ""
    return f"{scope.get('scheme', 'http')}://{host}{raw.decode('latin-1')}{query}"
