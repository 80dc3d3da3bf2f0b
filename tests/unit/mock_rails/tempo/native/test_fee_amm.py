"""The Fee AMM: liquidity, rebalancing, and what a transaction's own fee keeps reserved (facts 2.4).

Figures and errors marked "node" were read from a Tempo node of fork T4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_rails.tempo.addresses import (
    ALPHA_USD,
    BETA_USD,
    FEE_MANAGER,
    PATH_USD,
    THETA_USD,
    TIP20_PREFIX,
    ZERO_ADDRESS,
)
from mock_rails.tempo.native.contract import Revert
from mock_rails.tempo.native.fee_amm import Hop
from mock_rails.tempo.native.fee_manager import FeeManager
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.tip20 import Tip20
from tests.unit.mock_rails.tempo.native.across import named_logs, reverts_in
from tests.unit.mock_rails.tempo.native.support import (
    ALICE,
    BOB,
    CAROL,
    Caller,
    CallFailed,
    install,
    make_scope,
    make_token,
    reverts,
)

if TYPE_CHECKING:
    from mock_rails.tempo.scope import Scope

EURO = TIP20_PREFIX + b"\x77" * 8
NOT_CREATED = TIP20_PREFIX + b"\x99" * 8
NO_TOKEN = b"\x11" * 20
TOKENS = (PATH_USD, ALPHA_USD, BETA_USD, THETA_USD)
WEALTH = 10**15
TOP = (1 << 256) - 1

MINT = "mint(address,address,uint256,address)"
BURN = "burn(address,address,uint256,address)"
REBALANCE = "rebalanceSwap(address,address,uint256,address)"
GET_POOL = "getPool(address,address)"


@pytest.fixture
def scope() -> Scope:
    return dollar_scope()


@pytest.fixture
def alice(scope: Scope) -> Caller:
    return Caller(scope, FeeManager, FEE_MANAGER, ALICE)


def dollar_scope() -> Scope:
    """Four dollar tokens and a euro, of which Alice and Bob have plenty."""
    scope = make_scope()
    install(scope, FEE_MANAGER)
    for at, token in enumerate(TOKENS):
        make_token(scope, token, name=f"Dollar{at}", balances={ALICE: WEALTH, BOB: WEALTH})
    make_token(scope, EURO, name="Euro", currency="EUR", balances={ALICE: WEALTH})
    return scope


def manager(scope: Scope) -> FeeManager:
    """The contract as the executor uses it: unmetered."""
    return FeeManager(Frame(scope, FEE_MANAGER, ZERO_ADDRESS))


def balance(scope: Scope, token: bytes, account: bytes) -> int:
    return int(scope.world.load(Tip20.balances.key(token, account)))


def pay_fee(scope: Scope, token: bytes, amount: int, *, validator: bytes = ZERO_ADDRESS) -> None:
    """What the executor does for a fee of Alice's."""
    Tip20(Frame(scope, token, FEE_MANAGER)).collect_fee(ALICE, FEE_MANAGER, amount)
    manager(scope).settle_fee(token, validator, amount)


# -- reading ---------------------------------------------------------------------------------------


def test_constants(alice: Caller) -> None:
    """Facts 2.4."""
    names = ("M", "N", "SCALE", "MIN_LIQUIDITY")
    assert [alice.call(f"{name}()") for name in names] == [9_970, 9_985, 10_000, 1_000]


def test_the_pool_id_is_the_golden_one_and_has_a_direction(alice: Caller) -> None:
    """Facts 8.4."""
    there = alice.call("getPoolId(address,address)", ALPHA_USD, PATH_USD)
    back = alice.call("getPoolId(address,address)", PATH_USD, ALPHA_USD)
    assert there.hex() == "c08e37988f6cd34ddb749c6ce541f7473e8d07dd9e3e7082d220b6c89e714049"
    assert back != there


def test_a_pool_that_nobody_made_is_empty(alice: Caller) -> None:
    assert alice.call(GET_POOL, NO_TOKEN, ALPHA_USD) == (0, 0)
    assert alice.call("pools(bytes32)", b"\x01" * 32) == (0, 0)


