"""The devnet as one document: money, books and clock go back together, or not at all.

DESIGN 2.4 and 2.5; facts: protocol 1.1 (single use) and 2.5 (what a payee must not forget).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
from mpp import Challenge
from mpp.methods.tempo import client as tempo_client
from mpp.runtime import CredentialParams

from mock_rails.core import snapshot
from sandbox import info
from sandbox.client import PaidClient, SessionSettings, Wallet
from sandbox.devnet import Devnet
from sandbox.settings import DevnetSettings, Part
from sandbox.snapshots import compare

if TYPE_CHECKING:
    from pathlib import Path

FREE = DevnetSettings().with_free_ports()
PAYER = Wallet.dev(info.PAYER)
KEEP = SessionSettings(close_on_exit=False)


async def saved(http: httpx.AsyncClient) -> dict[str, Any]:
    """What the control gives out."""
    answer = await http.get("/snapshot")
    assert answer.status_code == 200, answer.text
    return snapshot.parse(answer.content, "the answer")


async def load(http: httpx.AsyncClient, document: object) -> httpx.Response:
    """Hand the control a document."""
    return await http.post("/snapshot", content=json.dumps(document))


def control(devnet: Devnet) -> httpx.AsyncClient:
    """A client of a devnet's control."""
    return httpx.AsyncClient(base_url=f"{devnet.control_url}/_sandbox", timeout=30)


