"""A paid WebSocket, as mppx's client speaks it (facts: protocol 2.9)."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from mpp import Credential
from mpp.errors import InternalPaymentError, InvalidPayloadError, VerificationFailedError

from mock_rails.core import Clock
from sandbox.server.streaming import SocketPayment, StreamRefused, serve_socket
from tests.unit.sandbox.server.streaming.fakes import (
    FakeMeter,
    credential,
    receipt,
    scope,
    settlement,
    three,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sandbox.server.offer import Settlement


class Peer:
    """A client and the gate behind the server, in memory."""

    def __init__(self, meter: FakeMeter | None, **options: Any) -> None:
        self.meter = meter
        self.paid: list[str] = []
        self.refusal: Exception | None = None
        self.stream: Callable[[Settlement], AsyncIterator[str]] = lambda _: three()
        self.may_pay = asyncio.Event()
        self.may_pay.set()
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.options = options
        self.is_gone = False
        """Whether sends fail, as uvicorn's do when the client was faster."""

    async def __aenter__(self) -> Peer:
        self.serving = asyncio.create_task(self._serve())
        self.inbox.put_nowait({"type": "websocket.connect"})
        assert await self.outbox.get() == {"type": "websocket.accept"}
        return self

    async def __aexit__(self, *_: object) -> None:
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self.serving

    async def _serve(self) -> None:
        await serve_socket(
            scope("websocket"),
            self.inbox.get,
            self._send,
            pay=lambda authorization: self._pay(authorization),
            open_stream=lambda paid: self.stream(paid),
            clock=Clock(),
            **self.options,
        )

    async def _send(self, message: Any) -> None:
        if self.is_gone:
            raise RuntimeError("Unexpected ASGI message after the close")
        await self.outbox.put(message)

    async def _pay(self, authorization: str) -> SocketPayment:
        await self.may_pay.wait()
        if self.refusal is not None:
            raise self.refusal
        words = Credential.from_authorization(authorization)
        self.paid.append(words.payload["action"])
        if self.meter is not None and (units := words.payload.get("units")):
            self.meter.authorise(units)
        return SocketPayment(settlement(self.meter, delivers=False), words.challenge.id)

    def say(self, text: str) -> None:
        self.inbox.put_nowait({"type": "websocket.receive", "text": text})

    def authorize(self, action: str, **more: Any) -> None:
        self.say(json.dumps({"mpp": "authorization", "authorization": credential(action, **more)}))

    def request_close(self) -> None:
        self.say('{"mpp":"payment-close-request"}')

    async def hear(self) -> dict[str, Any]:
        """The next frame, or how the socket was closed."""
        async with asyncio.timeout(5):
            message = await self.outbox.get()
        return message if message["type"] == "websocket.close" else json.loads(message["text"])

    async def kinds(self, count: int) -> list[str]:
        """The kinds of the next frames, and the data of messages."""
        heard = [await self.hear() for _ in range(count)]
        return [one["data"] if one["mpp"] == "message" else one["mpp"] for one in heard]

    async def is_failed(self, status: int, code: int, words: str) -> None:
        """The server says what is wrong and closes."""
        error = await self.hear()
        assert (error["mpp"], error["status"]) == ("payment-error", status)
        assert words in error["message"]
        closed = await self.hear()
        assert (closed["type"], closed["code"]) == ("websocket.close", code)
        await self.serving


# -- the whole conversation ------------------------------------------------------------------------


async def test_open_stream_voucher_and_close() -> None:
    async with Peer(FakeMeter(2)) as peer:
        peer.authorize("open")
        assert await peer.kinds(3) == ["payment-receipt", "one", "two"]
        need = await peer.hear()
        assert need["mpp"] == "payment-need-voucher"
        assert need["data"]["requiredCumulative"] == "30"
        peer.authorize("voucher", units=1, challenge_id="second")
        # While the stream runs, nobody promises which of the two comes first.
        assert sorted(await peer.kinds(2)) == ["payment-receipt", "three"]
        ready = await peer.hear()
        assert ready == {
            "mpp": "payment-close-ready",
            "data": receipt(accepted=30, spent=30, challengeId="second"),
        }
        peer.authorize("close")
        assert await peer.kinds(1) == ["payment-receipt"]
        assert (await peer.hear())["code"] == 1000
    assert peer.paid == ["open", "voucher", "close"]


