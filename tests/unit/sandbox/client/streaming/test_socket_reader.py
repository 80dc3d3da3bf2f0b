"""A client that pays for a WebSocket while it reads (facts: protocol 2.9)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.server import Host
from sandbox.client.streaming import (
    SocketReader,
    StreamError,
    StreamPaymentError,
    StreamProtocolError,
)
from tests.unit.sandbox.client.streaming.merchant import (
    Merchant,
    OverspentError,
    Payer,
    Scripted,
)
from tests.unit.sandbox.server.streaming.fakes import CHANNEL, Endless, credential, receipt

if TYPE_CHECKING:
    from collections.abc import Mapping

OPEN = credential("open")


def reader(host: Host, payer: Payer, **options: Any) -> SocketReader:
    return SocketReader(f"{host.ws_url}/tokens", OPEN, authorize=payer, **options)


async def test_it_pays_as_it_reads_and_keeps_the_receipt() -> None:
    merchant, payer = Merchant(units=1), Payer(step=2)
    async with Host(merchant) as host, reader(host, payer) as messages:
        assert [data async for data in messages] == ["0", "1", "2", "3", "4"]
    assert merchant.log == ["open", "voucher", "voucher"]
    assert [(need.required, need.delivered) for need in payer.asked] == [(20, 1), (40, 3)]
    assert messages.receipt is not None
    assert (messages.receipt["spent"], messages.delivered) == ("50", 5)


async def test_it_closes_the_channel_for_exactly_what_was_spent() -> None:
    merchant, payer = Merchant(units=5), Payer()
    signed: list[str] = []

    async def sign_close(ready: Mapping[str, Any]) -> str:
        signed.append(ready["spent"])
        return await payer.sign_close(ready)

    async with Host(merchant) as host, reader(host, payer) as messages:
        async for data in messages:
            if data == "2":
                break
        last = await messages.close_channel(sign_close)
    assert signed == [str(merchant.meter.spent)]
    assert last == messages.receipt
    assert merchant.log == ["open", "close"]


async def test_closing_after_the_end_asks_for_nothing_again() -> None:
    merchant, payer = Merchant(units=5), Payer()
    async with Host(merchant) as host, reader(host, payer) as messages:
        assert len([data async for data in messages]) == 5
        assert (await messages.close_channel(payer.sign_close))["spent"] == "50"


async def test_leaving_early_stops_the_application_and_gets_the_receipt() -> None:
    endless = Endless()
    merchant = Merchant(3, endless)
    async with Host(merchant) as host:
        async with reader(host, Payer(limit=0)) as messages:
            async for data in messages:
                if data == "2":
                    break
        assert endless.was_cancelled.is_set()
    assert messages.receipt is not None
    assert messages.receipt["spent"] == "30"


async def test_nothing_is_authorised_while_it_finishes() -> None:
    merchant, payer = Merchant(0, Endless()), Payer()
    async with Host(merchant) as host, reader(host, payer) as messages:
        assert (await messages.finish())["spent"] == "0"
        assert [data async for data in messages] == []
    assert payer.asked == []


async def test_what_the_payer_refuses_is_not_signed() -> None:
    merchant, payer = Merchant(1, Endless()), Payer(limit=20)
    async with Host(merchant) as host, reader(host, payer) as messages:
        with pytest.raises(OverspentError):
            [data async for data in messages]
        # Who gives up may still part in good order.
        assert (await messages.finish())["spent"] == "20"


async def test_a_refusal_of_the_server_is_an_error() -> None:
    merchant = Merchant(5)
    merchant.meter.is_finalized = True
    async with Host(merchant) as host, reader(host, Payer()) as messages:
        with pytest.raises(StreamPaymentError, match="410: Channel closed") as caught:
            [data async for data in messages]
    assert caught.value.details["status"] == 410


async def test_nobody_there_is_an_error() -> None:
    async with Host(Merchant(1)) as host:
        url = host.ws_url
    with pytest.raises(StreamError, match="did not open"):
        async with SocketReader(url, OPEN, authorize=Payer()):
            pass
    with pytest.raises(StreamError, match="async with"):
        await SocketReader(url, OPEN, authorize=Payer()).finish()


def test_its_representation_keeps_the_credential_to_itself() -> None:
    assert OPEN not in repr(SocketReader("ws://api.test/", OPEN, authorize=Payer()))


# -- servers that do not keep to it ----------------------------------------------------------------


def need(channel_id: str, required: str = "30") -> dict[str, Any]:
    data = {
        "channelId": channel_id,
        "requiredCumulative": required,
        "acceptedCumulative": "0",
        "deposit": "100",
    }
    return {"mpp": "payment-need-voucher", "data": data}


ACCEPTED: dict[str, Any] = {"mpp": "payment-receipt", "data": receipt(accepted=20, spent=0)}


@pytest.mark.parametrize(
    "frame",
    [
        {"hello": "world"},
        {"mpp": "authorization", "authorization": "Payment abc"},
        {"mpp": "payment-close-ready", "data": {}},
        need(CHANNEL, "-30"),
        need("0xother"),
        {"mpp": "payment-close-ready", "data": {**ACCEPTED["data"], "channelId": "0xother"}},
    ],
)
async def test_what_the_protocol_does_not_know_ends_it_with_3008(frame: dict[str, Any]) -> None:
    server, payer = Scripted(ACCEPTED, frame), Payer()
    async with Host(server) as host, reader(host, payer) as messages:
        with pytest.raises(StreamProtocolError):
            [data async for data in messages]
        assert await asyncio.wait_for(server.ended, 5) == 3008
    assert payer.asked == []


async def test_a_voucher_is_for_the_channel_that_was_opened() -> None:
    server, payer = Scripted(need("0xother")), Payer()
    async with Host(server) as host, reader(host, payer, channel_id=CHANNEL) as messages:
        with pytest.raises(StreamProtocolError, match="mismatched"):
            [data async for data in messages]
    assert payer.asked == []


async def test_a_server_that_leaves_without_a_receipt_is_an_error() -> None:
    async with Host(Scripted(ACCEPTED, then=1000)) as host, reader(host, Payer()) as messages:
        with pytest.raises(StreamError, match=r"without|closed"):
            await messages.finish()


async def test_a_server_may_end_the_stream_without_saying_what_is_owed() -> None:
    async with Host(Scripted(ACCEPTED, then=1000)) as host, reader(host, Payer()) as messages:
        assert [data async for data in messages] == []
    assert messages.receipt == ACCEPTED["data"]


async def test_a_socket_that_breaks_is_an_error() -> None:
    async with Host(Scripted(ACCEPTED, then=1011)) as host, reader(host, Payer()) as messages:
        with pytest.raises(StreamError, match="broke"):
            [data async for data in messages]


async def test_a_server_that_never_says_what_is_owed_is_not_waited_for() -> None:
    server = Scripted(ACCEPTED)
    async with Host(server) as host, reader(host, Payer(), answer_s=0.2) as messages:
        with pytest.raises(StreamError, match="no payment-close-ready"):
            await messages.finish()
    assert [frame["mpp"] for frame in server.heard] == ["authorization", "payment-close-request"]
