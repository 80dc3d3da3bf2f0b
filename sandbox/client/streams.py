"""Paid streams as a client opens them: the first credential, and who signs for the rest.

The readers know the protocol of streams, the session payer knows keys and budgets, and this module
introduces them (facts, protocol 2.8 and 2.9). A stream that costs nothing is read all the same; it
only may not ask for money later.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import httpx
from mpp import AUTHORIZATION_HEADER, Challenge
from mpp._parsing import ParseError
from mpp.client.transport import _PAYMENT_ATTEMPTED_EXTENSION

from sandbox.client.amounts import host_of
from sandbox.client.errors import PaymentNotMadeError, PaymentNotPreparedError
from sandbox.client.exchange import READER, STREAMS
from sandbox.client.outcome import PaymentMade, payment_of, read_problem
from sandbox.client.payer import Order, channel_of
from sandbox.client.selection import is_expired, payable, read_challenges
from sandbox.client.streaming import (
    NeedVoucher,
    SocketReader,
    SseReader,
    StreamError,
    StreamPaymentError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mock_rails.core.clock import Clock
    from sandbox.client.payer import Attempt
    from sandbox.client.session import SessionPayer
    from sandbox.client.streaming import EventReader

READ_TIMEOUT_S: Final = 90
"""How long a stream may be silent: servers hold one for a minute for a voucher to come."""

_SOCKETS: Final = {"http": "ws", "https": "wss"}
_EVENT_STREAM: Final = "text/event-stream"


class Signer:
    """Answers a stream's `payment-need-voucher` events by way of the session payer.

    `sessions` is None for a stream that was not begun with a channel's voucher: whoever sends it
    could name another server's channel.
    """

    def __init__(self, sessions: SessionPayer | None, url: str) -> None:
        self._sessions = sessions
        self._url = url

    async def authorize(self, need: NeedVoucher) -> str:
        """The credential that is asked for, within the budget."""
        if self._sessions is None:
            raise StreamPaymentError(
                "The stream asks for a voucher, and it was not begun with a session.",
                details={"required": need.required},
            )
        asked = {
            "channelId": need.channel_id,
            "requiredCumulative": str(need.required),
            "acceptedCumulative": str(need.accepted),
            "deposit": str(need.deposit),
        }
        return await self._sessions.authorize_need(asked, self._url, _session_of(need.challenges))

    def note(self, receipt: dict[str, Any] | None) -> None:
        """Take down what the stream's last receipt says was spent."""
        if receipt is not None and self._sessions is not None:
            self._sessions.note_receipt(receipt)


@asynccontextmanager
async def open_stream(
    http: httpx.AsyncClient,
    raw: httpx.AsyncClient,
    sessions: SessionPayer | None,
    request: httpx.Request,
) -> AsyncIterator[EventReader]:
    """Send a request with the paying client `http`, and read the answer's events.

    Vouchers go out by `raw`, which does not pay. Where the payment's method has a reader of its
    own, that reads.
    """
    request.headers.setdefault("Accept", _EVENT_STREAM)
    request.extensions[STREAMS] = True
    response = await http.send(request, stream=True)
    made = payment_of(response)
    if isinstance(made, PaymentMade) and response.status_code == httpx.codes.NO_CONTENT:
        # The server took the opening as a message to the channel, and not as a request.
        await response.aclose()
        del request.extensions[_PAYMENT_ATTEMPTED_EXTENSION]  # it is to be paid once more
        response = await http.send(request, stream=True)
        made = payment_of(response)
    try:
        await _check_stream(response)
    except BaseException:
        await response.aclose()
        raise
    make = response.extensions.get(READER)
    if make is not None:
        async with make(response) as reader:
            yield reader
        return
    paid = made if isinstance(made, PaymentMade) else None
    signer = Signer(sessions if paid and paid.channel_id else None, str(response.url))
    vouchers = SseReader(
        response,
        http=raw,
        authorize=signer.authorize,
        header=AUTHORIZATION_HEADER if paid is None else paid.credential_header,
        channel_id=None if paid is None else paid.channel_id,
    )
    try:
        async with vouchers:
            yield vouchers
    finally:
        signer.note(vouchers.receipt)


