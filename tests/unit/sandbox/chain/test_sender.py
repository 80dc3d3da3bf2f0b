"""Signing and sending: 0x76 batches with expiring nonces (facts, tempo 1.1, 1.3, 1.7)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from mock_rails.core import Clock
from mock_rails.tempo.addresses import ALPHA_USD, BETA_USD, PATH_USD
from mock_rails.tempo.tx.handoff import Handoff, decode_handoff
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY
from sandbox.chain import (
    Sender,
    TransactionRefused,
    TransactionReverts,
    broadcast,
    co_sign,
    fund,
    receipt,
    token_balance,
)
from sandbox.client.wallet import Wallet
from tests.unit.sandbox.chain.support import NOW_S, ChainDesk, transfer

SHOP = b"\x51" * 20


async def test_a_payment_is_sent_and_its_receipt_read() -> None:
    async with ChainDesk() as desk:
        paid = await desk.payer.send([transfer(SHOP, 70)])
        assert paid.success
        assert await token_balance(desk.rpc, PATH_USD, SHOP) == 70
        assert paid.fee_token == ALPHA_USD
        assert paid.fee_payer == paid.sender == desk.payer.address
        assert paid.fee == int(paid.logs[-1]["data"], 16)  # the fee's log is the last (4.2)
        assert await receipt(desk.rpc, paid.hash) == paid


async def test_the_nonce_expires_and_the_window_fits_older_forks() -> None:
    async with ChainDesk() as desk:
        signed = await desk.payer.sign([transfer(SHOP, 1)])
        assert signed.tx.nonce_key == EXPIRING_NONCE_KEY
        assert signed.tx.nonce == 0
        assert signed.tx.valid_before is not None
        assert NOW_S + 3 < signed.tx.valid_before <= NOW_S + 30


async def test_the_same_payment_twice_in_a_second_is_two_payments() -> None:
    async with ChainDesk() as desk:
        for _ in range(2):
            await desk.payer.send([transfer(SHOP, 5)])
        assert await token_balance(desk.rpc, PATH_USD, SHOP) == 10


async def test_what_would_revert_is_not_signed() -> None:
    async with ChainDesk() as desk:
        with pytest.raises(TransactionReverts, match="InsufficientBalance") as caught:
            await desk.payer.sign([transfer(SHOP, 1 << 200)])
        assert "tempo_fundAddress" in (caught.value.hint or "")


async def test_who_cannot_pay_the_fee_is_refused_in_the_node_s_words() -> None:
    async with ChainDesk() as desk:
        poor = Sender(desk.rpc, Wallet.from_seed("poor"), clock=desk.clock, fee_token=PATH_USD)
        await desk.payer.send([transfer(poor.address, 100)])
        with pytest.raises(TransactionRefused, match="insufficient fee token balance"):
            await poor.send([transfer(SHOP, 100)])


async def test_the_faucet_funds_a_new_account() -> None:
    async with ChainDesk() as desk:
        new = Sender(desk.rpc, Wallet.from_seed("new"), clock=desk.clock, fee_token=PATH_USD)
        hashes = await fund(desk.rpc, new.address)
        assert len(hashes) == 4
        assert (await new.send([transfer(SHOP, 9)])).success


async def test_a_sponsor_pays_the_fee_in_its_own_token() -> None:
    """Facts 1.3: the sender hands a 0x78 over; the fee payer chooses the token and co-signs."""
    async with ChainDesk() as desk:
        handed = await desk.payer.sign([transfer(SHOP, 3)], sponsored=True)
        assert isinstance(handed, Handoff)
        arrived = decode_handoff(handed.encode())
        signed = co_sign(arrived, desk.sponsor.wallet, BETA_USD)
        paid = await broadcast(desk.rpc, signed.raw)
        assert paid.success
        assert (paid.sender, paid.fee_payer) == (desk.payer.address, desk.sponsor.address)
        assert paid.fee_token == BETA_USD


async def test_nobody_sponsors_themselves() -> None:
    async with ChainDesk() as desk:
        handed = await desk.payer.sign([transfer(SHOP, 3)], sponsored=True)
        with pytest.raises(TransactionRefused, match="cannot resolve to sender"):
            co_sign(handed, desk.payer.wallet, BETA_USD)


@pytest.mark.parametrize("ahead_s", [3_600, -3_600])
async def test_a_chain_in_another_time_is_paid_all_the_same(ahead_s: int) -> None:
    """A sandbox's clock can be moved, and the payer may live in another process."""
    async with ChainDesk() as desk:
        ours = Clock.frozen(NOW_S - ahead_s)
        stranger = Sender(desk.rpc, Wallet.dev(4), clock=ours, fee_token=ALPHA_USD)
        await desk.payer.send([transfer(SHOP, 1)])
        assert (await stranger.send([transfer(SHOP, 1)])).success


async def test_a_base_fee_that_rose_is_met_with_a_new_signature() -> None:
    async with ChainDesk() as desk:
        await desk.payer.send([transfer(SHOP, 1)])
        desk.payer._price = (1, desk.clock.monotonic_ns() + 10**12)  # an old, low price
        assert (await desk.payer.send([transfer(SHOP, 1)])).success


async def test_many_payments_are_under_way_at_once() -> None:
    """Expiring nonces: none waits for another (facts 1.7)."""
    async with ChainDesk() as desk:
        sent = await asyncio.gather(*(desk.payer.send([transfer(SHOP, 1)]) for _ in range(20)))
        assert all(one.success for one in sent)
        assert await token_balance(desk.rpc, PATH_USD, SHOP) == 20


async def test_without_a_seed_two_senders_of_a_wallet_differ() -> None:
    async with ChainDesk() as desk:
        one, other = (Sender(desk.rpc, Wallet.dev(4), clock=desk.clock) for _ in range(2))
        first, second = [await sender.sign([transfer(SHOP, 1)]) for sender in (one, other)]
        assert first.hash != second.hash


async def test_nothing_shows_the_key() -> None:
    async with ChainDesk() as desk:
        assert desk.payer.wallet.reveal_key().hex() not in repr(desk.payer) + repr(vars(desk.payer))


async def test_what_was_taken_and_never_mined_is_not_paid_again() -> None:
    """Its window passed: whether to pay anew is not the sender's decision."""
    async with ChainDesk() as desk:
        desk.context.faults.arm({"at": "tempo.submit", "do": "drop", "when": {"times": 1}})
        sending = asyncio.create_task(desk.payer.send([transfer(SHOP, 1)], timeout_s=0.3))
        await desk.clock.wall_sleep(timedelta(milliseconds=100))
        desk.clock.advance(60)
        desk.chain.mine()
        with pytest.raises(TransactionRefused, match="expired before"):
            await sending
        assert await token_balance(desk.rpc, PATH_USD, SHOP) == 0
