"""Idempotency-Key with vouchers: same key, same response, one charge (facts: protocol 1.1, row 16).

A retry comes with a new challenge and a new voucher; that it is the same payer who asks, only the
voucher's signature shows. Through the gate, with a real chain behind the session server.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from mpp.errors import VerificationFailedError

from mock_rails.tempo.tx.signatures import KeychainSignature, Secp256k1Signature
from sandbox.client.wallet import Wallet
from sandbox.methods.tempo_session.problems import InvalidSignatureError
from sandbox.server.idempotency import LEASE_S
from tests.unit.sandbox.server.session.support import GET, V1, V2, Payer, make_world
from tests.unit.sandbox.server.support import App, Shop, challenge_of, paid, problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from sandbox.methods.tempo_session import Payload, SessionProtocol

KEY = {"Idempotency-Key": "order-1"}


class Customer(Payer):
    """A payer at the shop's door."""

    shop: Shop

    async def ask(self, payload: Payload, url: str = "/goods", **headers: str) -> httpx.Response:
        """A request under the key, with a challenge of its own."""
        shown = await self.show(payload, url)
        return await self.shop.get(url, headers={**headers, **shown})

    async def show(self, payload: Payload, url: str = "/goods") -> dict[str, str]:
        """Its headers."""
        challenge = challenge_of(await self.shop.get(url))
        source = f"did:pkh:eip155:{self.offer.terms.chain_id}:0x{self.wallet.address.hex()}"
        return {**KEY, **paid(challenge, payload=payload.to_json(), source=source)}


@asynccontextmanager
async def customer(protocol: SessionProtocol = V2) -> AsyncIterator[Customer]:
    """A payer, and a shop that takes 100 base units a request."""
    async with make_world() as world:
        offer = world.offer(protocol=protocol, bootstrap=False)
        async with Shop(offer, clock=world.clock, app=App(body=b"goods")) as shop:
            payer = Customer(world, offer, Wallet.dev(1))
            payer.shop = shop
            yield payer


@pytest.mark.parametrize("protocol", [V1, V2])
async def test_a_key_with_a_new_voucher_is_answered_as_before_and_charged_once(
    protocol: SessionProtocol,
) -> None:
    async with customer(protocol) as payer:
        await payer.open(cumulative=100)
        first = await payer.ask(payer.make_voucher(200))
        assert first.status_code == 200
        again = await payer.ask(payer.make_voucher(300))
        assert again.headers == first.headers
        assert again.content == first.content
        record = await payer.record()
        assert (record.spent, record.accepted) == (200, 200)
        assert len(payer.shop.app.scopes) == 1


async def test_an_opening_under_a_key_is_answered_again_for_a_voucher() -> None:
    async with customer() as payer:
        first = await payer.ask(await payer.make_open())
        again = await payer.ask(payer.make_voucher(200))
        assert first.status_code == again.status_code == 200
        assert again.headers == first.headers
        assert (await payer.record()).spent == 100


async def test_a_channel_that_ended_meanwhile_still_shows_who_asks() -> None:
    """The payer opens another channel to ask again: nothing is charged, and nothing is opened."""
    async with customer() as payer:
        first = await payer.ask(await payer.make_open())
        await payer.world.server.close(payer.id)
        again = await payer.ask(await payer.make_open())
        assert again.headers == first.headers
        assert await payer.world.server.channel(payer.id) is None


async def test_a_key_with_another_request_is_refused_and_takes_no_voucher() -> None:
    async with customer() as payer:
        await payer.open(cumulative=100)
        await payer.ask(payer.make_voucher(200))
        other = await payer.ask(payer.make_voucher(300), "/goods?q=dogs")
        assert (other.status_code, problem(other)) == (422, "idempotency-mismatch")
        assert (await payer.record()).accepted == 200


async def test_a_voucher_that_others_may_have_seen_is_told_no_earlier_answer() -> None:
    """Snapshots show the highest voucher to whoever names the channel, and keys can be guessed."""
    async with customer() as payer:
        await payer.open(cumulative=100)
        seen = payer.make_voucher(400)
        assert (await payer.ask(seen)).status_code == 200
        thief = await payer.ask(seen)
        assert (thief.status_code, problem(thief)) == (402, "verification-failed")
        assert (await payer.record()).spent == 200
        assert (await payer.ask(payer.make_voucher(500))).status_code == 200
        assert (await payer.record()).spent == 200


async def test_after_a_crash_another_voucher_does_not_pay_a_second_time() -> None:
    """Whether the first attempt was charged nobody knows: the key stays with it, and says so."""
    async with customer() as payer:
        await payer.open(cumulative=100)
        payer.shop.app.fails = asyncio.CancelledError("the process is killed")
        with pytest.raises(asyncio.CancelledError):
            await payer.ask(payer.make_voucher(200))
        payer.shop.app.fails = None
        payer.world.clock.advance(LEASE_S)
        again = await payer.ask(payer.make_voucher(300))
        assert (again.status_code, problem(again)) == (500, "internal-payment-error")
        assert (await payer.record()).spent == 200