async def test_a_close_request_stops_the_stream_between_two_units() -> None:
    stopped = asyncio.Event()

    async def endless(_: Settlement) -> AsyncIterator[str]:
        try:
            yield "one"
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with Peer(FakeMeter(100)) as peer:
        peer.stream = endless
        peer.authorize("open")
        assert await peer.kinds(2) == ["payment-receipt", "one"]
        peer.request_close()
        ready = await peer.hear()
        assert (ready["mpp"], ready["data"]["spent"]) == ("payment-close-ready", "10")
        assert stopped.is_set()


async def test_a_close_request_ends_a_hold() -> None:
    async with Peer(FakeMeter(0)) as peer:
        peer.authorize("open")
        assert await peer.kinds(2) == ["payment-receipt", "payment-need-voucher"]
        peer.request_close()
        ready = await peer.hear()
        assert (ready["mpp"], ready["data"]["spent"]) == ("payment-close-ready", "0")


async def test_a_unit_that_is_charged_is_delivered_before_the_close() -> None:
    meter = FakeMeter(5)
    charging, may_charge = asyncio.Event(), asyncio.Event()
    charge = meter.charge

    async def slow_charge(units: int = 1) -> None:
        await charge(units)
        charging.set()
        await may_charge.wait()

    meter.charge = slow_charge  # type: ignore[method-assign]
    async with Peer(meter) as peer:
        peer.authorize("open")
        await charging.wait()
        peer.request_close()
        for _ in range(10):
            await Clock().yield_to_loop()
        may_charge.set()
        assert await peer.kinds(3) == ["payment-receipt", "one", "payment-close-ready"]
    assert meter.charged == 1


async def test_a_close_credential_alone_stops_the_stream_first() -> None:
    async with Peer(FakeMeter(0)) as peer:
        peer.authorize("open")
        await peer.kinds(2)
        peer.authorize("close")
        assert await peer.kinds(1) == ["payment-receipt"]
        assert (await peer.hear())["code"] == 1000


async def test_opening_and_closing_in_one_breath_streams_nothing() -> None:
    async with Peer(FakeMeter(5)) as peer:
        peer.may_pay.clear()
        peer.authorize("open")
        peer.request_close()
        await Clock().yield_to_loop()
        peer.may_pay.set()
        assert await peer.kinds(2) == ["payment-receipt", "payment-close-ready"]
    assert peer.meter is not None
    assert peer.meter.charged == 0


async def test_a_second_close_request_is_not_answered_twice() -> None:
    async with Peer(FakeMeter(0)) as peer:
        peer.authorize("open")
        await peer.kinds(2)
        peer.request_close()
        peer.request_close()
        peer.authorize("close")
        assert await peer.kinds(2) == ["payment-close-ready", "payment-receipt"]


async def test_who_has_paid_nothing_owes_nothing() -> None:
    async with Peer(FakeMeter(0)) as peer:
        peer.request_close()
        assert (await peer.hear())["code"] == 1000


async def test_a_top_up_starts_no_stream_and_a_voucher_does() -> None:
    async with Peer(FakeMeter(5)) as peer:
        peer.authorize("topUp")
        assert await peer.kinds(1) == ["payment-receipt"]
        peer.authorize("voucher")
        assert await peer.kinds(4) == ["payment-receipt", "one", "two", "three"]


