"""What TIP-20 calls cost in their frame (facts 4.5; tables of facts 4.6).

Each figure is written as the facts derive it. Intrinsic gas and calldata are the transaction's and
are tested there. `T4` is what anvil 1.7.1 (`--network tempo --hardfork t4`) charged, to which is
added what later forks changed.
"""

from __future__ import annotations

import pytest

from mock_rails.tempo.addresses import (
    ALPHA_USD,
    FEE_MANAGER,
    PATH_USD,
    STORAGE_CREDITS,
    TIP403_REGISTRY,
)
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.native.tip20.roles import ISSUER_ROLE
from mock_rails.tempo.native.tip403 import Tip403Registry
from tests.unit.mock_rails.tempo.native.support import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    Caller,
    make_scope,
    make_token,
    reverts,
    settle,
)
from tests.unit.mock_rails.tempo.native.test_tip20_permit import PERMIT, Terms

TRANSFER = "transfer(address,uint256)"
TRANSFER_MEMO = "transferWithMemo(address,uint256,bytes32)"
TRANSFER_FROM = "transferFrom(address,address,uint256)"
APPROVE = "approve(address,uint256)"
MINT = "mint(address,uint256)"

WORDS = 18
CODE = 100
PAUSED = 2100
POLICY = 2100
REGISTRY = 2100
KEY = 100
RECEIVE_POLICY = 2100
BALANCE = 5000
TRANSFER_LOG = 1756
GATES = WORDS + CODE + PAUSED + POLICY + REGISTRY + KEY + RECEIVE_POLICY
PAYMENT = GATES + 2 * BALANCE + TRANSFER_LOG

MEMO = b"\x07" * 32
MEMO_LOG_AND_WORD = 2131 + 6
NEW_HOLDER = 249_300


@pytest.fixture
def alice() -> Caller:
    scope = make_scope()
    make_token(scope, balances={ALICE: 10**9, BOB: 10**9, ADMIN: 10**9})
    return Caller(scope, Tip20, PATH_USD, ALICE)


def test_a_payment_to_a_holder(alice: Caller) -> None:
    """41,958 less 21,000 and 584 for calldata: the T12 row of facts 4.6."""
    assert PAYMENT == 41_958 - 21_000 - 584
    assert alice.gas(TRANSFER, BOB, 10_000) == PAYMENT


def test_a_payment_with_a_memo(alice: Caller) -> None:
    assert alice.gas(TRANSFER_MEMO, BOB, 10_000, MEMO) == PAYMENT + MEMO_LOG_AND_WORD


def test_a_payment_to_a_new_holder(alice: Caller) -> None:
    assert alice.gas(TRANSFER, CAROL, 10_000) == PAYMENT + NEW_HOLDER


def test_a_payment_of_everything_earns_the_token_a_credit(alice: Caller) -> None:
    """44,746 against 39,858 in facts 4.6, where one more zero byte of calldata saves 12."""
    assert alice.gas(TRANSFER, BOB, 10**9) == PAYMENT + 2_100 + 2_800
    assert alice.scope.world.load((STORAGE_CREDITS, 0, PATH_USD)) == 1


def test_a_payment_of_nothing(alice: Caller) -> None:
    """34,234 against 39,858 in facts 4.6, of which 24 are calldata."""
    assert alice.gas(TRANSFER, BOB, 0) == PAYMENT - 5_600


def test_a_second_payment_in_the_transaction_is_warm(alice: Caller) -> None:
    alice.call(TRANSFER, BOB, 1)
    warm_gates = WORDS + CODE + 100 + 100 + 100 + KEY + 100
    assert alice.gas(TRANSFER, BOB, 1) == warm_gates + 2 * 200 + TRANSFER_LOG


@pytest.mark.parametrize(("payer", "total"), [(ALICE, 31_158), (ADMIN, 31_158 + 4_800)])
def test_a_payment_in_the_fee_token(alice: Caller, payer: bytes, total: int) -> None:
    """Fee collection has warmed what it looked at and dirtied the payer's balance (facts 4.6)."""
    Tip20(Frame(alice.scope, PATH_USD, FEE_MANAGER)).collect_fee(payer, FEE_MANAGER, 1000)
    assert alice.gas(TRANSFER, BOB, 10_000) == total - 21_000 - 584


def test_a_transfer_from(alice: Caller) -> None:
    """One more word, an allowance read and written, no access key looked for."""
    alice.call(APPROVE, CAROL, 500)
    settle(alice.scope)
    assert alice.by(CAROL).gas(TRANSFER_FROM, ALICE, BOB, 5) == PAYMENT + 6 + 5_000 - KEY


