"""A session from open to close, against the real chain (facts: protocol 2.5, 2.7)."""

from __future__ import annotations

import pytest
from mpp.errors import VerificationFailedError

from sandbox.methods.tempo_session import SessionProtocol, Status
from sandbox.methods.tempo_session.problems import (
    AmountExceedsDepositError,
    ChannelClosedError,
    ChannelNotFoundError,
    DeltaTooSmallError,
    InsufficientBalanceError,
    InvalidSignatureError,
    SignerMismatchError,
)
from tests.unit.sandbox.server.session.support import (
    HEAD,
    PAYEE,
    POST,
    V1,
    V2,
    make_request,
    make_world,
    receipt_of,
)

PROTOCOLS = tuple(SessionProtocol)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_session_from_open_to_close(protocol: SessionProtocol) -> None:
    async with make_world() as world:
        payer = world.payer(world.offer(protocol=protocol))
        mine, theirs = await world.balance(payer.wallet.address), await world.balance(PAYEE.address)

        paid = await payer.open(deposit=1_000)
        receipt = receipt_of(paid)
        assert (paid.delivers, paid.amount, paid.meter) == (True, 100, None)
        assert (receipt.accepted, receipt.spent, receipt.units) == (100, 100, 1)
        assert receipt.challenge_id == "challenge-1"
        assert world.chain.receipt(receipt.tx_hash).status
        assert paid.tx_hash == "0x" + receipt.tx_hash.hex()
        assert await world.balance(payer.wallet.address) == mine - 1_000

        for cumulative in (200, 300):
            paid = await payer.voucher(cumulative)
            receipt = receipt_of(paid)
            assert (receipt.accepted, receipt.spent) == (cumulative, cumulative)
            assert receipt.tx_hash is None

        paid = await payer.top_up(500)
        assert (paid.delivers, paid.amount) == (False, 0)
        assert receipt_of(paid).tx_hash is not None
        assert (await payer.record()).deposit == 1_500

        paid = await payer.close(300)
        receipt = receipt_of(paid)
        assert (paid.delivers, paid.amount) == (False, 0)
        assert (receipt.accepted, receipt.spent) == (300, 300)
        assert world.chain.receipt(receipt.tx_hash).status
        assert await world.balance(payer.wallet.address) == mine - 300
        assert await world.balance(PAYEE.address) == theirs + 300
        record = await payer.record()
        assert (record.status, record.settled, record.closed_tx) == (
            Status.CLOSED, 300, receipt.tx_hash,
        )  # fmt: skip

        with pytest.raises(ChannelClosedError) as caught:
            await payer.voucher(400)
        assert caught.value.status == 410


async def test_management_costs_nothing_and_is_answered_by_the_gate() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        paid = await payer.open(request=POST)
        assert (paid.delivers, paid.amount, receipt_of(paid).spent) == (False, 0, 0)
        for request in (POST, HEAD):
            paid = await payer.voucher(300, request)
            assert (paid.delivers, paid.amount, receipt_of(paid).spent) == (False, 0, 0)
        paid = await payer.voucher(300)  # equal: accepted again, and charged for its content
        assert (paid.delivers, receipt_of(paid).spent) == (True, 100)


async def test_an_equal_voucher_pays_only_what_it_still_covers() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        await payer.voucher(300)
        assert receipt_of(await payer.voucher(300)).spent == 300
        with pytest.raises(InsufficientBalanceError):
            await payer.voucher(300)
        assert (await payer.record()).spent == 300


async def test_a_voucher_that_does_not_cover_the_price_is_kept_all_the_same() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        with pytest.raises(InsufficientBalanceError, match="requested 100, available 50"):
            await payer.voucher(150)
        record = await payer.record()
        assert (record.accepted, record.spent) == (150, 100)
        assert receipt_of(await payer.voucher(250)).spent == 200


async def test_rules_leave_the_record_untouched() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer(min_voucher_delta=50))
        await payer.open(cumulative=200)
        before = await payer.record()

        with pytest.raises(AmountExceedsDepositError):
            await payer.voucher(1_001)
        with pytest.raises(VerificationFailedError, match="strictly greater"):
            await payer.voucher(150)
        with pytest.raises(DeltaTooSmallError):
            await payer.voucher(249)
        forged = payer.make_voucher(300)
        with pytest.raises(InvalidSignatureError):
            await payer.send(type(forged)(forged.channel_id, payer.shown, 301, forged.signature))
        with pytest.raises(SignerMismatchError):
            await payer.offer.settle(
                payer.credential(
                    payer.make_voucher(300), source="did:pkh:eip155:1337:0x" + "9" * 40
                ),
                make_request(),
            )
        with pytest.raises(VerificationFailedError, match="spent"):
            await payer.close(50)
        assert await payer.record() == before


async def test_an_unknown_channel_is_410() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.make_open()  # signed, never sent
        with pytest.raises(ChannelNotFoundError) as caught:
            await payer.voucher(200)
        assert caught.value.status == 410


async def test_an_offer_takes_no_channel_of_another() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer(protocol=V1))
        await payer.open()
        other = world.payer(world.offer(protocol=V2))
        other.id, other.descriptor = payer.id, payer.descriptor
        with pytest.raises(VerificationFailedError):
            await other.voucher(200)


async def test_a_resent_open_finds_its_channel() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        sent = await payer.make_open(cumulative=200)
        first = await payer.send(sent)
        again = await payer.send(sent)
        assert receipt_of(again).tx_hash == receipt_of(first).tx_hash
        assert receipt_of(again).spent == 200
        with pytest.raises(InsufficientBalanceError):
            await payer.send(sent)
        assert len(await world.server.channels()) == 1


async def test_a_close_of_nothing_gives_everything_back() -> None:
    """D11: a session in which nothing was spent can be closed."""
    async with make_world() as world:
        payer = world.payer(world.offer())
        mine = await world.balance(payer.wallet.address)
        await payer.open(request=POST)
        await payer.close(0)
        assert await world.balance(payer.wallet.address) == mine
