"""Receive policies: an account's own word about what it is sent (TIP-1028, facts 2.7)."""

from __future__ import annotations

import pytest

from mock_rails.tempo import addresses
from mock_rails.tempo.addresses import ALPHA_USD, PATH_USD, TIP403_REGISTRY, ZERO_ADDRESS
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.native.tip403 import Tip403Registry
from tests.unit.mock_rails.tempo.native.support import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    Caller,
    events,
    make_scope,
    make_token,
    reverts,
)

SET = "setReceivePolicy(uint64,uint64,address)"
GET = "receivePolicy(address)"
VALIDATE = "validateReceivePolicy(address,address,address)"
CREATE_WITH = "createPolicyWithAccounts(address,uint8,address[])"
VIRTUAL = b"\0\0\0\1" + b"\xfd" * 10 + b"\0\0\0\0\0\1"


@pytest.fixture
def bob() -> Caller:
    """The registry, called by Bob, who receives."""
    return Caller(make_scope(), Tip403Registry, TIP403_REGISTRY, BOB)


def test_without_a_policy_everything_is_accepted(bob: Caller) -> None:
    assert bob.call(GET, BOB) == (False, 0, 0, 0, 0, ZERO_ADDRESS)
    assert bob.call(VALIDATE, PATH_USD, ALICE, BOB) == (True, 0)


def test_a_policy_is_kept_as_it_was_chosen(bob: Caller) -> None:
    tokens = bob.call(CREATE_WITH, BOB, 0, [PATH_USD])
    bob.call(SET, 1, tokens, CAROL)
    assert bob.call(GET, BOB) == (True, 1, 1, tokens, 0, CAROL)
    assert bob.call(GET, ALICE)[0] is False
    assert events(bob.scope, Tip403Registry)[-1] == (
        "ReceivePolicyUpdated",
        {
            "account": BOB,
            "senderPolicyId": 1,
            "tokenFilterId": tokens,
            "recoveryAuthority": CAROL,
        },
    )


def test_the_token_filter_speaks_before_the_sender_policy(bob: Caller) -> None:
    tokens = bob.call(CREATE_WITH, BOB, 0, [PATH_USD])
    senders = bob.call(CREATE_WITH, BOB, 1, [CAROL])
    bob.call(SET, senders, tokens, ZERO_ADDRESS)
    assert bob.call(VALIDATE, PATH_USD, ALICE, BOB) == (True, 0)
    assert bob.call(VALIDATE, ALPHA_USD, ALICE, BOB) == (False, 1)
    assert bob.call(VALIDATE, PATH_USD, CAROL, BOB) == (False, 2)
    assert bob.call(VALIDATE, ALPHA_USD, CAROL, BOB) == (False, 1)
    assert bob.call(VALIDATE, ALPHA_USD, CAROL, ALICE) == (True, 0)


def test_both_policies_must_exist_and_be_simple(bob: Caller) -> None:
    compound = bob.call("createCompoundPolicy(uint64,uint64,uint64)", 1, 1, 1)
    for policies in ((compound, 1), (1, compound)):
        with reverts("InvalidReceivePolicyType"):
            bob.call(SET, *policies, ZERO_ADDRESS)
    for policies in ((9, 1), (1, 9)):
        with reverts("PolicyNotFound"):
            bob.call(SET, *policies, ZERO_ADDRESS)
    assert bob.call(GET, BOB)[0] is False


@pytest.mark.parametrize(
    "authority", [PATH_USD, VIRTUAL, TIP403_REGISTRY, addresses.RECEIVE_POLICY_GUARD]
)
def test_nobody_could_act_as_such_a_recovery_authority(bob: Caller, authority: bytes) -> None:
    with reverts("InvalidRecoveryAuthority"):
        bob.call(SET, 1, 1, authority)


@pytest.mark.parametrize("authority", [ZERO_ADDRESS, BOB, CAROL])
def test_the_sender_oneself_or_a_third_party_may_recover(bob: Caller, authority: bytes) -> None:
    bob.call(SET, 1, 1, authority)
    assert bob.call(GET, BOB)[5] == authority


def test_a_refused_payment_or_mint_fails_until_the_policy_is_lifted(bob: Caller) -> None:
    """Sandbox only: Tempo keeps the money in the ReceivePolicyGuard instead of failing."""
    make_token(bob.scope, balances={ALICE: 100})
    alice = Caller(bob.scope, Tip20, PATH_USD, ALICE)
    bob.call(SET, 0, 1, ZERO_ADDRESS)
    with reverts("PolicyForbids"):
        alice.call("transfer(address,uint256)", BOB, 1)
    with reverts("PolicyForbids"):
        alice.by(ADMIN).call("mint(address,uint256)", BOB, 1)
    bob.call(SET, 1, 1, ZERO_ADDRESS)
    alice.call("transfer(address,uint256)", BOB, 1)
    alice.by(ADMIN).call("mint(address,uint256)", BOB, 1)
    assert alice.call("balanceOf(address)", BOB) == 2