# -- providing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("amount", "liquidity"), [(2_002, 1), (2_003, 1), (100_000, 49_000)])
def test_the_first_provider_gets_half_less_the_locked_shares(
    scope: Scope, alice: Caller, amount: int, liquidity: int
) -> None:
    """liq = floor(a/2) - 1000 (node: 2,002 gives 1)."""
    assert alice.call(MINT, ALPHA_USD, PATH_USD, amount, BOB) == liquidity
    pool_id = alice.call("getPoolId(address,address)", ALPHA_USD, PATH_USD)
    assert alice.call("totalSupply(bytes32)", pool_id) == liquidity + 1_000
    assert alice.call("liquidityBalances(bytes32,address)", pool_id, BOB) == liquidity
    assert alice.call("liquidityBalances(bytes32,address)", pool_id, ALICE) == 0
    assert alice.call("pools(bytes32)", pool_id) == (0, amount)
    assert balance(scope, PATH_USD, FEE_MANAGER) == amount


def test_later_providers_get_their_share_of_the_worth(alice: Caller) -> None:
    """The sequence of a node: 2,003, then a billion, then 1,000 shares burnt for 2,000."""
    alice.call(MINT, ALPHA_USD, PATH_USD, 2_003, ALICE)
    assert alice.call(MINT, ALPHA_USD, PATH_USD, 1_000_000_000, ALICE) == 499_750_374
    assert alice.call(BURN, ALPHA_USD, PATH_USD, 1_000, BOB) == (0, 2_000)
    assert alice.call(GET_POOL, ALPHA_USD, PATH_USD) == (0, 1_000_000_003)


def test_user_tokens_in_the_pool_count_at_the_rebalancers_price(scope: Scope) -> None:
    """liq = a * supply / (V + floor(9985 * U / 10000))."""
    alice = Caller(scope, FeeManager, FEE_MANAGER, ALICE)
    alice.call(MINT, ALPHA_USD, PATH_USD, 1_000_000, ALICE)
    pay_fee(scope, ALPHA_USD, 100_001)
    user, validator = alice.call(GET_POOL, ALPHA_USD, PATH_USD)
    assert (user, validator) == (100_001, 1_000_000 - 99_700)
    expected = 50_000 * 500_000 // (validator + 9_985 * user // 10_000)
    assert alice.call(MINT, ALPHA_USD, PATH_USD, 50_000, ALICE) == expected


def test_a_mint_logs_the_tokens_then_itself(scope: Scope, alice: Caller) -> None:
    alice.call(MINT, ALPHA_USD, PATH_USD, 100_000, BOB)
    assert named_logs(scope, FeeManager, Tip20) == [
        (PATH_USD, "Transfer", {"from": ALICE, "to": FEE_MANAGER, "amount": 100_000}),
        (
            FEE_MANAGER,
            "Mint",
            {
                "sender": ALICE,
                "to": BOB,
                "userToken": ALPHA_USD,
                "validatorToken": PATH_USD,
                "amountValidatorToken": 100_000,
                "liquidity": 49_000,
            },
        ),
    ]


def test_liquidity_needs_no_approval_but_obeys_a_pause(scope: Scope, alice: Caller) -> None:
    Tip20(Frame(scope, PATH_USD, ALICE)).paused_flag = True
    with reverts_in(Tip20, "ContractPaused"):
        alice.call(MINT, ALPHA_USD, PATH_USD, 100_000, ALICE)


# In the order of the checks: each call breaks its own rule and those of all the lines below it.
MINT_REFUSALS: list[tuple[bytes, bytes, int, type[Any], str]] = [
    (NO_TOKEN, NO_TOKEN, 0, FeeManager, "IdenticalAddresses"),
    (NO_TOKEN, NOT_CREATED, 0, FeeManager, "InvalidAmount"),
    (NO_TOKEN, EURO, 1, FeeManager, "InvalidToken"),
    (EURO, NO_TOKEN, 1, Tip20, "InvalidCurrency"),
    (ALPHA_USD, NO_TOKEN, 1, FeeManager, "InvalidToken"),
    (ALPHA_USD, NOT_CREATED, 1, Tip20, "InvalidCurrency"),
    (ALPHA_USD, EURO, 1, Tip20, "InvalidCurrency"),
    (ALPHA_USD, PATH_USD, 1, FeeManager, "InsufficientLiquidity"),
    (ALPHA_USD, PATH_USD, 2_001, FeeManager, "InsufficientLiquidity"),
]