async def test_a_second_open_starts_no_second_stream() -> None:
    async with Peer(FakeMeter(3)) as peer:
        peer.authorize("open")
        await peer.kinds(4)
        assert await peer.kinds(1) == ["payment-close-ready"]
        peer.authorize("voucher", units=3)
        assert await peer.kinds(1) == ["payment-receipt"]
    assert peer.meter is not None
    assert peer.meter.charged == 3


async def test_what_was_paid_as_a_request_is_streamed_unmetered() -> None:
    async with Peer(None) as peer:
        challenge_only = Credential.from_authorization(credential("open"))
        challenge_only.payload.pop("action")

        async def pay(_: str) -> SocketPayment:
            return SocketPayment(settlement(None), "first")

        peer._pay = pay  # type: ignore[assignment, method-assign]
        text = challenge_only.to_authorization()
        peer.say(json.dumps({"mpp": "authorization", "authorization": text}))
        assert await peer.kinds(4) == ["payment-receipt", "one", "two", "three"]


# -- the client misbehaves -------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "{", "[]", '{"mpp":"hello"}', '{"mpp":"message","data":"x"}'])
async def test_what_is_no_frame_ends_the_socket(text: str) -> None:
    async with Peer(FakeMeter(0)) as peer:
        peer.say(text)
        await peer.is_failed(400, 1008, "")


async def test_binary_frames_are_read_as_text() -> None:
    async with Peer(FakeMeter(3)) as peer:
        text = json.dumps({"mpp": "authorization", "authorization": credential("open")})
        peer.inbox.put_nowait({"type": "websocket.receive", "bytes": text.encode()})
        assert await peer.kinds(2) == ["payment-receipt", "one"]
    async with Peer(FakeMeter(3)) as peer:
        peer.inbox.put_nowait({"type": "websocket.receive", "bytes": b"\xff"})
        await peer.is_failed(400, 1008, "")


async def test_32_frames_may_wait_and_not_one_more() -> None:
    async with Peer(FakeMeter(0)) as peer:
        peer.may_pay.clear()
        peer.authorize("voucher")  # this one is being worked on
        await Clock().yield_to_loop()
        await Clock().yield_to_loop()
        for _ in range(32):
            peer.authorize("voucher")
        for _ in range(50):
            await Clock().yield_to_loop()
        assert peer.outbox.empty()
        peer.authorize("voucher")
        await peer.is_failed(429, 1008, "too many queued payment messages")
    assert peer.paid == []


async def test_a_refused_credential_ends_the_socket_with_its_reason() -> None:
    async with Peer(FakeMeter(0)) as peer:
        peer.refusal = VerificationFailedError("the voucher is stale")
        peer.authorize("voucher")
        await peer.is_failed(402, 1008, "the voucher is stale")


@pytest.mark.parametrize("payload", [[], "close", None, 1])
async def test_a_payload_that_is_no_object_is_the_clients_fault(payload: Any) -> None:
    """Who pays finds out; nothing here trips over it before."""
    members = {"challenge": {"id": "x", "method": "tempo"}, "payload": payload}
    text = base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")
    async with Peer(FakeMeter(0)) as peer:
        peer.refusal = InvalidPayloadError("it is no object")
        peer.say(json.dumps({"mpp": "authorization", "authorization": f"Payment {text}"}))
        await peer.is_failed(402, 1008, "it is no object")


async def test_an_outage_is_no_fault_of_the_client() -> None:
    async with Peer(FakeMeter(0)) as peer:
        peer.refusal = InternalPaymentError()
        peer.authorize("voucher")
        await peer.is_failed(500, 1011, "")


async def test_a_failure_is_told_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    async with Peer(FakeMeter(0)) as peer:
        peer.refusal = OSError("connection to 10.0.0.1 refused")
        peer.authorize("voucher")
        await peer.is_failed(500, 1011, "the payment could not be handled")
    assert "10.0.0.1" in caplog.text


