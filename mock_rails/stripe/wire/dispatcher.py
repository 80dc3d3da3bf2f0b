"""From request to answer: everything Stripe does before and after the work itself.

Who asks, for which version, at which endpoint; whether a fault strikes, a limit is met, or the
request was answered before; then the work, all or nothing; and the answer in the caller's shape.
The work itself never waits, so requests do not meet in the middle of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import SandboxError
from mock_rails.stripe import faults
from mock_rails.stripe.endpoint import Call
from mock_rails.stripe.endpoints import ENDPOINTS
from mock_rails.stripe.errors import InvalidRequest, StripeError
from mock_rails.stripe.parameters import ListOf, Text
from mock_rails.stripe.secrecy import without_tokens
from mock_rails.stripe.version import effective
from mock_rails.stripe.wire import disturbance, gates, idempotency, views
from mock_rails.stripe.wire.credentials import NOBODY, identify
from mock_rails.stripe.wire.idempotency import Keys, Stored
from mock_rails.stripe.wire.rate_limit import RateLimit
from mock_rails.stripe.wire.render import render
from mock_rails.stripe.wire.request import Answer, Request, dump
from mock_rails.stripe.wire.request_log import Entry, RequestLog, challenge_of, redacted
from mock_rails.stripe.wire.routes import Router
from mock_rails.stripe.wire.warnings import warnings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.core.faults import Fault
    from mock_rails.stripe.endpoint import Endpoint
    from mock_rails.stripe.rail import Stripe
    from mock_rails.stripe.version import Version
    from mock_rails.stripe.wire.credentials import Caller
    from mock_rails.stripe.wire.idempotency import Attempt

_EXPAND: Final = ListOf(Text(200), longest=20)
_EXPANDED_IN_PUBLIC: Final = {"payment_method"}
_ROUTER: Final = Router(ENDPOINTS)


class _Asked:
    """One request that has got as far as its endpoint."""

    __slots__ = ("caller", "endpoint", "entry", "expand", "given", "ids", "request", "version")

    def __init__(
        self, request: Request, entry: Entry, endpoint: Endpoint, ids: Mapping[str, str]
    ) -> None:
        self.request = request
        self.entry = entry
        self.endpoint = endpoint
        self.ids = ids
        self.caller: Caller = NOBODY
        self.version: Version | None = None
        self.given: dict[str, Any] = {}
        self.expand: Any = None


class Dispatcher:
    """What answers the requests to one Stripe."""

    def __init__(self, rail: Stripe) -> None:
        self.rail = rail
        self.log = RequestLog(rail.settings.request_log)
        self._clock = rail.context.clock
        self._faults = rail.context.faults
        self._journal = rail.context.journal
        self._limit = RateLimit(self._clock, rail.settings.rate_limit)
        self._keys = Keys(rail.state, rail.settings.idempotency_keys)
        self._request_ids = rail.context.seeds.stream("stripe.requests")

    async def answer(self, request: Request) -> Answer:
        """Serve one request."""
        entry = Entry(
            id="req_" + self._request_ids.hex(12),
            at_s=self._clock.now_s(),
            verb=request.verb,
            path=request.path,
        )
        try:
            if request.is_control:
                answer = self._controlled(request, entry)
            else:
                self.log.add(entry)
                answer = await self._served(request, entry)
        except StripeError as error:
            answer = _refused(entry, error)
        except SandboxError as error:
            if not 400 <= error.status < 500:
                raise  # money from nowhere is a defect, and must look like one
            answer = _refused(entry, InvalidRequest(str(error), status=error.status))
        entry.status = answer.status
        if answer.fate != "sent":
            entry.fate = answer.fate
        self._name(answer, request, entry)
        if not request.is_control:
            self._journal.append("stripe", "request.answered", _summary(entry))
        return answer

    # -- the sandbox's own controls ---------------------------------------------------------------

    def _controlled(self, request: Request, entry: Entry) -> Answer:
        asked = _Asked(request, entry, *_ROUTER.find(request.verb, request.path))
        if "authorization" in request.headers:
            asked.caller = identify(request.headers, self.rail.settings)
        asked.given = request.parameters()
        return self._done(asked)

    # -- Stripe -----------------------------------------------------------------------------------

    async def _served(self, request: Request, entry: Entry) -> Answer:
        settings = self.rail.settings
        asked = _Asked(request, entry, *_ROUTER.find(request.verb, request.path))
        headers = request.headers
        entry.route = asked.endpoint.path
        entry.source = headers.get("x-request-source") or headers.get("user-agent")
        asked.caller = caller = identify(headers, settings)
        entry.key, entry.account, entry.livemode = caller.key, caller.account, caller.livemode
        asked.version = effective(headers.get("stripe-version"), caller.account, settings)
        entry.version = str(asked.version)
        if caller.publishable and not asked.endpoint.publishable:
            raise InvalidRequest(
                "This API call cannot be made with a publishable API key. Please use a secret API "
                "key.",
                code="secret_key_required",
                status=403,
            )
        asked.given = request.parameters()
        entry.params = redacted(asked.given)
        entry.challenge_id = challenge_of(asked.given)
        entry.warnings = warnings_of(asked.given)
        entry.idempotency_key = headers.get("idempotency-key") or None
        fault = self._fault(asked)
        if fault is not None:
            entry.fault = fault.do
            if fault.do in disturbance.BEFORE:
                raise disturbance.refusal(fault)
            if fault.do == "drop":
                return disturbance.dropped()
        self._limit.check(caller, asked.endpoint)
        answer = await self._once(asked, fault)
        return answer if fault is None else await self._spoilt(fault, answer)

    def _fault(self, asked: _Asked) -> Fault | None:
        entry = asked.entry
        return self._faults.check(
            faults.REQUEST,
            verb=entry.verb,
            path=entry.path,
            route=entry.route,
            key=entry.key,
            account=entry.account,
            idempotency_key=entry.idempotency_key,
            challenge_id=entry.challenge_id,
        )

    async def _spoilt(self, fault: Fault, answer: Answer) -> Answer:
        if fault.do == "delay":
            await disturbance.wait(fault, self._clock)
        elif fault.do == "commit_then_drop":
            return disturbance.dropped()
        elif fault.do == "commit_then_error":
            raise disturbance.later_error(fault)
        return disturbance.spoilt(fault, answer)

    async def _once(self, asked: _Asked, fault: Fault | None) -> Answer:
        """Do the work, unless the same was done before under the same key."""
        key = asked.entry.idempotency_key
        holds = fault is not None and fault.do == "hold"
        if key is None or asked.request.verb != "POST":
            if fault is not None and holds:
                await disturbance.wait(fault, self._clock)
            return self._done(asked)
        tried = idempotency.attempt(asked.caller, key, asked.request.path, asked.given)
        stored = self._keys.recall(tried, self._clock.now_s())
        if stored is not None:
            asked.entry.replayed = stored.request_id
            _note(asked.entry, stored.body)
            return _replay(stored)
        self._keys.begin(tried)
        try:
            if fault is not None and holds:
                await disturbance.wait(fault, self._clock)
            return self._done(asked, tried)
        finally:
            self._keys.end(tried)

    # -- the work ---------------------------------------------------------------------------------

    def _done(self, asked: _Asked, tried: Attempt | None = None) -> Answer:
        """The work's answer, stored under the attempt's key if it is one to be kept."""
        entry = asked.entry
        headers: dict[str, str] = {}
        try:
            status, document, failure = 200, self._work(asked), None
        except StripeError as error:
            status, failure = error.status, error
            headers = error.headers
            document = self._envelope(asked, error)
        _note(entry, document)
        if tried is not None and idempotency.is_kept(failure, v2=asked.request.is_v2):
            self._keys.store(tried, Stored(entry.id, status, document), self._clock.now_s())
        return Answer(status, dump(document), dict(headers))

    def _work(self, asked: _Asked) -> dict[str, Any]:
        endpoint, given = asked.endpoint, asked.given
        if asked.version is not None:
            gates.check(endpoint, asked.version, given)
        expand: list[str] = []
        if "expand" in given:
            expand = _EXPAND.parse(given["expand"], "expand") or []
            given = {name: value for name, value in given.items() if name != "expand"}
            if asked.caller.publishable and set(expand) - _EXPANDED_IN_PUBLIC:
                raise InvalidRequest(
                    "A publishable API key may expand only: payment_method.", param="expand"
                )
        params = endpoint.takes.parse(given) or {}
        entry, caller = asked.entry, asked.caller
        with self.rail.operation(
            caller.account,
            livemode=caller.livemode,
            version=asked.version,
            request_id=entry.id,
            idempotency_key=entry.idempotency_key,
        ) as operation:
            call = Call(
                operation,
                params,
                asked.ids,
                asked.request.path,
                caller.publishable,
                self.log,
                ENDPOINTS,
            )
            return render(operation, endpoint.handler(call), expand)

    def _envelope(self, asked: _Asked, error: StripeError) -> dict[str, Any]:
        """The error's body; objects in it look as the caller's version has them."""
        document = {"error": error.envelope()}
        if not error.extra:
            return document
        with self.rail.operation(
            asked.caller.account, livemode=asked.caller.livemode, version=asked.version
        ) as operation:
            return views.shown(operation, document)

    # -- the answer's headers ---------------------------------------------------------------------

    def _name(self, answer: Answer, request: Request, entry: Entry) -> None:
        headers = answer.headers
        headers["Request-Id"] = entry.id
        if entry.version is not None:
            headers["Stripe-Version"] = entry.version
        for name in ("Idempotency-Key", "Stripe-Account"):
            if (given := request.headers.get(name.lower())) is not None:
                headers[name] = given


def _refused(entry: Entry, error: StripeError) -> Answer:
    document = {"error": error.envelope()}
    _note(entry, document)
    return Answer(error.status, dump(document), dict(error.headers))


def _replay(stored: Stored) -> Answer:
    return Answer(
        stored.status,
        dump(stored.body),
        {"Idempotent-Replayed": "true", "Original-Request": stored.request_id},
    )


def _summary(entry: Entry) -> dict[str, Any]:
    """What the journal keeps of a request; the log has the rest."""
    return {
        "request": entry.id,
        "verb": entry.verb,
        "path": without_tokens(entry.path),
        "status": entry.status,
        "object": without_tokens(entry.object_id),
        "challenge_id": entry.challenge_id,
        "replayed": entry.replayed,
        "fault": entry.fault,
        "fate": entry.fate,
    }


def _note(entry: Entry, document: Mapping[str, Any]) -> None:
    """Write into the log what the answer is about."""
    error = document.get("error")
    if isinstance(error, dict) and "object" not in document:
        entry.error = error.get("code") or error.get("type")
        about = error.get("payment_intent") or error.get("setup_intent") or {}
    else:
        about = document
    found = about.get("id") if isinstance(about, dict) else about
    if isinstance(found, str):
        entry.object_id = found
