"""Requests to a Stripe, carried until their outcome is clear: charges, and tokens for them.

A lost answer is the start of most double charges (facts: stripe 0.2, 2.5, 2.6). Three things are
told apart here before anybody acts on an answer: what Stripe decided, what was surely never done
(`PaymentUncheckedError`), and what nobody knows (`AnswerLost`).
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson

from sandbox.methods.unchecked import PaymentUncheckedError

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock

ATTEMPTS: Final = 5
TIMEOUT_S: Final = 10
"""All attempts together end before the gate gives a payment up for dead: 60 s."""
FIRST_PAUSE: Final = timedelta(milliseconds=50)
"""Before the second attempt; each pause is twice the one before."""

_REPLAYED: Final = "idempotent-replayed"
_IN_USE: Final = "idempotency_key_in_use"
_OTHER_WORDS: Final = "idempotency_error"
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class AnswerLost(Exception):
    """Stripe may have done what it was asked for; its answer never came."""


class _Sense(Enum):
    """What an answer says of the work that was asked for."""

    DECIDED = "Stripe has done or refused it"
    UNDONE = "it was not done, and may be asked for again"
    RUNNING = "another request with its key still runs"
    UNKNOWN = "it may have been done"
    PENDING = "it goes on, and asking again changes nothing"
    FORBIDDEN = "the merchant's key is not let in"


class StripeTransport(httpx.AsyncBaseTransport):
    """Carries requests for Stripe to a Stripe of one's choice, each until its outcome is clear.

    What may have been done is asked for again under the same Idempotency-Key, a few times; Stripe's
    second answer to one key is its first. Such an answer is ours, and loses the header that calls
    it a replay. One that is replayed to a first attempt is somebody else's, and keeps it, unless
    `takes_replays`.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        inner: httpx.AsyncBaseTransport | None = None,
        takes_replays: bool = False,
    ) -> None:
        self._url = httpx.URL(url)
        self._clock = clock
        self._inner = inner or plain_transport(url)
        self._takes_replays = takes_replays

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it; raises PaymentUncheckedError or AnswerLost if there is no decision."""
        there = await self._redirected(request)
        attempts = ATTEMPTS if _may_repeat(request) else 1
        pause = FIRST_PAUSE
        may_be_done = False
        while True:
            attempts -= 1
            answer: httpx.Response | None = None
            sense = _Sense.UNKNOWN
            try:
                answer = await self._sent(there)
                sense = _sense_of(answer)
            except _NEVER_SENT as error:
                sense = _Sense.UNDONE
                if not may_be_done:
                    raise PaymentUncheckedError("The card processor cannot be reached.") from error
            except (httpx.TransportError, OSError):
                pass  # it may have arrived, whatever became of the answer
            if answer is not None and sense is _Sense.DECIDED:
                if may_be_done or self._takes_replays:
                    answer.headers.pop(_REPLAYED, None)
                return answer
            may_be_done = may_be_done or sense is _Sense.UNKNOWN
            if not attempts or sense in {_Sense.PENDING, _Sense.FORBIDDEN} or _is_final(answer):
                raise _undecided(sense, may_be_done)
            await self._clock.wall_sleep(pause)
            pause *= 2

    async def aclose(self) -> None:
        """Close its connections."""
        await self._inner.aclose()

    async def _redirected(self, request: httpx.Request) -> httpx.Request:
        """The same request for our Stripe; it still names the host that it was written for."""
        base = self._url
        path = base.raw_path.rstrip(b"/") + request.url.raw_path
        return httpx.Request(
            request.method,
            base.copy_with(raw_path=path),
            headers=request.headers,
            content=await request.aread(),
            extensions=request.extensions,
        )

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        """The answer with its body, for half of one is none."""
        answer = await self._inner.handle_async_request(request)
        try:
            await answer.aread()
        finally:
            await answer.aclose()
        return answer


def plain_transport(url: str) -> httpx.AsyncBaseTransport:
    """The network. Certificates take long to load, and only https looks at them."""
    return httpx.AsyncHTTPTransport(verify=url.startswith("https:"))


def _may_repeat(request: httpx.Request) -> bool:
    return request.method == "GET" or "idempotency-key" in request.headers


def _sense_of(answer: httpx.Response) -> _Sense:
    document = document_of(answer)
    error = document.get("error")
    status = answer.status_code
    if answer.is_success:
        if "id" not in document:
            return _Sense.UNKNOWN
        return _Sense.PENDING if document.get("status") == "processing" else _Sense.DECIDED
    if status == 429:
        return _Sense.UNDONE
    if status in {401, 403}:
        return _Sense.FORBIDDEN
    if not isinstance(error, dict):
        return _Sense.UNKNOWN  # whoever speaks here is not Stripe
    if status == 409 and error.get("code") == _IN_USE:
        return _Sense.RUNNING
    if error.get("type") == _OTHER_WORDS:
        return _Sense.PENDING  # the key has paid for something, in words of another version of us
    return _Sense.DECIDED if 400 <= status < 500 else _Sense.UNKNOWN


def document_of(answer: httpx.Response) -> dict[str, Any]:
    """What Stripe says; nothing where it is no JSON object."""
    try:
        found = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_final(answer: httpx.Response | None) -> bool:
    """Whether Stripe says that asking again is of no use."""
    return answer is not None and answer.headers.get("stripe-should-retry") == "false"


def _undecided(sense: _Sense, may_be_done: bool) -> Exception:
    if may_be_done or sense in {_Sense.PENDING, _Sense.RUNNING}:
        return AnswerLost(f"Stripe gave no answer to rely on: {sense.value}.")
    if sense is _Sense.FORBIDDEN:
        return PaymentUncheckedError("The card processor does not know this merchant.")
    return PaymentUncheckedError("The card processor is too busy.")
