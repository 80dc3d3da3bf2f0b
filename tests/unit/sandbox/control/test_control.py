"""The control: health, accounts, gifts, the journal and its stream, over HTTP as people use it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from sandbox.chain import Sender, TxResult
from sandbox.client import PaidClient, Wallet

if TYPE_CHECKING:
    import httpx

    from sandbox.devnet import Devnet

SOMEBODY = "0x" + "51" * 20


async def test_health_is_200_once_everything_is_ready(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    assert (await http.get("/health")).json() == {"status": "ok"}
    devnet.ready = False
    response = await http.get("/health")
    assert (response.status_code, response.json()["status"]) == (503, "not ready")
    devnet.ready = True


async def test_info_is_what_the_devnet_says_of_itself(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    assert (await http.get("/info")).json() == devnet.info()


async def test_accounts_have_roles_and_balances(http: httpx.AsyncClient) -> None:
    accounts = (await http.get("/accounts")).json()["accounts"]
    assert [one["role"] for one in accounts if one["role"]] == ["payer", "sponsor", "merchant"]
    assert accounts[9]["balances"]["pathUSD"] == str(2**64 - 1)


async def test_the_faucet_and_an_exact_gift(http: httpx.AsyncClient) -> None:
    given = (await http.post("/fund", json={"address": SOMEBODY})).json()
    assert len(given["transactions"]) == 4
    exact = {"address": SOMEBODY, "amount": "5", "token": "AlphaUSD"}
    assert (await http.post("/fund", json=exact)).status_code == 200
    balances = (await http.get(f"/accounts/{SOMEBODY}")).json()["balances"]
    assert (balances["pathUSD"], balances["AlphaUSD"]) == (str(10**15), str(10**15 + 5))


@pytest.mark.parametrize(
    ("gift", "fragment"),
    [
        ({}, "body.address"),
        ({"address": "0x51"}, "no address"),
        ({"address": SOMEBODY, "amount": "0"}, "no amount"),
        ({"address": SOMEBODY, "amount": "-1"}, "no amount"),
        ({"address": SOMEBODY, "amount": "1", "token": "euro"}, "no address"),
        ({"address": SOMEBODY, "token": "pathUSD"}, "no amount"),
        ({"address": SOMEBODY, "to": "me"}, "body.to"),
    ],
)
async def test_a_gift_that_makes_no_sense_is_a_problem(
    http: httpx.AsyncClient, gift: dict[str, str], fragment: str
) -> None:
    response = await http.post("/fund", json=gift)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert fragment in response.json()["detail"]


async def test_an_exchange_can_be_followed(devnet: Devnet, http: httpx.AsyncClient) -> None:
    assert (await http.get(f"{devnet.api_url}/quote")).status_code == 402
    (listed,) = (await http.get("/exchanges")).json()["exchanges"]
    assert (listed["path"], listed["status"]) == ("/quote", 402)
    exchange = (await http.get(f"/exchanges/{listed['id']}")).json()
    assert [event["kind"] for event in exchange["events"]] == ["exchange.challenged"]
    assert (await http.get("/exchanges/ex-0")).status_code == 404


async def test_an_exchange_has_what_the_rails_did_for_it(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    """DESIGN 2.4: one id across HTTP and rails."""
    payer = PaidClient(Wallet.dev(0), rpc_url=devnet.rpc_url, prefer=["tempo/charge"])
    async with payer:
        assert (await payer.get(f"{devnet.api_url}/quote")).status_code == 200
    paid, asked = (await http.get("/exchanges")).json()["exchanges"]
    assert asked["kinds"] == ["exchange.challenged"]
    assert paid["kinds"] == ["block.sealed", "exchange.paid", "exchange.delivered"]
    exchange = (await http.get(f"/exchanges/{paid['id']}")).json()
    assert {event["exchange"] for event in exchange["events"]} == {paid["id"]}
    page = (await http.get("/journal", params={"exchange": paid["id"]})).json()
    assert page["events"] == exchange["events"]
    challenge = exchange["events"][1]["data"]["challenge"]  # the 402's, too
    both = (await http.get("/journal", params={"exchange": challenge, "limit": 2})).json()
    assert [one["kind"] for one in both["events"]] == ["exchange.challenged", "block.sealed"]
    rest = {"exchange": challenge, "after": both["next_after"], "kind": "exchange.delivered"}
    assert len((await http.get("/journal", params=rest)).json()["events"]) == 1


async def test_the_journal_comes_in_pages(devnet: Devnet, http: httpx.AsyncClient) -> None:
    for at in range(5):
        devnet.context.journal.append("sandbox", "test.happened", {"at": at})
    page = (await http.get("/journal", params={"limit": 3, "kind": "test.happened"})).json()
    assert [event["data"]["at"] for event in page["events"]] == [0, 1, 2]
    rest = (await http.get("/journal", params={"after": page["next_after"]})).json()
    assert [event["data"]["at"] for event in rest["events"]] == [3, 4]
    assert (await http.get("/journal", params={"after": -1})).status_code == 400


async def test_events_are_streamed_from_where_a_reader_was(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    journal = devnet.context.journal
    first = journal.append("sandbox", "test.happened", {"at": 0})
    second = journal.append("sandbox", "test.happened", {"at": 1})
    headers = {"last-event-id": str(first)}
    async with asyncio.timeout(20), http.stream("GET", "/events", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.aiter_lines()
        assert [await anext(lines) for _ in range(2)] == [f"id: {second}", "event: test.happened"]
        assert json.loads((await anext(lines)).removeprefix("data: "))["data"] == {"at": 1}
        journal.append("sandbox", "test.happened", {"at": 2})
        assert [await anext(lines) for _ in range(2)] == ["", f"id: {second + 1}"]
        # A reader does not keep the devnet from stopping; its stream ends.
        await devnet.stop()
        assert [line async for line in lines][-1] == ""


async def test_there_are_no_channels_at_first(http: httpx.AsyncClient) -> None:
    assert (await http.get("/channels")).json() == {"channels": [], "exposure": "0"}
    assert (await http.get("/channels/0x51")).status_code == 400
    for verb, path in (("GET", ""), ("POST", "/settle"), ("POST", "/close")):
        assert (await http.request(verb, f"/channels/0x{'51' * 32}{path}")).status_code == 404


async def test_a_last_event_id_that_is_none_is_no_trouble(http: httpx.AsyncClient) -> None:
    for wrong in ("9" * 5_000, "-1", "soon"):
        headers = {"last-event-id": wrong}
        async with asyncio.timeout(20), http.stream("GET", "/events", headers=headers) as response:
            assert response.status_code == 200


async def test_a_gift_that_reverted_is_not_called_given(
    devnet: Devnet, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reverted(self: Sender, calls: object) -> TxResult:
        return TxResult(bytes(32), False, 1, 21_000, 1, None, None, (), self.address)

    monkeypatch.setattr(Sender, "send", reverted)
    response = await http.post("/fund", json={"address": SOMEBODY, "amount": "5"})
    assert response.status_code == 409
    assert "reverted" in response.json()["detail"]
