"""Reading channels of both generations from the chain (facts, tempo 2.8 and 2.9)."""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo.addresses import PATH_USD
from sandbox.chain import (
    EscrowMissing,
    OnChainChannel,
    RpcError,
    TempoRpc,
    find_close,
    read_channel,
    token_balance,
)
from sandbox.methods.tempo_session import SessionProtocol
from sandbox.methods.tempo_session.calls import (
    close_call,
    request_close_call,
    settle_call,
    top_up_calls,
    withdraw_call,
)
from sandbox.methods.tempo_session.channel import CloseOrder
from tests.unit.sandbox.chain.support import NOW_S, PROTOCOLS, ChainDesk

V1, V2 = SessionProtocol.V1, SessionProtocol.V2


class LimitedRpc(TempoRpc):
    """A node that answers for at most eight blocks."""

    async def call(self, method: str, *params: Any) -> Any:
        """Refuse a longer range."""
        if method == "eth_getLogs":
            first, last = (int(params[0][name], 16) for name in ("fromBlock", "toBlock"))
            if last - first >= 8:
                raise RpcError(-32602, "query exceeds max block range 8")
        return await super().call(method, *params)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_channel_is_followed_from_open_to_close(protocol: SessionProtocol) -> None:
    async with ChainDesk() as desk:
        channel = await desk.open(protocol, 1_000)
        assert await read_channel(desk.rpc, channel.id, channel.book) == OnChainChannel(1_000, 0, 0)
        assert await find_close(desk.rpc, channel.book, channel.id) is None

        channel = desk.authorise(channel, 400)
        assert (await desk.payee.send([settle_call(channel)])).success
        assert (await desk.payer.send(top_up_calls(channel, 500))).success
        now = await read_channel(desk.rpc, channel.id, channel.book)
        assert now == OnChainChannel(1_500, 400, 0)

        channel = desk.authorise(channel, 700)
        order = CloseOrder(700, 700, channel.signature)
        closed = await desk.payee.send([close_call(channel, order)])
        assert closed.success
        after = await read_channel(desk.rpc, channel.id, channel.book)
        assert after is None if protocol is V2 else after is not None and after.finalized

        found = await find_close(desk.rpc, channel.book, channel.id)
        assert found is not None
        assert (found.tx_hash, found.block_number) == (closed.hash, closed.block_number)
        assert (found.closer, found.withdrawn) == (desk.payee.address, False)
        assert (found.captured, found.refunded) == (700, 800)
        later = found.block_number + 1
        assert await find_close(desk.rpc, channel.book, channel.id, later) is None


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_payer_who_left_alone_is_told_from_a_payee_who_closed(
    protocol: SessionProtocol,
) -> None:
    async with ChainDesk() as desk:
        channel = desk.authorise(await desk.open(protocol, 1_000), 300)
        await desk.payee.send([settle_call(channel)])
        await desk.payer.send([request_close_call(channel)])
        now = await read_channel(desk.rpc, channel.id, channel.book)
        assert now == OnChainChannel(1_000, 300, NOW_S)

        desk.clock.advance(901)
        before = await token_balance(desk.rpc, PATH_USD, desk.payer.address)
        assert (await desk.payer.send([withdraw_call(channel)])).success
        assert await token_balance(desk.rpc, PATH_USD, desk.payer.address) == before + 700
        found = await find_close(desk.rpc, channel.book, channel.id)
        assert found is not None
        assert found.withdrawn
        assert (found.captured, found.refunded) == (300, 700)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_channel_that_nobody_opened_is_none(protocol: SessionProtocol) -> None:
    async with ChainDesk() as desk:
        assert await read_channel(desk.rpc, b"\x07" * 32, desk.book(protocol)) is None


async def test_an_address_without_a_contract_is_said_to_be_none() -> None:
    async with ChainDesk() as desk:
        book = desk.book(V1)._replace(escrow=b"\x99" * 20)
        with pytest.raises(EscrowMissing, match="0x99"):
            await read_channel(desk.rpc, b"\x07" * 32, book)


async def test_a_node_that_limits_the_range_of_logs_is_asked_in_pieces() -> None:
    async with ChainDesk() as desk:
        channel = desk.authorise(await desk.open(V2, 1_000), 100)
        order = CloseOrder(100, 100, channel.signature)
        closed = await desk.payee.send([close_call(channel, order)])
        desk.chain.mine(40)

        limited = LimitedRpc("http://tempo.test", http=desk.http)
        found = await find_close(limited, channel.book, channel.id)
        assert found is not None
        assert found.tx_hash == closed.hash
