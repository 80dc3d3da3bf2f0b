"""Payments over Lightning as `inspect` tells them: by challenge, payment hash or session."""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.inspection import Kind, find, render
from sandbox.inspection.lightning_text import sats
from tests.unit.sandbox.client.lightning.world import customer
from tests.unit.sandbox.server.lightning.support import World, opened


def events_of(world: World) -> list[dict[str, Any]]:
    """What the gate and the network told, in one journal's form."""
    told = [*world.rail.context.journal.read(), *world.journal.read()]
    return [orjson.loads(one.to_json()) for one in told]


async def test_a_charge_is_told_with_every_hop_of_its_payment() -> None:
    async with opened() as world:
        async with customer(world) as client:
            await client.get("/charge")
        (payment,) = world.rail.node("payer").payments()
        name = payment.payment_hash.hex()
        events = events_of(world)
        finding = find(events, name[:12])
        assert (finding.kind, finding.id) == (Kind.LIGHTNING, name)
        text = render(finding)
        for words in (
            "GET /charge  paid 200",
            "100 sat by somebody",
            f"reference   {name}",
            "Over Lightning",
            "invoice.created    merchant  100 sat",
            "payer -> router1  101 sat",
            "router1 -> merchant  100 sat",
            "payment.succeeded  payer  100 sat  and 1 sat for the route",
        ):
            assert words in text, words
        assert payment.preimage is not None
        assert payment.preimage.hex() not in text
        by_challenge = find(events, str(finding.exchanges[0].challenge))
        assert by_challenge.others == finding.others
        assert find(events, f"0x{name}").id == name


async def test_a_session_is_told_by_its_requests_and_its_end() -> None:
    async with opened() as world:
        async with customer(world) as client:
            for _ in range(3):
                await client.get("/session")
        (session,) = await world.server.sessions()
        finding = find(events_of(world), session.id.hex())
        assert finding.kind is Kind.LIGHTNING
        text = render(finding)
        assert "Requests (4)" in text  # the open, two bearers, the close
        assert "2 sat" in text
        assert "294 sat to send back" in text
        assert "payment.succeeded  payer  300 sat  and 1 sat for the route" in text
        one = render(find(events_of(world), finding.exchanges[1].id))
        assert "2 sat of the session's deposit" in one
        assert "4 of 300 sat is spent" in one


async def test_a_payment_that_bought_nothing_is_told_all_the_same() -> None:
    async with opened() as world:
        made = await world.merchant.create_invoice(amount_sat=5, memo="alone", expiry_s=60)
        await world.payer.pay(made.bolt11, fee_limit_sat=2, timeout_s=1)
        text = render(find(events_of(world), made.payment_hash.hex()))
        assert "No paid request caused it." in text
        assert "payment.succeeded" in text


def test_millisatoshis_are_exact() -> None:
    assert [sats(one) for one in (0, 1, 1_000, 1_234_567)] == [
        "0 sat",
        "0.001 sat",
        "1 sat",
        "1,234.567 sat",
    ]
