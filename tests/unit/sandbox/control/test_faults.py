"""Faults over HTTP: listed with what there is, armed, counted, disarmed; refused with the name that
was meant (DESIGN 2.6). They strike the rails whoever pays, by whichever process.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx

from sandbox import info
from sandbox.client import PaidClient, Wallet
from sandbox.devnet import Devnet
from sandbox.settings import DevnetSettings

JSON = {"content-type": "application/json"}
LOST = {"at": "tempo.submit", "do": "lose_response", "when": "nth=1"}

REFUSED: tuple[tuple[Any, str], ...] = (
    ({"at": "tempo.sumbit", "do": "drop"}, "tempo.submit"),
    ({"at": "tempo.submit", "do": "dorp"}, "drop"),
    ({"at": "tempo.seal", "do": "fee_spike", "args": {"base_fees": 9}}, "base_fee"),
    ({"at": "tempo.seal", "do": "fee_spike", "args": {"base_fee": "9"}}, "whole number"),
    ({"at": "tempo.submit", "do": "drop", "where": {"sendr": "0x"}}, "sender"),
    ({"at": "tempo.submit", "do": "drop", "when": "nht=3"}, "nth"),
    ({"at": "tempo.submit", "do": "drop", "when": "probability=2"}, "1/20"),
    ({"at": "tempo.submit", "do": "drop", "when": {"nth": 1, "every": 2}}, "exclude"),
    ({"at": "tempo.submit", "do": "drop", "often": True}, "when"),
    ({"at": "tempo.submit", "do": "drop", "where": {"sender": "\ud800"}}, "snapshot"),
    ({"at": 7, "do": "drop"}, "`at`"),
    ([], "object"),
    (None, "object"),
)


async def pay(devnet: Devnet) -> int:
    """What a payer gets who keeps at it."""
    async with PaidClient(Wallet.dev(info.PAYER), rpc_url=devnet.rpc_url) as client:
        return (await client.get(f"{devnet.api_url}/quote")).status_code


async def test_it_lists_the_points_of_all_rails_with_their_actions(http: httpx.AsyncClient) -> None:
    found = (await http.get("/faults")).json()
    assert found["faults"] == []
    points = {one["name"]: one for one in found["points"]}
    assert {"tempo.submit", "stripe.card", "stripe.webhook"} <= set(points)
    (fee_spike,) = [one for one in points["tempo.seal"]["actions"] if one["name"] == "fee_spike"]
    assert (fee_spike["args"], fee_spike["whole"]) == (["base_fee"], ["base_fee"])
    assert points["tempo.submit"]["context"] == ["sender", "hash"]


async def test_a_fault_is_armed_strikes_is_counted_and_taken_away(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    armed = (await http.post("/faults", json=LOST)).json()
    assert (armed["id"], armed["hits"], armed["fired"]) == ("fault-1", 0, 0)
    assert await pay(devnet) == 200  # the answer is lost, the payment is not
    (counted,) = (await http.get("/faults")).json()["faults"]
    assert (counted["fault"]["when"], counted["fired"]) == ({"nth": 1}, 1)
    gone = (await http.delete("/faults/fault-1")).json()["disarmed"]
    assert [(one["id"], one["fired"]) for one in gone] == [("fault-1", 1)]
    assert (await http.get("/faults")).json()["faults"] == []

    kinds = [event.kind for event in devnet.context.journal.read()]
    told = [kind for kind in kinds if kind.startswith("fault.")]
    assert told == ["fault.armed", "fault.fired", "fault.disarmed"]


async def test_all_are_taken_away_at_once(http: httpx.AsyncClient) -> None:
    for at in ("tempo.submit", "tempo.receipt"):
        do = "drop" if at == "tempo.submit" else "hide"
        assert (await http.post("/faults", json={"at": at, "do": do})).status_code == 200
    gone = (await http.delete("/faults")).json()["disarmed"]
    assert [one["id"] for one in gone] == ["fault-1", "fault-2"]
    assert (await http.delete("/faults")).json() == {"disarmed": []}


async def test_what_cannot_be_armed_is_refused_with_what_was_meant(http: httpx.AsyncClient) -> None:
    for fault, fragment in REFUSED:
        answer = await http.post("/faults", content=json.dumps(fault), headers=JSON)
        problem = answer.json()
        assert answer.status_code == 400, problem
        assert fragment in f"{problem['detail']} {problem.get('hint')}", problem
    for body in (b"", b"{", b'{"at": NaN}', b"9" * 5_000, b"[" * 100_000):
        assert (await http.post("/faults", content=body, headers=JSON)).status_code == 400
    assert (await http.get("/faults")).json()["faults"] == []


async def test_one_that_is_not_armed_cannot_be_disarmed(http: httpx.AsyncClient) -> None:
    await http.post("/faults", json=LOST)
    answer = await http.delete("/faults/fault-11")
    assert (answer.status_code, answer.json()["hint"]) == (404, "Did you mean 'fault-1'?")


async def test_numbers_of_any_size_are_listed(http: httpx.AsyncClient) -> None:
    """JSON has them, and readers in a browser get them as text."""
    fault = {**LOST, "where": {"hash": 1 << 70}, "when": {"nth": 1 << 70}}
    assert (await http.post("/faults", json=fault)).status_code == 200
    (armed,) = (await http.get("/faults")).json()["faults"]
    assert armed["fault"]["where"] == {"hash": str(1 << 70)}
    assert (await http.get("/journal")).status_code == 200


async def test_a_number_may_be_wanted_as_text(devnet: Devnet) -> None:
    """As a command line writes it: `--where amount=50`."""
    faults = devnet.context.faults
    faults.arm({"at": "stripe.card", "do": "decline", "where": {"amount": "50", "last4": "4242"}})
    context = {"payment_intent": "pi_1", "currency": "usd", "last4": "4242"}
    assert faults.check("stripe.card", amount=50, **context) is not None
    assert faults.check("stripe.card", amount=51, **context) is None


async def test_they_strike_whichever_merchant_process_pays() -> None:
    """The rails are the devnet's own process's."""
    settings = replace(DevnetSettings().with_free_ports(), workers=2)
    async with (
        Devnet(settings) as devnet,
        httpx.AsyncClient(base_url=f"{devnet.control_url}/_sandbox", timeout=30) as http,
    ):
        await http.post("/faults", json=LOST)
        assert await pay(devnet) == 200
        (counted,) = (await http.get("/faults")).json()["faults"]
        assert counted["fired"] == 1
