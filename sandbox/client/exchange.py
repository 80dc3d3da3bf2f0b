"""One request from its first 402 to its last answer.

    402 -> choose -> prepare (reserve, sign) -> send -> taken    the answer is the caller's
             ^                                    |-> refused   the fresh challenge, three times
             |                                    '-> lost      the same credential again, twice
             '---------- fetch a fresh challenge where the payment was certainly not made

A session's challenge that an earlier request was given is answered before it is asked (ahead.py);
if the server wants another, the loop begins with that.

What is sent again is the same credential under the same `Idempotency-Key`: a server answers it as
before or refuses it as used, and cannot be paid by it twice (DESIGN 2.5; protocol 1.1, rows 16, 23,
25; 2.14, D4 and D5).
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx
from mpp.client.transport import _buffer_error_body

from sandbox.client.amounts import host_of
from sandbox.client.errors import (
    ChallengeExpiredError,
    OutcomeUnknownError,
    PaymentDeclinedError,
    PaymentNotPreparedError,
    PaymentRefusedError,
)
from sandbox.client.events import (
    ClientEvent,
    EventKind,
    challenge_facts,
    credential_facts,
    tell,
)
from sandbox.client.outcome import (
    PaymentMade,
    PaymentNotMade,
    Verdict,
    judge,
    needs_reading,
    note,
    payment_of,
    read_problem,
    read_receipt,
)
from sandbox.client.payer import Order, channel_of
from sandbox.client.selection import (
    Choice,
    Offered,
    fits_body,
    is_expired,
    payable,
    read_challenges,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpp import Challenge

    from sandbox.client.payer import Attempt
    from sandbox.client.transport import PaidTransport

RESENDS: Final = 2
"""How often a credential is sent again whose answer was lost."""

NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""What says that not a byte of the request has left."""

STREAMS: Final = "mpp.streams"
"""The request extension that says that the answer will be read as a paid stream."""

READER: Final = "mpp.reader"
"""The response extension that makes the answer's reader, left there by an attempt whose method
reads paid streams in its own way."""

_PAUSE_MS: Final = 100
_LONGEST_PAUSE_S: Final = 5


