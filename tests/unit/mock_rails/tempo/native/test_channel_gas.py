"""What channel operations cost, against the table of facts 4.6.

The figures marked [S] there are snapshots of a node, those marked [D] were derived from its rules
for fork T12. Both are whole transactions, so the intrinsic gas is added here. Fees are collected
before the call, as the executor does it, which makes the fee token's slots warm. Figures must agree
within 2 %.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import ALPHA_USD, FEE_MANAGER, PATH_USD, ZERO_ADDRESS
from mock_rails.tempo.gas import TX_BASE, TX_NEW_ACCOUNT, calldata_gas
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.tip20 import Tip20
from tests.unit.mock_rails.tempo.native.channel_support import (
    CLOSE,
    OPEN,
    OPERATOR,
    PAYEE,
    PAYER,
    REQUEST_CLOSE,
    SALT,
    SETTLE,
    STRANGER,
    TOP_UP,
    Stage,
)
from tests.unit.mock_rails.tempo.native.support import make_token

if TYPE_CHECKING:
    from mock_rails.tempo.native.channel_reserve import Descriptor

DEPOSIT = 1_000_000
FIRST_TRANSACTION = TX_NEW_ACCOUNT
"""The surcharge of an account's first transaction, which some snapshots include."""


@pytest.fixture
def stage() -> Stage:
    """The reserve and the fee manager already hold the token; a second token can pay fees."""
    stage = Stage()
    make_token(stage.scope, ALPHA_USD, balances={PAYER: 10**12, PAYEE: 10**12, OPERATOR: 10**12})
    stage.open(payer=STRANGER, payee=STRANGER)
    for token, holders in ((PATH_USD, (FEE_MANAGER, OPERATOR, PAYEE)), (ALPHA_USD, (FEE_MANAGER,))):
        for holder in holders:
            Tip20(Frame(stage.scope, token, ZERO_ADDRESS)).credit(holder, 10**9)
    stage.next_tx()
    return stage


def transaction(
    stage: Stage, sender: bytes, text: str, *values: Any, fee_token: bytes = PATH_USD
) -> int:
    """The gas of a transaction with nonce > 0 that makes this call and pays for itself."""
    scope = stage.next_tx(origin=sender)
    Tip20(Frame(scope, fee_token, FEE_MANAGER)).collect_fee(sender, FEE_MANAGER, 20_000)
    data = Function(text).call(*values)
    used = stage.by(sender).gas(text, *values)
    return TX_BASE + calldata_gas(data) + used - scope.closing_refund()


def opening(stage: Stage, *, fee_token: bytes = PATH_USD) -> int:
    salt = (7).to_bytes(32)
    arguments = (PAYEE, ZERO_ADDRESS, PATH_USD, DEPOSIT, salt, ZERO_ADDRESS)
    return transaction(stage, PAYER, OPEN, *arguments, fee_token=fee_token)


def opened(stage: Stage) -> Descriptor:
    channel = stage.open(deposit=DEPOSIT, operator=OPERATOR)
    stage.next_tx()
    return channel


def assert_close_to(used: int, expected: int) -> None:
    assert abs(used - expected) * 50 <= expected, f"{used} is not within 2 % of {expected}"


def test_open(stage: Stage) -> None:
    """292,225 [D]."""
    assert_close_to(opening(stage), 292_225)


def test_open_with_fees_in_another_token(stage: Stage) -> None:
    """298,825 [S], T7; T9 added a cold registry slot for tokens as old as genesis."""
    assert_close_to(opening(stage, fee_token=ALPHA_USD), 298_825)


def test_the_first_channel_of_the_chain() -> None:
    """798,125 [S], T7: a new balance of the reserve, and the payer's first transaction."""
    stage = Stage()
    make_token(stage.scope, ALPHA_USD, balances={PAYER: 10**12, FEE_MANAGER: 1})
    stage.next_tx()
    assert_close_to(FIRST_TRANSACTION + opening(stage, fee_token=ALPHA_USD), 798_125)


def test_open_with_a_storage_credit(stage: Stage) -> None:
    """60,225 [S], T7, less what an open of T12 differs by: a channel of the payer's was closed."""
    channel = opened(stage)
    stage.payee.call(CLOSE, channel, 0, 0, b"")
    assert_close_to(opening(stage), 60_225 - 298_825 + 292_225)


def test_top_up(stage: Stage) -> None:
    """40,405 [D]."""
    assert_close_to(transaction(stage, PAYER, TOP_UP, opened(stage), 500), 40_405)


def test_top_up_that_cancels_a_close(stage: Stage) -> None:
    """42,280 [D]; the difference is the log of the cancellation, exactly."""
    channel = opened(stage)
    plain = transaction(stage, PAYER, TOP_UP, channel, 500)
    stage.next_tx()
    stage.payer.call(REQUEST_CLOSE, channel)
    used = transaction(stage, PAYER, TOP_UP, channel, 500)
    assert_close_to(used, 42_280)
    assert used - plain == 42_280 - 40_405


def test_request_close(stage: Stage) -> None:
    """30,323 [S], T7: 21,000 + calldata + 48 + 84 + 2,100 + 2,900 + 2,131, and 200 since T7."""
    channel = opened(stage)
    data = Function(REQUEST_CLOSE).call(channel)
    used = transaction(stage, PAYER, REQUEST_CLOSE, channel)
    assert used - calldata_gas(data) == 30_323 - 1_860
    assert_close_to(used, 30_323)


def test_settle(stage: Stage) -> None:
    """45,231 [D], to a payee who holds the token and pays the fee in it."""
    channel = opened(stage)
    voucher = stage.voucher(channel, 300_000)
    assert_close_to(transaction(stage, PAYEE, SETTLE, channel, 300_000, voucher), 45_231)


def test_settle_by_an_operator_to_a_new_holder(stage: Stage) -> None:
    """299,571 [D]."""
    channel = stage.open(payee=b"\x23" * 20, operator=OPERATOR, deposit=DEPOSIT)
    voucher = stage.voucher(channel, 300_000)
    assert_close_to(transaction(stage, OPERATOR, SETTLE, channel, 300_000, voucher), 299_571)


def test_close(stage: Stage) -> None:
    """About 67,600 [D], capture = voucher, with a refund; the payer's first storage credit."""
    channel = opened(stage)
    voucher = stage.voucher(channel, 300_000)
    assert_close_to(transaction(stage, PAYEE, CLOSE, channel, 300_000, 300_000, voucher), 67_600)


def test_several_opens_of_one_transaction_share_what_they_warm(stage: Stage) -> None:
    """Each further channel pays for its own slot and logs, not for the cold slots again."""
    first = stage.payer.gas(OPEN, PAYEE, OPERATOR, PATH_USD, DEPOSIT, SALT, ZERO_ADDRESS)
    second = stage.payer.gas(OPEN, PAYEE, OPERATOR, PATH_USD, DEPOSIT, bytes(32), ZERO_ADDRESS)
    third = stage.payer.gas(OPEN, PAYEE, OPERATOR, PATH_USD, DEPOSIT, b"\x01" * 32, ZERO_ADDRESS)
    assert first > second == third > 245_000
