"""An application's event stream as an iterator, for the WebSocket (facts: protocol 2.9)."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from mock_rails.core import Clock
from sandbox.server.streaming import StreamRefused, run_app_as_stream
from sandbox.server.streaming.app_stream import http_scope
from tests.unit.sandbox.server.streaming.fakes import Endless, scope, streams


async def read(app: Any, **more: Any) -> list[str]:
    return [data async for data in run_app_as_stream(app, scope("websocket"), **more)]


async def test_it_yields_the_data_of_messages_and_nothing_else() -> None:
    app = streams(b": hi\n\ndata: a\n", b"data: b\n\nevent: x\ndata: y\n\ndata: [DONE]\n\ndata: c")
    assert await read(app) == ["a\nb", "c"]


async def test_the_application_sees_a_get_made_of_the_handshake() -> None:
    seen: dict[str, Any] = {}

    async def app(inner: Any, receive: Any, send: Any) -> None:
        seen.update(inner, body=await receive())
        await streams()(inner, receive, send)

    assert await read(app, path="/v1/tokens", mpp="settlement") == []
    assert (seen["type"], seen["method"], seen["scheme"]) == ("http", "GET", "http")
    assert (seen["path"], seen["raw_path"]) == ("/v1/tokens", b"/v1/tokens")
    assert seen["query_string"] == b"n=3"
    assert seen["mpp"] == "settlement"
    assert seen["body"] == {"type": "http.request", "body": b"", "more_body": False}


def test_the_headers_of_the_handshake_stay_behind() -> None:
    headers = [
        (b"host", b"api.test"),
        (b"upgrade", b"websocket"),
        (b"connection", b"Upgrade"),
        (b"sec-websocket-key", b"x"),
        (b"accept-encoding", b"gzip"),
        (b"cookie", b"a=b"),
    ]
    inner = http_scope(scope("websocket", scheme="wss", subprotocols=["x"], headers=headers))
    assert inner["headers"] == [
        (b"host", b"api.test"),
        (b"cookie", b"a=b"),
        (b"accept", b"text/event-stream"),
    ]
    assert inner["scheme"] == "https"
    assert "subprotocols" not in inner


async def test_the_application_gets_no_further_than_one_event_ahead() -> None:
    endless = Endless()
    async with aclosing(run_app_as_stream(endless, scope("websocket"))) as stream:
        for number in range(3):
            assert await anext(stream) == str(number)
            for _ in range(10):
                await Clock().yield_to_loop()
            assert endless.sent <= number + 1
    assert endless.was_cancelled.is_set()


async def test_an_iterator_that_is_closed_while_the_application_works_stops_it() -> None:
    stopped = asyncio.Event()

    async def app(inner: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: a\n\n", "more_body": True})
        try:
            await asyncio.Event().wait()
        finally:
            with pytest.raises(OSError, match="over"):
                await send({"type": "http.response.body", "body": b"data: b\n\n"})
            assert (await receive())["type"] == "http.request"
            assert (await receive())["type"] == "http.disconnect"
            stopped.set()

    async with aclosing(run_app_as_stream(app, scope("websocket"))) as stream:
        assert await anext(stream) == "a"
    assert stopped.is_set()


async def test_a_plain_answer_is_one_message() -> None:
    assert await read(streams(b'{"a":', b"1}", content_type=b"application/json")) == ['{"a":1}']
    assert await read(streams(content_type=b"application/json")) == []
    with pytest.raises(ValueError, match="bytes"):
        await read(streams(b"x" * 11, content_type=b"text/plain"), event_limit=10)


async def test_an_error_of_the_application_is_a_refusal() -> None:
    with pytest.raises(StreamRefused) as caught:
        await read(streams(b"data: no\n\n", status=404))
    assert caught.value.status == 404


async def test_a_failure_of_the_application_comes_after_what_it_said() -> None:
    async def fails(inner: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: a\n\n", "more_body": True})
        raise LookupError

    stream = run_app_as_stream(fails, scope("websocket"))
    assert await anext(stream) == "a"
    with pytest.raises(LookupError):
        await anext(stream)
