"""What was said over WebSockets is said again, and each frame is compared (protocol 2.9)."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.asyncio.client import connect

from sandbox.client import PaidClient, Wallet
from sandbox.recording import Capture, record, replayed
from sandbox.recording.against import compare_with
from sandbox.recording.capture import CaptureError
from sandbox.settings import DevnetSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.devnet import Devnet

FREE = DevnetSettings().with_free_ports()


async def recorded(work: Callable[[Devnet], Awaitable[None]]) -> Capture:
    async def whole(devnet: Devnet) -> int:
        await work(devnet)
        return 0

    return Capture.parse((await record(FREE, whole)).capture.text())


def socket_url(url: str | None) -> str:
    assert url is not None
    return url.replace("http://", "ws://")


async def listener(devnet: Devnet) -> None:
    """Reads a stream to its end, paying as it comes, and another one not to its end."""
    url = socket_url(devnet.api_url)
    async with PaidClient(Wallet.dev(0), rpc_url=devnet.rpc_url) as payer:
        async with payer.websocket(f"{url}/complete/ws?tokens=5") as messages:
            assert len([data async for data in messages]) == 5
        async with payer.websocket(f"{url}/complete/ws?tokens=9&delay_ms=20") as messages:
            async for _ in messages:
                break


def frames(capture: Capture, verb: str) -> list[dict[str, Any]]:
    return [one for one in capture.lines if one["do"] == verb]


def kinds(capture: Capture) -> list[tuple[str, str]]:
    return [
        (one["do"], json.loads(one["frame"])["mpp"])
        for one in capture.lines
        if one["do"] in ("say", "hear") and "frame" in one
    ]


@pytest.fixture(scope="module")
def heard() -> str:
    """The capture of somebody who listens."""
    return asyncio.run(recorded(listener)).text()


async def test_a_paid_stream_is_played_again_frame_by_frame(heard: str) -> None:
    capture = Capture.parse(heard)
    said = kinds(capture)
    assert said[:2] == [("say", "authorization"), ("hear", "payment-receipt")]
    assert said.count(("hear", "payment-close-ready")) == 2
    assert ("hear", "payment-need-voucher") in said
    played = await replayed(capture)
    assert played.divergence is None, played.report()
    assert played.steps == len(capture.steps)
    assert played.complaints == []


async def test_the_first_frame_that_is_another_is_told(heard: str) -> None:
    capture = Capture.parse(heard)
    (number, wrong) = next(
        (number, one)
        for number, one in enumerate(frames(capture, "hear"), start=1)
        if "payment-need-voucher" in one["frame"]
    )
    told = json.loads(wrong["frame"])
    required = told["data"]["requiredCumulative"]
    told["data"]["requiredCumulative"] = "7"
    wrong["frame"] = json.dumps(told, separators=(",", ":"))
    played = await replayed(capture)
    assert str(played.divergence) == (
        f"step {wrong['step']}, frame {number} of WebSocket /complete/ws?tokens=5 on paid-api\n"
        f"  frame.data.requiredCumulative: recorded 7, now {required}"
    )


async def test_a_frame_that_is_missing_and_one_too_many_are_told(heard: str) -> None:
    capture = Capture.parse(heard)
    step = frames(capture, "hear")[0]["step"]
    *_, last = [one for one in frames(capture, "hear") if one["step"] == step]
    place = capture.lines.index(last)
    # One frame more than the stream has: it has ended when that is waited for.
    capture.lines.insert(place + 1, {**last, "frame": '{"mpp":"message","data":"more"}'})
    end = next(one for one in capture.lines if one["do"] == "leave" and one["step"] == step)
    capture.lines.remove(end)
    capture.lines.insert(place + 1, end)
    more = (await replayed(capture)).divergence
    assert more is not None
    assert more.differences == ('frame: recorded {"mpp":"message","data":"more"}, now nothing',)
    # One less: the application wants to say something where its end is recorded.
    del capture.lines[place + 2]
    del capture.lines[place]
    capture.lines.remove(end)
    fewer = (await replayed(capture)).divergence
    assert fewer is not None
    (told,) = fewer.differences
    assert told.startswith('frame: recorded nothing, now {"mpp":"payment-close-ready"')


async def test_the_chains_socket_is_played_with_its_notifications() -> None:
    """A block that is told on one socket was mined by what came over another way."""

    async def work(devnet: Devnet) -> None:
        async with connect(socket_url(devnet.rpc_url)) as socket:
            ask = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}
            await socket.send(json.dumps(ask))
            assert "result" in json.loads(await socket.recv())
            async with httpx.AsyncClient() as http:
                mine = {"jsonrpc": "2.0", "id": 2, "method": "evm_mine", "params": []}
                assert (await http.post(devnet.rpc_url, json=mine)).status_code == 200
            assert json.loads(await socket.recv())["method"] == "eth_subscription"
            await socket.send(b'{"jsonrpc": "2.0", "id": 3, "method": "eth_blockNumber"}')
            assert json.loads(await socket.recv())["id"] == 3

    capture = await recorded(work)
    assert isinstance(frames(capture, "say")[-1]["frame"], dict)  # it was binary
    assert len(frames(capture, "hear")) == 3
    played = await replayed(capture)
    assert played.divergence is None, played.report()
    assert played.steps == len(capture.steps) == 2


async def test_who_breaks_off_and_who_is_sent_away_are_played_too() -> None:
    async def work(devnet: Devnet) -> None:
        url = socket_url(devnet.api_url)
        async with connect(f"{url}/complete/ws?tokens=2") as socket:
            await socket.send("no frame")
            assert json.loads(await socket.recv())["mpp"] == "payment-error"
            await socket.wait_closed()
            assert socket.close_code == 1008
        async with connect(f"{url}/complete/ws") as socket:
            socket.transport.abort()
        async with connect(socket_url(devnet.rpc_url)) as socket:
            await socket.send('{"private_key": "0x1234", "jsonrpc": "2.0"}')
            await socket.recv()

    capture = await recorded(work)
    assert "0x1234" not in capture.text()
    assert frames(capture, "hear")[1]["close"]["code"] == 1008
    played = await replayed(capture)
    assert played.divergence is None, played.report()


async def test_a_stop_before_a_socket_ends_leaves_it_there(heard: str) -> None:
    capture = Capture.parse(heard)
    step = frames(capture, "say")[0]["step"]
    played = await replayed(capture, until=step - 1)
    assert (played.steps, played.divergence) == (step - 1, None)


async def test_another_server_is_asked_what_was_said_before_it_was_paid() -> None:
    async def work(devnet: Devnet) -> None:
        url = socket_url(devnet.api_url)
        async with (
            PaidClient(Wallet.dev(0), rpc_url=devnet.rpc_url) as payer,
            payer.websocket(f"{url}/complete/ws?tokens=1") as messages,
        ):
            assert len([data async for data in messages]) == 1
        async with connect(f"{url}/complete/ws") as socket:
            await socket.send("no frame")
            await socket.wait_closed()

    capture = await recorded(work)

    async def other(devnet: Devnet) -> None:
        assert devnet.api_url is not None
        assert await compare_with(capture, devnet.api_url) == []
        *_, error, _ = frames(capture, "hear")
        error["frame"] = error["frame"].replace("400", "402")
        (found,) = await compare_with(capture, devnet.api_url)
        assert found.differences == (
            "frame 1: recorded payment-error 402, there payment-error 400",
        )

    await recorded(other)


async def test_a_capture_of_version_1_lacks_what_was_said_and_is_not_played() -> None:
    async def work(devnet: Devnet) -> None:
        async with connect(socket_url(devnet.rpc_url)) as socket:
            await socket.send("{}")
            await socket.recv()

    heading, *_ = (await recorded(work)).text().splitlines()
    older = heading.replace('"version":2', '"version":1', 1)
    assert (await replayed(Capture.parse(older))).divergence is None
    older = older.replace('"sockets":[]', '"sockets":["tempo-chain"]', 1)
    with pytest.raises(CaptureError, match="WebSocket was opened on tempo-chain"):
        await replayed(Capture.parse(older))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"do": "say", "step": 1, "wall_us": 1, "frame": "x"}, "no open WebSocket"),
        ({"do": "shout", "step": 1}, "does not know 'shout'"),
    ],
)
def test_frames_of_no_socket_are_refused(line: dict[str, Any], told: str) -> None:
    capture = Capture(settings={}, wall_us=0, snapshot={}, ports={}, lines=[line])
    with pytest.raises(CaptureError, match=told):
        Capture.parse(capture.text())
