"""Onto the chain, whatever happens to the answers (DESIGN 2.5, 2.6; facts, tempo 1.9 and 5.7)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.server import Host
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.api import TempoApi
from sandbox.chain import (
    RpcError,
    RpcUnavailable,
    TempoRpc,
    TransactionOutcomeUnknown,
    TransactionRefused,
    broadcast,
    receipt,
    token_balance,
)
from tests.unit.sandbox.chain.support import ChainDesk, answering, transfer

if TYPE_CHECKING:
    from mock_rails.tempo.tx.model import Submission

SHOP = b"\x51" * 20
SHORT_S = 0.3


class StrictRpc(TempoRpc):
    """A node that refuses a second parameter of the synchronous form."""

    async def call(self, method: str, *params: Any) -> Any:
        """Refuse it as a parameter, not as a transaction."""
        if method == "eth_sendRawTransactionSync" and len(params) > 1:
            raise RpcError(-32602, "invalid type: integer")
        return await super().call(method, *params)


async def payment(desk: ChainDesk, amount: int = 7) -> Submission:
    """A signed payment to the shop."""
    return await desk.payer.sign([transfer(SHOP, amount)])


async def received(desk: ChainDesk) -> int:
    """What the shop has."""
    return await token_balance(desk.rpc, PATH_USD, SHOP)


def arm(desk: ChainDesk, do: str, *, at: str = "tempo.submit", **rest: Any) -> None:
    """Make the chain fail once."""
    desk.context.faults.arm({"at": at, "do": do, "when": {"times": 1}, **rest})


async def test_a_lost_answer_is_found_by_the_transaction_s_hash() -> None:
    async with ChainDesk() as desk:
        signed = await payment(desk)
        arm(desk, "lose_response")
        paid = await broadcast(desk.rpc, signed.raw)
        assert (paid.hash, paid.success) == (signed.hash, True)
        assert await received(desk) == 7


async def test_a_connection_that_breaks_is_no_lost_payment() -> None:
    async with ChainDesk() as desk, Host(TempoApi(desk.chain)) as host, TempoRpc(host.url) as rpc:
        signed = await payment(desk)
        arm(desk, "lose_response")
        assert (await broadcast(rpc, signed.raw)).success
        assert await received(desk) == 7


async def test_sending_the_same_again_gives_the_same_receipt() -> None:
    """A payer that crashed in between cannot pay twice with the same bytes (facts 1.7)."""
    async with ChainDesk() as desk:
        signed = await payment(desk)
        first = await broadcast(desk.rpc, signed.raw)
        assert await broadcast(desk.rpc, signed.raw) == first
        assert await received(desk) == 7


async def test_what_waits_in_the_pool_is_waited_for() -> None:
    async with ChainDesk() as desk:
        signed = await payment(desk)
        desk.chain.set_automine(False)
        await desk.rpc.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
        sending = asyncio.create_task(broadcast(desk.rpc, signed.raw))  # "already known"
        await desk.clock.wall_sleep(0)
        desk.chain.mine()
        assert (await sending).success


async def test_a_refusal_is_final_and_in_the_node_s_words() -> None:
    async with ChainDesk() as desk:
        signed = await payment(desk)
        arm(desk, "reject", args={"message": "not today"})
        with pytest.raises(TransactionRefused, match="not today") as caught:
            await broadcast(desk.rpc, signed.raw)
        assert caught.value.tx_hash == signed.hash
        assert await received(desk) == 0


async def test_a_busy_node_is_asked_again() -> None:
    async with ChainDesk() as desk:
        signed = await payment(desk)
        arm(desk, "rate_limit")
        assert (await broadcast(desk.rpc, signed.raw)).success


async def test_a_node_that_stays_busy_has_surely_not_taken_it() -> None:
    async with ChainDesk() as desk:
        signed = await payment(desk)
        desk.context.faults.arm({"at": "tempo.submit", "do": "rate_limit"})
        with pytest.raises(TransactionRefused, match="rate limit"):
            await broadcast(desk.rpc, signed.raw, timeout_s=SHORT_S)


async def test_what_nobody_can_tell_is_said_to_be_unknown() -> None:
    async with ChainDesk() as desk:
        signed = await payment(desk)
        arm(desk, "drop")
        with pytest.raises(TransactionOutcomeUnknown) as caught:
            await broadcast(desk.rpc, signed.raw, timeout_s=SHORT_S)
        assert caught.value.tx_hash == signed.hash


async def test_once_the_window_is_over_it_is_known_again() -> None:
    """A block past `valid_before` is proof that the transaction never comes (facts 1.7)."""
    async with ChainDesk() as desk:
        signed = await payment(desk)
        arm(desk, "drop")
        sending = asyncio.create_task(broadcast(desk.rpc, signed.raw, timeout_s=SHORT_S))
        await desk.clock.wall_sleep(0)
        desk.clock.advance(60)
        desk.chain.mine()
        with pytest.raises(TransactionRefused, match="expired"):
            await sending


async def test_a_reverted_transaction_has_a_receipt_too() -> None:
    async with ChainDesk() as desk:
        all_of_it = await token_balance(desk.rpc, PATH_USD, desk.payer.address)
        first, second = [await payment(desk, all_of_it) for _ in range(2)]
        assert (await broadcast(desk.rpc, first.raw)).success
        assert not (await broadcast(desk.rpc, second.raw)).success


async def test_a_node_without_the_synchronous_form_is_polled() -> None:
    """EIP-7966 is not everywhere: the hash comes back at once, the receipt later."""
    async with ChainDesk() as desk:
        signed = await payment(desk)
        paid = await desk.payer.send([transfer(SHOP, 1)])
        mined: dict[str, Any] = {
            **(await desk.rpc.call("eth_getTransactionReceipt", "0x" + paid.hash.hex())),
            "transactionHash": "0x" + signed.hash.hex(),
        }
        asked: list[str] = []

        def respond(request: dict[str, Any]) -> httpx.Response:
            asked.append(request["method"])
            base = {"jsonrpc": "2.0", "id": request["id"]}
            if request["method"] == "eth_sendRawTransactionSync":
                return httpx.Response(200, json={**base, "error": {"code": -32601, "message": "?"}})
            if request["method"] == "eth_sendRawTransaction":
                return httpx.Response(200, json={**base, "result": "0x" + signed.hash.hex()})
            result = mined if asked.count("eth_getTransactionReceipt") > 1 else None
            return httpx.Response(200, json={**base, "result": result})

        rpc = answering(respond)
        assert (await broadcast(rpc, signed.raw)).hash == signed.hash
        assert asked.count("eth_sendRawTransaction") == 1
        await rpc.http.aclose()


async def test_an_unreachable_node_has_changed_nothing() -> None:
    async with TempoRpc("http://127.0.0.1:1") as rpc, ChainDesk() as desk:
        signed = await payment(desk)
        with pytest.raises(RpcUnavailable):
            await broadcast(rpc, signed.raw)
        assert await receipt(desk.rpc, signed.hash) is None


async def test_an_unreadable_receipt_leaves_the_outcome_unknown() -> None:
    def respond(request: dict[str, Any]) -> httpx.Response:
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": request["id"], "result": {}})

    rpc = answering(respond)
    with pytest.raises(TransactionOutcomeUnknown, match="unreadable"):
        await broadcast(rpc, b"\x76\xc0", timeout_s=SHORT_S)
    await rpc.http.aclose()


async def test_a_node_that_takes_no_timeout_is_given_none() -> None:
    """Foundry's anvil in its Tempo mode: the transaction is the only parameter it knows."""
    async with ChainDesk() as desk:
        signed = await payment(desk)
        strict = StrictRpc("http://tempo.test", http=desk.http)
        assert (await broadcast(strict, signed.raw)).success
        assert await received(desk) == 7


async def test_a_receipt_that_comes_late_is_waited_for() -> None:
    """Its resend is refused as a replay, which is no proof that it was not mined (facts 1.9)."""
    async with ChainDesk() as desk:
        signed = await payment(desk)
        arm(desk, "lose_response")
        arm(desk, "hide", at="tempo.receipt")
        assert (await broadcast(desk.rpc, signed.raw)).success
        assert await received(desk) == 7
