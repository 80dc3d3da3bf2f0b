"""Programs that hard-code Stripe's host reach the rail, and no other host (facts: stripe 5)."""

from __future__ import annotations

import asyncio
import os
import ssl
import stat
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from mock_rails.core.clock import Clock
from mock_rails.listening import CannotListen
from mock_rails.server import Host
from mock_rails.stripe.proxy import HOSTS, StripeProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


async def echo(scope: dict, receive: object, send: object) -> None:
    """Answers what it was asked, so that a test sees what arrived."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            break
    headers = dict(scope["headers"])
    said = b" ".join([scope["method"].encode(), headers[b"host"], scope["path"].encode(), body])
    start = {"type": "http.response.start", "status": 200, "headers": []}
    if scope["path"] == "/broken":
        start["headers"] = [(b"content-length", b"100")]
        await send(start)
        return
    await send(start)
    await send({"type": "http.response.body", "body": said})


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[StripeProxy]:
    async with (
        Host(echo) as rail,
        StripeProxy(rail_port=rail.port, clock=Clock(), folder=folder) as proxy,
    ):
        yield proxy


def trusting(proxy: StripeProxy) -> httpx.AsyncClient:
    """A client that was told of the proxy and of the authority, as environment() would tell it."""
    context = ssl.create_default_context(cafile=str(proxy.certificate))
    return httpx.AsyncClient(proxy=proxy.url, verify=context, trust_env=False)


@pytest.mark.parametrize("host", HOSTS)
async def test_stripes_hosts_lead_to_the_rail(tmp_path: Path, host: str) -> None:
    async with running(tmp_path) as proxy, trusting(proxy) as http:
        answer = await http.post(f"https://{host}/v1/customers", content=b"name=a")
    assert answer.text == f"POST {host} /v1/customers name=a"


async def test_large_bodies_and_many_requests_pass_whole(tmp_path: Path) -> None:
    large = b"x" * 3_000_000
    async with running(tmp_path) as proxy, trusting(proxy) as http:
        answers = await asyncio.gather(
            *(http.post("https://api.stripe.com/v1/files", content=large) for _ in range(4))
        )
    assert [answer.content[-len(large) :] == large for answer in answers] == [True] * 4


@pytest.mark.parametrize("target", ["https://example.com/", "https://api.stripe.com:8443/v1"])
async def test_every_other_host_and_port_is_refused(tmp_path: Path, target: str) -> None:
    async with running(tmp_path) as proxy, trusting(proxy) as http:
        with pytest.raises(httpx.ProxyError, match="403"):
            await http.get(target)


@pytest.mark.parametrize(
    "head",
    [
        b"GET http://api.stripe.com/ HTTP/1.1\r\n\r\n",
        b"CONNECT api.stripe.com HTTP/1.1\r\n\r\n",
        b"CONNECT\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
        b"\r\n\r\n",
    ],
)
async def test_what_is_no_tunnel_gets_a_clear_answer(tmp_path: Path, head: bytes) -> None:
    async with running(tmp_path) as proxy:
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
        writer.write(head)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 403"))
    assert b"mpp-sandbox: " in answer


async def test_who_does_not_trust_the_authority_does_not_connect(tmp_path: Path) -> None:
    async with (
        running(tmp_path) as proxy,
        httpx.AsyncClient(proxy=proxy.url, trust_env=False) as http,
    ):
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await http.get("https://api.stripe.com/v1/balance")


async def test_an_answer_that_breaks_off_breaks_off_for_the_program_too(tmp_path: Path) -> None:
    async with running(tmp_path) as proxy, trusting(proxy) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get("https://api.stripe.com/broken")


async def test_the_keys_are_nowhere_to_be_found(tmp_path: Path) -> None:
    async with running(tmp_path) as proxy:
        assert os.listdir(tmp_path) == ["stripe-ca.pem"]
        assert b"PRIVATE" not in proxy.certificate.read_bytes()
        assert stat.S_ISREG(proxy.certificate.stat().st_mode)


async def test_without_a_folder_the_certificate_ends_with_the_proxy() -> None:
    async with Host(echo) as rail:
        async with StripeProxy(rail_port=rail.port, clock=Clock()) as proxy:
            path = proxy.certificate
            assert path.exists()
        assert not path.exists()


async def test_a_taken_port_is_one_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    async with Host(echo) as rail:
        proxy = StripeProxy(rail_port=rail.port, clock=Clock(), port=rail.port)
        with pytest.raises(CannotListen, match="in use"):
            await proxy.__aenter__()
        with pytest.raises(OSError, match="Connect"):
            await asyncio.open_connection(proxy.host, proxy.tls_port)


async def test_tunnels_that_are_open_do_not_keep_it_from_stopping(tmp_path: Path) -> None:
    async with running(tmp_path) as proxy:
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
        writer.write(b"CONNECT api.stripe.com:443 HTTP/1.1\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == (
            b"HTTP/1.1 200 Connection established\r\n\r\n"
        )
    assert await reader.read() == b""
    writer.close()
