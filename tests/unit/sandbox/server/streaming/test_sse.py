"""An application's event stream, charged by the event (facts: protocol 2.8)."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.core import Clock
from sandbox.methods.tempo_session.problems import InsufficientBalanceError
from sandbox.server.streaming import ClientGone, metered_send, serve_metered
from tests.unit.sandbox.server.streaming.fakes import (
    CHANNEL,
    Client,
    Endless,
    FakeMeter,
    scope,
    settlement,
    streams,
)

if TYPE_CHECKING:
    from sandbox.server.offer import Settlement

TOKENS = tuple(b"data: %d\n\n" % number for number in range(5))


def decoded(header: str) -> dict[str, Any]:
    """A `Payment-Receipt`."""
    found = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    assert isinstance(found, dict)
    return found


async def serve(
    app: Any, client: Client, paid: Settlement, *, hold_s: float = 60, **more: Any
) -> None:
    await serve_metered(
        app,
        scope(**more),
        client.receive,
        client.send,
        paid,
        challenge_id="second",
        clock=Clock(),
        hold_s=hold_s,
    )


@pytest.fixture
def client() -> Client:
    return Client()


# -- what is sent and what is charged --------------------------------------------------------------


async def test_every_message_is_a_unit_and_the_receipt_is_the_last_event(client: Client) -> None:
    meter = FakeMeter(4, prepaid=1)
    await serve(streams(*TOKENS), client, settlement(meter))
    assert client.messages == ["0", "1", "2", "3", "4"]
    assert meter.charged == 5
    last = client.events[-1]
    assert last.name == "payment-receipt"
    closing = json.loads(last.data or "")
    assert (closing["spent"], closing["channelId"]) == ("50", CHANNEL)
    assert closing["challengeId"] == "second"
    assert client.is_complete


async def test_the_head_is_the_references_and_a_receipt_of_the_beginning(client: Client) -> None:
    """Facts, D13: what was authorised and spent before the first event, on behalf of the challenge
    that was paid; the last event says what the stream came to."""
    paid = settlement(FakeMeter(4, prepaid=1), headers=(("Payment-Session", "s"),))
    await serve(streams(*TOKENS), client, paid)
    headers = client.headers
    first, last = decoded(headers.pop("payment-receipt")), client.events[-1]
    assert (first["acceptedCumulative"], first["spent"]) == ("50", "10")
    assert (first["challengeId"], first["txHash"]) == ("second", "0x" + "cd" * 32)
    assert json.loads(last.data or "")["spent"] == "50"
    assert headers == {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache, no-transform",
        "connection": "keep-alive",
        "payment-session": "s",
        "x-app": "yes",
    }


async def test_a_unit_is_charged_before_it_is_sent(client: Client) -> None:
    meter = FakeMeter(2)
    send = client.send

    async def logging_send(message: Any) -> None:
        if message.get("body"):
            meter.log.append(message["body"].decode().split("\n")[0])
        await send(message)

    client.send = logging_send  # type: ignore[method-assign]
    await serve(streams(b"data: a\n\ndata: b\n\n"), client, settlement(meter))
    message = "event: message"
    assert meter.log == ["charge", message, "charge", message, "event: payment-receipt"]


async def test_what_is_no_message_passes_uncharged(client: Client) -> None:
    meter = FakeMeter(1)
    chunks = b": hi\n\nid: 4\n\nretry: 5\n\nevent: progress\ndata: half\n\ndata: a\nid: 5\n\n"
    await serve(streams(chunks), client, settlement(meter))
    assert meter.charged == 1
    assert client.body.startswith(
        b": hi\n\nid: 4\n\nretry: 5\n\nevent: progress\ndata: half\n\n"
        b"event: message\nid: 5\ndata: a\n\nevent: payment-receipt\n"
    )


async def test_done_is_swallowed_and_so_are_events_that_feign_a_payment(client: Client) -> None:
    meter = FakeMeter(1)
    chunks = b"data: a\n\nevent: payment-receipt\ndata: {}\n\ndata: [DONE]\n\n"
    await serve(streams(chunks), client, settlement(meter))
    assert meter.charged == 1
    assert b"DONE" not in client.body
    assert [event.name for event in client.events] == ["message", "payment-receipt"]


async def test_chunks_may_be_cut_anywhere_and_the_end_forgotten(client: Client) -> None:
    meter = FakeMeter(2)
    wire = b"data: a\r\ndata: b\r\n\r\ndata: c"
    await serve(streams(*[wire[i : i + 1] for i in range(len(wire))]), client, settlement(meter))
    assert client.messages == ["a\nb", "c"]


async def test_a_stream_that_was_paid_as_a_request_is_not_metered(client: Client) -> None:
    await serve(streams(*TOKENS), client, settlement(None))
    assert len(client.messages) == 5
    assert client.events[-1].name == "payment-receipt"


async def test_an_event_beyond_the_limit_ends_the_stream_with_a_receipt(client: Client) -> None:
    meter = FakeMeter(5)
    with pytest.raises(ValueError, match="exceeds"):
        await serve(streams(b"data: a\n\n", b"x" * 1_100_000), client, settlement(meter))
    assert meter.charged == 1
    assert client.events[-1].name == "payment-receipt"


async def test_no_extension_sends_past_the_meter(client: Client) -> None:
    seen: dict[str, Any] = {}

    async def app(inner: Any, receive: Any, send: Any) -> None:
        seen.update(inner["extensions"])
        await streams()(inner, receive, send)

    extensions = {"http.response.pathsend": {}, "tls": {"a": 1}}
    await serve(app, client, settlement(FakeMeter()), extensions=extensions)
    assert seen == {"tls": {"a": 1}}

    async def insists(inner: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.pathsend", "path": "secret"})

    with pytest.raises(RuntimeError, match="pathsend"):
        await serve(insists, client, settlement(FakeMeter()))


# -- the channel is used up ------------------------------------------------------------------------


async def test_the_stream_holds_until_a_voucher_comes(client: Client) -> None:
    meter = FakeMeter(2)
    serving = asyncio.create_task(serve(streams(*TOKENS), client, settlement(meter)))
    await client.until(b"payment-need-voucher")
    need = json.loads(client.events[-1].data or "")
    assert need == {
        "channelId": CHANNEL,
        "requiredCumulative": "30",
        "acceptedCumulative": "20",
        "deposit": "1000000",
    }
    assert client.messages == ["0", "1"]
    meter.authorise(3)
    await serving
    assert client.messages == ["0", "1", "2", "3", "4"]
    assert client.body.count(b"payment-need-voucher") == 1


async def test_a_voucher_that_is_too_small_is_answered_by_another_request(client: Client) -> None:
    meter = FakeMeter(0)
    serving = asyncio.create_task(serve(streams(TOKENS[0]), client, settlement(meter)))
    await client.until(b"payment-need-voucher")
    meter.accepted += 5
    meter.more.set()
    await client.until(b'"acceptedCumulative":"5"')
    meter.authorise(1)
    await serving
    assert client.messages == ["0"]


async def test_without_a_voucher_it_ends_with_what_was_delivered(client: Client) -> None:
    meter = FakeMeter(2)
    meter.never_waits = True
    endless = Endless()
    await serve(endless, client, settlement(meter), hold_s=25)
    assert meter.waits == [10, 10, 5]
    assert endless.was_cancelled.is_set()
    names = [event.name for event in client.events if event.data is not None]
    assert names == ["message", "message", "payment-need-voucher", "payment-receipt"]
    assert json.loads(client.events[-1].data or "")["spent"] == "20"
    assert client.is_complete


async def test_a_held_stream_says_that_it_lives(client: Client) -> None:
    meter = FakeMeter(0)
    meter.never_waits = True
    await serve(streams(TOKENS[0]), client, settlement(meter), hold_s=25)
    assert client.body.count(b": keep-alive\n\n") == 3


async def test_a_channel_that_is_closed_meanwhile_ends_the_stream(client: Client) -> None:
    meter = FakeMeter(5)

    async def app(inner: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": TOKENS[0], "more_body": True})
        meter.is_finalized = True
        with pytest.raises(ClientGone):
            await send({"type": "http.response.body", "body": TOKENS[1], "more_body": True})
        with pytest.raises(ClientGone):
            await send({"type": "http.response.body", "body": TOKENS[2], "more_body": True})

    await serve(app, client, settlement(meter))
    assert client.messages == ["0"]
    assert client.events[-1].name == "payment-receipt"


# -- the client goes away, reads slowly, or the application fails ----------------------------------


async def test_a_client_that_leaves_stops_the_application_and_the_charges(client: Client) -> None:
    meter = FakeMeter(100)
    endless = Endless()
    client.may_send.clear()
    serving = asyncio.create_task(serve(endless, client, settlement(meter)))
    client.may_send.set()
    await client.until(b"data: 3")
    client.may_send.clear()
    await client.blocked.wait()
    client.leave()
    await serving
    assert endless.was_cancelled.is_set()
    assert meter.charged <= len(client.messages) + 1
    assert not client.is_complete


async def test_a_client_that_leaves_a_held_stream_is_not_waited_for(client: Client) -> None:
    meter = FakeMeter(1)
    endless = Endless()
    serving = asyncio.create_task(serve(endless, client, settlement(meter)))
    await client.until(b"payment-need-voucher")
    client.leave()
    await serving
    assert endless.was_cancelled.is_set()
    assert meter.charged == 1


async def test_an_application_that_ignores_its_cancellation_is_not_charged_on(
    client: Client,
) -> None:
    meter = FakeMeter(100)

    async def stubborn(inner: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            with pytest.raises(OSError, match="over"):
                await send({"type": "http.response.body", "body": TOKENS[0], "more_body": True})

    client.leave()
    await serve(stubborn, client, settlement(meter))
    assert meter.charged == 0


async def test_a_send_that_fails_is_a_client_that_left(client: Client) -> None:
    meter = FakeMeter(100)
    endless = Endless()
    send = client.send

    async def broken_send(message: Any) -> None:
        if len(client.sent) == 3:
            raise BrokenPipeError
        await send(message)

    client.send = broken_send  # type: ignore[method-assign]
    await serve(endless, client, settlement(meter))
    assert (meter.charged, len(client.messages)) == (3, 2)


async def test_a_slow_reader_is_charged_one_unit_ahead_at_most(client: Client) -> None:
    meter = FakeMeter(100)
    serving = asyncio.create_task(serve(Endless(), client, settlement(meter)))
    await client.until(b"data: 9")
    client.may_send.clear()
    await client.blocked.wait()
    for _ in range(20):
        await Clock().yield_to_loop()
    assert meter.charged == len(client.messages) + 1
    client.leave()
    await serving


async def test_an_application_that_fails_leaves_a_receipt(client: Client) -> None:
    meter = FakeMeter(5)

    async def fails(inner: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": TOKENS[0], "more_body": True})
        raise LookupError("the model is gone")

    with pytest.raises(LookupError):
        await serve(fails, client, settlement(meter))
    assert json.loads(client.events[-1].data or "")["spent"] == "10"
    assert client.is_complete


async def test_background_tasks_outlive_the_answer(client: Client) -> None:
    done = asyncio.Event()

    async def app(inner: Any, receive: Any, send: Any) -> None:
        await streams(TOKENS[0])(inner, receive, send)
        client.leave()  # servers say so when an answer is complete
        for _ in range(5):
            await Clock().yield_to_loop()
        done.set()

    await serve(app, client, settlement(FakeMeter(1)))
    assert done.is_set()


async def test_the_application_gets_the_body_and_the_disconnect(client: Client) -> None:
    got: list[str] = []
    client.inbox.put_nowait({"type": "http.request", "body": b"hi", "more_body": False})

    async def app(inner: Any, receive: Any, send: Any) -> None:
        got.append((await receive())["body"])
        await streams(TOKENS[0])(inner, receive, send)
        client.leave()
        got.append((await receive())["type"])

    await serve(app, client, settlement(FakeMeter(1)))
    assert got == [b"hi", "http.disconnect"]


async def test_a_server_that_stops_stops_the_application(client: Client) -> None:
    endless = Endless()
    serving = asyncio.create_task(serve(endless, client, settlement(FakeMeter(0))))
    await client.until(b"payment-need-voucher")
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert endless.was_cancelled.is_set()


# -- answers that are no streams -------------------------------------------------------------------


async def test_a_plain_answer_is_one_unit_and_has_the_receipt_as_a_header(client: Client) -> None:
    meter = FakeMeter(prepaid=1)
    app = streams(b"{}", content_type=b"application/json")
    await serve(app, client, settlement(meter, headers=(("Payment-Session", "s"),)))
    assert (meter.charged, meter.spent) == (1, 10)
    assert client.body == b"{}"
    assert client.headers["content-type"] == "application/json"
    assert client.headers["cache-control"] == "private"
    assert client.headers["payment-session"] == "s"
    header = client.headers["payment-receipt"]
    words = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    assert (words["spent"], words["challengeId"]) == ("10", "second")
    assert words["txHash"] == "0x" + "cd" * 32  # the opening's: only the settlement knew it


async def test_a_plain_answer_that_is_not_covered_is_not_sent(client: Client) -> None:
    app = streams(b"{}", content_type=b"application/json")
    with pytest.raises(InsufficientBalanceError):
        await serve(app, client, settlement(FakeMeter(0)))
    assert client.sent == []


async def test_an_error_has_no_receipt_and_costs_nothing_more(client: Client) -> None:
    meter = FakeMeter(5)
    await serve(streams(b"data: no\n\n", status=404), client, settlement(meter))
    assert meter.charged == 0
    assert "payment-receipt" not in client.headers
    assert client.body == b"data: no\n\n"


async def test_an_application_that_fails_before_it_answers_has_not_answered(
    client: Client,
) -> None:
    async def fails(inner: Any, receive: Any, send: Any) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await serve(fails, client, settlement(FakeMeter(1)))
    assert client.sent == []


async def test_the_send_alone_meters_too(client: Client) -> None:
    meter = FakeMeter(5)
    send = metered_send(client.send, settlement(meter), challenge_id="c", clock=Clock())
    await streams(*TOKENS)(scope(), client.receive, send)
    assert (meter.charged, client.is_complete) == (5, True)