@pytest.mark.parametrize(("user", "validator", "amount", "kind", "error"), MINT_REFUSALS)
def test_mint_refuses(
    alice: Caller, user: bytes, validator: bytes, amount: int, kind: type[Any], error: str
) -> None:
    with reverts_in(kind, error):
        alice.call(MINT, user, validator, amount, ALICE)


def test_a_mint_beyond_the_balance_fails_in_the_token(alice: Caller) -> None:
    """Node: the first mint of 2^256-1 fails for want of money, not of arithmetic."""
    for amount in (1 << 200, TOP):
        with reverts_in(Tip20, "InsufficientBalance", WEALTH, amount, PATH_USD):
            alice.call(MINT, ALPHA_USD, PATH_USD, amount, ALICE)


def test_a_later_mint_can_be_too_small_or_overflow(alice: Caller) -> None:
    alice.call(MINT, ALPHA_USD, PATH_USD, 2_003, ALICE)
    with reverts("InsufficientLiquidity"):
        alice.call(MINT, ALPHA_USD, PATH_USD, 2, ALICE)
    assert alice.call(MINT, ALPHA_USD, PATH_USD, 3, ALICE) == 1
    with reverts("InvalidSwapCalculation"):
        alice.call(MINT, ALPHA_USD, PATH_USD, TOP, ALICE)


def test_a_pool_worth_nothing_divides_by_zero(scope: Scope, alice: Caller) -> None:
    """One user token is worth floor(0.9985) = 0."""
    pool_id = alice.call("getPoolId(address,address)", ALPHA_USD, PATH_USD)
    manager(scope).pools[pool_id] = (1, 0)
    with reverts("DivisionByZero"):
        alice.call(MINT, ALPHA_USD, PATH_USD, 5_000, ALICE)


# -- withdrawing -----------------------------------------------------------------------------------


def test_a_burn_pays_both_tokens_and_logs_in_order(scope: Scope, alice: Caller) -> None:
    """Node: also a part that is zero is transferred."""
    alice.call(MINT, ALPHA_USD, PATH_USD, 1_000_000, ALICE)
    at = len(scope.logs)
    assert alice.call(BURN, ALPHA_USD, PATH_USD, 1_000, CAROL) == (0, 2_000)
    assert named_logs(scope, FeeManager, Tip20, since=at) == [
        (ALPHA_USD, "Transfer", {"from": FEE_MANAGER, "to": CAROL, "amount": 0}),
        (PATH_USD, "Transfer", {"from": FEE_MANAGER, "to": CAROL, "amount": 2_000}),
        (
            FEE_MANAGER,
            "Burn",
            {
                "sender": ALICE,
                "userToken": ALPHA_USD,
                "validatorToken": PATH_USD,
                "amountUserToken": 0,
                "amountValidatorToken": 2_000,
                "liquidity": 1_000,
                "to": CAROL,
            },
        ),
    ]
    assert balance(scope, PATH_USD, CAROL) == 2_000


def test_a_provider_can_burn_all_but_the_locked_shares(alice: Caller) -> None:
    alice.call(MINT, ALPHA_USD, PATH_USD, 1_000_000, ALICE)
    assert alice.call(BURN, ALPHA_USD, PATH_USD, 499_000, ALICE) == (0, 998_000)
    pool_id = alice.call("getPoolId(address,address)", ALPHA_USD, PATH_USD)
    assert alice.call("totalSupply(bytes32)", pool_id) == 1_000
    assert alice.call("liquidityBalances(bytes32,address)", pool_id, ALICE) == 0


