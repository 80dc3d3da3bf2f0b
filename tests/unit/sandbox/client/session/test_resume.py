"""Coming back: from the book after a kill, or from the server's snapshot (facts, protocol 2.6)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sandbox.chain import broadcast
from sandbox.client.errors import OutcomeUnknownError
from sandbox.client.payer import Order
from sandbox.client.session import ChannelState, SnapshotRefusedError
from sandbox.methods.tempo_session import TopUp, rules
from tests.unit.sandbox.client.session.merchant import HOST, PRICE, URL, V1, V2, Street

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.chain import OnChainChannel
    from sandbox.client.session import PayerChannel
    from sandbox.methods.tempo_session import SessionProtocol


@pytest.mark.parametrize("protocol", [V1, V2])
async def test_a_killed_payer_goes_on_with_its_channel(
    protocol: SessionProtocol, tmp_path: Path
) -> None:
    async with Street(protocol, state=tmp_path) as street:
        await street.buy()
        await street.buy()
        street.start()  # nothing was closed: this is a kill
        assert (await street.buy()).status_code == 200
        (channel,) = street.payer.channels()
        assert channel.signed == street.shop.channel.spent == 3 * PRICE
        assert (await street.payer.close_channel(channel.id)).captured == 3 * PRICE


async def test_a_voucher_is_in_the_book_before_it_is_sent(tmp_path: Path) -> None:
    async with Street(state=tmp_path) as street:
        await street.buy()
        await street.payer.prepare(await street.challenge(), Order(URL, "GET", HOST))
        street.start()  # killed between signing and sending
        assert street.payer.channels()[0].signed == 2 * PRICE
        assert (await street.buy()).status_code == 200
        assert street.payer.channels()[0].signed == 3 * PRICE


async def test_a_payer_killed_while_opening_sends_the_same_opening(tmp_path: Path) -> None:
    async with Street(state=tmp_path) as street:
        await street.payer.prepare(await street.challenge(), Order(URL, "GET", HOST))
        street.start()
        (before,) = street.payer.channels()
        assert before.state is ChannelState.OPENING
        assert (await street.buy()).status_code == 200
        (channel,) = street.payer.channels()
        assert channel.id == before.id == street.shop.channel.id


async def test_a_close_after_a_restart_asks_for_a_challenge_first(tmp_path: Path) -> None:
    async with Street(state=tmp_path) as street:
        await street.buy()
        street.start()
        (channel,) = street.payer.channels()
        assert (await street.payer.close_channel(channel.id)).captured == PRICE


async def test_another_wallet_does_not_see_the_channels(tmp_path: Path) -> None:
    async with Street(state=tmp_path) as street:
        await street.buy()
        street.wallet = street.sender(5).wallet
        street.start()
        assert street.payer.channels() == []


async def test_two_processes_never_sign_the_same_total(tmp_path: Path) -> None:
    """The second one finds out before its voucher leaves, and signs on top."""
    async with Street(state=tmp_path) as street:
        await street.buy()
        first = street.payer
        street.start()
        second = street.payer
        for street.payer in (second, first, second, second, first):
            assert (await street.buy()).status_code == 200
        assert street.shop.channel.spent == 6 * PRICE
        assert street.shop.actions() == ["open", *["voucher"] * 5]
        await first.close()
        street.payer = second
        assert second.channels()[0].signed >= 5 * PRICE


async def test_a_payer_without_a_book_finds_its_channel_by_the_server_s_snapshot() -> None:
    async with Street() as street:
        await street.buy()
        await street.buy()
        street.start()
        assert street.payer.channels() == []
        resumed = await street.payer.resume(URL)
        assert resumed is not None
        assert (resumed.signed, resumed.spent, resumed.deposit) == (200, 200, 1_000)
        assert (await street.buy()).status_code == 200
        assert street.shop.actions().count("open") == 1
        assert street.payer.channels()[0].signed == street.shop.channel.spent == 3 * PRICE


async def test_a_snapshot_in_a_challenge_is_taken_up() -> None:
    async with Street() as street:
        await street.buy()
        street.shop.shows_snapshot = True
        street.start()
        assert (await street.buy()).status_code == 200
        assert street.shop.actions() == ["open", "voucher"]
        assert street.payer.channels()[0].signed == 2 * PRICE


async def test_resuming_frees_what_was_authorised_and_not_served() -> None:
    async with Street() as street:
        await street.buy()
        attempt = await street.payer.prepare(await street.challenge(), Order(URL, "GET", HOST))
        del attempt  # cancelled: served or not?
        resumed = await street.payer.resume(URL)
        assert resumed is not None
        assert (resumed.signed, resumed.claimed) == (2 * PRICE, PRICE)
        assert (await street.buy()).status_code == 200
        assert street.payer.channels()[0].signed == street.shop.channel.spent == 2 * PRICE


@pytest.mark.parametrize(
    "lie",
    [
        {"deposit": 5_000, "accepted": 4_000},  # a voucher that the payer never signed
        {"spent": 101},  # more than was authorised
        {"signature": b"\x11" * 65},
        {"chain_id": 42431},  # another channel
    ],
)
async def test_a_snapshot_that_is_not_so_is_refused(lie: dict[str, object]) -> None:
    async with Street() as street:
        await street.buy()
        honest = street.shop.channel
        street.shop.channels[honest.id] = honest._replace(**lie)  # type: ignore[arg-type]
        with pytest.raises(SnapshotRefusedError):
            await street.payer.resume(URL)
        street.start()
        with pytest.raises(SnapshotRefusedError):
            await street.payer.resume(URL)
        assert street.payer.channels() == []


async def test_a_snapshot_of_a_channel_that_the_chain_has_not_is_of_no_use() -> None:
    async with Street() as street:
        await street.buy()
        honest = street.shop.channel
        await street.payer.close_channel(honest.id)
        street.shop.channels[honest.id] = honest
        street.start()
        assert await street.payer.resume(URL) is None


async def test_a_book_without_a_server_s_word_is_held_against_the_chain() -> None:
    async with Street(V1) as street:
        await street.buy()
        resumed = await street.payer.resume(URL)
        assert resumed is not None
        assert resumed.id == street.shop.channel.id
        assert street.payer.hint(URL) == "0x" + resumed.id.hex()


async def test_two_who_resume_at_once_share_what_they_find(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One channel, one record: two would sign for the same total."""
    async with Street() as street:
        await street.buy()
        street.state = tmp_path
        street.start()
        look = street.payer._services.look

        async def look_for_a_while(channel: PayerChannel) -> OnChainChannel | None:
            await asyncio.sleep(0)
            return await look(channel)

        monkeypatch.setattr(street.payer._services, "look", look_for_a_while)
        found = await asyncio.gather(*(street.payer.resume(URL) for _ in range(3)))
        assert {None if one is None else one.id for one in found} == {street.shop.channel.id}
        assert (await street.buy()).status_code == 200
        assert street.payer.channels()[0].signed == street.shop.channel.spent == 2 * PRICE


