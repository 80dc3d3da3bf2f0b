"""A client that pays for an event stream while it reads (facts: protocol 2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.server import Host
from sandbox.client.streaming import (
    NeedVoucher,
    SseReader,
    StreamError,
    StreamPaymentError,
    StreamProtocolError,
)
from sandbox.streaming.events import NEED_VOUCHER, RECEIPT, json_event
from tests.unit.sandbox.client.streaming.merchant import Merchant, OverspentError, Payer
from tests.unit.sandbox.server.streaming.fakes import CHANNEL, streams

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


async def open_stream(
    http: httpx.AsyncClient, host: Host, payer: Payer, *, path: str = "/tokens", **options: Any
) -> SseReader:
    request = http.build_request("GET", f"{host.url}{path}")
    response = await http.send(request, stream=True)
    return SseReader(response, http=http, authorize=payer, **options)


async def test_it_pays_as_it_reads_and_keeps_the_closing_receipt(http: httpx.AsyncClient) -> None:
    merchant, payer = Merchant(units=1), Payer(step=2)
    async with Host(merchant) as host, await open_stream(http, host, payer) as messages:
        assert [data async for data in messages] == ["0", "1", "2", "3", "4"]
    assert [need.required for need in payer.asked] == [20, 40]
    assert [need.delivered for need in payer.asked] == [1, 3]
    assert merchant.log == ["POST /tokens", "voucher", "POST /tokens", "voucher"]
    assert messages.receipt is not None
    assert (messages.receipt["spent"], messages.receipt["channelId"]) == ("50", CHANNEL)
    assert messages.delivered == 5


async def test_a_voucher_for_a_url_with_a_query_is_no_request_for_content(
    http: httpx.AsyncClient,
) -> None:
    merchant, payer = Merchant(units=4), Payer()
    async with Host(merchant) as host:
        path = "/tokens?n=5#part"
        async with await open_stream(http, host, payer, path=path) as messages:
            assert [data async for data in messages] == ["0", "1", "2", "3", "4"]
    assert merchant.log == ["HEAD /tokens?n=5", "voucher"]


async def test_a_402_with_a_fresh_challenge_is_paid_once_more(http: httpx.AsyncClient) -> None:
    merchant, payer = Merchant(units=4), Payer()
    merchant.refusals = [(402, b'Payment id="fresh"')]
    async with Host(merchant) as host, await open_stream(http, host, payer) as messages:
        assert len([data async for data in messages]) == 5
    assert [need.challenges for need in payer.asked] == [(), ('Payment id="fresh"',)]


@pytest.mark.parametrize(
    ("refusals", "asked"),
    [
        ([(402, b"Payment a"), (402, b"Payment b")], 2),
        ([(402, b"")], 1),
        ([(410, b"Payment a")], 1),
        ([(307, b"")], 1),
    ],
)
async def test_a_voucher_that_is_refused_ends_the_reading(
    http: httpx.AsyncClient, refusals: list[tuple[int, bytes]], asked: int
) -> None:
    merchant, payer = Merchant(units=1), Payer()
    merchant.refusals = refusals.copy()
    async with Host(merchant) as host, await open_stream(http, host, payer) as messages:
        with pytest.raises(StreamPaymentError, match=str(refusals[-1][0])) as caught:
            [data async for data in messages]
    assert len(payer.asked) == asked
    assert caught.value.details["required"] == 20


async def test_what_the_payer_refuses_is_not_signed(http: httpx.AsyncClient) -> None:
    merchant, payer = Merchant(units=1), Payer(limit=30)
    async with Host(merchant) as host, await open_stream(http, host, payer) as messages:
        with pytest.raises(OverspentError):
            [data async for data in messages]
    assert messages.delivered == merchant.meter.charged == 3


async def test_events_of_other_names_are_there_for_who_wants_them(
    http: httpx.AsyncClient,
) -> None:
    app = streams(b": hi\n\ndata: a\n\nevent: progress\ndata: half\n\nid: 3\n\ndata: b\n\n")
    async with Host(Merchant(5, app)) as host:
        async with await open_stream(http, host, Payer()) as messages:
            assert [(event.name, event.data) async for event in messages.events()] == [
                ("message", "a"),
                ("progress", "half"),
                ("message", "b"),
            ]
        async with await open_stream(http, host, Payer()) as messages:
            assert [data async for data in messages] == ["a", "b"]


async def test_leaving_early_ends_the_charges(http: httpx.AsyncClient) -> None:
    merchant = Merchant(units=2)
    async with Host(merchant) as host:
        async with await open_stream(http, host, Payer()) as messages:
            async for _ in messages:
                break
        assert messages.response.is_closed
    assert merchant.meter.charged <= 2


# -- servers that do not keep to it ----------------------------------------------------------------


def raw(body: bytes) -> tuple[httpx.AsyncClient, httpx.Response]:
    response = httpx.Response(
        200, stream=httpx.ByteStream(body), request=httpx.Request("GET", "http://api.test/")
    )
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(204))), response


NEED = '{"channelId":"%s","requiredCumulative":"%s","acceptedCumulative":"0","deposit":"9"}'


@pytest.mark.parametrize(
    "body",
    [
        b"event: payment-need-voucher\ndata: {\n\n",
        b"event: payment-need-voucher\ndata: {}\n\n",
        b"event: payment-receipt\ndata: {}\n\n",
        f"event: payment-need-voucher\ndata: {NEED % ('0xother', 5)}\n\n".encode(),
        f"event: payment-need-voucher\ndata: {NEED % (CHANNEL, -5)}\n\n".encode(),
        b"data: " + b"x" * 1_100_000,
    ],
)
async def test_what_the_protocol_does_not_know_is_not_paid(body: bytes) -> None:
    http, response = raw(body)
    payer = Payer()
    async with (
        http,
        SseReader(response, http=http, authorize=payer, channel_id=CHANNEL) as messages,
    ):
        with pytest.raises(StreamProtocolError):
            [data async for data in messages]
    assert payer.asked == []
    assert response.is_closed


async def test_a_later_protocols_payment_events_are_no_content() -> None:
    http, response = raw(b"event: payment-news\ndata: x\n\ndata: a\n\n")
    async with http, SseReader(response, http=http, authorize=Payer()) as messages:
        assert [data async for data in messages] == ["a"]
    assert messages.receipt is None


async def test_an_answer_that_streams_in_return_is_not_read() -> None:
    """An unlucky server takes the voucher for a request for content."""
    _, response = raw(f"event: payment-need-voucher\ndata: {NEED % (CHANNEL, 5)}\n\n".encode())

    async def endless() -> AsyncIterator[bytes]:
        yield b"data: a\n\n"
        pytest.fail("it was read")

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=endless())

    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http,
        SseReader(response, http=http, authorize=Payer()) as messages,
    ):
        assert [data async for data in messages] == []


async def test_a_stream_that_breaks_off_says_so() -> None:
    async def breaks() -> AsyncIterator[bytes]:
        yield b"data: a\n\n"
        raise httpx.ReadError("reset")

    http, _ = raw(b"")
    response = httpx.Response(
        200, content=breaks(), request=httpx.Request("GET", "http://api.test/")
    )
    async with http, SseReader(response, http=http, authorize=Payer()) as messages:
        with pytest.raises(StreamError, match="broke off"):
            [data async for data in messages]
    assert messages.delivered == 1


def test_a_need_is_a_value() -> None:
    need = NeedVoucher(CHANNEL, required=30, accepted=20, deposit=100)
    assert (need.required - need.accepted, need.challenges) == (10, ())


async def test_a_receipt_of_another_channel_is_refused() -> None:
    """It would be taken down as what that channel has spent, and closed at."""
    mine, other = "0x" + "11" * 32, "0x" + "22" * 32
    receipt = {
        "status": "success",
        "method": "tempo",
        "reference": other,
        "timestamp": "2026-01-01T00:00:00Z",
        "channelId": other,
    }
    http, response = raw(json_event(RECEIPT, receipt).encode())
    async with http, SseReader(response, http=http, authorize=Payer(), channel_id=mine) as messages:
        with pytest.raises(StreamProtocolError, match="another channel"):
            [data async for data in messages]
    assert messages.receipt is None


async def test_a_voucher_whose_answer_is_lost_is_sent_once_more() -> None:
    """The same one: an equal voucher is accepted again, and pays for nothing twice (2.5)."""
    sent: list[str] = []

    def world(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["Authorization"])
        if len(sent) % 2:
            raise httpx.ReadError("lost")
        return httpx.Response(204)

    asked = {"channelId": CHANNEL, "acceptedCumulative": "10", "deposit": "100"}
    events = [
        json_event(NEED_VOUCHER, asked | {"requiredCumulative": required}).encode()
        for required in ("20", "30")
    ]
    _, response = raw(b"data: a\n\n".join(events) + b"data: b\n\n")
    payer = Payer()
    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(world)) as http,
        SseReader(response, http=http, authorize=payer) as messages,
    ):
        assert [data async for data in messages] == ["a", "b"]
    assert len(payer.asked) == 2
    assert sent[0] == sent[1] != sent[2] == sent[3]
