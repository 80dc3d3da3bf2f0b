"""What clients cannot make a session server do (facts: protocol 1.1, row 33; 2.5)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mpp.errors import VerificationFailedError

from mock_rails.core import Clock
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY, TYPE_TEMPO, Transaction
from sandbox.client.wallet import Wallet
from sandbox.server.session import SessionLimits, VoucherRateError
from sandbox.server.session.limits import VoucherPace
from tests.unit.sandbox.server.session.support import NOW_S, make_world

HANDED_OVER = Transaction(
    type=TYPE_TEMPO,
    chain_id=1337,
    nonce=0,
    gas_limit=1_000_000,
    max_fee_per_gas=40_000_000_000,
    max_priority_fee_per_gas=0,
    calls=(),
    nonce_key=EXPIRING_NONCE_KEY,
    valid_before=NOW_S + 25,
    awaiting_fee_payer=True,
)


async def test_a_payer_has_so_many_open_channels() -> None:
    async with make_world(limits=SessionLimits(channels_per_payer=2)) as world:
        payer = world.payer(world.offer())
        await payer.open()
        await payer.open()
        last = payer.id
        with pytest.raises(VerificationFailedError, match="2 open channels"):
            await payer.open()
        assert len(await world.server.channels()) == 2
        await world.payer(world.offer(), Wallet.dev(3)).open()  # others are not concerned

        await world.server.close(last)
        await payer.open()


async def test_vouchers_may_be_limited_by_the_second() -> None:
    async with make_world(limits=SessionLimits(vouchers_per_s=2)) as world:
        payer = world.payer(world.offer())
        await payer.open()
        await payer.voucher(200)
        await payer.voucher(300)
        with pytest.raises(VoucherRateError) as caught:
            await payer.voucher(400)
        assert caught.value.status == 429
        assert (await payer.record()).accepted == 300
        world.clock.advance(1)
        await payer.voucher(400)


def test_the_pace_of_a_million_channels_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.server.session.limits._MOST_PACES", 3)
    pace = VoucherPace(1, Clock.frozen(NOW_S))
    for number in range(10):
        pace.check(bytes([number]))
    assert len(pace._counts) == 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"gas_limit": 2_000_001}, "gas exceeds"),
        ({"max_fee_per_gas": 10**12}, "maxFeePerGas exceeds"),
        ({"max_priority_fee_per_gas": 10**12}, "maxPriorityFeePerGas exceeds"),
        ({"gas_limit": 2_000_000, "max_fee_per_gas": 90_000_000_000}, "total fee"),
        ({"nonce_key": 0}, "expiring nonce"),
        ({"valid_before": None}, "validBefore"),
        ({"valid_before": NOW_S}, "expired"),
        ({"valid_before": NOW_S + 901}, "validity window"),
    ],
)
def test_a_sponsor_does_not_pay_everything(changes: dict[str, int], reason: str) -> None:
    limits = SessionLimits()
    limits.check_sponsored(HANDED_OVER, NOW_S)
    with pytest.raises(VerificationFailedError, match=reason):
        limits.check_sponsored(replace(HANDED_OVER, **changes), NOW_S)
