"""The wire to a node: what each failure says, and what it does not show (facts, tempo 1.9, 5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.server import Host
from mock_rails.tempo.api import TempoApi
from sandbox.chain import RpcError, RpcOutcomeUnknown, RpcUnavailable, TempoRpc
from tests.unit.sandbox.chain.support import ChainDesk, answering

if TYPE_CHECKING:
    from collections.abc import Callable


def error(code: int, message: str, data: Any = None) -> Callable[[dict[str, Any]], httpx.Response]:
    """A node that answers every call with this error."""
    failure = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return lambda request: httpx.Response(
        200, json={"jsonrpc": "2.0", "id": request["id"], "error": failure}
    )


async def test_a_call_over_a_socket() -> None:
    async with ChainDesk() as desk, Host(TempoApi(desk.chain)) as host, TempoRpc(host.url) as rpc:
        assert await rpc.chain_id() == desk.chain.chain_id
        assert await rpc.call("eth_blockNumber") == "0x0"


async def test_the_chain_id_is_asked_once() -> None:
    asked: list[str] = []

    def respond(request: dict[str, Any]) -> httpx.Response:
        asked.append(request["method"])
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": "0xa5bd"})

    rpc = answering(respond)
    assert [await rpc.chain_id() for _ in range(3)] == [42429] * 3
    assert asked == ["eth_chainId"]
    await rpc.http.aclose()


async def test_an_error_keeps_the_node_s_code_words_and_data() -> None:
    rpc = answering(error(-32003, "fee token is paused", {"name": "FeeTokenPausedError"}))
    with pytest.raises(RpcError) as caught:
        await rpc.call("eth_call")
    assert (caught.value.rpc_code, caught.value.message) == (-32003, "fee token is paused")
    assert caught.value.data == {"name": "FeeTokenPausedError"}
    await rpc.http.aclose()


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ("0x1e07dd94", "ChannelNotFound"),
        ({"data": "0x02b81e29"}, "CloseNotReady"),
        ("0x08c379a0" + f"{32:064x}{4:064x}" + b"nope".hex().ljust(64, "0"), "nope"),
    ],
)
async def test_a_revert_that_came_as_bytes_is_named(data: Any, named: str) -> None:
    """Other nodes than ours print no names (facts 1.9)."""
    rpc = answering(error(3, "execution reverted", data))
    with pytest.raises(RpcError, match=named) as caught:
        await rpc.call("eth_call")
    assert caught.value.is_revert
    await rpc.http.aclose()


@pytest.mark.parametrize("data", ["0x", "0x1e", "0xdeadbeef", "0xzz", "0x832f98b5", [], 7, None])
async def test_other_data_is_left_alone(data: Any) -> None:
    rpc = answering(error(3, "execution reverted", data))
    with pytest.raises(RpcError) as caught:
        await rpc.call("eth_call")
    assert caught.value.words == "execution reverted"
    await rpc.http.aclose()


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(502, text="bad gateway"), RpcOutcomeUnknown),
        (httpx.Response(200, text="<html>hello</html>"), RpcOutcomeUnknown),
        (httpx.Response(200, json=[1]), RpcOutcomeUnknown),
        (httpx.Response(200, json={"jsonrpc": "2.0", "id": 1}), RpcOutcomeUnknown),
        (httpx.Response(401, text="no key"), RpcUnavailable),
        (httpx.Response(404, text="nothing here"), RpcUnavailable),
        (httpx.Response(302, headers={"location": "/"}), RpcUnavailable),
        (httpx.Response(429, text="slow down"), RpcError),
        (httpx.Response(500, json={"error": {"code": -32000, "message": "no"}}), RpcError),
    ],
)
async def test_what_http_says_is_sorted_by_certainty(
    response: httpx.Response, kind: type[Exception]
) -> None:
    rpc = answering(lambda _: response)
    with pytest.raises(kind):
        await rpc.call("eth_sendRawTransaction", "0x")
    await rpc.http.aclose()


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (httpx.ConnectError("refused"), RpcUnavailable),
        (httpx.ConnectTimeout("slow"), RpcUnavailable),
        (httpx.PoolTimeout("busy"), RpcUnavailable),
        (httpx.ReadTimeout("slow"), RpcOutcomeUnknown),
        (httpx.ReadError("gone"), RpcOutcomeUnknown),
        (httpx.WriteError("gone"), RpcOutcomeUnknown),
        (httpx.RemoteProtocolError("gone"), RpcOutcomeUnknown),
    ],
)
async def test_what_the_socket_says_is_sorted_by_certainty(
    raised: Exception, kind: type[Exception]
) -> None:
    def fail(_: dict[str, Any]) -> httpx.Response:
        raise raised

    rpc = answering(fail)
    with pytest.raises(kind):
        await rpc.call("eth_sendRawTransaction", "0x")
    await rpc.http.aclose()


async def test_a_read_whose_answer_was_lost_is_asked_again_and_a_write_is_not() -> None:
    asked: list[str] = []

    def respond(request: dict[str, Any]) -> httpx.Response:
        asked.append(request["method"])
        if len(asked) == 1 or request["method"].startswith("eth_send"):
            raise httpx.ReadError("gone")
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": "0x1"})

    rpc = answering(respond)
    assert await rpc.call("eth_blockNumber") == "0x1"
    with pytest.raises(RpcOutcomeUnknown):
        await rpc.call("eth_sendRawTransactionSync", "0x")
    assert asked == ["eth_blockNumber", "eth_blockNumber", "eth_sendRawTransactionSync"]
    await rpc.http.aclose()


async def test_a_url_with_a_key_is_not_shown() -> None:
    async with TempoRpc("http://me:pass@127.0.0.1:1/v3/hush") as rpc:
        with pytest.raises(RpcUnavailable) as caught:
            await rpc.call("eth_chainId")
        for shown in (repr(rpc), str(caught.value), repr(caught.value.problem())):
            assert "127.0.0.1:1" in shown
            assert "hush" not in shown
            assert "pass" not in shown


async def test_a_client_of_the_caller_s_stays_open() -> None:
    async with ChainDesk() as desk:
        async with TempoRpc("http://tempo.test", http=desk.http):
            pass
        assert not desk.http.is_closed


@pytest.mark.parametrize("answer", ["0xzz", None, [], True])
async def test_an_unreadable_value_is_named(answer: Any) -> None:
    rpc = answering(
        lambda _: httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": answer})
    )
    with pytest.raises(Exception, match="eth_chainId is unreadable"):
        await rpc.chain_id()
    await rpc.http.aclose()


async def test_a_read_that_is_never_answered_has_changed_nothing() -> None:
    def respond(_: dict[str, Any]) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    rpc = answering(respond)
    with pytest.raises(RpcUnavailable):
        await rpc.call("eth_call", {}, "latest")
    await rpc.http.aclose()
