"""The generator's transport is httpx's in all that a client can tell: answers, and how they fail.

RFC 9112; the exceptions are those of httpx's own transport, by which a paying client decides
whether anything was sent.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from benchmarks.wire import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    Served = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[object, object, None]]


class Server:
    """Answers each request with the next of some bytes, as they are; and counts connections."""

    def __init__(self, *answers: bytes, closes: bool = False) -> None:
        self._answers = list(answers)
        self._closes = closes
        self.connections = 0
        self.heard: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await _request(reader):
                self.heard.append(head)
                writer.write(self._answers.pop(0))
                if self._closes:
                    return
                await writer.drain()
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                head += await reader.readexactly(int(line.partition(b":")[2]))
            if line.startswith(b"transfer-encoding:"):
                head += await reader.readuntil(b"0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
    return head


@asynccontextmanager
async def asked(served: Served, timeout_s: float = 5) -> AsyncIterator[httpx.AsyncClient]:
    serving: list[asyncio.Future[None]] = []

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.ensure_future(served(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with httpx.AsyncClient(
        transport=Wire(), base_url=f"http://127.0.0.1:{port}", timeout=timeout_s
    ) as http:
        yield http
    server.close()
    await server.wait_closed()
    await asyncio.gather(*serving)


def plain(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


async def test_one_connection_carries_one_request_after_the_other() -> None:
    server = Server(plain(b"one", b"X-Said: a"), plain(b""), plain(b"three"))
    async with asked(server) as http:
        first = await http.post("/a?b=c", content=b"hello", headers={"x-mine": "1"})
        assert (first.status_code, first.text, first.headers["x-said"]) == (200, "one", "a")
        assert (await http.get("/")).text == ""
        assert (await http.get("/")).text == "three"
    assert server.connections == 1
    assert server.heard[0].startswith(b"POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nx-mine: 1\r\n" in server.heard[0]
    assert server.heard[0].endswith(b"\r\n\r\nhello")


async def test_requests_at_the_same_time_have_connections_of_their_own() -> None:
    server = Server(*[plain(b"x")] * 6)
    async with asked(server) as http:
        await asyncio.gather(*(http.get("/") for _ in range(3)))
        await asyncio.gather(*(http.get("/") for _ in range(3)))
    assert server.connections == 3


async def test_a_streamed_body_is_sent_in_chunks() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"hel"
        yield b"lo"

    server = Server(plain(b""))
    async with asked(server) as http:
        await http.post("/", content=body())
    assert server.heard[0].endswith(b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n")


async def test_a_stream_is_read_as_it_comes() -> None:
    read = asyncio.Event()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await read.wait()  # the second comes when the first was read, and not before
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")
        assert await _request(reader)
        writer.write(plain(b"again"))
        await reader.read()
        writer.close()

    async with asked(served) as http:
        async with http.stream("GET", "/") as response:
            pieces = []
            async for piece in response.aiter_raw():
                pieces.append(piece)
                read.set()
        assert pieces == [b"first", b"second"]
        assert (await http.get("/")).text == "again"


async def test_a_stream_that_is_left_takes_its_connection_with_it() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = Server(head + b"1\r\na\r\n", plain(b"fresh"))
    async with asked(server) as http:
        async with http.stream("GET", "/") as response:
            assert await anext(response.aiter_raw()) == b"a"
        assert (await http.get("/")).text == "fresh"
    assert server.connections == 2


async def test_a_body_larger_than_what_is_kept_comes_whole() -> None:
    body = bytes(range(256)) * 8_192
    server = Server(plain(body), plain(b"after"))
    async with asked(server) as http:
        async with http.stream("GET", "/") as response:
            await asyncio.sleep(0)  # the reader is slower than the server
            assert await response.aread() == body
        assert (await http.get("/")).text == "after"
    assert server.connections == 1


async def test_an_interim_answer_is_passed_over() -> None:
    server = Server(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + plain(b"x"), plain(b"y"))
    async with asked(server) as http:
        response = await http.get("/")
        assert (response.text, "link" in response.headers) == ("x", False)
        assert (await http.get("/")).text == "y"


async def test_a_head_alone_has_no_body_to_wait_for() -> None:
    server = Server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", plain(b"x"))
    async with asked(server) as http:
        assert (await http.head("/")).headers["content-length"] == "9"
        assert (await http.get("/")).text == "x"


async def test_a_body_without_a_length_ends_with_the_connection() -> None:
    server = Server(b"HTTP/1.1 200 OK\r\n\r\nall of it", plain(b"x"), closes=True)
    async with asked(server) as http:
        assert (await http.get("/")).text == "all of it"
        assert (await http.get("/")).text == "x"
    assert server.connections == 2


async def test_a_connection_that_the_server_wants_closed_is_not_used_again() -> None:
    server = Server(plain(b"x", b"Connection: close"), plain(b"y"))
    async with asked(server) as http:
        assert (await http.get("/")).text == "x"
        assert (await http.get("/")).text == "y"
    assert server.connections == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nConte", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", httpx.RemoteProtocolError),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            httpx.RemoteProtocolError,
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", httpx.RemoteProtocolError),
        (b"SSH-2.0-OpenSSH_9.6\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", httpx.RemoteProtocolError),
    ],
    ids=["nothing", "half a head", "half a body", "a chunk too few", "no chunk", "ssh", "upgrade"],
)
async def test_half_and_bad_answers_fail_as_httpx_fails(
    answer: bytes, error: type[Exception]
) -> None:
    server = Server(answer, plain(b"x"), closes=True)
    async with asked(server) as http:
        with pytest.raises(error):
            await http.get("/")
        assert (await http.get("/")).text == "x"


async def test_bytes_that_nobody_asked_for_end_the_connection() -> None:
    server = Server(plain(b"x") + plain(b"not mine"), plain(b"y"))
    async with asked(server) as http:
        assert (await http.get("/")).text == "x"
        assert (await http.get("/")).text == "y"
    assert server.connections == 2


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
async def test_a_server_that_stalls_is_a_timeout(begun: bytes) -> None:
    server = Server(begun, plain(b"x"))
    async with asked(server, timeout_s=0.05) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.get("/")
        assert (await http.get("/")).text == "x"
    assert server.connections == 2


async def test_a_request_that_is_given_up_takes_its_connection_with_it() -> None:
    server = Server(b"", plain(b"x"))
    async with asked(server) as http:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await http.get("/")
        assert (await http.get("/")).text == "x"
    assert server.connections == 2


async def test_where_nobody_listens_nothing_was_sent() -> None:
    async with asked(Server()) as http:
        url = str(http.base_url)
    async with httpx.AsyncClient(transport=Wire()) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(url)
        with pytest.raises(httpx.UnsupportedProtocol):
            await http.get(url.replace("http:", "https:"))


async def test_what_is_under_way_fails_when_the_client_is_closed() -> None:
    wire = Wire()
    begun = asyncio.Event()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        begun.set()
        await reader.read()
        writer.close()

    async with asked(served) as place, httpx.AsyncClient(transport=wire) as http:
        asking = asyncio.ensure_future(http.get(str(place.base_url)))
        await begun.wait()
        await wire.aclose()
        with pytest.raises(httpx.ReadError):
            await asking


async def test_a_connection_that_was_idle_for_long_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server(plain(b"x"), plain(b"y"))
    async with asked(server) as http:
        assert (await http.get("/")).text == "x"
        monkeypatch.setattr("benchmarks.wire.IDLE_S", 0)
        assert (await http.get("/")).text == "y"
    assert server.connections == 2
