"""A server dies while it settles a charge: paid, and then delivered once, never twice.

Facts: protocol 1.1, row 17, and 1.5. The credential's mark says that somebody took it; the chain
says whether it paid. Real charges of pympp's client, on a chain in the same process.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from mpp import Credential, Receipt
from mpp.errors import VerificationFailedError

from mock_rails.core import Seeds
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.tx.model import Call
from sandbox.chain import Sender, token_balance
from sandbox.client.wallet import Wallet
from sandbox.server.charge_lookup import look_up
from tests.unit.sandbox.server.charging import PAYER, PRICE, opened
from tests.unit.sandbox.server.support import App, FakeOffer, Shop, challenge_of, paid, problem

if TYPE_CHECKING:
    import httpx

    from sandbox.server.offer import Settlement
    from sandbox.server.request import PaidRequest

KEY = {"Idempotency-Key": "order-1"}


async def test_what_was_paid_before_the_crash_is_delivered_once() -> None:
    async with opened() as world:
        before = await world.income()
        sent = await world.credential()
        await world.take(sent)
        settlement = await world.settle(sent)
        waits = await world.show(sent)
        assert (waits.status_code, problem(waits)) == (409, "payment-in-progress")
        world.shop.clock.advance(60)
        answer = await world.show(sent)
        assert (answer.status_code, answer.text) == (200, "the goods")
        receipt = Receipt.from_payment_receipt(answer.headers["payment-receipt"])
        assert (receipt.reference, receipt.method) == (settlement.reference, "tempo")
        found = world.shop.app.scopes[0]["mpp"]
        assert (found.amount, found.payer, found.tx_hash) == (
            PRICE, f"0x{PAYER.address.hex()}", settlement.tx_hash,
        )  # fmt: skip
        for _ in range(2):
            again = await world.show(sent)
            assert (again.status_code, problem(again)) == (402, "invalid-challenge")
        assert len(world.shop.app.scopes) == 1
        assert await world.income() == before + PRICE


async def test_a_payment_whose_answer_was_lost_is_found_at_once() -> None:
    async with opened() as world:
        sent = await world.credential()
        await world.settle(sent)
        await world.mark(sent, "unknown")
        assert (await world.show(sent)).status_code == 200
        assert (await world.show(sent)).status_code == 402


async def test_another_proof_for_the_same_challenge_is_not_looked_up() -> None:
    """To look up a card's payment is to ask for it again: this would be a second payment."""
    async with opened() as world:
        sent = await world.credential()
        await world.take(sent)
        await world.settle(sent)
        world.shop.clock.advance(60)
        challenge = Credential.from_authorization(sent).challenge
        other = Credential(challenge, {"type": "hash", "hash": "0x" + 64 * "1"}).to_authorization()
        answer = await world.show(other)
        assert (answer.status_code, problem(answer)) == (500, "internal-payment-error")
        assert (await world.show(sent)).status_code == 200


async def test_two_looks_at_once_deliver_once() -> None:
    async with opened() as world:
        sent = await world.credential()
        await world.take(sent)
        await world.settle(sent)
        world.shop.clock.advance(60)
        answers = await asyncio.gather(*(world.show(sent) for _ in range(5)))
        assert sorted(one.status_code for one in answers)[0] == 200
        assert len(world.shop.app.scopes) == 1


async def test_what_was_never_sent_is_unknown_until_it_cannot_be_sent_any_more() -> None:
    async with opened() as world:
        before = await world.income()
        sent = await world.credential()
        await world.take(sent)
        world.shop.clock.advance(60)
        answer = await world.show(sent)
        assert (answer.status_code, problem(answer)) == (500, "internal-payment-error")
        world.chain.context.clock.advance(600)
        await world.rpc.call("evm_mine")
        answer = await world.show(sent)
        assert (answer.status_code, problem(answer)) == (402, "verification-failed")
        assert "nothing was paid" in answer.text
        assert challenge_of(answer).id
        assert (world.shop.app.scopes, await world.income()) == ([], before)


async def test_a_transaction_that_reverted_paid_nothing() -> None:
    async with opened() as world:
        sent = await world.credential()
        await world.take(sent)
        raw = Credential.from_authorization(sent).payload["signature"]
        sender = Sender(world.rpc, PAYER, clock=world.shop.clock, seeds=Seeds("payer"))
        left = await token_balance(world.rpc, PATH_USD, PAYER.address) - PRICE * 2 // 3
        to_other = Wallet.dev(3).address.rjust(32, b"\0") + left.to_bytes(32)
        await sender.send([Call(PATH_USD, 0, bytes.fromhex("a9059cbb") + to_other)])
        await world.rpc.call("eth_sendRawTransactionSync", raw)
        with pytest.raises(VerificationFailedError, match="reverted"):
            await look_up(world.rpc, raw)
        world.shop.clock.advance(60)
        answer = await world.show(sent)
        assert (answer.status_code, problem(answer)) == (402, "verification-failed")
        assert world.shop.app.scopes == []


