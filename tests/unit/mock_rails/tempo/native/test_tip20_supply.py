"""Minting, burning and the supply cap (facts 3)."""

from __future__ import annotations

import pytest

from mock_rails.tempo.addresses import (
    ALPHA_USD,
    CHANNEL_RESERVE,
    FEE_MANAGER,
    PATH_USD,
    RECEIVE_POLICY_GUARD,
    STABLECOIN_DEX,
    TIP403_REGISTRY,
    ZERO_ADDRESS,
)
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.native.tip20.roles import BURN_BLOCKED_ROLE, ISSUER_ROLE
from mock_rails.tempo.native.tip403 import Tip403Registry
from tests.unit.mock_rails.tempo.native.support import (
    ADMIN,
    ALICE,
    BOB,
    Caller,
    events,
    make_scope,
    make_token,
    reverts,
)

MINT = "mint(address,uint256)"
BURN = "burn(uint256)"
BURN_BLOCKED = "burnBlocked(address,uint256)"
CAP = "setSupplyCap(uint256)"
SUPPLY = "totalSupply()"
BALANCE = "balanceOf(address)"

MEMO = b"\x07" * 32
VIRTUAL = b"\0\0\0\1" + b"\xfd" * 10 + b"\0\0\0\0\0\1"
UINT128_MAX = (1 << 128) - 1


@pytest.fixture
def issuer() -> Caller:
    scope = make_scope()
    make_token(scope, balances={ADMIN: 1000, ALICE: 500})
    return Caller(scope, Tip20, PATH_USD, ADMIN)


def registry(issuer: Caller) -> Caller:
    return Caller(issuer.scope, Tip403Registry, TIP403_REGISTRY, ADMIN)


def block(issuer: Caller, *accounts: bytes) -> int:
    """Put the token under a blacklist of these accounts."""
    create = "createPolicyWithAccounts(address,uint8,address[])"
    policy: int = registry(issuer).call(create, ADMIN, 1, accounts)
    issuer.call("changeTransferPolicyId(uint64)", policy)
    return policy


def test_mint_logs_the_transfer_then_the_mint(issuer: Caller) -> None:
    issuer.call(MINT, BOB, 70)
    assert (issuer.call(SUPPLY), issuer.call(BALANCE, BOB)) == (1570, 70)
    assert events(issuer.scope, Tip20) == [
        ("Transfer", {"from": ZERO_ADDRESS, "to": BOB, "amount": 70}),
        ("Mint", {"to": BOB, "amount": 70}),
    ]


def test_mint_with_memo_logs_the_memo_in_between(issuer: Caller) -> None:
    issuer.call("mintWithMemo(address,uint256,bytes32)", BOB, 70, MEMO)
    moved = {"from": ZERO_ADDRESS, "to": BOB, "amount": 70}
    assert events(issuer.scope, Tip20) == [
        ("Transfer", moved),
        ("TransferWithMemo", {**moved, "memo": MEMO}),
        ("Mint", {"to": BOB, "amount": 70}),
    ]


def test_burn_takes_from_the_issuer_itself(issuer: Caller) -> None:
    issuer.call(BURN, 100)
    assert (issuer.call(SUPPLY), issuer.call(BALANCE, ADMIN)) == (1400, 900)
    assert events(issuer.scope, Tip20) == [
        ("Transfer", {"from": ADMIN, "to": ZERO_ADDRESS, "amount": 100}),
        ("Burn", {"from": ADMIN, "amount": 100}),
    ]


def test_burn_with_memo(issuer: Caller) -> None:
    issuer.call("burnWithMemo(uint256,bytes32)", 100, MEMO)
    moved = {"from": ADMIN, "to": ZERO_ADDRESS, "amount": 100}
    assert events(issuer.scope, Tip20) == [
        ("Transfer", moved),
        ("TransferWithMemo", {**moved, "memo": MEMO}),
        ("Burn", {"from": ADMIN, "amount": 100}),
    ]


def test_burning_more_than_one_has_fails(issuer: Caller) -> None:
    with reverts("InsufficientBalance", 1000, 1001, PATH_USD):
        issuer.call(BURN, 1001)


MINT_GATES = [
    "VirtualAddressUnregistered",
    "Unauthorized",
    "ContractPaused",
    "InvalidRecipient",
    "PolicyForbids",
    "SupplyCapExceeded",
    "PolicyForbids",
]


@pytest.mark.parametrize("first", range(len(MINT_GATES)))
@pytest.mark.parametrize("memo", [False, True])
def test_the_order_of_mint_checks(issuer: Caller, first: int, memo: bool) -> None:
    """With every check from `first` on failing at once, it is the first one that is reported."""
    recipient = {0: VIRTUAL, 1: PATH_USD, 2: PATH_USD, 3: PATH_USD}.get(first, BOB)
    if first <= 6:
        receive = "setReceivePolicy(uint64,uint64,address)"
        registry(issuer).by(BOB).call(receive, 0, 1, ZERO_ADDRESS)
    if first <= 4:
        block(issuer, BOB)
    if first <= 2:
        issuer.call("pause()")
    if first <= 1:
        issuer.call("renounceRole(bytes32)", ISSUER_ROLE)
    amount = UINT128_MAX if first <= 5 else 1
    before = len(issuer.scope.logs)
    with reverts(MINT_GATES[first]):
        if memo:
            issuer.call("mintWithMemo(address,uint256,bytes32)", recipient, amount, MEMO)
        else:
            issuer.call(MINT, recipient, amount)
    assert issuer.call(SUPPLY) == 1500
    assert len(issuer.scope.logs) == before