@pytest.mark.parametrize(("listed", "extra"), [("whitelist", 6_400), ("compound", 12_800)])
def test_a_payment_under_a_policy(alice: Caller, listed: str, extra: int) -> None:
    """46,258 against 39,858 in facts 4.6; the compound one is T4 (43,774 against 30,974)."""
    registry = Caller(alice.scope, Tip403Registry, TIP403_REGISTRY, ADMIN)
    create = "createPolicyWithAccounts(address,uint8,address[])"
    policy = registry.call(create, ADMIN, 0, [ALICE, BOB])
    if listed == "compound":
        blacklist = registry.call("createPolicy(address,uint8)", ADMIN, 1)
        compound = "createCompoundPolicy(uint64,uint64,uint64)"
        policy = registry.call(compound, policy, blacklist, 1)
    alice.by(ADMIN).call("changeTransferPolicyId(uint64)", policy)
    settle(alice.scope)
    own_policy_is_not_read = -POLICY
    expected = PAYMENT + own_policy_is_not_read + extra
    assert alice.gas(TRANSFER, BOB, 10_000) == expected


def test_mint(alice: Caller) -> None:
    """T4 30,055: rewards (8,400) have gone, the registry and the receive policy have come."""
    issuer = alice.by(ADMIN)
    assert issuer.gas(MINT, BOB, 1000) == 30_055 - 8_400 + REGISTRY + RECEIVE_POLICY
    settle(alice.scope)
    memo = issuer.gas("mintWithMemo(address,uint256,bytes32)", ADMIN, 1000, MEMO)
    assert memo == 32_192 - 8_400 + REGISTRY + RECEIVE_POLICY


def test_burn(alice: Caller) -> None:
    """T4 32,249 and 34,386: rewards took 14,800."""
    issuer = alice.by(ADMIN)
    assert issuer.gas("burn(uint256)", 10) == 32_249 - 14_800
    settle(alice.scope)
    assert issuer.gas("burnWithMemo(uint256,bytes32)", 10, MEMO) == 34_386 - 14_800


COLD_WRITE = -100
"""A cold write costs 2,100 or 4,900 since T7, and 2,200 or 5,000 before."""

NEW_SLOT = 2_000
"""A cold slot's creation costs 254,200 with the look at the credits since T7, 252,200 before."""


@pytest.mark.parametrize(
    ("text", "values", "t4", "since"),
    [
        ("grantRole(bytes32,address)", (ISSUER_ROLE, BOB), 258_649, NEW_SLOT),
        ("grantRole(bytes32,address)", (ISSUER_ROLE, ADMIN), 8_649, COLD_WRITE),
        ("revokeRole(bytes32,address)", (ISSUER_ROLE, BOB), 8_649, COLD_WRITE),
        ("approve(address,uint256)", (BOB, 0), 4_174, 0),
        ("approve(address,uint256)", (BOB, 100), 254_174, NEW_SLOT + 100),
        ("setSupplyCap(uint256)", ((1 << 128) - 1,), 8_012, COLD_WRITE),
        ("setSupplyCap(uint256)", (1 << 120,), 10_812, COLD_WRITE),
        ("pause()", (), 255_787, NEW_SLOT),
        ("setRoleAdmin(bytes32,bytes32)", (ISSUER_ROLE, MEMO), 256_293, NEW_SLOT + 100),
        ("name()", (), 2_206, 0),
        ("quoteToken()", (), 2_206, 0),
        ("decimals()", (), 106, 0),
        ("DOMAIN_SEPARATOR()", (), 2_302, 0),
        ("hasRole(address,bytes32)", (ADMIN, ISSUER_ROLE), 2_218, 0),
        ("getRoleAdmin(bytes32)", (ISSUER_ROLE,), 2_212, 0),
    ],
)
def test_administration(text: str, values: tuple[int | bytes, ...], t4: int, since: int) -> None:
    token = PATH_USD[:-1] + b"\x09"
    scope = make_scope()
    make_token(scope)
    make_token(scope, token, name="Gold", quote_token=PATH_USD)
    assert Caller(scope, Tip20, token, ADMIN).gas(text, *values) == t4 + since


def test_a_permit() -> None:
    """T4 17,214 from the second permit on, three hashes of it and a recovered signature."""
    scope = make_scope()
    make_token(scope)
    relayer = Caller(scope, Tip20, PATH_USD, ADMIN)
    relayer.call(PERMIT, *Terms(value=77).arguments())
    settle(scope)
    assert relayer.gas(PERMIT, *Terms(value=78, nonce=1).arguments()) == 17_214 + COLD_WRITE


def test_a_new_quote_token() -> None:
    """T4 12,906: one step from the announced token up to the root."""
    token = PATH_USD[:-1] + b"\x09"
    scope = make_scope()
    make_token(scope)
    make_token(scope, ALPHA_USD, name="AlphaUSD", quote_token=PATH_USD)
    make_token(scope, token, name="Gold", quote_token=PATH_USD)
    gold = Caller(scope, Tip20, token, ADMIN)
    gold.call("setNextQuoteToken(address)", ALPHA_USD)
    settle(scope)
    assert gold.gas("completeQuoteTokenUpdate()") == 12_906 + COLD_WRITE


def test_a_refused_payment_pays_for_the_checks_it_reached(alice: Caller) -> None:
    """Just too little gas for the first check that fails is out of gas, not the check's error."""
    needed = WORDS + CODE
    with reverts("OutOfGas"):
        alice.call(TRANSFER, PATH_USD, 1, gas=needed + PAUSED - 1)
    settle(alice.scope)
    with reverts("InvalidRecipient"):
        alice.call(TRANSFER, PATH_USD, 1, gas=needed + PAUSED)