async def test_a_session_without_a_meter_is_not_given_away() -> None:
    async with Peer(None) as peer:
        peer.authorize("open")
        assert await peer.kinds(1) == ["payment-receipt"]
        await peer.is_failed(500, 1011, "metered")


async def test_who_does_not_pay_is_not_kept() -> None:
    async with Peer(FakeMeter(0), idle_s=0) as peer:
        await peer.is_failed(402, 1008, "nothing was paid")


async def test_who_does_not_close_is_let_go() -> None:
    async with Peer(FakeMeter(3), idle_s=0.05) as peer:
        peer.authorize("open")
        assert (await peer.kinds(5))[-1] == "payment-close-ready"
        assert (await peer.hear())["code"] == 1000


async def test_a_hold_that_is_not_answered_ends_in_the_receipt() -> None:
    meter = FakeMeter(1)
    meter.never_waits = True
    async with Peer(meter) as peer:
        peer.authorize("open")
        assert await peer.kinds(4) == [
            "payment-receipt",
            "one",
            "payment-need-voucher",
            "payment-close-ready",
        ]


async def test_a_client_that_leaves_stops_the_stream() -> None:
    stopped = asyncio.Event()

    async def endless(_: Settlement) -> AsyncIterator[str]:
        try:
            while True:
                yield "again"
        finally:
            stopped.set()

    async with Peer(FakeMeter(2)) as peer:
        peer.stream = endless
        peer.authorize("open")
        assert (await peer.kinds(4))[-1] == "payment-need-voucher"
    assert stopped.is_set()
    assert peer.meter is not None
    assert peer.meter.charged == 2


async def test_a_send_to_a_client_that_left_ends_it() -> None:
    async with Peer(FakeMeter(2)) as peer:
        peer.is_gone = True
        peer.authorize("open")
        await peer.serving
    assert peer.meter is not None
    assert peer.meter.charged == 0


# -- the server's side fails -----------------------------------------------------------------------


async def test_an_application_that_fails_ends_the_socket(caplog: pytest.LogCaptureFixture) -> None:
    async def fails(_: Settlement) -> AsyncIterator[str]:
        yield "one"
        raise OSError("the model's key is wrong")

    async with Peer(FakeMeter(5)) as peer:
        peer.stream = fails
        peer.authorize("open")
        assert await peer.kinds(2) == ["payment-receipt", "one"]
        await peer.is_failed(500, 1011, "the stream failed")
    assert "the model's key" in caplog.text


async def test_an_application_that_answers_an_error_ends_the_socket() -> None:
    async def refuses(_: Settlement) -> AsyncIterator[str]:
        raise StreamRefused(404)
        yield ""

    async with Peer(FakeMeter(5)) as peer:
        peer.stream = refuses
        peer.authorize("open")
        assert await peer.kinds(1) == ["payment-receipt"]
        await peer.is_failed(404, 1011, "404")


async def test_a_channel_that_is_closed_meanwhile_ends_the_socket() -> None:
    meter = FakeMeter(5)
    meter.is_finalized = True
    async with Peer(meter) as peer:
        peer.authorize("open")
        assert await peer.kinds(1) == ["payment-receipt"]
        await peer.is_failed(410, 1008, "Channel closed")


async def test_a_server_that_stops_stops_the_stream() -> None:
    stopped = asyncio.Event()

    async def endless(_: Settlement) -> AsyncIterator[str]:
        try:
            yield "one"
            await asyncio.Event().wait()
        finally:
            stopped.set()

    peer = Peer(FakeMeter(5))
    peer.stream = endless
    await peer.__aenter__()
    peer.authorize("open")
    assert await peer.kinds(2) == ["payment-receipt", "one"]
    peer.serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await peer.serving
    assert stopped.is_set()


async def test_a_socket_that_never_connects_is_left_alone() -> None:
    peer = Peer(FakeMeter(0))
    peer.inbox.put_nowait({"type": "websocket.disconnect", "code": 1006})
    await peer._serve()
    assert peer.outbox.empty()
