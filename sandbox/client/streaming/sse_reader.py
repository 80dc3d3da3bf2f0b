"""Reads a metered event stream, and authorises more when the server asks (facts: protocol 2.8).

The voucher goes to the stream's own URL while the stream is held open: a POST without a body, which
servers tell from a request for content (facts: protocol 2.5). A POST with a query would be content,
so there it is a HEAD. If the server answers 402 with a fresh challenge, the voucher is made once
more for that one. Redirects are not followed: the credential is for this server.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import orjson
from mpp import AUTHORIZATION_HEADER

from sandbox.client.streaming.errors import StreamPaymentError
from sandbox.client.streaming.event_reader import EventReader
from sandbox.streaming.events import LARGEST_EVENT, NEED_VOUCHER, RECEIPT
from sandbox.streaming.frames import FrameError, NeedVoucher, read_receipt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from sandbox.streaming.events import Event

_LONGEST_PROBLEM: Final = 16 * 1_024


class SseReader(EventReader):
    """The messages of a stream that vouchers pay for.

    `authorize` makes the credential that is asked for, after a top-up if the deposit is too small,
    or raises.
    """

    def __init__(
        self,
        response: httpx.Response,
        *,
        http: httpx.AsyncClient,
        authorize: Callable[[NeedVoucher], Awaitable[str]],
        header: str = AUTHORIZATION_HEADER,
        channel_id: str | None = None,
        event_limit: int = LARGEST_EVENT,
    ) -> None:
        super().__init__(response, event_limit=event_limit)
        self._http = http
        self._authorize = authorize
        self._header = header
        self._channel_id = channel_id

    async def _payment(self, event: Event) -> None:
        if event.name not in (NEED_VOUCHER, RECEIPT):
            return  # a later protocol's, perhaps
        try:
            value = orjson.loads(event.data or "")
        except orjson.JSONDecodeError:
            raise FrameError(f"The data of {event.name} is not JSON.") from None
        if event.name == RECEIPT:
            receipt = read_receipt(value)
            self._check_channel(event, receipt.get("channelId", self._channel_id))
            self.receipt = receipt
            return
        need = replace(NeedVoucher.from_json(value), delivered=self.delivered)
        self._check_channel(event, need.channel_id)
        await self._pay(need)

    def _check_channel(self, event: Event, named: object) -> None:
        """A server must not speak of a channel that the stream was not paid by."""
        if self._channel_id not in (None, named):
            raise FrameError(f"The {event.name} is of another channel than the stream's.")

    async def _pay(self, need: NeedVoucher) -> None:
        status, challenges, words = await self._hand_over(await self._authorize(need))
        if status == 402 and challenges:
            again = replace(need, challenges=challenges)
            status, challenges, words = await self._hand_over(await self._authorize(again))
        if not 200 <= status < 300:
            raise StreamPaymentError(
                f"The voucher for the stream was answered with {status}.",
                details={"status": status, "problem": words, "required": need.required},
            )

    async def _hand_over(self, credential: str) -> tuple[int, tuple[str, ...], str]:
        """Send it, and once more if no answer comes: an equal voucher pays for nothing twice."""
        from httpx import TransportError

        try:
            return await self._send(credential)
        except TransportError:
            return await self._send(credential)

    async def _send(self, credential: str) -> tuple[int, tuple[str, ...], str]:
        """The status, the fresh challenges, and what the server says is wrong."""
        url = self.response.url.copy_with(fragment=None)
        async with self._http.stream(
            "HEAD" if url.query else "POST",
            url,
            headers={self._header: credential},
            follow_redirects=False,
        ) as answer:
            challenges = tuple(answer.headers.get_list("www-authenticate"))
            return answer.status_code, challenges, await _problem(answer)


async def _problem(answer: httpx.Response) -> str:
    """The beginning of an error's body. A success is not read: it might be another stream."""
    text = b""
    if answer.is_error:
        async for chunk in answer.aiter_bytes():
            text += chunk
            if len(text) > _LONGEST_PROBLEM:
                break
    return text[:_LONGEST_PROBLEM].decode("utf-8", "replace")