@asynccontextmanager
async def open_socket(
    raw: httpx.AsyncClient,
    sessions: SessionPayer,
    clock: Clock,
    url: str,
) -> AsyncIterator[SocketReader]:
    """Ask for the 402 by HTTP, connect, and pay in the WebSocket's frames."""
    from sandbox.client.session.wire import management_url

    asked = management_url(url)
    place = asked.copy_with(scheme=_SOCKETS.get(asked.scheme, asked.scheme))
    order = Order(url=str(asked), method="GET", host=host_of(str(asked)), streams=True)
    challenge = await _socket_challenge(raw, sessions, clock, asked)
    attempt = await sessions.prepare(challenge, order)
    signer = Signer(sessions, str(asked))
    reader = _PaidSocket(
        str(place),
        attempt,
        authorize=signer.authorize,
        channel_id=channel_of(attempt),
    )
    try:
        async with reader:
            yield reader
    except StreamPaymentError as error:
        await reader.refused(error)
        raise
    except StreamError as error:
        with suppress(httpx.ConnectError):  # which is the same in the words of attempts
            await reader.lost(error)
        raise
    finally:
        signer.note(reader.receipt)


class _PaidSocket(SocketReader):
    """A reader that tells the attempt it began with what became of it."""

    def __init__(self, url: str, attempt: Attempt, **options: Any) -> None:
        super().__init__(url, attempt.authorization, **options)
        self._attempt: Attempt | None = attempt

    async def _frame(self) -> Any:
        frame = await super()._frame()
        if frame is None:
            await self.lost(StreamError("The server closed the WebSocket without a word."))
        attempt, self._attempt = self._attempt, None
        if attempt is not None:  # whatever came, it was no refusal
            await attempt.taken(httpx.Response(httpx.codes.SWITCHING_PROTOCOLS))
        return frame

    async def refused(self, error: StreamPaymentError) -> None:
        """The server wants no such credential."""
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            status = error.details.get("status")
            await attempt.refused(
                httpx.Response(status if isinstance(status, int) else 402, text=error.detail)
            )

    async def lost(self, error: StreamError) -> None:
        """The connection broke before anything came. It is not sent again, so that the attempt is
        asked until it gives up, which it does by raising what it knows."""
        attempt, self._attempt = self._attempt, None
        loss = error if self.is_connected else httpx.ConnectError(error.detail)
        while attempt is not None:
            await attempt.lost(loss)


async def _check_stream(response: httpx.Response) -> None:
    """Raise unless the answer is a stream of events."""
    found = payment_of(response)
    if response.is_error:
        await response.aread()
        if found is not None:
            found.raise_if_unpaid()
        said = (read_problem(response) or {}).get("detail")
        raise StreamError(
            f"The stream was answered with {response.status_code}.",
            hint=f"The server says: {said}" if isinstance(said, str) else None,
            details={"status": response.status_code},
        )
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _EVENT_STREAM:
        raise StreamError(
            f"The answer is {media_type or 'of no type'}, and not a stream of events.",
            hint="Read it with get().",
            details={"status": response.status_code},
        )


async def _socket_challenge(
    raw: httpx.AsyncClient, sessions: SessionPayer, clock: Clock, url: httpx.URL
) -> Challenge:
    headers = {"Accept-Payment": sessions.name, "Accept": _EVENT_STREAM}
    response = await raw.get(url, headers=headers, follow_redirects=False)
    if response.status_code != httpx.codes.PAYMENT_REQUIRED:
        raise PaymentNotPreparedError(
            f"{url.host} answers {response.status_code} where a 402 was expected.",
            hint="A paid WebSocket is announced by the 402 of the same URL over HTTP.",
        )
    for choice in payable(read_challenges(response).challenges, [sessions]):
        if not is_expired(choice.challenge, clock.utc()):
            return choice.challenge
    raise PaymentNotMadeError(f"{url.host} offers no session that this client could pay.")


def _session_of(fields: tuple[str, ...]) -> Challenge | None:
    """The session challenge among fresh `WWW-Authenticate` values."""
    for field in fields:
        try:
            challenge = Challenge.from_www_authenticate(field)
        except ParseError:
            continue
        if (challenge.method, challenge.intent) == ("tempo", "session"):
            return challenge
    return None
