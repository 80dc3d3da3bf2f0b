"""WebSocket connections and eth_subscribe, against an ASGI server made of two queues."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from mock_rails.tempo.rpc import subscriptions
from mock_rails.tempo.rpc.connection import Connection
from tests.unit.mock_rails.tempo.rpc.support import PATH, Rpc, refused, to_hex

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BOB = b"\xb0" * 20
BOB_WORD = "0x" + "00" * 12 + "b0" * 20


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


class Socket:
    """The client's end of a WebSocket to the chain's ASGI application."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.readable = asyncio.Event()
        self.readable.set()
        self._asked = 0

    async def run(self) -> None:
        await self.inbox.put({"type": "websocket.connect"})
        await self.rpc.api({"type": "websocket"}, self.inbox.get, self._send)

    async def _send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            await self.readable.wait()
        await self.outbox.put(message)

    async def say(self, text: str | bytes) -> None:
        key = "bytes" if isinstance(text, bytes) else "text"
        await self.inbox.put({"type": "websocket.receive", key: text})

    async def ask(self, name: str, *params: Any) -> int:
        self._asked += 1
        request = {"jsonrpc": "2.0", "id": self._asked, "method": name, "params": params}
        await self.say(orjson.dumps(request).decode())
        return self._asked

    async def event(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            return await self.outbox.get()

    async def hear(self) -> Any:
        return orjson.loads((await self.event())["text"])

    async def call(self, name: str, *params: Any) -> Any:
        asked = await self.ask(name, *params)
        answer = await self.hear()
        assert answer["id"] == asked
        return answer.get("result", answer.get("error"))

    async def notification(self) -> tuple[str, Any]:
        message = await self.hear()
        assert message["method"] == "eth_subscription"
        return message["params"]["subscription"], message["params"]["result"]

    async def silent(self) -> bool:
        for _ in range(20):
            await asyncio.sleep(0)
        return self.outbox.empty()


@asynccontextmanager
async def connected(rpc: Rpc) -> AsyncIterator[Socket]:
    socket = Socket(rpc)
    serving = asyncio.create_task(socket.run())
    assert (await socket.event())["type"] == "websocket.accept"
    try:
        yield socket
    finally:
        await socket.inbox.put({"type": "websocket.disconnect", "code": 1000})
        async with asyncio.timeout(5):
            await serving


async def test_requests_over_a_websocket(rpc: Rpc) -> None:
    async with connected(rpc) as socket:
        assert await socket.call("eth_chainId") == "0x539"
        assert (await socket.call("eth_nosuch"))["code"] == -32601
        await socket.say(b'[{"jsonrpc":"2.0","id":9,"method":"net_version"}]')
        assert await socket.hear() == [{"jsonrpc": "2.0", "id": 9, "result": "1337"}]
        await socket.say("nonsense")
        assert (await socket.hear())["error"]["code"] == -32700
        await socket.say('{"jsonrpc":"2.0","method":"eth_chainId"}')
        assert await socket.silent()


async def test_new_heads(rpc: Rpc) -> None:
    async with connected(rpc) as socket:
        heads = await socket.call("eth_subscribe", "newHeads")
        await asyncio.sleep(0)
        receipt = await rpc.pay()
        subscription, header = await socket.notification()
        assert subscription == heads
        assert header["hash"] == receipt["blockHash"]
        assert "transactions" not in header
        await rpc("anvil_mine", 3)
        numbers = [(await socket.notification())[1]["number"] for _ in range(3)]
        assert numbers == ["0x2", "0x3", "0x4"]


@pytest.fixture
def small_outbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that may only be four messages behind."""
    defaults = Connection.__init__.__kwdefaults__ or {}
    monkeypatch.setattr(Connection.__init__, "__kwdefaults__", defaults | {"outbox_limit": 4})


@pytest.mark.usefixtures("small_outbox")
async def test_a_burst_of_blocks_is_told_without_a_gap(rpc: Rpc) -> None:
    async with connected(rpc) as socket:
        await socket.call("eth_subscribe", "newHeads")
        await asyncio.sleep(0)
        # More than the chain's own stream of blocks holds.
        await rpc("anvil_mine", 2_000)
        numbers = [int((await socket.notification())[1]["number"], 16) for _ in range(2_000)]
        assert numbers == list(range(1, 2_001))


async def test_logs_that_match(rpc: Rpc) -> None:
    async with connected(rpc) as socket:
        wanted = {"address": PATH, "topics": [None, None, BOB_WORD]}
        logs = await socket.call("eth_subscribe", "logs", wanted)
        everything = await socket.call("eth_subscribe", "logs")
        await asyncio.sleep(0)
        receipt = await rpc.pay(5, BOB)
        heard = [await socket.notification() for _ in range(3)]
        assert [log for key, log in heard if key == logs] == receipt["logs"][:1]
        assert [log for key, log in heard if key == everything] == receipt["logs"]
        assert await socket.silent()


async def test_new_transactions(rpc: Rpc) -> None:
    async with connected(rpc) as socket:
        hashes = await socket.call("eth_subscribe", "newPendingTransactions")
        whole = await socket.call("eth_subscribe", "newPendingTransactions", True)
        await asyncio.sleep(0)
        receipt = await rpc.pay()
        heard = dict([await socket.notification() for _ in range(2)])
        assert heard[hashes] == receipt["transactionHash"]
        assert heard[whole]["hash"] == receipt["transactionHash"]


async def test_the_end_of_a_subscription(rpc: Rpc) -> None:
    async with connected(rpc) as socket, connected(rpc) as other:
        heads = await socket.call("eth_subscribe", "newHeads")
        assert await other.call("eth_unsubscribe", heads) is False
        assert await socket.call("eth_unsubscribe", heads) is True
        assert await socket.call("eth_unsubscribe", heads) is False
        await rpc("evm_mine")
        assert await socket.silent()


async def test_two_connections_have_streams_of_their_own(rpc: Rpc) -> None:
    async with connected(rpc) as socket:
        mine = await socket.call("eth_subscribe", "newHeads")
        async with connected(rpc) as other:
            theirs = await other.call("eth_subscribe", "newHeads")
            assert mine != theirs
            await asyncio.sleep(0)
            await rpc("evm_mine")
            assert (await socket.notification())[0] == mine
            assert (await other.notification())[0] == theirs
        # The other one left; this one goes on.
        await rpc("evm_mine")
        assert (await socket.notification())[1]["number"] == "0x2"


@pytest.mark.parametrize(
    ("params", "fragment"),
    [
        ([], "missing parameter 0: subscription"),
        (["newTails"], "one of newHeads, logs"),
        ([5], "subscription"),
        (["logs", {"address": "0x12"}], "address"),
        (["newPendingTransactions", "yes"], "true or false"),
    ],
)
async def test_malformed_subscriptions(rpc: Rpc, params: list[Any], fragment: str) -> None:
    async with connected(rpc) as socket:
        error = await socket.call("eth_subscribe", *params)
        assert error["code"] == -32602
        assert fragment in error["message"]


async def test_a_connection_has_a_limit_of_subscriptions(
    rpc: Rpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "SUBSCRIPTION_LIMIT", 1)
    async with connected(rpc) as socket:
        await socket.call("eth_subscribe", "newHeads")
        assert (await socket.call("eth_subscribe", "newHeads"))["code"] == -32005


async def test_there_are_no_subscriptions_over_http(rpc: Rpc) -> None:
    for name in ("eth_subscribe", "eth_unsubscribe"):
        with refused(-32601, "notifications not supported"):
            await rpc(name, "newHeads")


async def test_a_waiting_request_does_not_hold_up_the_others(rpc: Rpc) -> None:
    await rpc("evm_setAutomine", False)
    async with connected(rpc) as socket:
        slow = await socket.ask("eth_sendRawTransactionSync", to_hex(rpc.payment().raw))
        assert await socket.call("eth_blockNumber") == "0x0"
        await rpc("evm_mine")
        answer = await socket.hear()
        assert (answer["id"], answer["result"]["status"]) == (slow, "0x1")


@pytest.mark.usefixtures("small_outbox")
async def test_a_reader_that_is_too_slow_is_told_so_and_let_go(rpc: Rpc) -> None:
    async with connected(rpc) as socket:
        await socket.call("eth_subscribe", "newHeads")
        await asyncio.sleep(0)
        socket.readable.clear()
        await rpc("anvil_mine", 10)
        event = await socket.event()
        assert event["type"] == "websocket.close"
        assert event["code"] == 1013
        assert "too slow" in event["reason"]


async def test_a_message_can_be_too_big(rpc: Rpc) -> None:
    rpc.api.body_limit = 1_000
    async with connected(rpc) as socket:
        await socket.say(" " * 1_001)
        event = await socket.event()
        assert (event["type"], event["code"]) == ("websocket.close", 1009)


async def test_a_lost_answer_ends_the_connection(rpc: Rpc) -> None:
    rpc.chain.context.faults.arm({"at": "tempo.submit", "do": "lose_response"})
    async with connected(rpc) as socket:
        await socket.ask("eth_sendRawTransactionSync", to_hex(rpc.payment(5, BOB).raw))
        event = await socket.event()
        assert (event["type"], event["code"]) == ("websocket.close", 1011)
    assert await rpc.balance(BOB) == 5


async def test_a_client_that_leaves_takes_its_requests_along(rpc: Rpc) -> None:
    await rpc("evm_setAutomine", False)
    async with connected(rpc) as socket:
        await socket.ask("eth_sendRawTransactionSync", to_hex(rpc.payment().raw))
        assert await socket.silent()
    # The transaction stays; only nobody waits for it any more.
    assert await rpc("txpool_status") == {"pending": "0x1", "queued": "0x0"}
    assert all(task is asyncio.current_task() for task in asyncio.all_tasks())
