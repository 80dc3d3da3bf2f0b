"""A meter with a purse, an ASGI client of two lists, and applications that stream."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

from mpp import Challenge, Credential

from sandbox.methods.tempo_session.problems import ChannelClosedError, InsufficientBalanceError
from sandbox.server.offer import Settlement
from sandbox.streaming.events import EventParser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.streaming.events import Event

CHANNEL = "0x" + "ab" * 32
PRICE = 10


class FakeMeter:
    """A channel at 10 a unit: `prepaid` units, then what `authorise` adds."""

    def __init__(self, units: int = 0, *, prepaid: int = 0) -> None:
        self.accepted = (units + prepaid) * PRICE
        self.spent = prepaid * PRICE
        self.prepaid = prepaid
        self.deposit = 1_000_000
        self.charged = 0
        """Units that `charge` let through."""
        self.log: list[str] = []
        self.waits: list[float] = []
        self.never_waits = False
        """Whether `wait` gives up at once, as if its time had passed."""
        self.is_finalized = False
        self.more = asyncio.Event()

    @property
    def total(self) -> int:
        return self.spent

    async def charge(self, units: int = 1) -> None:
        if self.is_finalized:
            raise ChannelClosedError("it is being closed")
        if self.prepaid:
            self.prepaid -= 1
        elif self.accepted - self.spent < units * PRICE:
            raise InsufficientBalanceError("no voucher")
        else:
            self.spent += units * PRICE
        self.charged += 1
        self.log.append("charge")

    async def wait(self, timeout_s: float) -> bool:
        self.waits.append(timeout_s)
        if self.never_waits:
            return False
        try:
            async with asyncio.timeout(timeout_s):
                await self.more.wait()
        except TimeoutError:
            return False
        self.more.clear()
        return True

    def need(self) -> dict[str, Any]:
        return {
            "channelId": CHANNEL,
            "requiredCumulative": str(self.spent + PRICE),
            "acceptedCumulative": str(self.accepted),
            "deposit": str(self.deposit),
        }

    def receipt(self) -> dict[str, Any]:
        return receipt(accepted=self.accepted, spent=self.spent)

    def authorise(self, units: int) -> None:
        """What a voucher does."""
        self.accepted += units * PRICE
        self.more.set()


def receipt(*, accepted: int, spent: int, **more: Any) -> dict[str, Any]:
    return {
        "method": "tempo",
        "intent": "session",
        "status": "success",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "reference": CHANNEL,
        "challengeId": "first",
        "channelId": CHANNEL,
        "acceptedCumulative": str(accepted),
        "spent": str(spent),
        **more,
    }


def settlement(meter: FakeMeter | None, **more: Any) -> Settlement:
    """A session's settlement, metered or not."""
    words = receipt(accepted=meter.accepted if meter else 0, spent=meter.spent if meter else 0)
    words["txHash"] = "0x" + "cd" * 32
    encoded = base64.urlsafe_b64encode(json.dumps(words).encode()).decode().rstrip("=")
    return Settlement(
        receipt=encoded, reference=CHANNEL, amount=PRICE, currency="0x20c0", meter=meter, **more
    )


def credential(action: str, *, challenge_id: str = "first", **more: Any) -> str:
    """An authorization as a client sends it; who checks it is a fake, so nothing is signed."""
    challenge = Challenge(id=challenge_id, method="tempo", intent="session", request={})
    payload = {"action": action, "channelId": CHANNEL, **more}
    return Credential(challenge=challenge.to_echo(), payload=payload).to_authorization()


def scope(kind: str = "http", **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/tokens",
        "raw_path": b"/tokens",
        "query_string": b"n=3",
        "headers": [(b"host", b"api.test")],
        **more,
    }


class Client:
    """The other end of an in-memory ASGI connection."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.news = asyncio.Event()
        self.may_send = asyncio.Event()
        self.may_send.set()
        self.blocked = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        return await self.inbox.get()

    async def send(self, message: Any) -> None:
        if not self.may_send.is_set():
            self.blocked.set()
        await self.may_send.wait()
        self.sent.append(message)
        self.news.set()

    def leave(self) -> None:
        self.inbox.put_nowait({"type": "http.disconnect"})

    # -- HTTP -------------------------------------------------------------------------------------

    @property
    def headers(self) -> dict[str, str]:
        start = next(one for one in self.sent if one["type"] == "http.response.start")
        return {name.decode(): value.decode() for name, value in start["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(one.get("body", b"") for one in self.sent)

    @property
    def events(self) -> list[Event]:
        return list(EventParser().feed(self.body))

    @property
    def messages(self) -> list[str | None]:
        return [event.data for event in self.events if event.is_message]

    @property
    def is_complete(self) -> bool:
        return bool(self.sent) and self.sent[-1].get("more_body") is False

    async def until(self, text: bytes) -> None:
        """Wait until this has come."""
        while text not in self.body:
            self.news.clear()
            await self.news.wait()


def streams(*chunks: bytes, status: int = 200, content_type: bytes = b"text/event-stream") -> Any:
    """An application that sends these chunks."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"Content-Type", content_type), (b"content-length", b"5"), (b"x-app", b"yes")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


class Endless:
    """An application that never stops by itself, and knows how it ended."""

    def __init__(self) -> None:
        self.sent = 0
        self.was_cancelled = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            while True:
                body = b"data: %d\n\n" % self.sent
                await send({"type": "http.response.body", "body": body, "more_body": True})
                self.sent += 1
        finally:
            self.was_cancelled.set()


async def three() -> AsyncIterator[str]:
    for word in ("one", "two", "three"):
        yield word
