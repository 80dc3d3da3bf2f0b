"""The 402 loop: ask, choose a challenge, pay, and account for every answer that may come.

    PaidTransport       an httpx transport around another, as pympp's `PaymentTransport` is
     └── Exchange       one request, until its last answer (exchange.py)

pympp's transport pays the first challenge that it can, in whose words the rules here are: at most
three payments for a request, a body that can be sent again, 35 seconds for the answer to a paid
request, no payment to an origin that only a redirect names (facts, protocol 2.1; 1.1, rows 24, 25).
It stops where an answer is lost; this one looks up what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
from mpp.client.transport import (
    _CREDENTIAL_HEADERS,
    _ORIGINAL_ORIGIN_EXTENSION,
    _PAID_RETRY_TIMEOUT_UNSET,
    _PAYMENT_ATTEMPTED_EXTENSION,
    _origin,
    _paid_retry_extensions,
    _set_payment_credential,
)

from sandbox.client.ahead import KeptChallenges
from sandbox.client.errors import BodyTooLargeError, CrossOriginPaymentError
from sandbox.client.exchange import Exchange
from sandbox.client.payer import ChannelPayer
from sandbox.client.selection import accept_payment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mock_rails.core.clock import Clock
    from mock_rails.core.seeds import Stream
    from sandbox.client.events import ClientEvent
    from sandbox.client.payer import Payer

MAX_PAYMENTS: Final = 3
"""Credentials for one request (protocol 2.10)."""

BODY_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a streamed body that are kept, to be sent again with a payment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSettings:
    """How a transport behaves where there is a choice."""

    max_payments: int = MAX_PAYMENTS
    body_limit: int = BODY_LIMIT
    paid_timeout_s: float | None = None
    """How long a paid request may take; None for the caller's timeout, but at least 35 seconds to
    read the answer, which servers may delay until the chain has confirmed the payment."""


class PaidTransport(httpx.AsyncBaseTransport):
    """Sends requests through another transport, and pays for those that are answered with 402.

    Payers come in the order in which they are preferred. `inner` is closed with this transport.
    """

    def __init__(
        self,
        payers: Sequence[Payer],
        inner: httpx.AsyncBaseTransport,
        *,
        clock: Clock,
        keys: Stream,
        settings: TransportSettings | None = None,
        observer: Callable[[ClientEvent], None] | None = None,
    ) -> None:
        self.payers = tuple(payers)
        self.clock = clock
        self.keys = keys
        """What `Idempotency-Key`s are drawn from."""
        self.settings = settings or TransportSettings()
        self.observer = observer
        self.kept = KeptChallenges(clock)
        """The challenges of sessions, which may be answered again."""
        self._inner = inner
        self._accepts = accept_payment(self.payers)
        self._channel_payers = [one for one in self.payers if isinstance(one, ChannelPayer)]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the answer is the last of as many as it took."""
        origin = _origin(request.url)
        asked = request.extensions.setdefault(_ORIGINAL_ORIGIN_EXTENSION, origin)
        if any(
            request.headers.get(header, "").lower().startswith("payment ")
            for header in _CREDENTIAL_HEADERS
        ):
            if origin != asked:
                raise _crossed(request)
            return await self._inner.handle_async_request(request)
        if request.extensions.get(_PAYMENT_ATTEMPTED_EXTENSION) or not self.payers:
            return await self._inner.handle_async_request(request)
        accepts = request.headers.setdefault("Accept-Payment", self._accepts)
        body = await self._body(request)
        if origin == asked and accepts == self._accepts and self.settings.max_payments > 1:
            exchange = Exchange(self, request, body)
            choice = exchange.kept_choice()
            if choice is not None:
                return await exchange.run_ahead(choice)
        response = await self.send_unpaid(request, body)
        if response.status_code != httpx.codes.PAYMENT_REQUIRED:
            return response
        if origin != asked:
            await response.aclose()
            raise _crossed(request)
        return await Exchange(self, request, body).run(response)

    async def aclose(self) -> None:
        """Close the inner transport; payers are closed by whoever made them."""
        await self._inner.aclose()

    # -- for an exchange --------------------------------------------------------------------------

    async def send_unpaid(self, request: httpx.Request, body: bytes) -> httpx.Response:
        """Send it as the caller wrote it, and say which channel there is if that is of use."""
        headers = request.headers
        for payer in self._channel_payers:
            for name, value in payer.introduction(str(request.url)).items():
                headers = httpx.Headers(headers)  # a redirect must not take it elsewhere
                headers.setdefault(name, value)
        return await self._inner.handle_async_request(
            _copy(request, body, headers, request.extensions)
        )

    async def send_paid(
        self, request: httpx.Request, body: bytes, header: str, authorization: str, key: str
    ) -> httpx.Response:
        """Send it with a credential, in the header field that the challenge names."""
        # Whatever redirect follows comes from the caller's request and is not paid once more.
        request.extensions[_PAYMENT_ATTEMPTED_EXTENSION] = True
        headers = httpx.Headers(request.headers)
        _set_payment_credential(headers, header, authorization)
        headers["Idempotency-Key"] = key
        timeout_s: Any = self.settings.paid_timeout_s or _PAID_RETRY_TIMEOUT_UNSET
        extensions = _paid_retry_extensions(request.extensions, timeout_s)
        return await self._inner.handle_async_request(_copy(request, body, headers, extensions))

    async def _body(self, request: httpx.Request) -> bytes:
        """The body, kept so that it can be sent again."""
        try:
            return request.content
        except httpx.RequestNotRead:
            pass
        limit = self.settings.body_limit
        if not isinstance(request.stream, httpx.AsyncByteStream):
            raise TypeError("an asynchronous client sends an asynchronous body")
        kept = bytearray()
        async for chunk in request.stream:
            kept += chunk
            if len(kept) > limit:
                raise BodyTooLargeError(
                    f"The streamed body is larger than {limit} bytes.",
                    hint="Send a body that is in memory, or send it where nothing is to be paid.",
                )
        return bytes(kept)


class ThroughClient(httpx.AsyncBaseTransport):
    """A client of the caller's as a transport: its connections, hooks and transports are used.

    The client stays the caller's, and is not closed.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it as it is: redirects and passwords are the outer client's, who has copied them."""
        return await self._http.send(request, stream=True, auth=None, follow_redirects=False)


def _copy(
    request: httpx.Request, body: bytes, headers: httpx.Headers, extensions: dict[str, Any]
) -> httpx.Request:
    if "transfer-encoding" in headers:
        headers = httpx.Headers(headers)
        del headers["transfer-encoding"]  # its length is known by now
        headers["content-length"] = str(len(body))
    return httpx.Request(
        request.method, request.url, headers=headers, content=body, extensions=extensions
    )


def _crossed(request: httpx.Request) -> CrossOriginPaymentError:
    return CrossOriginPaymentError(
        f"A redirect led to {request.url.host}, which asks for money; nothing was paid there.",
        hint="Ask that host itself if it is meant to be paid.",
        details={"url": str(request.url.copy_with(userinfo=b""))},
    )