async def test_after_a_crash_the_same_voucher_does_not_pay_a_second_time() -> None:
    """Though it is the highest, and covers the price once more."""
    async with customer() as payer:
        await payer.open(cumulative=100)
        shown = await payer.show(payer.make_voucher(500))
        payer.shop.app.fails = asyncio.CancelledError("the process is killed")
        with pytest.raises(asyncio.CancelledError):
            await payer.shop.get(headers=shown)
        payer.shop.app.fails = None
        payer.world.clock.advance(LEASE_S)
        again = await payer.shop.get(headers=shown)
        assert (again.status_code, problem(again)) == (500, "internal-payment-error")
        assert (await payer.record()).spent == 200


@pytest.mark.parametrize("cumulative", [200, 300])
async def test_a_crash_before_the_charge_is_seen_and_the_next_voucher_pays(
    cumulative: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the channel has spent is as it was, so surely nothing was charged."""
    async with customer() as payer:
        await payer.open(cumulative=100)

        async def killed(*_: object) -> None:
            raise asyncio.CancelledError

        with monkeypatch.context() as patch:
            patch.setattr(payer.offer, "settle", killed)
            with pytest.raises(asyncio.CancelledError):
                await payer.ask(payer.make_voucher(200))
        payer.world.clock.advance(LEASE_S)
        assert (await payer.ask(payer.make_voucher(cumulative))).status_code == 200
        assert (await payer.record()).spent == 200


async def test_an_outage_charges_nothing_says_so_and_leaves_the_key_free() -> None:
    async with customer() as payer:
        await payer.open(cumulative=100)
        payer.world.clock.advance(60)  # what is known of the channel is too old to serve by
        shown = await payer.show(payer.make_voucher(200))
        payer.world.line.is_cut = True
        answer = await payer.shop.get(headers=shown)
        assert (answer.status_code, problem(answer)) == (503, "internal-payment-error")
        assert "nothing was charged" in answer.text.lower()
        assert "www-authenticate" not in answer.headers
        payer.world.line.is_cut = False
        assert (await payer.shop.get(headers=shown)).status_code == 200
        assert (await payer.record()).spent == 200


async def test_another_payer_with_the_same_key_is_another_customer() -> None:
    async with customer() as payer:
        await payer.open(cumulative=100)
        await payer.ask(payer.make_voucher(200))
        other = Customer(payer.world, payer.offer, Wallet.dev(3))
        other.shop = payer.shop
        assert (await other.ask(await other.make_open())).status_code == 200
        assert (await other.record()).spent == 100


async def test_without_a_key_nothing_is_proven() -> None:
    async with customer() as payer:
        await payer.open(cumulative=100)
        for cumulative in (200, 300):
            challenge = challenge_of(await payer.shop.get())
            shown = paid(
                challenge,
                payload=payer.make_voucher(cumulative).to_json(),
                source=payer.credential(payer.make_voucher(1)).source,
            )
            assert (await payer.shop.get(headers=shown)).status_code == 200
        assert (await payer.record()).spent == 300


async def test_a_proof_is_the_signature_and_not_what_is_claimed() -> None:
    async with customer() as payer:
        opening = await payer.make_open()
        assert await payer.offer.prove(payer.credential(opening), GET) == _hex(payer)
        await payer.send(opening)
        shown = payer.credential(payer.make_voucher(200), source="did:pkh:eip155:1:0xsomebody")
        assert await payer.offer.prove(shown, GET) == _hex(payer)
        forged = replace(payer.make_voucher(200), signature=payer.sign(300))
        with pytest.raises(InvalidSignatureError):
            await payer.offer.prove(payer.credential(forged), GET)
        assert (await payer.record()).accepted == 100


async def test_what_shows_nobody_is_no_proof() -> None:
    async with customer() as payer:
        await payer.open()
        for payload in (payer.make_close(100), await payer.make_top_up(10)):
            shown = payer.credential(payload)
            assert await payer.offer.prove(shown, GET) is None
            with pytest.raises(VerificationFailedError):
                await payer.offer.check_unseen(shown)


async def test_an_access_key_speaks_for_nobody_before_the_chain_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Any key can name any account; the chain looks whether it may, when it takes the opening."""
    async with customer() as payer:
        payload = await payer.make_open()
        from sandbox.server.session import offer as module

        real = module.check_opening

        def by_access_key(*given: object) -> object:
            opening = real(*given)  # type: ignore[arg-type]
            signed = opening.transaction.signed
            inner = signed.signature
            assert isinstance(inner, Secp256k1Signature)
            wrapped = replace(signed, signature=KeychainSignature(payer.wallet.address, inner))
            return opening._replace(transaction=opening.transaction._replace(signed=wrapped))

        monkeypatch.setattr(module, "check_opening", by_access_key)
        assert await payer.offer.prove(payer.credential(payload), GET) is None
        await payer.send(payload)
        assert await payer.offer.prove(payer.credential(payload), GET) == _hex(payer)


def _hex(payer: Payer) -> str:
    return "0x" + payer.wallet.address.hex()
