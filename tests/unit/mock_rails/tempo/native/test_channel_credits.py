"""Storage credits of the channel reserve: a payer's closed channel pays for its next one (T7).

Facts 2.8, 4.5; the credits the chain counts are at the storage-credits address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_rails.tempo.addresses import CHANNEL_RESERVE, STORAGE_CREDITS
from mock_rails.tempo.gas import STATE_CREATION
from tests.unit.mock_rails.tempo.native.channel_support import (
    CLOSE,
    OPEN,
    OPERATOR,
    PAYEE,
    PAYER,
    REQUEST_CLOSE,
    STRANGER,
    TOP_UP,
    WITHDRAW,
    Stage,
)

if TYPE_CHECKING:
    from mock_rails.tempo.native.channel_reserve import Descriptor


@pytest.fixture
def stage() -> Stage:
    """The reserve holds something already, so that only channels create and free slots."""
    stage = Stage()
    stage.open(payer=STRANGER, salt=b"\x99" * 32)
    stage.scope.closing_refund()
    stage.next_tx()
    return stage


def close(stage: Stage, channel: Descriptor) -> None:
    stage.payee.call(CLOSE, channel, 0, 0, b"")


def of_chain(stage: Stage) -> int:
    """What the chain holds for the reserve."""
    return int(stage.world.load((STORAGE_CREDITS, 0, CHANNEL_RESERVE)))


def of(stage: Stage, payer: bytes) -> int:
    count: int = stage.payer.call("storageCredits(address)", payer)
    return count


def test_a_closed_channel_credits_its_payer(stage: Stage) -> None:
    channel = stage.open()
    assert stage.scope.closing_refund() == 0
    stage.next_tx()
    close(stage, channel)
    assert stage.scope.closing_refund() == 0
    assert (of_chain(stage), of(stage, PAYER), of(stage, PAYEE)) == (1, 1, 0)


def test_a_withdrawn_channel_credits_its_payer(stage: Stage) -> None:
    channel = stage.open()
    stage.payer.call(REQUEST_CLOSE, channel)
    stage.next_tx(after_s=900)
    stage.payer.call(WITHDRAW, channel)
    assert (of_chain(stage), of(stage, PAYER)) == (1, 1)


def test_the_payer_spends_the_credit_on_the_next_channel(stage: Stage) -> None:
    channel = stage.open()
    stage.next_tx()
    close(stage, channel)
    stage.next_tx()
    stage.open()
    assert stage.scope.closing_refund() == STATE_CREATION
    assert (of_chain(stage), of(stage, PAYER)) == (0, 0)


def test_nobody_else_can_spend_it(stage: Stage) -> None:
    channel = stage.open()
    stage.next_tx()
    close(stage, channel)
    stage.next_tx(origin=STRANGER)
    stage.open(payer=STRANGER)
    assert stage.scope.closing_refund() == 0
    assert (of_chain(stage), of(stage, PAYER), of(stage, STRANGER)) == (1, 1, 0)


def test_credits_add_up_and_pay_as_far_as_they_go(stage: Stage) -> None:
    channels = [stage.open(salt=bytes([at]) * 32) for at in range(2)]
    stage.next_tx()
    for channel in channels:
        close(stage, channel)
    assert (of_chain(stage), of(stage, PAYER)) == (2, 2)
    stage.next_tx()
    for at in range(3):
        stage.open(salt=bytes([at]) * 32)
    assert stage.scope.closing_refund() == 2 * STATE_CREATION
    assert (of_chain(stage), of(stage, PAYER)) == (0, 0)


@pytest.mark.parametrize("owned", [0, 1])
def test_a_channel_closed_by_its_own_transaction_changes_no_credits(
    stage: Stage, owned: int
) -> None:
    """Its own slot's price comes back at the end, and no credit is earned or spent for it."""
    for _ in range(owned):
        channel = stage.open()
        stage.next_tx()
        close(stage, channel)
        stage.next_tx()
    channel = stage.open(operator=OPERATOR)
    stage.by(OPERATOR).call(CLOSE, channel, 0, 0, b"")
    assert stage.scope.closing_refund() == STATE_CREATION
    assert (of_chain(stage), of(stage, PAYER)) == (owned, owned)


def test_opening_after_such_a_channel_still_counts_right(stage: Stage) -> None:
    channel = stage.open()
    stage.next_tx()
    close(stage, channel)
    stage.next_tx()
    brief = stage.open()
    close(stage, brief)
    stage.open(salt=bytes(32))
    assert stage.scope.closing_refund() == 2 * STATE_CREATION
    assert (of_chain(stage), of(stage, PAYER)) == (0, 0)


def test_payers_of_one_transaction_do_not_mix(stage: Stage) -> None:
    """A brief channel of somebody without credits does not cost another payer's refund."""
    channel = stage.open()
    stage.next_tx()
    close(stage, channel)
    stage.next_tx()
    close(stage, stage.open(payer=STRANGER))
    stage.open()
    assert stage.scope.closing_refund() == 2 * STATE_CREATION
    assert (of_chain(stage), of(stage, PAYER), of(stage, STRANGER)) == (0, 0, 0)


def test_a_reverted_frame_restores_the_credits(stage: Stage) -> None:
    channel = stage.open()
    stage.next_tx()
    close(stage, channel)
    stage.next_tx()
    snapshot = stage.scope.snapshot()
    stage.open()
    stage.scope.revert(snapshot)
    assert stage.scope.closing_refund() == 0
    assert (of_chain(stage), of(stage, PAYER)) == (1, 1)


def test_a_slot_that_was_dirty_earns_nothing(stage: Stage) -> None:
    """The chain mints no credit for it, so there is none to pass on."""
    channel = stage.open()
    stage.next_tx()
    stage.payer.call(TOP_UP, channel, 5)
    close(stage, channel)
    assert (of_chain(stage), of(stage, PAYER)) == (0, 0)


def test_counting_credits_costs_a_write_but_never_new_state(stage: Stage) -> None:
    """A first credit is a write of 5,100, a further one of 2,900 (facts 4.5 less the creation)."""
    channels = [stage.open(salt=bytes([at]) * 32) for at in range(2)]
    used = []
    for channel in channels:
        stage.next_tx()
        used.append(stage.payee.gas(CLOSE, channel, 0, 0, b""))
    assert used[0] - used[1] == 5_100 - 2_900
    assert all(gas < 100_000 for gas in used)
    stage.next_tx()
    with_credit = stage.payer.gas(OPEN, PAYEE, OPERATOR, stage.token, 1_000, b"\x07" * 32, PAYEE)
    stage.next_tx(origin=STRANGER)
    without = stage.by(STRANGER).gas(OPEN, PAYEE, OPERATOR, stage.token, 1_000, b"\x07" * 32, PAYEE)
    assert with_credit - without == 2_900 + 2_800  # the payer's count, and the chain's
