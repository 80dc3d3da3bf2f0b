"""Finding the devnet that runs: where it is looked for, and what is said when it is not there."""

from __future__ import annotations

import asyncio
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from mock_rails.server import Host
from sandbox import info
from sandbox.cli import app
from sandbox.cli.running import DEFAULT_URL, ControlRefused, NoDevnet, find
from sandbox.devnet import Devnet
from sandbox.settings import DevnetSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RUN = CliRunner()


@pytest.fixture
async def devnet() -> AsyncIterator[Devnet]:
    async with Devnet(DevnetSettings().with_free_ports()) as devnet:
        yield devnet


def test_an_option_comes_before_the_variable_and_that_before_the_usual_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MPP_SANDBOX_CONTROL_URL", raising=False)
    with find() as usual:
        assert usual.url == DEFAULT_URL
    monkeypatch.setenv("MPP_SANDBOX_CONTROL_URL", "http://127.0.0.1:1/")
    with find() as named, find("http://127.0.0.1:2") as told:
        assert (named.url, told.url) == ("http://127.0.0.1:1", "http://127.0.0.1:2")


def test_nobody_there_is_said_with_what_to_do() -> None:
    with find("http://127.0.0.1:1") as nobody:
        with pytest.raises(NoDevnet, match="Start one with `mpp-sandbox up`"):
            nobody.get("/info")
        with pytest.raises(NoDevnet):
            next(nobody.events())


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://[::1", "127.0.0.1:8400", "x"])
def test_an_address_that_is_none_is_one_clear_line(url: str) -> None:
    result = RUN.invoke(app, ["status", "--control-url", url])
    assert (result.exit_code, result.exception.__class__) == (1, SystemExit)
    assert "No devnet answers at" in result.stderr


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (200, b'{"ok":true}'), (404, b'{"detail":"Not Found"}')]
)
async def test_somebody_else_there_is_no_devnet(status: int, body: bytes) -> None:
    async def stranger(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": body})

    async with Host(stranger) as host:
        with find(host.url) as other, pytest.raises(NoDevnet):
            await asyncio.to_thread(other.get, "/accounts")


async def test_it_is_asked_and_followed(devnet: Devnet) -> None:
    def talk() -> None:
        with find(devnet.control_url) as running:
            assert running.info == devnet.info()
            assert running.post("/fund", {"address": "0x" + "51" * 20})["transactions"]
            with pytest.raises(ControlRefused, match="no address"):
                running.post("/fund", {"address": "0x51"})
            assert next(running.events(after=0))["kind"] == "block.sealed"

    await asyncio.to_thread(talk)


@pytest.mark.parametrize("output", ["text", "json", "env"])
async def test_status_tells_people_programs_and_shells(devnet: Devnet, output: str) -> None:
    assert devnet.control_url is not None
    arguments = ["status", "-o", output, "--control-url", devnet.control_url]
    done = await asyncio.to_thread(RUN.invoke, app, arguments)
    assert done.exit_code == 0
    assert str(devnet.api_url) in done.stdout
    if output == "env":
        lines = [shlex.split(line) for line in done.stdout.splitlines()]
        assert all(words[0] == "export" and len(words) == 2 for words in lines)
        said = dict(words[1].split("=", 1) for words in lines)
        assert said == info.environment(devnet.info())
