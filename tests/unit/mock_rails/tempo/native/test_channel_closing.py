"""How channels of the TIP20ChannelReserve end: by the payee, or by the payer alone (facts 2.8)."""

from __future__ import annotations

import pytest

from mock_rails.tempo.addresses import CHANNEL_RESERVE, ZERO_ADDRESS
from tests.unit.mock_rails.tempo.native.channel_support import (
    CLOSE,
    OPERATOR,
    PAYEE,
    PAYER,
    REQUEST_CLOSE,
    SETTLE,
    STRANGER,
    TOP_UP,
    WEALTH,
    WITHDRAW,
    Stage,
)
from tests.unit.mock_rails.tempo.native.support import reverts

GRACE_S = 900
NO_SIGNATURE = b""


@pytest.fixture
def stage() -> Stage:
    return Stage()


# -- close -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("settled", [0, 300])
@pytest.mark.parametrize("capture", [300, 400, 1_000])
@pytest.mark.parametrize("granted", [1_000, 5_000])
def test_a_close_captures_and_refunds(
    stage: Stage, settled: int, capture: int, granted: int
) -> None:
    """The voucher may grant more than is captured, and more than the deposit."""
    channel = stage.open(deposit=1_000)
    if settled:
        stage.payee.call(SETTLE, channel, settled, stage.voucher(channel, settled))
    at = len(stage.scope.logs)
    stage.payee.call(CLOSE, channel, granted, capture, stage.voucher(channel, granted))
    assert stage.state(channel) == (0, 0, 0)
    assert stage.balance(PAYEE) == 1 + capture
    assert stage.balance(PAYER) == WEALTH - capture
    assert stage.balance(CHANNEL_RESERVE) == 0
    transfers = [
        ("Transfer", {"from": CHANNEL_RESERVE, "to": account, "amount": amount})
        for account, amount in ((PAYEE, capture - settled), (PAYER, 1_000 - capture))
        if amount
    ]
    closed = {
        "channelId": stage.id_of(channel),
        "payer": PAYER,
        "payee": PAYEE,
        "settledToPayee": capture,
        "refundedToPayer": 1_000 - capture,
    }
    assert stage.logs(at) == [*transfers, ("ChannelClosed", closed)]


def test_a_close_that_captures_nothing_new_needs_no_voucher(stage: Stage) -> None:
    channel = stage.open(deposit=1_000)
    stage.payee.call(SETTLE, channel, 300, stage.voucher(channel, 300))
    stage.payee.call(CLOSE, channel, 300, 300, NO_SIGNATURE)
    assert stage.balance(PAYER) == WEALTH - 300


def test_close_refuses_in_order(stage: Stage) -> None:
    channel = stage.open(deposit=1_000, operator=OPERATOR)
    stage.payee.call(SETTLE, channel, 300, stage.voucher(channel, 300))
    with reverts("ChannelNotFound"):
        stage.by(STRANGER).call(CLOSE, channel._replace(salt=bytes(32)), 0, 9, NO_SIGNATURE)
    for caller in (STRANGER, PAYER, ZERO_ADDRESS):
        with reverts("NotPayeeOrOperator"):
            stage.by(caller).call(CLOSE, channel, 0, 9, NO_SIGNATURE)
    for granted, capture in ((5_000, 299), (5_000, 5_001), (0, 300), (1_000, 1_001)):
        with reverts("CaptureAmountInvalid"):
            stage.payee.call(CLOSE, channel, granted, capture, NO_SIGNATURE)
    with reverts("AmountExceedsDeposit"):
        stage.payee.call(CLOSE, channel, 5_000, 1_001, NO_SIGNATURE)
    with reverts("InvalidSignature"):
        stage.payee.call(CLOSE, channel, 5_000, 1_000, stage.voucher(channel, 1_000))
    stage.by(OPERATOR).call(CLOSE, channel, 5_000, 1_000, stage.voucher(channel, 5_000))
    with reverts("ChannelNotFound"):
        stage.payee.call(CLOSE, channel, 5_000, 1_000, stage.voucher(channel, 5_000))


# -- requestClose and withdraw ---------------------------------------------------------------------


def test_a_payer_withdraws_after_the_grace_period(stage: Stage) -> None:
    channel = stage.open(deposit=1_000)
    stage.payee.call(SETTLE, channel, 300, stage.voucher(channel, 300))
    stage.payer.call(REQUEST_CLOSE, channel)
    requested_at_s = stage.now_s
    parties = {"channelId": stage.id_of(channel), "payer": PAYER, "payee": PAYEE}
    assert stage.logs()[-1] == (
        "CloseRequested",
        {**parties, "closeGraceEnd": requested_at_s + GRACE_S},
    )
    stage.next_tx(after_s=GRACE_S - 1)
    stage.payer.call(REQUEST_CLOSE, channel)
    assert stage.state(channel) == (300, 1_000, requested_at_s)
    with reverts("CloseNotReady"):
        stage.payer.call(WITHDRAW, channel)
    stage.next_tx(after_s=1)
    stage.payer.call(WITHDRAW, channel)
    assert stage.balance(PAYER) == WEALTH - 300
    assert stage.logs() == [
        ("Transfer", {"from": CHANNEL_RESERVE, "to": PAYER, "amount": 700}),
        ("ChannelClosed", {**parties, "settledToPayee": 300, "refundedToPayer": 700}),
    ]


def test_there_may_be_nothing_left_to_withdraw(stage: Stage) -> None:
    channel = stage.open(deposit=1_000)
    stage.payee.call(SETTLE, channel, 1_000, stage.voucher(channel, 1_000))
    stage.payer.call(REQUEST_CLOSE, channel)
    stage.next_tx(after_s=GRACE_S)
    stage.payer.call(WITHDRAW, channel)
    assert stage.log_names() == ["ChannelClosed"]


def test_withdrawing_needs_a_request(stage: Stage) -> None:
    channel = stage.open()
    stage.next_tx(after_s=10 * GRACE_S)
    with reverts("CloseNotReady"):
        stage.payer.call(WITHDRAW, channel)
    stage.payer.call(REQUEST_CLOSE, channel)
    stage.payer.call(TOP_UP, channel, 0)
    stage.next_tx(after_s=GRACE_S)
    with reverts("CloseNotReady"):
        stage.payer.call(WITHDRAW, channel)


@pytest.mark.parametrize("text", [REQUEST_CLOSE, WITHDRAW])
def test_only_the_payer_ends_a_channel_alone(stage: Stage, text: str) -> None:
    channel = stage.open(operator=OPERATOR)
    with reverts("ChannelNotFound"):
        stage.by(STRANGER).call(text, channel._replace(payee=STRANGER))
    for caller in (PAYEE, OPERATOR, STRANGER):
        with reverts("NotPayer"):
            stage.by(caller).call(text, channel)


def test_a_clock_past_2106_closes_channels_too(stage: Stage) -> None:
    """The request's time has 32 bits; a development chain's clock can be set anywhere."""
    channel = stage.open()
    stage.next_tx(after_s=1 << 33)
    stage.payer.call(REQUEST_CLOSE, channel)
    assert stage.state(channel)[2] == (1 << 32) - 1
    stage.payer.call(WITHDRAW, channel)
    assert stage.balance(PAYER) == WEALTH
