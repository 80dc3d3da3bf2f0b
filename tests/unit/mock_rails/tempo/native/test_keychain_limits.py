"""Spending limits of access keys: spending, refilling by period, updating, reading (facts 2.6).

What is expected where the facts are silent was observed on a node of fork T4.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_rails.tempo.addresses import ACCOUNT_KEYCHAIN, ALPHA_USD, BETA_USD, PATH_USD
from mock_rails.tempo.gas import Meter
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.keychain import AccountKeychain
from mock_rails.tempo.world import World
from tests.unit.mock_rails.tempo.native.keychain_support import (
    AUTHORIZE,
    AUTHORIZE_ADMIN,
    GET_KEY,
    KEY,
    NEVER,
    OTHER_KEY,
    REVOKE,
    WITNESS,
    by_key,
    by_root,
    config,
    refuses,
)
from tests.unit.mock_rails.tempo.native.support import ALICE, BOB, NOW_S, reverts

UPDATE = "updateSpendingLimit(address,address,uint256)"
PERIOD_S = 60


@pytest.fixture
def world() -> World:
    """KEY may spend 100 pathUSD for good and 50 AlphaUSD a minute; OTHER_KEY has no limits."""
    world = World()
    limits = [(PATH_USD, 100, 0), (ALPHA_USD, 50, PERIOD_S)]
    by_root(world).call(AUTHORIZE, KEY, 0, config(limits=limits))
    by_root(world).call(AUTHORIZE, OTHER_KEY, 0, config())
    return world


def left(world: World, token: bytes, now_s: int = NOW_S, key_id: bytes = KEY) -> tuple[int, int]:
    """What the key may still spend, and when the period ends; both getters must agree."""
    text = "getRemainingLimitWithPeriod(address,address,address)"
    answer: tuple[int, int] = by_root(world, now_s=now_s).call(text, ALICE, key_id, token)
    plain = by_root(world, now_s=now_s).call(
        "getRemainingLimit(address,address,address)", ALICE, key_id, token
    )
    assert plain == answer[0]
    return answer


def spend(world: World, token: bytes, amount: int, **transaction: Any) -> None:
    """Spend in a transaction of its own, by KEY if no other is named."""
    by_key(world, **transaction).do.spend(ALICE, token, amount)


# -- spending --------------------------------------------------------------------------------------


def test_spending_counts_down(world: World) -> None:
    spend(world, PATH_USD, 30)
    spend(world, PATH_USD, 45)
    assert left(world, PATH_USD) == (25, 0)
    assert left(world, ALPHA_USD) == (50, NOW_S + PERIOD_S)


def test_spending_is_logged(world: World) -> None:
    transaction = by_key(world)
    transaction.do.spend(ALICE, PATH_USD, 30)
    values = {
        "account": ALICE,
        "publicKey": KEY,
        "token": PATH_USD,
        "amount": 30,
        "remainingLimit": 70,
    }
    assert transaction.events == [("AccessKeySpend", values)]


def test_a_limit_can_be_spent_to_the_last_unit_and_not_beyond(world: World) -> None:
    spend(world, PATH_USD, 100)
    assert left(world, PATH_USD) == (0, 0)
    with refuses("SpendingLimitExceeded"):
        spend(world, PATH_USD, 1)


def test_spending_beyond_a_limit_changes_nothing(world: World) -> None:
    before = dict(world.storage)
    with refuses("SpendingLimitExceeded"):
        spend(world, PATH_USD, 101)
    assert world.storage == before


def test_a_token_without_a_limit_allows_nothing_but_nothing(world: World) -> None:
    """Where limits are enforced, a missing token is a limit of 0: a transfer of 0 passes."""
    transaction = by_key(world)
    transaction.do.spend(ALICE, BETA_USD, 0)
    assert [name for name, _ in transaction.events] == ["AccessKeySpend"]
    with refuses("SpendingLimitExceeded"):
        spend(world, BETA_USD, 1)


def test_an_empty_list_of_limits_allows_nothing(world: World) -> None:
    by_root(world).call(AUTHORIZE, BOB, 0, config(limits=[]))
    with refuses("SpendingLimitExceeded"):
        spend(world, PATH_USD, 1, key_id=BOB)


@pytest.mark.parametrize("admin", [False, True])
def test_a_key_without_limits_spends_freely_and_silently(world: World, admin: bool) -> None:
    if admin:
        by_root(world).call(AUTHORIZE_ADMIN, BOB, 0, WITNESS)
    transaction = by_key(world, BOB if admin else OTHER_KEY)
    transaction.do.spend(ALICE, PATH_USD, 2**200)
    assert transaction.events == []


def test_the_root_key_spends_freely_and_silently(world: World) -> None:
    transaction = by_root(world)
    transaction.do.spend(ALICE, PATH_USD, 2**200)
    assert transaction.events == []


def test_limits_are_those_of_the_key_that_signed(world: World) -> None:
    by_root(world).call(AUTHORIZE, BOB, 0, config(limits=[(PATH_USD, 7, 0)]))
    spend(world, PATH_USD, 5, key_id=BOB)
    assert left(world, PATH_USD) == (100, 0)
    assert left(world, PATH_USD, key_id=BOB) == (2, 0)


@pytest.mark.parametrize(
    ("key_id", "now_s", "error"),
    [(BOB, NOW_S, "KeyNotFound"), (b"\x99" * 20, NOW_S + 9, "KeyExpired")],
)
def test_only_an_active_key_spends(world: World, key_id: bytes, now_s: int, error: str) -> None:
    by_root(world).call(AUTHORIZE, b"\x99" * 20, 0, config(expiry=NOW_S + 9))
    with refuses(error):
        spend(world, PATH_USD, 0, key_id=key_id, now_s=now_s)


def test_a_revoked_key_spends_nothing(world: World) -> None:
    by_root(world).call(REVOKE, KEY)
    with refuses("KeyAlreadyRevoked"):
        spend(world, PATH_USD, 0)


# -- periods ---------------------------------------------------------------------------------------


def test_the_first_period_starts_with_the_authorization(world: World) -> None:
    assert left(world, ALPHA_USD) == (50, NOW_S + PERIOD_S)


def test_a_limit_is_not_refilled_before_its_period_ends(world: World) -> None:
    spend(world, ALPHA_USD, 50)
    with refuses("SpendingLimitExceeded"):
        spend(world, ALPHA_USD, 1, now_s=NOW_S + PERIOD_S - 1)


def test_a_limit_is_refilled_when_its_period_ends(world: World) -> None:
    spend(world, ALPHA_USD, 50)
    assert left(world, ALPHA_USD, NOW_S + PERIOD_S) == (50, NOW_S + 2 * PERIOD_S)
    spend(world, ALPHA_USD, 20, now_s=NOW_S + PERIOD_S)
    assert left(world, ALPHA_USD, NOW_S + PERIOD_S) == (30, NOW_S + 2 * PERIOD_S)


def test_what_was_not_spent_is_not_saved_up(world: World) -> None:
    spend(world, ALPHA_USD, 1)
    assert left(world, ALPHA_USD, NOW_S + 5 * PERIOD_S) == (50, NOW_S + 6 * PERIOD_S)


def test_periods_keep_their_beat_however_long_nobody_spends(world: World) -> None:
    """Seen on a node: granted at 0 for 60 s, spent at 150, the period ends at 180."""
    spend(world, ALPHA_USD, 30, now_s=NOW_S + 150)
    assert left(world, ALPHA_USD, NOW_S + 150) == (20, NOW_S + 180)
    assert left(world, ALPHA_USD, NOW_S + 179) == (20, NOW_S + 180)
    assert left(world, ALPHA_USD, NOW_S + 180) == (50, NOW_S + 240)


def test_a_limit_without_a_period_is_never_refilled(world: World) -> None:
    spend(world, PATH_USD, 100)
    assert left(world, PATH_USD, NOW_S + 10**9) == (0, 0)


@given(
    spends=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 70)), max_size=30),
    period_s=st.integers(1, 150),
)
def test_no_period_ever_pays_more_than_its_limit(
    spends: list[tuple[int, int]], period_s: int
) -> None:
    """Whatever is tried: it passes exactly when the period it falls in has that much left."""
    world = World()
    by_root(world).call(AUTHORIZE, KEY, 0, config(limits=[(PATH_USD, 50, period_s)]))
    now_s, paid = NOW_S, dict[int, int]()
    for wait_s, amount in spends:
        now_s += wait_s
        period = (now_s - NOW_S) // period_s
        fits = paid.get(period, 0) + amount <= 50
        if fits:
            spend(world, PATH_USD, amount, now_s=now_s)
            paid[period] = paid.get(period, 0) + amount
        else:
            with refuses("SpendingLimitExceeded"):
                spend(world, PATH_USD, amount, now_s=now_s)
        ends = NOW_S + (period + 1) * period_s
        assert left(world, PATH_USD, now_s) == (50 - paid.get(period, 0), ends)


# -- fees ------------------------------------------------------------------------------------------


def test_the_unused_part_of_a_fee_is_given_back_silently(world: World) -> None:
    transaction = by_key(world)
    transaction.do.spend(ALICE, PATH_USD, 90)
    logged = len(transaction.events)
    transaction.do.restore_spend(ALICE, PATH_USD, 60)
    assert left(world, PATH_USD) == (70, 0)
    assert len(transaction.events) == logged


def test_giving_back_is_nothing_to_a_key_without_limits(world: World) -> None:
    before = dict(world.storage)
    by_key(world, OTHER_KEY).do.restore_spend(ALICE, PATH_USD, 60)
    by_root(world).do.restore_spend(ALICE, PATH_USD, 60)
    assert world.storage == before


def test_a_key_revoked_by_its_own_transaction_gets_nothing_back(world: World) -> None:
    """The refund of the fee must not fail, whatever the transaction did."""
    transaction = by_key(world)
    transaction.do.spend(ALICE, PATH_USD, 90)
    by_root(world).call(REVOKE, KEY)
    before = dict(world.storage)
    transaction.do.restore_spend(ALICE, PATH_USD, 60)
    assert world.storage == before


# -- updating --------------------------------------------------------------------------------------


def test_a_limit_can_be_updated(world: World) -> None:
    spend(world, PATH_USD, 90)
    transaction = by_root(world)
    transaction.call(UPDATE, KEY, PATH_USD, 500)
    assert left(world, PATH_USD) == (500, 0)
    values = {"account": ALICE, "publicKey": KEY, "token": PATH_USD, "newLimit": 500}
    assert transaction.events == [("SpendingLimitUpdated", values)]


def test_an_updated_limit_keeps_its_period(world: World) -> None:
    now_s = NOW_S + 150
    spend(world, ALPHA_USD, 30, now_s=now_s)
    by_root(world, now_s=now_s).call(UPDATE, KEY, ALPHA_USD, 500)
    assert left(world, ALPHA_USD, now_s) == (500, NOW_S + 180)
    spend(world, ALPHA_USD, 1, now_s=now_s)
    assert left(world, ALPHA_USD, NOW_S + 180) == (500, NOW_S + 240)


def test_an_update_after_the_period_ended_is_for_the_new_one(world: World) -> None:
    """Else what was set would be refilled, or forgotten, a moment later."""
    now_s = NOW_S + 150
    by_root(world, now_s=now_s).call(UPDATE, KEY, ALPHA_USD, 500)
    spend(world, ALPHA_USD, 400, now_s=now_s)
    assert left(world, ALPHA_USD, now_s) == (100, NOW_S + 180)


def test_a_new_token_is_limited_for_good(world: World) -> None:
    by_root(world).call(UPDATE, KEY, BETA_USD, 500)
    assert left(world, BETA_USD) == (500, 0)


def test_an_update_limits_an_unlimited_key_to_that_token(world: World) -> None:
    by_root(world).call(UPDATE, OTHER_KEY, PATH_USD, 70)
    assert by_root(world).call(GET_KEY, ALICE, OTHER_KEY) == (0, OTHER_KEY, NEVER, True, False)
    assert left(world, PATH_USD, key_id=OTHER_KEY) == (70, 0)
    with refuses("SpendingLimitExceeded"):
        spend(world, ALPHA_USD, 1, key_id=OTHER_KEY)


def test_a_limit_fits_128_bits(world: World) -> None:
    by_root(world).call(UPDATE, KEY, PATH_USD, 2**128 - 1)
    assert left(world, PATH_USD) == (2**128 - 1, 0)
    with reverts("InvalidSpendingLimit"):
        by_root(world).call(UPDATE, KEY, PATH_USD, 2**128)


@pytest.mark.parametrize(
    ("prepare", "now_s", "error"),
    [
        (lambda world: None, NOW_S, "KeyNotFound"),
        (
            lambda world: by_root(world).call(AUTHORIZE, BOB, 0, config(expiry=NOW_S + 9)),
            NOW_S + 9,
            "KeyExpired",
        ),
        (
            lambda world: (
                by_root(world).call(AUTHORIZE, BOB, 0, config()),
                by_root(world).call(REVOKE, BOB),
            ),
            NOW_S,
            "KeyAlreadyRevoked",
        ),
    ],
    ids=["unknown", "expired", "revoked"],
)
def test_only_an_active_key_is_updated(world: World, prepare: Any, now_s: int, error: str) -> None:
    prepare(world)
    with reverts(error):
        by_root(world, now_s=now_s).call(UPDATE, BOB, PATH_USD, 1)


# -- reading ---------------------------------------------------------------------------------------


def test_a_key_without_limits_has_no_remaining_limit(world: World) -> None:
    assert left(world, PATH_USD, key_id=OTHER_KEY) == (0, 0)


def test_a_key_that_may_not_sign_has_nothing_left(world: World) -> None:
    limits = [(PATH_USD, 7, 0)]
    by_root(world).call(AUTHORIZE, BOB, 0, config(expiry=NOW_S + 9, limits=limits))
    assert left(world, PATH_USD, NOW_S + 8, BOB) == (7, 0)
    assert left(world, PATH_USD, NOW_S + 9, BOB) == (0, 0)
    by_root(world).call(REVOKE, KEY)
    assert left(world, PATH_USD) == (0, 0)
    assert left(world, PATH_USD, key_id=b"\x99" * 20) == (0, 0)


# -- gas -------------------------------------------------------------------------------------------


def spend_gas(world: World, token: bytes, amount: int = 5) -> int:
    """What spending adds to a token call after the transaction's check has warmed the key."""
    transaction = by_key(world)
    transaction.do.validate_key(ALICE, KEY, 0)
    meter = Meter(100_000)
    keychain = AccountKeychain(Frame(transaction.scope, ACCOUNT_KEYCHAIN, token, meter))
    keychain.spend(ALICE, token, amount)
    return 100_000 - meter.left


def test_spending_costs_two_reads_a_write_and_a_log(world: World) -> None:
    log = 375 * 5 + 8 * 64
    assert spend_gas(world, PATH_USD) == 100 + 100 + 2_100 + 2_100 + 2_900 + log


def test_spending_by_period_writes_its_end_too(world: World) -> None:
    """A node charges 9,887; this is 100 less, far within 2 % of any payment."""
    assert spend_gas(world, ALPHA_USD) == spend_gas(world, PATH_USD) + 100 == 9_787


def test_spending_all_of_a_limit_mints_no_storage_credit(world: World) -> None:
    """Keychain slots are the protocol's bookkeeping (facts 4.5)."""
    before = {key[0] for key in world.storage}
    spend_gas(world, PATH_USD, 100)
    assert left(world, PATH_USD) == (0, 0)
    assert {key[0] for key in world.storage} == before == {ACCOUNT_KEYCHAIN}