def test_a_burn_shares_the_user_tokens_too(scope: Scope, alice: Caller) -> None:
    alice.call(MINT, ALPHA_USD, PATH_USD, 1_000_000, ALICE)
    pay_fee(scope, ALPHA_USD, 10_001)
    user, validator = alice.call(GET_POOL, ALPHA_USD, PATH_USD)
    part = (user * 250_000 // 500_000, validator * 250_000 // 500_000)
    assert alice.call(BURN, ALPHA_USD, PATH_USD, 250_000, ALICE) == part
    assert alice.call(GET_POOL, ALPHA_USD, PATH_USD) == (user - part[0], validator - part[1])


BURN_REFUSALS: list[tuple[bytes, bytes, int, type[Any], str]] = [
    (NO_TOKEN, NO_TOKEN, 0, FeeManager, "IdenticalAddresses"),
    (NO_TOKEN, EURO, 0, FeeManager, "InvalidAmount"),
    (NO_TOKEN, EURO, 1, FeeManager, "InvalidToken"),
    (ALPHA_USD, EURO, 1, Tip20, "InvalidCurrency"),
    (ALPHA_USD, PATH_USD, 499_001, FeeManager, "InsufficientLiquidity"),
    (BETA_USD, PATH_USD, 1, FeeManager, "InsufficientLiquidity"),
]


@pytest.mark.parametrize(("user", "validator", "liquidity", "kind", "error"), BURN_REFUSALS)
def test_burn_refuses(
    alice: Caller, user: bytes, validator: bytes, liquidity: int, kind: type[Any], error: str
) -> None:
    alice.call(MINT, ALPHA_USD, PATH_USD, 1_000_000, ALICE)
    with reverts_in(kind, error):
        alice.call(BURN, user, validator, liquidity, ALICE)


@pytest.mark.parametrize("nobody", [ZERO_ADDRESS, ALPHA_USD])
def test_a_burn_to_nobody_is_undone(scope: Scope, alice: Caller, nobody: bytes) -> None:
    alice.call(MINT, ALPHA_USD, PATH_USD, 1_000_000, ALICE)
    before = dict(scope.world.storage)
    with reverts_in(Tip20, "InvalidRecipient"):
        alice.call(BURN, ALPHA_USD, PATH_USD, 1_000, nobody)
    assert scope.world.storage == before


def test_a_transaction_cannot_burn_what_its_own_fee_needs(scope: Scope) -> None:
    """The figures of a node: 8,000 at most reserve 7,976 and bind the last 2,985 shares."""
    alice = Caller(scope, FeeManager, FEE_MANAGER, ALICE)
    pool_id = alice.call("getPoolId(address,address)", ALPHA_USD, PATH_USD)
    seeded = manager(scope)
    seeded.pools[pool_id] = (213, 999_999_792)
    seeded.supplies[pool_id] = 499_750_375
    seeded.shares[pool_id, ALICE] = 499_749_374
    Tip20(Frame(scope, PATH_USD, ALICE)).credit(FEE_MANAGER, 999_999_792)
    Tip20(Frame(scope, ALPHA_USD, ALICE)).credit(FEE_MANAGER, 213)
    seeded.reserve(ALPHA_USD, PATH_USD, 8_000)
    assert seeded.reserved(pool_id) == 7_976
    most = 499_749_374 - 2_985
    with reverts("InsufficientLiquidity"):
        alice.call(BURN, ALPHA_USD, PATH_USD, most + 1, ALICE)
    alice.call(BURN, ALPHA_USD, PATH_USD, most, ALICE)
    assert alice.call(GET_POOL, ALPHA_USD, PATH_USD)[1] == 7_976
    seeded.settle_fee(ALPHA_USD, ZERO_ADDRESS, 8_000)
    assert alice.call(GET_POOL, ALPHA_USD, PATH_USD)[1] == 0


# -- rebalancing -----------------------------------------------------------------------------------


def test_a_rebalancer_pays_a_little_less_than_par(scope: Scope) -> None:
    """The figures of a node: 999 in for 1,000 out; in = floor(out * 9985 / 10000) + 1."""
    bob = Caller(scope, FeeManager, FEE_MANAGER, BOB)
    pool_id = bob.call("getPoolId(address,address)", ALPHA_USD, PATH_USD)
    manager(scope).pools[pool_id] = (17_998, 9_999_982_057)
    Tip20(Frame(scope, ALPHA_USD, ALICE)).credit(FEE_MANAGER, 17_998)
    assert bob.call(REBALANCE, ALPHA_USD, PATH_USD, 1_000, CAROL) == 999
    assert bob.call(GET_POOL, ALPHA_USD, PATH_USD) == (16_998, 9_999_983_056)
    assert named_logs(scope, FeeManager, Tip20) == [
        (PATH_USD, "Transfer", {"from": BOB, "to": FEE_MANAGER, "amount": 999}),
        (ALPHA_USD, "Transfer", {"from": FEE_MANAGER, "to": CAROL, "amount": 1_000}),
        (
            FEE_MANAGER,
            "RebalanceSwap",
            {
                "userToken": ALPHA_USD,
                "validatorToken": PATH_USD,
                "swapper": BOB,
                "amountIn": 999,
                "amountOut": 1_000,
            },
        ),
    ]
    assert bob.call(REBALANCE, ALPHA_USD, PATH_USD, 16_998, BOB) == 16_973


@pytest.mark.parametrize(
    ("user", "amount", "error"),
    [
        (ALPHA_USD, 0, "InvalidAmount"),
        (NO_TOKEN, 0, "InvalidAmount"),
        (PATH_USD, 5, "InvalidAmount"),
        (NO_TOKEN, 5, "InvalidAmount"),
        (ALPHA_USD, 11, "InvalidAmount"),
        (ALPHA_USD, 1 << 200, "InvalidAmount"),
        (ALPHA_USD, TOP, "Panic"),
    ],
)
def test_rebalance_refuses(scope: Scope, user: bytes, amount: int, error: str) -> None:
    """Node: whatever is not in the pool is an invalid amount; what overflows panics."""
    bob = Caller(scope, FeeManager, FEE_MANAGER, BOB)
    bob.call(MINT, ALPHA_USD, PATH_USD, 1_000_000, BOB)
    pay_fee(scope, ALPHA_USD, 10)
    with reverts(error, *((0x11,) if error == "Panic" else ())):
        bob.call(REBALANCE, user, PATH_USD, amount, BOB)


def test_a_rebalancer_needs_the_money_and_a_recipient(scope: Scope) -> None:
    carol = Caller(scope, FeeManager, FEE_MANAGER, CAROL)
    carol.by(ALICE).call(MINT, ALPHA_USD, PATH_USD, 1_000_000, ALICE)
    pay_fee(scope, ALPHA_USD, 1_000)
    with reverts_in(Tip20, "InsufficientBalance", 0, 100, PATH_USD):
        carol.call(REBALANCE, ALPHA_USD, PATH_USD, 100, CAROL)
    with reverts_in(Tip20, "InvalidRecipient"):
        carol.by(BOB).call(REBALANCE, ALPHA_USD, PATH_USD, 100, ZERO_ADDRESS)


# -- routes ----------------------------------------------------------------------------------------


def test_the_same_token_needs_no_pool(scope: Scope) -> None:
    assert manager(scope).route(ALPHA_USD, ALPHA_USD, 5) == ()


def test_without_a_pool_there_is_no_route(scope: Scope) -> None:
    pools = manager(scope)
    assert pools.route(ALPHA_USD, PATH_USD, 5_000) is None
    with pytest.raises(Revert) as caught:
        pools.reserve(ALPHA_USD, PATH_USD, 5_000)
    assert caught.value.data.hex() == "bb55fd27"


def test_a_deep_direct_pool_is_preferred(scope: Scope, alice: Caller) -> None:
    for user, validator in ((ALPHA_USD, BETA_USD), (ALPHA_USD, PATH_USD), (PATH_USD, BETA_USD)):
        alice.call(MINT, user, validator, 10_000, ALICE)
    direct = alice.call("getPoolId(address,address)", ALPHA_USD, BETA_USD)
    assert manager(scope).route(ALPHA_USD, BETA_USD, 9_999) == (Hop(direct, 9_999, 9_969),)


def test_two_pools_by_way_of_path_usd_stand_in_for_a_shallow_one(
    scope: Scope, alice: Caller
) -> None:
    """Since T5; each hop takes its part, rounded down."""
    alice.call(MINT, ALPHA_USD, BETA_USD, 9_000, ALICE)
    alice.call(MINT, ALPHA_USD, PATH_USD, 10_000, ALICE)
    pools = manager(scope)
    assert pools.route(ALPHA_USD, BETA_USD, 10_001) is None
    alice.call(MINT, PATH_USD, BETA_USD, 10_000, ALICE)
    first = alice.call("getPoolId(address,address)", ALPHA_USD, PATH_USD)
    second = alice.call("getPoolId(address,address)", PATH_USD, BETA_USD)
    hops = (Hop(first, 10_001, 9_970), Hop(second, 9_970, 9_940))
    assert pools.route(ALPHA_USD, BETA_USD, 10_001) == hops
    pools.reserve(ALPHA_USD, BETA_USD, 10_001)
    assert (pools.reserved(first), pools.reserved(second)) == (9_970, 9_940)


def test_a_reverted_frame_takes_its_reservation_back(scope: Scope, alice: Caller) -> None:
    alice.call(MINT, ALPHA_USD, PATH_USD, 10_000, ALICE)
    pools = manager(scope)
    snapshot = scope.snapshot()
    pools.reserve(ALPHA_USD, PATH_USD, 5_000)
    scope.revert(snapshot)
    assert pools.reserved(alice.call("getPoolId(address,address)", ALPHA_USD, PATH_USD)) == 0


# -- conservation ----------------------------------------------------------------------------------


def owed(scope: Scope) -> dict[bytes, int]:
    """What the manager owes of each token: reserves of all pools, and fees not yet distributed."""
    contract = manager(scope)
    total = dict.fromkeys(TOKENS, 0)
    for user in TOKENS:
        for validator in TOKENS:
            pool = contract.pool(user, validator)
            total[user] += pool.user
            total[validator] += pool.validator
        for account in (ZERO_ADDRESS, CAROL):
            total[user] += contract.collected(account, user)
    return total


TOKEN = st.sampled_from(TOKENS)
AMOUNT = st.one_of(st.integers(1, 5_000), st.integers(2_000, 10**9))
STEP = st.one_of(
    st.tuples(st.just("mint"), TOKEN, TOKEN, AMOUNT),
    st.tuples(st.just("burn"), TOKEN, TOKEN, AMOUNT),
    st.tuples(st.just("rebalance"), TOKEN, TOKEN, AMOUNT),
    st.tuples(st.just("fee"), TOKEN, TOKEN, AMOUNT),
    st.tuples(st.just("distribute"), TOKEN, TOKEN, AMOUNT),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(STEP, max_size=40))
def test_the_manager_holds_exactly_what_it_owes(steps: list[tuple[str, bytes, bytes, int]]) -> None:
    """Whatever succeeds or fails, and the sum over all holders never changes."""
    scope = dollar_scope()
    alice = Caller(scope, FeeManager, FEE_MANAGER, ALICE)
    contract = manager(scope)
    for action, user, validator, amount in steps:
        contract.validator_tokens[CAROL] = validator
        try:
            if action == "mint":
                alice.call(MINT, user, validator, amount, ALICE)
            elif action == "burn":
                alice.call(BURN, user, validator, amount, BOB)
            elif action == "rebalance":
                alice.call(REBALANCE, user, validator, amount, BOB)
            elif action == "distribute":
                alice.call("distributeFees(address,address)", CAROL, validator)
            elif contract.has_liquidity(user, validator, amount):
                pay_fee(scope, user, amount, validator=CAROL)
        except CallFailed:
            pass
        for token, amount_owed in owed(scope).items():
            assert balance(scope, token, FEE_MANAGER) == amount_owed
            holders = (ALICE, BOB, CAROL, FEE_MANAGER)
            assert sum(balance(scope, token, holder) for holder in holders) == 2 * WEALTH