async def test_a_node_that_cannot_be_asked_leaves_it_unknown() -> None:
    async with opened() as world:
        sent = await world.credential()
        await world.take(sent)
        await world.settle(sent)
        world.shop.clock.advance(60)
        url, world.rpc.url = world.rpc.url, "nonsense://"
        answer = await world.show(sent)
        assert (answer.status_code, problem(answer)) == (500, "internal-payment-error")
        world.rpc.url = url
        assert (await world.show(sent)).status_code == 200


async def test_without_a_node_to_ask_it_stays_unknown() -> None:
    async with opened(looks=False) as world:
        sent = await world.credential()
        await world.take(sent)
        await world.settle(sent)
        world.shop.clock.advance(60)
        answer = await world.show(sent)
        assert (answer.status_code, problem(answer)) == (500, "internal-payment-error")


async def test_a_payment_for_another_challenge_is_not_found() -> None:
    """The memo names the challenge: what paid for one thing is no reason to deliver another."""
    async with opened() as world:
        sent = await world.credential()
        await world.settle(sent)
        other = challenge_of(await world.shop.get())
        payload = Credential.from_authorization(sent).payload
        source = Credential.from_authorization(sent).source
        stolen = paid(other, payload=payload, source=source)["Authorization"]
        await world.take(stolen)
        world.shop.clock.advance(60)
        answer = await world.show(stolen)
        assert (answer.status_code, problem(answer)) == (500, "internal-payment-error")
        assert world.shop.app.scopes == []


async def test_under_a_key_it_is_delivered_once_and_then_repeated() -> None:
    async with opened() as world:
        sent = await world.credential()
        (offer,) = world.shop.offers
        real = offer.settle

        async def dies(credential: Credential, request: PaidRequest) -> Settlement:
            await real(credential, request)
            raise RuntimeError("the power is gone")

        offer.settle = dies
        first = await world.show(sent, **KEY)
        assert (first.status_code, problem(first)) == (500, "internal-payment-error")
        offer.settle = real
        answer = await world.show(sent, **KEY)
        again = await world.show(sent, **KEY)
        assert (answer.status_code, again.status_code) == (200, 200)
        assert answer.headers == again.headers
        assert len(world.shop.app.scopes) == 1


# -- whoever delivers says so first ---------------------------------------------------------------


class FindingOffer(FakeOffer):
    """An offer that finds every payment it took."""

    async def find(self, credential: Credential, request: PaidRequest) -> Settlement | None:
        if credential.challenge.id in self.settled:
            self.settled.remove(credential.challenge.id)
            return await super().settle(credential, request)
        return None


class Slow(FindingOffer):
    """It takes so long to settle that the server is thought dead."""

    shop: Shop
    found: httpx.Response
    sent: dict[str, str]

    async def settle(self, credential: Credential, request: PaidRequest) -> Settlement:
        settlement = await super().settle(credential, request)
        self.shop.clock.advance(60)
        other = Shop(self, clock=self.shop.clock, store=self.shop.store, app=self.shop.app)
        async with other:
            self.found = await other.get(headers=self.sent)
        return settlement


async def test_a_server_that_was_thought_dead_does_not_deliver_as_well() -> None:
    offer = Slow()
    async with Shop(offer) as shop:
        offer.shop, offer.sent = shop, paid(challenge_of(await shop.get()))
        late = await shop.get(headers=offer.sent)
        assert offer.found.status_code == 200
        assert (late.status_code, problem(late)) == (500, "internal-payment-error")
        assert len(shop.app.scopes) == 1


async def test_what_cannot_be_claimed_is_not_delivered() -> None:
    """The store fails after the payment: it can be found later, and must not be given away now."""
    app: Any = App()
    async with Shop(FindingOffer(), app=app) as shop:
        sent = paid(challenge_of(await shop.get()))
        shop.offers[0].before = shop.store.close
        answer = await shop.get(headers=sent)
        assert (answer.status_code, problem(answer)) == (500, "internal-payment-error")
        assert app.scopes == []
