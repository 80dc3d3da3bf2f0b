"""What an admin can set on a token: logo, quote token, policy; and what nobody can: rewards."""

from __future__ import annotations

import pytest

from mock_rails.tempo.addresses import (
    ALPHA_USD,
    BETA_USD,
    PATH_USD,
    THETA_USD,
    TIP20_PREFIX,
    TIP403_REGISTRY,
    ZERO_ADDRESS,
)
from mock_rails.tempo.native.tip20 import Tip20
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

EURO = TIP20_PREFIX + b"\xee" * 8
SET_LOGO = "setLogoURI(string)"
SET_NEXT = "setNextQuoteToken(address)"
COMPLETE = "completeQuoteTokenUpdate()"
CHANGE_POLICY = "changeTransferPolicyId(uint64)"


@pytest.fixture
def alpha() -> Caller:
    """AlphaUSD, called by its admin; beside it pathUSD, BetaUSD and a euro."""
    scope = make_scope()
    make_token(scope)
    make_token(scope, ALPHA_USD, name="AlphaUSD", quote_token=PATH_USD, balances={ALICE: 10})
    make_token(scope, BETA_USD, name="BetaUSD", quote_token=PATH_USD)
    make_token(scope, EURO, name="Euro", currency="EUR", quote_token=PATH_USD)
    return Caller(scope, Tip20, ALPHA_USD, ADMIN)


def test_metadata(alpha: Caller) -> None:
    texts = ("name()", "symbol()", "currency()", "decimals()", "logoURI()", "supplyCap()")
    assert [alpha.call(text) for text in texts] == [
        "AlphaUSD",
        "AlphaUSD",
        "USD",
        6,
        "",
        (1 << 128) - 1,
    ]


# -- logo -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri", ["https://example.com/a.svg", "ipfs://Qm", "data:image/png;base64,", "HTTP://x", ""]
)
def test_a_logo(alpha: Caller, uri: str) -> None:
    alpha.call(SET_LOGO, uri)
    assert alpha.call("logoURI()") == uri
    assert events(alpha.scope, Tip20) == [("LogoURIUpdated", {"updater": ADMIN, "newLogoURI": uri})]


@pytest.mark.parametrize("uri", ["javascript:alert(1)", "https", "://x", "file:///a"])
def test_a_logo_of_another_scheme_is_refused(alpha: Caller, uri: str) -> None:
    with reverts("InvalidLogoURI"):
        alpha.call(SET_LOGO, uri)
    assert alpha.scope.logs == []


def test_the_length_of_a_logo_is_counted_in_bytes(alpha: Caller) -> None:
    alpha.call(SET_LOGO, "https://" + "é" * 124)
    with reverts("LogoURITooLong"):
        alpha.call(SET_LOGO, "https://" + "é" * 124 + "x")
    with reverts("Unauthorized"):
        alpha.by(ALICE).call(SET_LOGO, "x" * 300)


# -- quote token ----------------------------------------------------------------------------------


def test_the_quote_token_changes_in_two_steps(alpha: Caller) -> None:
    alpha.call(SET_NEXT, BETA_USD)
    assert alpha.call("quoteToken()") == PATH_USD
    assert alpha.call("nextQuoteToken()") == BETA_USD
    alpha.call(COMPLETE)
    assert alpha.call("quoteToken()") == BETA_USD
    assert events(alpha.scope, Tip20) == [
        ("NextQuoteTokenSet", {"updater": ADMIN, "nextQuoteToken": BETA_USD}),
        ("QuoteTokenUpdate", {"updater": ADMIN, "newQuoteToken": BETA_USD}),
    ]


def test_completing_without_an_announcement_changes_nothing(alpha: Caller) -> None:
    alpha.call(COMPLETE)
    assert alpha.call("quoteToken()") == PATH_USD


@pytest.mark.parametrize("token", [ZERO_ADDRESS, ALICE, THETA_USD, EURO])
def test_what_cannot_be_a_quote_token(alpha: Caller, token: bytes) -> None:
    """Nothing, no token, no created token, no dollar."""
    with reverts("InvalidQuoteToken"):
        alpha.call(SET_NEXT, token)


