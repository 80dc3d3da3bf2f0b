"""Charges by invoice at the gate: facts, lightning 1.1 to 1.4, and check 7 of 8."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mpp import Credential

from mock_rails.core import Clock
from mock_rails.lightning.bolt11 import decode
from sandbox.lightning import LocalApp
from sandbox.server.route import Route
from sandbox.server.single_use import mark_key, proof_hash
from sandbox.server.stores import SqliteStore
from tests.unit.sandbox.server.lightning.support import (
    START_S,
    authorization,
    gate_of,
    opened,
    problem,
)
from tests.unit.sandbox.server.support import FakeOffer

if TYPE_CHECKING:
    from pathlib import Path


def receipt_of(answer: httpx.Response) -> dict[str, Any]:
    text = answer.headers["payment-receipt"]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


async def test_an_invoice_is_asked_for_and_its_preimage_pays() -> None:
    async with opened() as world:
        asked = await world.http.get("/charge")
        assert asked.headers["cache-control"] == "no-store"
        challenge = await world.challenge()
        request = challenge.request
        invoice = decode(request["methodDetails"]["invoice"])
        assert (request["amount"], request["currency"]) == ("100", "sat")
        assert invoice.amount_msat == 100_000
        assert invoice.description == "coffee"
        assert request["methodDetails"]["paymentHash"] == invoice.payment_hash.hex()
        assert request["methodDetails"]["network"] == "regtest" == invoice.network
        answer = await world.show(challenge, {"preimage": await world.pay(challenge)})
        assert (answer.status_code, answer.text) == (200, "the goods")
        assert receipt_of(answer) == {
            "method": "lightning",
            "challengeId": challenge.id,
            "reference": invoice.payment_hash.hex(),
            "status": "success",
            "timestamp": "2026-01-01T00:00:00.000Z",
        }


async def test_a_challenge_ends_before_its_invoice() -> None:
    """Step "set expires no later than the invoice's end"; the gate's own challenges live longer."""
    async with opened(challenge_lifetime_s=120) as world:
        challenge = await world.challenge()
        invoice = decode(challenge.request["methodDetails"]["invoice"])
        assert challenge.expires == "2026-01-01T00:02:00Z"
        assert invoice.expires_at_s >= START_S + 120


async def test_every_challenge_has_an_invoice_of_its_own() -> None:
    async with opened() as world:
        hashes = {
            (await world.challenge()).request["methodDetails"]["paymentHash"] for _ in range(20)
        }
        assert len(hashes) == 20


async def test_fifty_identical_credentials_pay_once() -> None:
    """Facts 8, check 7: one 200, and 49 are told that the challenge is used."""
    async with opened() as world:
        challenge = await world.challenge()
        payload = {"preimage": await world.pay(challenge)}
        answers = await asyncio.gather(*(world.show(challenge, payload) for _ in range(50)))
        paid = [one for one in answers if one.status_code == 200]
        others = [problem(one) for one in answers if one.status_code != 200]
        assert len(paid) == 1
        assert others == ["unknown-challenge"] * 49
        assert world.app.served == ["/charge"]


async def test_two_processes_at_once_take_a_credential_once(tmp_path: Path) -> None:
    """The other one cannot know yet whether the first has taken it; the draft has one word only."""
    path = tmp_path / "shop.db"
    store = await SqliteStore.open(path, Clock.frozen(START_S))
    async with opened(store=store) as world:
        twin = await SqliteStore.open(path, world.clock)
        gate = gate_of(world.app, world.server, world.journal, twin, world.clock)
        challenge = await world.challenge()
        field = authorization(challenge, {"preimage": await world.pay(challenge)})
        async with httpx.AsyncClient(
            transport=LocalApp(gate), base_url="http://shop.test"
        ) as other:
            answers = await asyncio.gather(
                *(
                    http.get("/charge", headers={"Authorization": field})
                    for http in (world.http, other) * 25
                )
            )
        assert sorted(one.status_code for one in answers) == [200] + [402] * 49
        assert {problem(one) for one in answers if one.status_code == 402} == {"unknown-challenge"}
        assert world.app.served == ["/charge"]
        await twin.close()
    await store.close()


async def test_a_server_that_died_while_it_took_a_payment_delivers_it_later() -> None:
    async with opened() as world:
        challenge = await world.challenge()
        payload = {"preimage": await world.pay(challenge)}
        proof = proof_hash(Credential(challenge.to_echo(), payload))
        mark = f"taken {world.clock.now_s()} {proof}"
        await world.store.replays().put(mark_key(challenge.id), mark)
        assert problem(await world.show(challenge, payload)) == "unknown-challenge"
        world.clock.advance(61)
        assert (await world.show(challenge, payload)).status_code == 200
        assert problem(await world.show(challenge, payload)) == "unknown-challenge"


async def test_what_was_taken_stays_taken_though_delivery_failed() -> None:
    async with opened() as world:
        world.app.status = 503
        challenge = await world.challenge()
        payload = {"preimage": await world.pay(challenge)}
        assert (await world.show(challenge, payload)).status_code == 503
        assert problem(await world.show(challenge, payload)) == "unknown-challenge"


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"preimage": "00" * 31},
        {"preimage": "AB" * 32},
        {"preimage": 7},
        {"preimage": ["00" * 32]},
    ],
)
async def test_a_payload_that_is_none_is_malformed(payload: dict[str, Any]) -> None:
    async with opened() as world:
        answer = await world.show(await world.challenge(), payload)
        assert problem(answer) == "malformed-credential"