class Exchange:
    """One request that is being paid for."""

    def __init__(self, transport: PaidTransport, request: httpx.Request, body: bytes) -> None:
        self._transport = transport
        self._request = request
        self._body = body
        self._order = Order(
            url=str(request.url),
            method=request.method,
            host=host_of(str(request.url)),
            streams=bool(request.extensions.get(STREAMS)),
        )
        self._key: str | None = request.headers.get("idempotency-key")
        self._attempts = 0
        self._fetched = False
        self._refused_with: Mapping[str, Any] | None = None

    async def run(self, response: httpx.Response) -> httpx.Response:
        """Pay for what this 402 asks, and return the last answer."""
        try:
            while _is_unpaid(response):
                offered = read_challenges(response)
                if self._attempts >= self._transport.settings.max_payments:
                    return self._give_up(response, offered, "The server refused every payment.")
                choices = payable(offered.challenges, self._transport.payers)
                choices = [one for one in choices if fits_body(one.challenge, self._body)]
                now = self._transport.clock.utc()
                current = [one for one in choices if not is_expired(one.challenge, now)]
                if not current:
                    if not choices or self._fetched:
                        return self._give_up(response, offered, _why_not(offered, choices))
                    response = await self._fetch_fresh(response)
                    continue
                again = await self._pay_one_of(response, offered, current)
                if again is None:
                    return response
                response = again
        except BaseException:
            with suppress(Exception):
                await response.aclose()
            raise
        return response

    def kept_choice(self) -> Choice | None:
        """An earlier challenge that can be answered with this request, in one round trip."""
        if self._order.streams:
            return None
        return self._transport.kept.find(self._order)

    async def run_ahead(self, choice: Choice) -> httpx.Response:
        """Send the credential at once; where that does not do, go on as after any answer."""
        response = await self._pay_ahead(choice)
        return response if payment_of(response) is not None else await self.run(response)

    # -- one round --------------------------------------------------------------------------------

    async def _pay_ahead(self, choice: Choice) -> httpx.Response:
        order = replace(self._order, is_ahead=True)
        try:
            attempt = await choice.payer.prepare(choice.challenge, order)
        except (PaymentRefusedError, PaymentNotPreparedError):
            # A new challenge may ask for less, or for another method; else the loop says the same.
            return await self._transport.send_unpaid(self._request, self._body)
        self._tell_created(choice, attempt, ahead=True)
        delivered = await self._deliver(choice, attempt)
        if delivered is None:
            return await self._transport.send_unpaid(self._request, self._body)
        answer, verdict = delivered
        if verdict is Verdict.TAKEN:
            self._transport.kept.taken_ahead(self._order)
            return answer
        self._transport.kept.refused_ahead(self._order)
        if answer.status_code == httpx.codes.PAYMENT_REQUIRED:
            return answer
        await answer.aclose()
        return await self._transport.send_unpaid(self._request, self._body)

    async def _pay_one_of(
        self, response: httpx.Response, offered: Offered, choices: list[Choice]
    ) -> httpx.Response | None:
        """The next answer to look at; None if this one is the last."""
        with suppress(Exception):  # frees its connection for what payers have to ask
            await _buffer_error_body(response)
        try:
            choice, attempt = await self._prepare(choices, offered)
        except PaymentRefusedError as refusal:
            if not self._attempts:
                raise
            # The money of refused credentials is kept aside, for they may still be used.
            self._give_up(response, offered, f"The server refused to be paid. {refusal}")
            return None
        except ChallengeExpiredError:
            if self._fetched:
                self._give_up(response, offered, "The server's challenges expire too soon.")
                return None
            return await self._fetch_fresh(response)
        delivered = await self._deliver(choice, attempt)
        if delivered is None:
            return await self._fetch_fresh(response)
        answer, verdict = delivered
        if verdict is Verdict.TAKEN or answer.status_code == httpx.codes.PAYMENT_REQUIRED:
            return answer
        if payment_of(answer) is not None:
            return answer  # it was declined
        if answer.status_code == httpx.codes.GONE and not self._fetched:
            return await self._fetch_fresh(answer)  # the payer knows by now what is gone
        return self._give_up(answer, offered, "The server refused the payment.")

    async def _deliver(
        self, choice: Choice, attempt: Attempt
    ) -> tuple[httpx.Response, Verdict] | None:
        """The answer to a credential; None if it was lost, certainly not paid, and may be again."""
        self._attempts += 1
        try:
            return await self._send(choice, attempt)
        except OutcomeUnknownError as unknown:
            unknown.details.setdefault("idempotency_key", self._key)
            self._tell(EventKind.PAYMENT_UNKNOWN, error=unknown.detail, **unknown.details)
            may_again = unknown.paid is False and not unknown.details.get("final")
            if may_again and self._attempts < self._transport.settings.max_payments:
                return None
            raise

    async def _prepare(self, choices: list[Choice], offered: Offered) -> tuple[Choice, Attempt]:
        """The first choice that the payer's policy allows, reserved and signed."""
        refusal: PaymentRefusedError | None = None
        for choice in choices:
            if self._is_observed:
                self._tell(
                    EventKind.CHALLENGE_RECEIVED,
                    challenge=challenge_facts(choice.challenge),
                    offered=_names(offered),
                )
            try:
                attempt = await choice.payer.prepare(choice.challenge, self._order)
            except PaymentRefusedError as error:
                refusal = refusal or error
                continue
            self._tell_created(choice, attempt)
            return choice, attempt
        if refusal is None:
            raise AssertionError("a round begins with a choice")
        raise refusal

    async def _send(self, choice: Choice, attempt: Attempt) -> tuple[httpx.Response, Verdict]:
        """Send the credential until something certain is known about it."""
        challenge = choice.challenge
        key = self._idempotency_key(challenge)
        sure = False
        loss: Exception
        for sent in range(1 + RESENDS):
            pause: timedelta | None = None
            try:
                answer = await self._transport.send_paid(
                    self._request,
                    self._body,
                    challenge.credential_header,
                    attempt.authorization,
                    key,
                )
                if needs_reading(answer):
                    await _buffer_error_body(answer)
                    with suppress(httpx.DecodingError):
                        await answer.aread()
            except Exception as error:  # whatever it was, the server may have been paid
                loss = error
                sure = sure or not isinstance(error, NEVER_SENT)
            else:
                problem = read_problem(answer) if needs_reading(answer) else None
                verdict = judge(answer, problem, intent=challenge.intent)
                if verdict is not Verdict.LOST:
                    try:
                        await self._account(choice, attempt, answer, problem, verdict)
                    except BaseException:
                        await answer.aclose()
                        raise
                    return answer, verdict
                sure, pause = True, _retry_after(answer)
                loss = httpx.HTTPStatusError(
                    f"the answer was HTTP {answer.status_code}",
                    request=self._request,
                    response=answer,
                )
            self._tell(
                EventKind.PAYMENT_UNKNOWN,
                paid=None,
                error=type(loss).__name__,
                sent=sent + 1,
                resending=sent < RESENDS,
            )
            await attempt.lost(loss)
            if sent < RESENDS:
                await self._transport.clock.wall_sleep(
                    pause or timedelta(milliseconds=_PAUSE_MS * (sent + 1))
                )
        if not sure:
            raise loss
        raise _unknown(self._order.host)

    async def _account(
        self,
        choice: Choice,
        attempt: Attempt,
        answer: httpx.Response,
        problem: Mapping[str, Any] | None,
        verdict: Verdict,
    ) -> None:
        """Tell the payer, and leave with the answer what it means."""
        challenge = choice.challenge
        facts: dict[str, Any] = {"status": answer.status_code, "challenge_id": challenge.id}
        if verdict is Verdict.TAKEN:
            await attempt.taken(answer)
            made = PaymentMade(
                method=f"{challenge.method}/{challenge.intent}",
                challenge_id=challenge.id,
                request=challenge.request,
                receipt=read_receipt(answer),
                attempts=self._attempts,
                idempotency_key=self._idempotency_key(challenge),
                credential_header=challenge.credential_header,
                channel_id=channel_of(attempt),
            )
            note(answer, made)
            has_receipt = made.receipt is not None
            self._transport.kept.taken(self._order, choice, has_receipt=has_receipt)
            self._tell(EventKind.PAYMENT_TAKEN, receipt=made.receipt, **facts)
            return
        self._refused_with = problem
        self._tell(EventKind.PAYMENT_REFUSED, problem=problem, **facts)
        try:
            if not await attempt.refused(answer):
                raise _unknown(self._order.host)
        except PaymentDeclinedError as declined:
            self._give_up(answer, read_challenges(answer), declined.detail, is_declined=True)

    # -- helpers ----------------------------------------------------------------------------------

    async def _fetch_fresh(self, stale: httpx.Response) -> httpx.Response:
        """Ask again without a payment, once: for a fresh challenge, or after a channel's end."""
        self._fetched = True
        await stale.aclose()
        return await self._transport.send_unpaid(self._request, self._body)

    def _give_up(
        self, response: httpx.Response, offered: Offered, reason: str, *, is_declined: bool = False
    ) -> httpx.Response:
        note(
            response,
            PaymentNotMade(
                reason=reason,
                offered=_names(offered),
                problem=self._refused_with,
                attempts=self._attempts,
                is_declined=is_declined,
            ),
        )
        return response

    def _idempotency_key(self, challenge: Challenge) -> str:
        """One for all attempts at this request; the first challenge makes it no other process's."""
        if self._key is None:
            clock, keys = self._transport.clock, self._transport.keys
            seed = f"{keys.hex(16)} {clock.now_us()} {challenge.id}"
            self._key = hashlib.sha256(seed.encode()).hexdigest()[:32]
        return self._key

    def _tell_created(self, choice: Choice, attempt: Attempt, **facts: Any) -> None:
        if self._is_observed:  # decoding for nobody costs a fifth of a millisecond
            self._tell(
                EventKind.CREDENTIAL_CREATED,
                method=choice.payer.name,
                header=choice.challenge.credential_header,
                **credential_facts(attempt.authorization),
                **facts,
            )

    @property
    def _is_observed(self) -> bool:
        return self._transport.observer is not None

    def _tell(self, kind: EventKind, **facts: Any) -> None:
        tell(
            self._transport.observer,
            ClientEvent(
                kind=kind,
                at_us=self._transport.clock.now_us(),
                url=self._order.url,
                http_method=self._order.method,
                facts=facts,
            ),
        )


def _is_unpaid(response: httpx.Response) -> bool:
    """Whether it is a 402 that is to be paid: one whose receipt says that it was is the last."""
    return response.status_code == httpx.codes.PAYMENT_REQUIRED and payment_of(response) is None


def _names(offered: Offered) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{one.method}/{one.intent}" for one in offered.challenges))


def _why_not(offered: Offered, choices: list[Choice]) -> str:
    if choices:
        return "The server's challenges have expired."
    if offered.challenges:
        return f"No payer takes what the server offers: {', '.join(_names(offered))}."
    if offered.unreadable:
        return f"The server's challenge cannot be read: {offered.unreadable[0]}."
    return "The server names no way to pay."


def _retry_after(answer: httpx.Response) -> timedelta | None:
    text = answer.headers.get("retry-after", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        return None
    return timedelta(seconds=min(int(text), _LONGEST_PAUSE_S))


def _unknown(host: str) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"{host} was sent a payment, and whether it took it is not known.",
        paid=None,
        hint="It is not paid again before that is known.",
        details={"host": host},
    )