def test_only_the_admin_moves_it(alpha: Caller) -> None:
    with reverts("Unauthorized"):
        alpha.by(ALICE).call(SET_NEXT, BETA_USD)
    with reverts("Unauthorized"):
        alpha.by(ALICE).call(COMPLETE)


def test_the_tree_stays_a_tree(alpha: Caller) -> None:
    beta = Caller(alpha.scope, Tip20, BETA_USD, ADMIN)
    beta.call(SET_NEXT, ALPHA_USD)
    beta.call(COMPLETE)
    for circle in (ALPHA_USD, BETA_USD):
        alpha.call(SET_NEXT, circle)
        with reverts("InvalidQuoteToken"):
            alpha.call(COMPLETE)
    assert alpha.call("quoteToken()") == PATH_USD


def test_the_root_has_no_quote_token(alpha: Caller) -> None:
    root = Caller(alpha.scope, Tip20, PATH_USD, ADMIN)
    assert root.call("quoteToken()") == ZERO_ADDRESS
    with reverts("InvalidQuoteToken"):
        root.call(SET_NEXT, ALPHA_USD)
    with reverts("InvalidQuoteToken"):
        root.call(COMPLETE)


def test_dollars_and_euros_may_quote_a_euro(alpha: Caller) -> None:
    euro = Caller(alpha.scope, Tip20, EURO, ADMIN)
    euro.call(SET_NEXT, ALPHA_USD)
    euro.call(COMPLETE)
    assert euro.call("quoteToken()") == ALPHA_USD
    other = TIP20_PREFIX + b"\xef" * 8
    make_token(alpha.scope, other, name="Other", currency="EUR", quote_token=PATH_USD)
    euro.call(SET_NEXT, other)


def test_the_announcement_does_not_touch_the_policy_it_shares_a_word_with(alpha: Caller) -> None:
    alpha.call(SET_NEXT, BETA_USD)
    assert alpha.call("transferPolicyId()") == 1


# -- policy ---------------------------------------------------------------------------------------


def test_a_policy_change_goes_to_the_registry(alpha: Caller) -> None:
    registry = Caller(alpha.scope, Tip403Registry, TIP403_REGISTRY, ADMIN)
    assert registry.call("tokenTransferPolicyId(address)", ALPHA_USD) == (False, 0)
    alpha.call(CHANGE_POLICY, 0)
    assert alpha.call("transferPolicyId()") == 0
    assert registry.call("tokenTransferPolicyId(address)", ALPHA_USD) == (True, 0)
    assert alpha.call("nextQuoteToken()") == PATH_USD
    assert events(alpha.scope, Tip20) == [
        ("TransferPolicyUpdate", {"updater": ADMIN, "newPolicyId": 0})
    ]
    with reverts("PolicyForbids"):
        alpha.by(ALICE).call("transfer(address,uint256)", BOB, 1)


def test_a_policy_must_exist_and_the_caller_be_admin(alpha: Caller) -> None:
    with reverts("InvalidTransferPolicyId"):
        alpha.call(CHANGE_POLICY, 2)
    with reverts("Unauthorized"):
        alpha.by(ALICE).call(CHANGE_POLICY, 2)
    registry = Caller(alpha.scope, Tip403Registry, TIP403_REGISTRY, BOB)
    assert registry.call("createPolicy(address,uint8)", BOB, 0) == 2
    alpha.call(CHANGE_POLICY, 2)
    assert alpha.call("transferPolicyId()") == 2


# -- rewards --------------------------------------------------------------------------------------


def test_rewards_are_frozen(alpha: Caller) -> None:
    before = dict(alpha.scope.world.storage)
    alice = alpha.by(ALICE)
    alice.call("distributeReward(uint256)", 5)
    alice.call("setRewardRecipient(address)", BOB)
    assert alice.call("claimRewards()") == 0
    assert alice.call("optedInSupply()") == 0
    assert alice.call("globalRewardPerToken()") == 0
    assert alice.call("userRewardInfo(address)", ALICE) == (ZERO_ADDRESS, 0, 0)
    assert alice.call("getPendingRewards(address)", ALICE) == 0
    assert alpha.scope.world.storage == before
    assert alpha.scope.logs == []
