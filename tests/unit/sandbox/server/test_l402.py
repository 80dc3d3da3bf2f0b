"""L402 beside MPP: a ticket that is bought once and used many times (facts: lightning 6)."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mpp import Challenge

from mock_rails.core.errors import BadInput
from mock_rails.lightning.bolt11 import decode
from mock_rails.lightning.macaroon import attenuate, bake, read
from sandbox.lightning import LocalApp
from sandbox.server.l402 import L402
from tests.unit.sandbox.server.lightning.support import SECRET, World, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.lightning import MadeInvoice

PRICE = 500


@asynccontextmanager
async def ticketed(**options: object) -> AsyncIterator[tuple[World, L402]]:
    """The shop, whose charged route also sells tickets."""
    async with opened() as world:
        l402 = L402(
            world.gate,
            world.app,
            {"/charge": PRICE, "/session": PRICE},
            node=world.merchant,
            secret=SECRET,
            store=world.store,
            clock=world.clock,
            journal=world.journal,
            **options,  # type: ignore[arg-type]
        )
        http = httpx.AsyncClient(transport=LocalApp(l402), base_url="http://shop.test")
        world.http = await world.stack.enter_async_context(http)
        yield world, l402


def told(answer: httpx.Response, scheme: str = "L402") -> dict[str, str]:
    """The parameters of the challenge of a scheme."""
    (value,) = (
        one for one in answer.headers.get_list("www-authenticate") if one.startswith(scheme)
    )
    return dict(re.findall(r'(\w+)="([^"]*)"', value))


async def bought(world: World, path: str = "/charge") -> tuple[str, str]:
    """A token and its preimage."""
    challenge = told(await world.http.get(path))
    paid = await world.payer.pay(challenge["invoice"], fee_limit_sat=20, timeout_s=5)
    return challenge["token"], paid.preimage.hex()


async def used(
    world: World, token: str, preimage: str, path: str = "/charge", scheme: str = "L402"
) -> httpx.Response:
    return await world.http.get(path, headers={"Authorization": f"{scheme} {token}:{preimage}"})


def altered(token: str, caveat: str) -> str:
    raw = attenuate(base64.b64decode(token), [caveat.encode()])
    return base64.b64encode(raw).decode()


async def test_a_402_offers_a_charge_and_a_ticket() -> None:
    async with ticketed() as (world, _):
        answer = await world.http.get("/charge")
        assert answer.status_code == 402
        schemes = [one.split()[0] for one in answer.headers.get_list("www-authenticate")]
        assert schemes == ["Payment", "L402", "LSAT"]
        challenge = told(answer)
        assert challenge["version"] == "0"
        assert challenge["token"] == challenge["macaroon"] == told(answer, "LSAT")["macaroon"]
        invoice = decode(challenge["invoice"])
        assert invoice.amount_msat == PRICE * 1_000
        token = read(base64.b64decode(challenge["token"]))
        assert len(token.identifier) == 66
        assert token.identifier[:34] == b"\0\0" + invoice.payment_hash
        assert token.caveats == (
            b"services=charge:0",
            b"charge_valid_until=%d" % (world.clock.now_s() + 86_400),
        )


async def test_a_ticket_is_used_again_and_again() -> None:
    async with ticketed() as (world, _):
        token, preimage = await bought(world)
        for scheme in ("L402", "LSAT", "l402"):
            answer = await used(world, token, preimage, scheme=scheme)
            assert (answer.status_code, answer.text) == (200, "the goods")
            assert answer.headers["cache-control"] == "private"
            assert "payment-receipt" not in answer.headers
        urlsafe = token.replace("+", "-").replace("/", "_").rstrip("=")
        assert (await used(world, urlsafe, preimage.upper())).status_code == 200


async def test_a_charge_is_still_a_charge() -> None:
    async with ticketed() as (world, _):
        from mpp import Challenge

        answer = await world.http.get("/charge")
        value = answer.headers.get_list("www-authenticate")[0]
        challenge = Challenge.from_www_authenticate(value)
        paid = {"preimage": await world.pay(challenge)}
        assert (await world.show(challenge, paid)).status_code == 200
        assert (await world.show(challenge, paid)).status_code == 402
        # What pays for one answer is no ticket.
        token = told(answer)["token"]
        assert (await used(world, token, paid["preimage"])).status_code == 402


async def test_a_ticket_is_for_its_route() -> None:
    async with ticketed() as (world, _):
        token, preimage = await bought(world)
        assert (await used(world, token, preimage, "/session")).status_code == 402


async def test_a_ticket_ends() -> None:
    async with ticketed(valid_s=100) as (world, _):
        token, preimage = await bought(world)
        world.clock.advance(99)
        assert (await used(world, token, preimage)).status_code == 200
        world.clock.advance(1)
        answer = await used(world, token, preimage)
        assert answer.status_code == 402
        assert told(answer)["token"] != token


async def test_a_ticket_without_an_end_is_good_until_it_is_revoked() -> None:
    async with ticketed(valid_s=None) as (world, l402):
        token, preimage = await bought(world)
        world.clock.advance(10**8)
        assert (await used(world, token, preimage)).status_code == 200
        await l402.revoke(read(base64.b64decode(token)).identifier[34:])
        assert (await used(world, token, preimage)).status_code == 402


async def test_holders_may_narrow_their_tickets() -> None:
    async with ticketed() as (world, _):
        token, preimage = await bought(world)
        now_s = world.clock.now_s()
        shorter = altered(token, f"charge_valid_until={now_s + 10}")
        assert (await used(world, shorter, preimage)).status_code == 200
        assert (await used(world, altered(token, f"preimage={preimage}"), preimage)).is_success
        world.clock.advance(10)
        assert (await used(world, shorter, preimage)).status_code == 402
        for caveat in (
            "services=other:0",
            "charge_valid_until=soon",
            "charge_valid_until=",
            "color=red",
            "preimage=00",
            "nonsense",
        ):
            assert (await used(world, altered(token, caveat), preimage)).status_code == 402


async def test_whatever_is_no_ticket_is_asked_to_buy_one() -> None:
    async with ticketed() as (world, _):
        token, preimage = await bought(world)
        raw = read(base64.b64decode(token))
        forged = bake(b"another key", raw.identifier, raw.caveats)
        bare = bake(b"another key", raw.identifier[:40])
        for text in (
            f"{base64.b64encode(forged).decode()}:{preimage}",
            f"{base64.b64encode(bare).decode()}:{preimage}",
            f"{token}:{'00' * 32}",
            f"{token}:{preimage[:-1]}",
            f"{token}",
            f"AAAA:{preimage}",
            f"A:{preimage}",
            "",
        ):
            answer = await world.http.get("/charge", headers={"Authorization": f"L402 {text} "})
            assert answer.status_code == 402, text
            assert told(answer)["invoice"] or not text
        assert world.app.served == []


async def test_two_tickets_at_once_are_none() -> None:
    async with ticketed() as (world, _):
        token, preimage = await bought(world)
        field = ("Authorization", f"L402 {token}:{preimage}")
        assert (await world.http.get("/charge", headers=[field, field])).status_code == 402


async def test_without_an_invoice_the_gate_answers_alone() -> None:
    async with ticketed() as (world, _):
        world.rail.context.faults.arm(
            {"at": "lightning.invoice", "do": "fail", "where": {"memo": "L402 /charge"}}
        )
        answer = await world.http.get("/charge")
        schemes = [one.split()[0] for one in answer.headers.get_list("www-authenticate")]
        assert (answer.status_code, schemes) == (402, ["Payment"])


async def test_the_gates_invoice_and_the_tickets_are_made_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A node that hangs is waited for once (facts 5.2: what is slow hides the other ways to pay).
    Each invoice here waits for the other, so that one after the other would be none at all."""
    async with ticketed() as (world, _):
        both, make = asyncio.Barrier(2), world.merchant.create_invoice

        async def create_invoice(**asked: Any) -> MadeInvoice:
            await both.wait()
            return await make(**asked)

        monkeypatch.setattr(world.merchant, "create_invoice", create_invoice)
        answer = await world.http.get("/charge")
        schemes = [one.split()[0] for one in answer.headers.get_list("www-authenticate")]
        assert schemes == ["Payment", "L402", "LSAT"]


