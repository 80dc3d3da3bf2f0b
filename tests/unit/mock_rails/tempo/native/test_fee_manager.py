"""The FeeManager: preferences, settlement of fees, and their distribution (facts 2.4, 4.2).

Errors and orders marked "node" were read from a Tempo node of fork T4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_rails.tempo.addresses import (
    ALPHA_USD,
    BETA_USD,
    FEE_MANAGER,
    PATH_USD,
    TIP20_PREFIX,
    ZERO_ADDRESS,
)
from mock_rails.tempo.native.contract import Revert
from mock_rails.tempo.native.fee_manager import FeeManager
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.tip20 import Tip20
from tests.unit.mock_rails.tempo.native.across import check_interface, named_logs, reverts_in
from tests.unit.mock_rails.tempo.native.support import (
    ALICE,
    BOB,
    CAROL,
    Caller,
    install,
    make_block,
    make_scope,
    make_token,
    reverts,
)

if TYPE_CHECKING:
    from mock_rails.tempo.scope import Scope

EURO = TIP20_PREFIX + b"\x77" * 8
NOT_CREATED = TIP20_PREFIX + b"\x99" * 8
NO_TOKEN = b"\x11" * 20
VALIDATOR = b"\xee" * 20
WEALTH = 10**12

FUNCTIONS = {
    "userTokens": "ed498fa8",
    "setUserToken": "e7897444",
    "validatorTokens": "6dc54a7a",
    "setValidatorToken": "b60d2ddb",
    "collectedFees": "4c97f766",
    "distributeFees": "a6c07924",
    "M": "693f917e",
    "N": "c9e525df",
    "SCALE": "eced5526",
    "MIN_LIQUIDITY": "21b77d63",
    "getPoolId": "2ef61c21",
    "getPool": "531aa03e",
    "pools": "b5217bb4",
    "totalSupply": "b524abcf",
    "liquidityBalances": "4fb5bf7f",
    "mint": "f1aa8cb8",
    "burn": "fa291e53",
    "rebalanceSwap": "1bd94ac7",
}
TOPICS = {
    "UserTokenSet": "abc7758d",
    "ValidatorTokenSet": "6eb51f8f",
    "FeesDistributed": "fe29ed2b",
    "Mint": "f114ca9e",
    "Burn": "a1306df6",
    "RebalanceSwap": "1e9bc167",
}
ERRORS = {
    "InvalidToken": "c1ab6dc1",
    "InsufficientFeeTokenBalance": "04ae7426",
    "CannotChangeWithinBlock": "82946ea1",
    "IdenticalAddresses": "bd969eb0",
    "InsufficientLiquidity": "bb55fd27",
    "InsufficientReserves": "945e9268",
    "InvalidAmount": "2c5211c6",
    "DivisionByZero": "23d359a3",
    "InvalidSwapCalculation": "337e5a83",
    "Panic": "4e487b71",
}


@pytest.fixture
def scope() -> Scope:
    scope = make_scope(block=make_block(beneficiary=VALIDATOR))
    install(scope, FEE_MANAGER)
    for token in (PATH_USD, ALPHA_USD, BETA_USD):
        make_token(scope, token, balances={ALICE: WEALTH})
    make_token(scope, EURO, currency="EUR")
    return scope


@pytest.fixture
def alice(scope: Scope) -> Caller:
    return Caller(scope, FeeManager, FEE_MANAGER, ALICE)


@pytest.fixture
def manager(scope: Scope) -> FeeManager:
    """The contract as the executor uses it: unmetered."""
    return FeeManager(Frame(scope, FEE_MANAGER, ZERO_ADDRESS))


def collect(scope: Scope, token: bytes, amount: int) -> None:
    Tip20(Frame(scope, token, FEE_MANAGER)).collect_fee(ALICE, FEE_MANAGER, amount)


def test_interface() -> None:
    """Facts 2.4: one address serves the ABIs of both contracts."""
    check_interface(FeeManager, FUNCTIONS, TOPICS, ERRORS)


# -- preferences -----------------------------------------------------------------------------------


def test_a_payer_chooses_a_token_once(scope: Scope, alice: Caller) -> None:
    """To choose the same again is a silent no-op."""
    assert alice.call("userTokens(address)", ALICE) == ZERO_ADDRESS
    alice.call("setUserToken(address)", ALPHA_USD)
    alice.call("setUserToken(address)", ALPHA_USD)
    assert alice.call("userTokens(address)", ALICE) == ALPHA_USD
    assert named_logs(scope, FeeManager) == [
        (FEE_MANAGER, "UserTokenSet", {"user": ALICE, "token": ALPHA_USD})
    ]


@pytest.mark.parametrize("token", [ZERO_ADDRESS, NO_TOKEN, NOT_CREATED])
@pytest.mark.parametrize("name", ["setUserToken", "setValidatorToken"])
def test_only_created_tokens_can_be_chosen(alice: Caller, name: str, token: bytes) -> None:
    with reverts("InvalidToken"):
        alice.call(f"{name}(address)", token)


@pytest.mark.parametrize("name", ["setUserToken", "setValidatorToken"])
def test_only_dollars_can_be_chosen(scope: Scope, alice: Caller, name: str) -> None:
    with reverts_in(Tip20, "InvalidCurrency"):
        alice.call(f"{name}(address)", EURO)
    assert scope.logs == []


def test_a_validator_is_paid_in_path_usd_until_it_chooses(scope: Scope, alice: Caller) -> None:
    """Node: unlike a payer's, a validator's choice is logged each time."""
    assert alice.call("validatorTokens(address)", ALICE) == PATH_USD
    alice.call("setValidatorToken(address)", BETA_USD)
    alice.call("setValidatorToken(address)", BETA_USD)
    assert alice.call("validatorTokens(address)", ALICE) == BETA_USD
    chosen = (FEE_MANAGER, "ValidatorTokenSet", {"validator": ALICE, "token": BETA_USD})
    assert named_logs(scope, FeeManager) == [chosen, chosen]


def test_a_validator_cannot_change_within_its_own_block(alice: Caller) -> None:
    """Node: asked after whether the token exists and before its currency."""
    validator = alice.by(VALIDATOR)
    with reverts("InvalidToken"):
        validator.call("setValidatorToken(address)", NO_TOKEN)
    for token in (EURO, PATH_USD):
        with reverts("CannotChangeWithinBlock"):
            validator.call("setValidatorToken(address)", token)
    validator.call("setUserToken(address)", ALPHA_USD)


# -- settling --------------------------------------------------------------------------------------


def test_a_fee_in_the_validators_token_is_credited_whole(
    scope: Scope, alice: Caller, manager: FeeManager
) -> None:
    collect(scope, PATH_USD, 500)
    manager.settle_fee(PATH_USD, VALIDATOR, 500)
    manager.settle_fee(PATH_USD, VALIDATOR, 0)
    assert alice.call("collectedFees(address,address)", VALIDATOR, PATH_USD) == 500
    assert scope.logs == []


def test_another_token_is_swapped_silently(
    scope: Scope, alice: Caller, manager: FeeManager
) -> None:
    """out = floor(in * 9970 / 10000): 110 for 111 and 101 for 102 on a node."""
    alice.call("mint(address,address,uint256,address)", ALPHA_USD, PATH_USD, 10_000, ALICE)
    at = len(scope.logs)
    for fee in (111, 102):
        collect(scope, ALPHA_USD, fee)
        manager.settle_fee(ALPHA_USD, VALIDATOR, fee)
    assert alice.call("getPool(address,address)", ALPHA_USD, PATH_USD) == (213, 10_000 - 211)
    assert alice.call("collectedFees(address,address)", VALIDATOR, PATH_USD) == 211
    assert alice.call("collectedFees(address,address)", VALIDATOR, ALPHA_USD) == 0
    assert len(scope.logs) == at


def test_a_fee_takes_two_pools_where_one_does_not_exist(
    scope: Scope, alice: Caller, manager: FeeManager
) -> None:
    """Since T5, by way of pathUSD."""
    manager.validator_tokens[VALIDATOR] = BETA_USD
    assert not manager.has_liquidity(ALPHA_USD, BETA_USD, 10_000)
    for user, validator in ((ALPHA_USD, PATH_USD), (PATH_USD, BETA_USD)):
        alice.call("mint(address,address,uint256,address)", user, validator, 20_000, ALICE)
    assert manager.has_liquidity(ALPHA_USD, BETA_USD, 10_000)
    collect(scope, ALPHA_USD, 10_000)
    manager.settle_fee(ALPHA_USD, VALIDATOR, 10_000)
    assert alice.call("getPool(address,address)", ALPHA_USD, PATH_USD) == (10_000, 10_030)
    assert alice.call("getPool(address,address)", PATH_USD, BETA_USD) == (9_970, 10_060)
    assert alice.call("collectedFees(address,address)", VALIDATOR, BETA_USD) == 9_940


@pytest.mark.parametrize(("depth", "deep"), [(9_969, False), (9_970, True)])
def test_liquidity_is_what_comes_out(
    alice: Caller, manager: FeeManager, depth: int, deep: bool
) -> None:
    alice.call("mint(address,address,uint256,address)", ALPHA_USD, PATH_USD, depth, ALICE)
    assert manager.has_liquidity(ALPHA_USD, PATH_USD, 10_000) is deep
    assert manager.has_liquidity(PATH_USD, PATH_USD, 10**30)


def test_a_fee_without_a_way_changes_nothing(scope: Scope, manager: FeeManager) -> None:
    before = dict(scope.world.storage)
    with pytest.raises(Revert) as caught:
        manager.settle_fee(ALPHA_USD, VALIDATOR, 500)
    assert caught.value.data.hex() == ERRORS["InsufficientLiquidity"]
    assert scope.world.storage == before


def test_a_genesis_pool_is_the_first_mint_without_the_transfer(
    scope: Scope, alice: Caller, manager: FeeManager
) -> None:
    """Facts 6: reserves (0, 10^10), supply 5*10^9, of which account 0 owns all but 1,000."""
    manager.seed_pool(ALPHA_USD, PATH_USD, reserve=10_000_000_000, owner=ALICE)
    pool_id = alice.call("getPoolId(address,address)", ALPHA_USD, PATH_USD)
    assert alice.call("pools(bytes32)", pool_id) == (0, 10_000_000_000)
    assert alice.call("totalSupply(bytes32)", pool_id) == 5_000_000_000
    assert alice.call("liquidityBalances(bytes32,address)", pool_id, ALICE) == 4_999_999_000
    assert scope.logs == []


# -- distributing ----------------------------------------------------------------------------------


def test_anyone_can_have_a_validator_paid(scope: Scope, alice: Caller, manager: FeeManager) -> None:
    collect(scope, PATH_USD, 500)
    manager.settle_fee(PATH_USD, BOB, 500)
    alice.by(CAROL).call("distributeFees(address,address)", BOB, PATH_USD)
    alice.by(CAROL).call("distributeFees(address,address)", BOB, PATH_USD)
    assert named_logs(scope, FeeManager, Tip20) == [
        (PATH_USD, "Transfer", {"from": FEE_MANAGER, "to": BOB, "amount": 500}),
        (FEE_MANAGER, "FeesDistributed", {"validator": BOB, "token": PATH_USD, "amount": 500}),
    ]
    assert alice.call("collectedFees(address,address)", BOB, PATH_USD) == 0
    assert scope.world.load(Tip20.balances.key(PATH_USD, BOB)) == 500


def test_nothing_owed_is_nothing_done(scope: Scope, alice: Caller) -> None:
    """Node: not even the token is looked at."""
    alice.call("distributeFees(address,address)", BOB, NO_TOKEN)
    assert scope.logs == []


def test_the_zero_validator_cannot_be_paid(
    scope: Scope, alice: Caller, manager: FeeManager
) -> None:
    """A development chain's beneficiary is the zero address: its fees stay where they are."""
    collect(scope, PATH_USD, 500)
    manager.settle_fee(PATH_USD, ZERO_ADDRESS, 500)
    with reverts_in(Tip20, "InvalidRecipient"):
        alice.call("distributeFees(address,address)", ZERO_ADDRESS, PATH_USD)
    assert alice.call("collectedFees(address,address)", ZERO_ADDRESS, PATH_USD) == 500


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("setUserToken(address)", (ALPHA_USD,)),
        ("setValidatorToken(address)", (ALPHA_USD,)),
        ("distributeFees(address,address)", (BOB, PATH_USD)),
        ("mint(address,address,uint256,address)", (ALPHA_USD, PATH_USD, 5_000, ALICE)),
        ("burn(address,address,uint256,address)", (ALPHA_USD, PATH_USD, 5_000, ALICE)),
        ("rebalanceSwap(address,address,uint256,address)", (ALPHA_USD, PATH_USD, 5, ALICE)),
    ],
)
def test_writes_are_refused_in_a_static_call(
    alice: Caller, text: str, arguments: tuple[object, ...]
) -> None:
    with reverts("StaticCallNotAllowed"):
        alice.call(text, *arguments, static=True)
