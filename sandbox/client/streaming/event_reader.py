"""The messages of an event stream, one by one; what speaks of payment is a subclass's matter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

from sandbox.client.streaming.errors import StreamError, StreamProtocolError
from sandbox.streaming.events import LARGEST_EVENT, EventParser, EventTooLarge
from sandbox.streaming.frames import FrameError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from types import TracebackType

    import httpx

    from sandbox.streaming.events import Event


class EventReader(ABC):
    """Reads an answer that is open and not yet read, and closes it.

    async with reader as messages:
        async for data in messages: ...
    messages.receipt
    """

    def __init__(self, response: httpx.Response, *, event_limit: int = LARGEST_EVENT) -> None:
        self.response = response
        self.receipt: dict[str, Any] | None = None
        """The last receipt that came; when the stream has ended, the closing one."""
        self.delivered = 0
        """How many messages were handed over."""
        self._parser = EventParser(event_limit)
        self._stream = self._read()

    def __aiter__(self) -> AsyncIterator[str]:
        """The data of the messages."""
        return self._data()

    def events(self) -> AsyncIterator[Event]:
        """All events of the application: messages, and those of other names."""
        return self._stream

    async def aclose(self) -> None:
        """Stop reading; the server charges nothing that it has not sent."""
        await self._stream.aclose()
        await self.response.aclose()

    async def __aenter__(self) -> Self:
        """The reader itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop reading."""
        await self.aclose()

    # -- for subclasses ---------------------------------------------------------------------------

    @abstractmethod
    async def _payment(self, event: Event) -> None:
        """Do what an event of the payment asks for; `FrameError` if it is none that is known."""

    def _is_payment(self, event: Event) -> bool:
        """Whether an event speaks of the payment, and is not the application's."""
        return event.is_reserved

    def _chunks(self) -> AsyncGenerator[bytes, None]:
        """What arrives."""
        return _bytes_of(self.response)

    # -- inside -----------------------------------------------------------------------------------

    async def _data(self) -> AsyncIterator[str]:
        async for event in self._stream:
            if event.is_message and event.data is not None:
                yield event.data

    async def _read(self) -> AsyncGenerator[Event, None]:
        from httpx import TransportError

        chunks = self._chunks()
        try:
            async for chunk in chunks:
                for event in self._parser.feed(chunk):
                    if self._is_payment(event):
                        await self._payment(event)
                    elif event.data is not None:
                        self.delivered += event.is_message
                        yield event
        except (EventTooLarge, FrameError) as error:
            raise StreamProtocolError(str(error)) from None
        except TransportError as error:
            raise StreamError(f"The stream broke off: {error!r}.") from error
        finally:
            await chunks.aclose()
            await self.response.aclose()


async def _bytes_of(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    async for chunk in response.aiter_bytes():
        yield chunk
