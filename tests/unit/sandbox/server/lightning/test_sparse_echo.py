"""Clients that echo only id, realm, method, intent, request and expires (facts: lightning 1.2).

Alby's released client is one. What it leaves out follows from the request that it repeats, and the
challenge's id proves it: such a credential is as good as another, and for no other request.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from mpp import Challenge, Credential

from sandbox.lightning import LocalApp
from sandbox.server.route import Route
from tests.unit.sandbox.server.lightning.support import World, gate_of, opened, problem


def sparse(challenge: Challenge, payload: dict[str, Any]) -> dict[str, str]:
    echo = replace(challenge.to_echo(), opaque=None, digest=None, description=None)
    return {"Authorization": Credential(echo, payload).to_authorization()}


async def asked(world: World, url: str = "/charge", **options: Any) -> dict[str, str]:
    """A paid credential for what this request is asked."""
    challenge = await world.challenge(url, **options)
    assert challenge.opaque is not None
    return sparse(challenge, {"preimage": await world.pay(challenge)})


async def test_a_charge_is_taken_once() -> None:
    async with opened() as world:
        fields = await asked(world, "/charge?size=2")
        taken = await world.http.get("/charge?size=2", headers=fields)
        assert (taken.status_code, taken.text) == (200, "the goods")
        again = await world.http.get("/charge?size=2", headers=fields)
        assert problem(again) == "unknown-challenge"
        assert world.app.served == ["/charge"]


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("GET", "/charge?size=3", b""),
        ("GET", "/charge", b""),
        ("GET", "/session", b""),
    ],
)
async def test_it_is_for_the_request_that_was_asked_about(
    method: str, url: str, body: bytes
) -> None:
    async with opened() as world:
        fields = await asked(world, "/charge?size=2")
        answer = await world.http.request(method, url, headers=fields, content=body)
        assert answer.is_client_error
        assert world.app.served == []


async def test_the_body_is_bound_although_its_digest_is_not_said() -> None:
    async with opened() as world:
        posted = Route("/posted", (world.server.charge(7),), methods=frozenset({"POST"}))
        gate = gate_of(world.app, world.server, world.journal, world.store, world.clock, [posted])
        line = LocalApp(gate)
        async with httpx.AsyncClient(transport=line, base_url="http://shop.test") as http:
            unpaid = await http.post("/posted", content=b"one")
            challenge = Challenge.from_www_authenticate(unpaid.headers["www-authenticate"])
            assert challenge.digest is not None
            fields = sparse(challenge, {"preimage": await world.pay(challenge)})
            other = await http.post("/posted", headers=fields, content=b"two")
            assert problem(other) == "unknown-challenge"
            none = await http.post("/posted", headers=fields)
            assert problem(none) == "unknown-challenge"
            taken = await http.post("/posted", headers=fields, content=b"one")
            assert taken.status_code == 200


async def test_a_session_is_opened_and_used() -> None:
    async with opened() as world:
        challenge = await world.challenge("/session")
        preimage = await world.pay(challenge)
        back = await world.return_invoice()
        payload = {"action": "open", "preimage": preimage, "returnInvoice": back}
        first = await world.http.get("/session", headers=sparse(challenge, payload))
        assert first.status_code == 200
        session = {"sessionId": challenge.request["paymentHash"], "preimage": preimage}
        bearer = sparse(await world.challenge("/session"), {"action": "bearer", **session})
        assert (await world.http.get("/session", headers=bearer)).status_code == 200
        assert (await world.record(session)).units == 2


async def test_every_challenge_is_another_without_a_nonce() -> None:
    async with opened() as world:
        ids = {(await world.challenge()).id for _ in range(5)}
        assert len(ids) == 5