def test_a_compound_policy_has_its_own_word_about_mints(issuer: Caller) -> None:
    compound = "createCompoundPolicy(uint64,uint64,uint64)"
    issuer.call("changeTransferPolicyId(uint64)", registry(issuer).call(compound, 1, 1, 0))
    with reverts("PolicyForbids"):
        issuer.call(MINT, BOB, 1)
    issuer.call("transfer(address,uint256)", BOB, 1)
    issuer.call("changeTransferPolicyId(uint64)", registry(issuer).call(compound, 0, 0, 1))
    issuer.call(MINT, BOB, 1)
    with reverts("PolicyForbids"):
        issuer.call("transfer(address,uint256)", BOB, 1)


@pytest.mark.parametrize(
    ("paused", "role", "expected"),
    [
        (True, False, "ContractPaused"),
        (False, False, "Unauthorized"),
        (False, True, "InsufficientBalance"),
    ],
)
@pytest.mark.parametrize("memo", [False, True])
def test_the_order_of_burn_checks(
    issuer: Caller, memo: bool, paused: bool, role: bool, expected: str
) -> None:
    if not role:
        issuer.call("renounceRole(bytes32)", ISSUER_ROLE)
    if paused:
        issuer.call("pause()")
    with reverts(expected):
        if memo:
            issuer.call("burnWithMemo(uint256,bytes32)", 10**9, MEMO)
        else:
            issuer.call(BURN, 10**9)


def test_policies_do_not_bind_the_issuer_who_burns(issuer: Caller) -> None:
    block(issuer, ADMIN)
    issuer.call(BURN, 1000)
    assert issuer.call(SUPPLY) == 500


def test_burn_blocked(issuer: Caller) -> None:
    block(issuer, ALICE)
    before = len(issuer.scope.logs)
    issuer.call(BURN_BLOCKED, ALICE, 500)
    assert (issuer.call(SUPPLY), issuer.call(BALANCE, ALICE)) == (1000, 0)
    assert events(issuer.scope, Tip20, before) == [
        ("Transfer", {"from": ALICE, "to": ZERO_ADDRESS, "amount": 500}),
        ("BurnBlocked", {"from": ALICE, "amount": 500}),
    ]


@pytest.mark.parametrize(
    ("holder", "paused", "role", "expected"),
    [
        (FEE_MANAGER, True, False, "ContractPaused"),
        (FEE_MANAGER, False, False, "Unauthorized"),
        (FEE_MANAGER, False, True, "ProtectedAddress"),
        (BOB, False, True, "PolicyForbids"),
        (ALICE, False, True, "InsufficientBalance"),
    ],
)
def test_the_order_of_burn_blocked_checks(
    issuer: Caller, holder: bytes, paused: bool, role: bool, expected: str
) -> None:
    block(issuer, ALICE)
    if not role:
        issuer.call("renounceRole(bytes32)", BURN_BLOCKED_ROLE)
    if paused:
        issuer.call("pause()")
    with reverts(expected):
        issuer.call(BURN_BLOCKED, holder, 10**9)
    assert issuer.call(SUPPLY) == 1500


def test_blocked_means_blocked_as_a_sender(issuer: Caller) -> None:
    compound = "createCompoundPolicy(uint64,uint64,uint64)"
    issuer.call("changeTransferPolicyId(uint64)", registry(issuer).call(compound, 1, 0, 0))
    with reverts("PolicyForbids"):
        issuer.call(BURN_BLOCKED, ALICE, 1)
    issuer.call("changeTransferPolicyId(uint64)", registry(issuer).call(compound, 0, 1, 1))
    issuer.call(BURN_BLOCKED, ALICE, 1)


@pytest.mark.parametrize(
    "holder", [PATH_USD, FEE_MANAGER, STABLECOIN_DEX, CHANNEL_RESERVE, RECEIVE_POLICY_GUARD]
)
def test_other_peoples_money_in_a_precompile_is_protected(issuer: Caller, holder: bytes) -> None:
    block(issuer, holder)
    with reverts("ProtectedAddress"):
        issuer.call(BURN_BLOCKED, holder, 0)


def test_another_token_is_not_protected(issuer: Caller) -> None:
    block(issuer, ALPHA_USD)
    issuer.call(BURN_BLOCKED, ALPHA_USD, 0)


def test_the_cap_lies_between_the_supply_and_2_128(issuer: Caller) -> None:
    assert issuer.call("supplyCap()") == UINT128_MAX
    with reverts("SupplyCapExceeded"):
        issuer.call(CAP, UINT128_MAX + 1)
    with reverts("InvalidSupplyCap"):
        issuer.call(CAP, 1499)
    with reverts("Unauthorized"):
        issuer.by(ALICE).call(CAP, 1500)
    assert issuer.scope.logs == []
    issuer.call(CAP, 1500)
    assert events(issuer.scope, Tip20) == [
        ("SupplyCapUpdate", {"updater": ADMIN, "newSupplyCap": 1500})
    ]
    with reverts("SupplyCapExceeded"):
        issuer.call(MINT, BOB, 1)
    issuer.call(BURN, 1)
    issuer.call(MINT, BOB, 1)


def test_a_mint_that_would_overflow_a_word_panics(issuer: Caller) -> None:
    """As anvil 1.7.1 (`--network tempo`) does: the sum is made before the cap is looked at."""
    with reverts("SupplyCapExceeded"):
        issuer.call(MINT, BOB, (1 << 256) - 1 - 1500)
    with reverts("Panic", 0x11):
        issuer.call(MINT, BOB, (1 << 256) - 1500)
