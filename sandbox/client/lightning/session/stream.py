"""Reads a stream that a Lightning session pays for by the chunk (facts: lightning 2.4).

When the deposit is used up the server says `payment-need-topup` and holds the stream. The further
deposit is made on a second connection while this one is read on: what the server says meanwhile,
above all that it waits no longer, is heard at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.client.lightning.session.funding import top_up
from sandbox.client.streaming.errors import StreamPaymentError
from sandbox.client.streaming.event_reader import EventReader
from sandbox.streaming.events import NEED_TOP_UP, RECEIPT, SESSION_TIMEOUT
from sandbox.streaming.frames import FrameError, read_receipt

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx

    from sandbox.client.lightning.session.live import Live, Services
    from sandbox.streaming.events import Event


class LightningReader(EventReader):
    """The messages of a stream, one by one; `[DONE]` is one of them."""

    def __init__(
        self, response: httpx.Response, *, services: Services, live: Live, url: str
    ) -> None:
        super().__init__(response)
        self._services = services
        self._live = live
        self._url = url
        self._top_up: asyncio.Task[None] | None = None

    def _is_payment(self, event: Event) -> bool:
        return event.is_reserved or (event.data is not None and event.name == SESSION_TIMEOUT)

    async def _payment(self, event: Event) -> None:
        if event.name not in {NEED_TOP_UP, RECEIPT, SESSION_TIMEOUT}:
            return  # a later protocol's, perhaps
        try:
            value = orjson.loads(event.data or "")
        except orjson.JSONDecodeError:
            raise FrameError(f"The data of {event.name} is not JSON.") from None
        session = self._live.record.id.hex()
        if event.name == RECEIPT:
            receipt = read_receipt(value)
            if receipt["reference"] != session:
                raise FrameError("The receipt is of another session than the stream's.")
            self.receipt = receipt
            if type(receipt.get("spent")) is int:
                self._live.spent_sat += receipt["spent"]
            return
        if not isinstance(value, dict) or value.get("sessionId") != session:
            raise FrameError(f"The {event.name} is of another session than the stream's.")
        if event.name == SESSION_TIMEOUT:
            raise StreamPaymentError(
                "The server has waited long enough for a further deposit.",
                details=_amounts(value),
            )
        told_sat = _amounts(value).get("balanceSpent")
        if told_sat is not None:
            self._live.save(told_sat=told_sat)
        if self._top_up is None:
            work = top_up(self._services, self._live, self._url, seen=self._live.top_ups)
            self._top_up = asyncio.ensure_future(work)

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        """What arrives, until a further deposit fails: then nothing more will."""
        source = self.response.aiter_bytes()

        async def one() -> bytes | None:
            return await anext(source, None)

        reading: asyncio.Future[bytes | None] | None = None
        try:
            while True:
                reading = asyncio.ensure_future(one())
                while not reading.done():
                    awaited = {reading} if self._top_up is None else {reading, self._top_up}
                    await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
                    self._look()
                chunk = reading.result()
                if chunk is None:
                    return
                yield chunk
        finally:
            # A payment that is under way is in the book, and is looked up by the next call.
            left = [one for one in (reading, self._top_up) if one is not None]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _look(self) -> None:
        """Raise what a deposit that is over has failed with."""
        if self._top_up is not None and self._top_up.done():
            task, self._top_up = self._top_up, None
            task.result()


def _amounts(value: dict[str, Any]) -> dict[str, int]:
    """What an event says of the balance, as far as those are amounts."""
    return {
        name: value[name]
        for name in ("balanceSpent", "balanceRequired")
        if type(value.get(name)) is int and value[name] >= 0
    }