async def test_resuming_keeps_a_top_up_that_may_still_be_mined() -> None:
    """It is sent again, and no second one is signed."""
    async with Street(suggested_deposit=PRICE) as street:
        await street.buy()
        street.shop.lose = [False, False]
        with pytest.raises(OutcomeUnknownError):
            await street.buy()
        pending = street.payer.channels()[0].pending
        assert pending is not None
        resumed = await street.payer.resume(URL)
        assert resumed is not None
        assert resumed.pending == pending
        assert (await street.buy()).status_code == 200
        topped_up = [one for one in street.shop.seen if isinstance(one, TopUp)]
        assert [one.transaction for one in topped_up] == [pending.transaction]


async def test_a_top_up_that_a_snapshot_shows_is_not_sent_again() -> None:
    async with Street(suggested_deposit=PRICE) as street:
        await street.buy()
        street.shop.lose = [False, False]
        with pytest.raises(OutcomeUnknownError):
            await street.buy()
        pending = street.payer.channels()[0].pending
        assert pending is not None
        await broadcast(street.rpc, pending.transaction)  # it was on its way all the time
        street.shop.channels[street.shop.channel.id] = rules.top_up(
            street.shop.channel, PRICE + pending.amount
        )
        resumed = await street.payer.resume(URL)
        assert resumed is not None
        assert (resumed.pending, resumed.deposit) == (None, PRICE + pending.amount)
        assert (await street.buy()).status_code == 200
        assert "topUp" not in street.shop.actions()
