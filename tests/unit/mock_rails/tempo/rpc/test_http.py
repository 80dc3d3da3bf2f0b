"""The HTTP transport (facts 5.1), in process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.unit.mock_rails.tempo.rpc.support import Rpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHAIN_ID = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


@pytest.fixture
async def client(rpc: Rpc) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(rpc.api)
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/rpc", "/v1/any/path?key=1"])
async def test_any_path_serves(client: httpx.AsyncClient, path: str) -> None:
    response = await client.post(path, json=CHAIN_ID)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.json() == {"jsonrpc": "2.0", "id": 1, "result": "0x539"}


async def test_the_content_type_does_not_matter(client: httpx.AsyncClient) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'
    response = await client.post("/", content=body, headers={"content-type": "text/plain"})
    assert response.json()["result"] == "0x539"


async def test_a_batch(client: httpx.AsyncClient) -> None:
    response = await client.post("/", json=[CHAIN_ID, CHAIN_ID | {"id": "b"}])
    assert [answer["id"] for answer in response.json()] == [1, "b"]


@pytest.mark.parametrize("body", [b"", b"nonsense", b'{"method":5}', b"[]"])
async def test_errors_are_http_200(client: httpx.AsyncClient, body: bytes) -> None:
    # pympp calls raise_for_status before it reads the error.
    response = await client.post("/", content=body)
    assert response.status_code == 200
    assert "error" in response.json()


async def test_a_notification_gets_an_empty_answer(client: httpx.AsyncClient) -> None:
    response = await client.post("/", json={"jsonrpc": "2.0", "method": "eth_chainId"})
    assert (response.status_code, response.content) == (200, b"")


async def test_preflight(client: httpx.AsyncClient) -> None:
    response = await client.options(
        "/", headers={"origin": "http://app", "access-control-request-method": "POST"}
    )
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert "POST" in response.headers["access-control-allow-methods"]
    assert response.headers["access-control-allow-headers"] == "*"


async def test_get_tells_what_this_is(client: httpx.AsyncClient) -> None:
    response = await client.get("/health")
    assert response.status_code == 200
    about = response.json()
    assert (about["chainId"], about["blockNumber"]) == (1337, 0)
    assert (await client.head("/")).status_code == 200


async def test_other_verbs_are_refused(client: httpx.AsyncClient) -> None:
    response = await client.put("/", json=CHAIN_ID)
    assert response.status_code == 405
    assert "POST a JSON-RPC request" in response.json()["error"]["message"]


async def test_a_body_has_a_limit(rpc: Rpc, client: httpx.AsyncClient) -> None:
    rpc.api.body_limit = 100

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b" " * 10

    for content in (b" " * 101, chunks()):
        response = await client.post("/", content=content)
        assert response.status_code == 413
        assert "limit of 100 bytes" in response.json()["error"]["message"]


async def test_a_body_may_come_in_pieces(rpc: Rpc) -> None:
    pieces = [b'{"jsonrpc":"2.0",', b'"id":1,"method":', b'"eth_chainId"}']
    events = [
        {"type": "http.request", "body": piece, "more_body": piece is not pieces[-1]}
        for piece in pieces
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return events.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await rpc.api({"type": "http", "method": "POST"}, receive, send)
    assert sent[1]["body"] == b'{"jsonrpc":"2.0","id":1,"result":"0x539"}'
    # A client that leaves half-way gets no answer, and nothing runs.
    events[:] = [
        {"type": "http.request", "body": pieces[0], "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent.clear()
    await rpc.api({"type": "http", "method": "POST"}, receive, send)
    assert sent == []


async def test_the_lifespan_runs_the_cadence() -> None:
    rpc = Rpc(block_time_ms=1_000)
    states: list[bool] = []
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        states.append(rpc.chain._cadence is not None)
        return events.pop(0)

    async def send(message: Any) -> None:
        assert message["type"].endswith(".complete")

    await rpc.api({"type": "lifespan"}, receive, send)
    assert states == [False, True]
    assert rpc.chain._cadence is None


async def test_an_unknown_scope_is_a_defect_of_the_server(rpc: Rpc) -> None:
    with pytest.raises(ValueError, match="carrier-pigeon"):
        await rpc.api({"type": "carrier-pigeon"}, None, None)  # type: ignore[arg-type]