async def test_who_has_paid_waits_for_no_tickets_invoice() -> None:
    async with ticketed() as (world, _):
        (challenge,) = [
            Challenge.from_www_authenticate(one)
            for one in (await world.http.get("/charge")).headers.get_list("www-authenticate")
            if one.startswith("Payment")
        ]
        paid = {"preimage": await world.pay(challenge)}
        world.arm("lightning.invoice", "hang")
        assert (await world.show(challenge, paid)).status_code == 200


async def test_a_node_that_hangs_keeps_nobody_longer_than_the_limit() -> None:
    async with ticketed(invoice_within_s=0.05) as (world, _):
        world.rail.context.faults.arm(
            {"at": "lightning.invoice", "do": "hang", "where": {"memo": "L402 /charge"}}
        )
        answer = await world.http.get("/charge")
        schemes = [one.split()[0] for one in answer.headers.get_list("www-authenticate")]
        assert (answer.status_code, schemes) == (402, ["Payment"])
        assert "l402.challenged" not in world.told()


async def test_other_routes_and_kinds_are_the_gates() -> None:
    async with ticketed() as (world, _):
        answer = await world.http.get("/free", headers={"Authorization": "L402 x:y"})
        assert answer.text == "the goods"
        assert world.app.served == ["/free"]


async def test_neither_token_nor_preimage_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with ticketed() as (world, _):
        token, preimage = await bought(world)
        answer = await used(world, token, preimage)
        refused = await used(world, altered(token, "color=red"), preimage)
        said = world.told() + caplog.text + answer.text + refused.text
        assert preimage not in said
        assert token not in said
        kinds = [one.kind for one in world.journal.read()]
        assert "l402.challenged" in kinds
        assert "l402.used" in kinds


async def test_a_short_secret_or_equal_names_are_refused() -> None:
    async with opened() as world:
        for prices, secret in (
            ({"/a": 1}, "short"),
            ({"/a/b": 1, "/a_b": 1}, SECRET),
            ({"/a": 0}, SECRET),
        ):
            with pytest.raises(BadInput):
                L402(
                    world.gate,
                    world.app,
                    prices,
                    node=world.merchant,
                    secret=secret,
                    store=world.store,
                    clock=world.clock,
                )