@pytest.mark.parametrize("field", ["Payment !!!", "Payment e30", "Payment bm90IGpzb24"])
async def test_a_credential_that_is_none_is_malformed(field: str) -> None:
    async with opened() as world:
        answer = await world.http.get("/charge", headers={"Authorization": field})
        assert problem(answer) == "malformed-credential"


async def test_a_wrong_preimage_is_told_so_and_may_be_mended() -> None:
    async with opened() as world:
        challenge = await world.challenge()
        assert problem(await world.show(challenge, {"preimage": "00" * 32})) == "invalid-preimage"
        paid = {"preimage": await world.pay(challenge)}
        assert (await world.show(challenge, paid)).status_code == 200


async def test_another_challenges_preimage_is_invalid() -> None:
    async with opened() as world:
        first, second = await world.challenge(), await world.challenge()
        paid = {"preimage": await world.pay(first)}
        assert problem(await world.show(second, paid)) == "invalid-preimage"
        assert (await world.show(first, paid)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"id": "x"},
        {"realm": "other.test"},
        {"expires": "2027-01-01T00:00:00Z"},
        {"request": "e30"},
        {"intent": "session"},
    ],
)
async def test_whatever_differs_from_what_was_issued_is_unknown(change: dict[str, str]) -> None:
    async with opened() as world:
        challenge = await world.challenge()
        sent = authorization(challenge, {"preimage": await world.pay(challenge)})
        text = sent.removeprefix("Payment ")
        document = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        document["challenge"].update(change)
        field = base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")
        answer = await world.http.get("/charge", headers={"Authorization": f"Payment {field}"})
        if "intent" in change:  # no method of the route, and so nobody's words but the gate's
            assert answer.status_code in {400, 402}
        else:
            assert problem(answer) == "unknown-challenge"
        assert world.app.served == []


async def test_a_credential_is_for_its_route_only() -> None:
    async with opened(routes=[]) as world:
        challenge = await world.challenge("/charge?q=1")
        answer = await world.show(challenge, {"preimage": await world.pay(challenge)}, "/charge")
        assert problem(answer) == "unknown-challenge"


async def test_a_late_preimage_is_for_an_expired_invoice() -> None:
    async with opened() as world:
        challenge = await world.challenge()
        paid = {"preimage": await world.pay(challenge)}
        world.clock.advance(300)
        assert problem(await world.show(challenge, paid)) == "expired-invoice"


async def test_extra_members_are_passed_over() -> None:
    async with opened() as world:
        challenge = await world.challenge()
        paid = {"preimage": await world.pay(challenge), "memo": "hello"}
        assert (await world.show(challenge, paid)).status_code == 200


async def test_unpaid_invoices_are_forgotten_by_the_node() -> None:
    """Every 402 leaves one behind (facts 2.1): a thousand must not stay."""
    async with opened() as world:
        for _ in range(1_000):
            assert await world.server.charge(5).personal_request(None) is not None  # type: ignore[arg-type]
        assert len(list(world.rail.node("merchant").invoices())) == 1_000
        world.clock.advance(300 + 60 + world.rail.settings.expired_kept_s + 1)
        assert list(world.rail.node("merchant").invoices()) == []


async def test_a_hung_node_leaves_the_other_ways_to_pay() -> None:
    """Facts 5.2: a cold node hung the whole multi-rail 402."""
    async with opened(invoice_within_s=0.05) as world:
        other = FakeOffer()
        gate = world.gate
        gate._routes["/both"] = Route("/both", (other, world.server.charge(5)))
        gate._bootstraps["/both"] = ()
        world.arm("lightning.invoice", "hang")
        (only,) = await world.challenges("/both")
        assert only.method == "fake"
        world.rail.context.faults.clear()
        assert len(await world.challenges("/both")) == 2


async def test_without_any_way_to_pay_the_route_is_not_there_for_now() -> None:
    async with opened() as world:
        world.arm("lightning.invoice", "fail")
        answer = await world.http.get("/charge")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert "www-authenticate" not in answer.headers
        challenge_before = {"Authorization": "Payment !!!"}
        refused = await world.http.get("/charge", headers=challenge_before)
        assert refused.status_code == 503


async def test_a_node_of_another_network_is_not_offered() -> None:
    async with opened() as world:
        world.merchant._network = "mainnet"
        assert (await world.http.get("/charge")).status_code == 503


async def test_a_preimage_is_in_no_log_no_journal_and_no_refusal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened() as world:
        challenge = await world.challenge()
        preimage = await world.pay(challenge)
        other = await world.challenge()
        refused = await world.show(other, {"preimage": preimage})
        odd = await world.show(other, {"preimage": preimage.upper()})
        await world.show(challenge, {"preimage": preimage})
        again = await world.show(challenge, {"preimage": preimage})
        macaroon = world.payer._headers["Grpc-Metadata-macaroon"]
        said = world.told() + caplog.text + refused.text + again.text + odd.text
        assert preimage not in said.lower()
        assert str(bytes.fromhex(preimage)) not in said
        assert macaroon not in said
        assert challenge.request["methodDetails"]["paymentHash"] in said