async def test_what_was_saved_is_what_is_there_again(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    await http.post("/time/freeze")
    await http.post("/faults", json={"at": "tempo.receipt", "do": "hide", "when": "nth=1000"})
    before = await saved(http)
    assert {"merchants", "stripe", "tempo"} <= set(before["rails"])
    clock = devnet.context.clock
    async with PaidClient(PAYER, rpc_url=devnet.rpc_url, clock=clock, session=KEEP) as client:
        assert (await client.get(f"{devnet.api_url}/quote")).status_code == 200
        assert (await client.get(f"{devnet.api_url}/search")).status_code == 200
    await http.delete("/faults")
    await http.post("/time/advance", json={"by": "1d"})
    assert snapshot.digest(await saved(http)) != snapshot.digest(before)

    done = (await load(http, before)).json()
    assert (done["loaded"], done["faults"]) == (sorted(before["rails"]), 1)
    assert done["digest"] == snapshot.digest(await saved(http)) == snapshot.digest(before)
    assert (await http.get("/channels")).json()["channels"] == []
    assert (await http.get("/time")).json()["now_us"] == before["clock"]["frozen_at_us"]


async def test_a_credential_that_was_paid_with_since_pays_again_once(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    """The transfer is undone, so the mark of its single use must be; and the next one holds."""
    url = f"{devnet.api_url}/quote"
    method = tempo_client.charge(
        account=PAYER.tempo_account(), chain_id=1337, rpc_url=devnet.rpc_url
    )
    asked = await http.get(url)
    challenge = Challenge.from_www_authenticate(asked.headers["www-authenticate"])
    shown = {"authorization": await method.create_credential(CredentialParams(challenge=challenge))}
    before = await saved(http)
    assert (await http.get(url, headers=shown)).status_code == 200
    assert (await http.get(url, headers=shown)).status_code == 402
    assert (await load(http, before)).status_code == 200
    assert (await http.get(url, headers=shown)).status_code == 200
    assert (await http.get(url, headers=shown)).status_code == 402


async def test_a_session_goes_on_from_where_it_was_saved(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    url = f"{devnet.api_url}/search"
    async with PaidClient(PAYER, rpc_url=devnet.rpc_url, session=KEEP) as client:
        assert (await client.get(url)).status_code == 200
        before = await saved(http)
        (channel,) = (await http.get("/channels")).json()["channels"]
        await http.post(f"/channels/{channel['id']}/close")
        assert (await load(http, before)).status_code == 200
        assert (await http.get("/channels")).json()["channels"] == [channel]
        assert (await client.get(url)).status_code == 200
        (after,) = (await http.get("/channels")).json()["channels"]
        assert (after["id"], after["units"]) == (channel["id"], channel["units"] + 1)


async def test_nobody_watches_channels_that_are_gone_and_new_ones_are_opened_and_watched(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    """A merchant's caches and its armed timers are in no snapshot: the next one begins without."""
    first = devnet.merchants
    url, journal = f"{devnet.api_url}/search", devnet.context.journal
    before = await saved(http)
    async with PaidClient(PAYER, rpc_url=devnet.rpc_url, session=KEEP) as client:
        assert (await client.get(url)).status_code == 200
    (gone,) = (await http.get("/channels")).json()["channels"]
    assert (await load(http, before)).status_code == 200
    assert (await http.get("/channels")).json()["channels"] == []
    assert devnet.merchants is not first
    after = journal.last_offset
    await http.post("/time/advance", json={"by": "2d"})
    told = [event.kind for event in journal.read(after) if event.rail == "session"]
    assert told == []

    async with PaidClient(PAYER, rpc_url=devnet.rpc_url, session=KEEP) as client:
        assert (await client.get(url)).status_code == 200
        assert (await client.get(url)).status_code == 200
        assert (await client.get(f"{devnet.api_url}/lightning/quote")).status_code == 402
        assert (await client.get(f"{devnet.api_url}/quote")).status_code == 200
    (opened,) = (await http.get("/channels")).json()["channels"]
    assert (opened["units"], opened["status"]) == (2, "open")
    assert opened["id"] != gone["id"]
    assert (await http.post(f"/channels/{opened['id']}/close")).status_code == 200
    (closed,) = (await http.get("/channels")).json()["channels"]
    assert (closed["status"], closed["settled"]) == ("closed", "2000")


async def test_what_cannot_be_loaded_changes_nothing(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    await http.post("/time/freeze")
    before = await saved(http)
    rails = before["rails"]
    books = rails["merchants"]
    bad: dict[str, Any] = {
        "no snapshot": {},
        "reads up to": {**before, "version": 99},
        "unknown parts": {**before, "more": 1},
        "are running": {**before, "rails": {**rails, "silver": {}}},
        "books of version": {**before, "rails": {**rails, "merchants": {**books, "version": 2}}},
        "channels in the snapshot": {
            **before,
            "rails": {**rails, "merchants": {**books, "records": {"channels": {"00": {}}}}},
        },
        "mark 'x'": {**before, "rails": {**rails, "merchants": {**books, "marks": {"x": 1}}}},
        "the seed 'other'": {**before, "seeds": {"seed": "other", "streams": {}}},
        "Tempo part": {**before, "rails": {**rails, "tempo": {**rails["tempo"], "world": {}}}},
    }
    for fragment, document in bad.items():
        answer = await load(http, document)
        assert answer.status_code in (400, 409)
        assert fragment in answer.json()["detail"]
    for body in (b"", b"{", b"\xff", b'"\\ud800"', b"[" * 100_000):
        assert (await http.post("/snapshot", content=body)).status_code == 400
    assert snapshot.digest(await saved(http)) == snapshot.digest(before)


async def test_books_that_are_kept_elsewhere_are_no_part_of_it(tmp_path: Path) -> None:
    """Half a devnet would be worse than none: it is refused, with what to do."""
    elsewhere = replace(FREE, store=f"sqlite:{tmp_path / 'channels.db'}")
    async with Devnet(elsewhere) as devnet, control(devnet) as http:
        for answer in (await http.get("/snapshot"), await load(http, {})):
            assert answer.status_code == 409
            assert "--store memory" in answer.json()["hint"]


async def test_rails_that_run_elsewhere_are_no_part_of_it() -> None:
    async with Devnet(FREE) as rails:
        parts = frozenset({Part.MERCHANTS, Part.CONTROL})
        told = replace(FREE, only=parts, chain_url=rails.rpc_url)
        async with Devnet(told) as devnet, control(devnet) as http:
            assert (await http.get("/snapshot")).status_code == 409


async def test_rails_alone_are_saved_without_books() -> None:
    only = replace(FREE, only=frozenset({Part.RAILS, Part.CONTROL}))
    async with Devnet(only) as devnet, control(devnet) as http:
        before = await saved(http)
        assert {"stripe", "tempo"} <= set(before["rails"])
        assert "merchants" not in before["rails"]
        assert (await load(http, before)).status_code == 200


async def test_a_devnet_starts_from_a_file_with_its_channels(tmp_path: Path) -> None:
    """`up --state FILE` takes what `snapshot save` wrote, and writes the like at its end."""
    state = tmp_path / "state.json"
    async with Devnet(FREE) as devnet, control(devnet) as http:
        async with PaidClient(PAYER, rpc_url=devnet.rpc_url, session=KEEP) as client:
            assert (await client.get(f"{devnet.api_url}/search")).status_code == 200
        (channel,) = (await http.get("/channels")).json()["channels"]
        snapshot.save(state, await saved(http), indented=True)
    before = snapshot.load(state)
    async with Devnet(replace(FREE, state=state)) as devnet:
        async with control(devnet) as http:
            assert (await http.get("/channels")).json()["channels"] == [channel]
            assert compare(before, await saved(http)).to_json()["ledgers"] == []
        await devnet.stop()
    assert [one.captured for one in devnet.captures] == [int(channel["spent"])]
    ended = compare(before, snapshot.load(state)).items
    assert [(one.rail, one.verb) for one in ended] == [("tempo", "gone"), ("merchants", "changed")]
