"""The account keychain's ABI, its keys, and who may change them (facts 2.6)."""

from __future__ import annotations

import pytest
from pytempo.contracts.abis import ACCOUNT_KEYCHAIN_ABI

from mock_rails.tempo.native.contract import Revert
from mock_rails.tempo.native.keychain import AccountKeychain
from mock_rails.tempo.world import World
from tests.unit.mock_rails.tempo.native.keychain_support import (
    AUTHORIZE,
    AUTHORIZE_ADMIN,
    GET_KEY,
    KEY,
    NEVER,
    NO_KEY,
    OTHER_KEY,
    REVOKE,
    REVOKED_KEY,
    WITNESS,
    ZERO,
    by_key,
    by_root,
    config,
)
from tests.unit.mock_rails.tempo.native.published import declared, published
from tests.unit.mock_rails.tempo.native.support import ALICE, BOB, NOW_S, reverts


@pytest.fixture
def world() -> World:
    """A world in which ALICE has authorized KEY, without bounds."""
    world = World()
    by_root(world).call(AUTHORIZE, KEY, 0, config())
    return world


# -- the ABI ---------------------------------------------------------------------------------------


def test_the_functions_have_the_selectors_of_the_node() -> None:
    """Facts 2.6."""
    named = {
        selector.hex(): method.abi.name for selector, method in AccountKeychain.methods.items()
    }
    assert named == {
        "54063a55": "authorizeKey",
        "980a6025": "authorizeKey",
        "e3c154d2": "authorizeKey",
        "9a424307": "authorizeAdminKey",
        "5ae7ab32": "revokeKey",
        "cbbb4480": "updateSpendingLimit",
        "f5456703": "setAllowedCalls",
        "f3941811": "removeAllowedCalls",
        "bc298553": "getKey",
        "63b4290d": "getRemainingLimit",
        "a7f72cab": "getRemainingLimitWithPeriod",
        "0163e7ec": "getAllowedCalls",
        "8e6c7e11": "isKeyAuthorizationWitnessBurned",
        "cff31c46": "burnKeyAuthorizationWitness",
        "9009a18d": "isAdminKey",
        "b07fbc1a": "getTransactionKey",
    }


def test_the_events_have_the_topics_of_the_node() -> None:
    """Facts 2.6."""
    named = {topic[:4].hex(): event.name for topic, event in AccountKeychain.events.items()}
    assert named == {
        "7c46af07": "KeyAuthorized",
        "493bc024": "AdminKeyAuthorized",
        "14ce4f0c": "KeyRevoked",
        "2ed96330": "SpendingLimitUpdated",
        "e0815e3a": "AccessKeySpend",
        "1f09d895": "KeyAuthorizationWitness",
        "90c05384": "KeyAuthorizationWitnessBurned",
    }


def test_the_errors_have_the_selectors_of_the_node() -> None:
    """Facts 2.6."""
    named = {selector.hex(): error.name for selector, error in AccountKeychain.errors.items()}
    assert (
        named.items()
        >= {
            "5c427cd9": "UnauthorizedCaller",
            "aa1ba2f8": "KeyAlreadyExists",
            "5f3f479c": "KeyNotFound",
            "2572e3a9": "KeyExpired",
            "8a9e71ea": "SpendingLimitExceeded",
            "1761dd33": "InvalidSpendingLimit",
            "60cd402d": "InvalidSignatureType",
            "b1eddc82": "ZeroPublicKey",
            "79955a10": "ExpiryInPast",
            "cdf0b34f": "KeyAlreadyRevoked",
            "ce699eca": "SignatureTypeMismatch",
            "576b38b4": "CallNotAllowed",
            "457cabe6": "InvalidCallScope",
            "b0aeb53e": "InvalidKeyId",
            "2dc06cb0": "InvalidKeyAuthorizationWitness",
            "c96f8deb": "KeyAuthorizationWitnessAlreadyBurned",
            "5806c0fd": "LegacyAuthorizeKeySelectorChanged",
        }.items()
    )


def test_the_abi_is_the_published_one() -> None:
    """`getFundingPolicyId` is of a fork later than the one emulated."""
    later = {"function getFundingPolicyId(address account, address keyId) returns (uint64) view"}
    assert declared(AccountKeychain) == published(ACCOUNT_KEYCHAIN_ABI) - later


def test_its_reverts_are_told_from_others_by_their_title() -> None:
    """Facts 1.9."""
    assert AccountKeychain.title == "Account keychain error"


# -- reading ---------------------------------------------------------------------------------------


def test_an_unknown_key_reads_as_zeros(world: World) -> None:
    assert by_root(world).call(GET_KEY, ALICE, OTHER_KEY) == NO_KEY
    assert by_root(world).call(GET_KEY, BOB, KEY) == NO_KEY


def test_a_key_reads_as_it_was_authorized(world: World) -> None:
    by_root(world).call(AUTHORIZE, OTHER_KEY, 2, config(expiry=NOW_S + 9, limits=[]))
    assert by_root(world).call(GET_KEY, ALICE, KEY) == (0, KEY, NEVER, False, False)
    assert by_root(world).call(GET_KEY, ALICE, OTHER_KEY) == (2, OTHER_KEY, NOW_S + 9, True, False)


def test_an_expired_key_still_reads_as_it_was_authorized(world: World) -> None:
    by_root(world).call(AUTHORIZE, OTHER_KEY, 1, config(expiry=NOW_S + 9))
    later = by_root(world, now_s=NOW_S + 10)
    assert later.call(GET_KEY, ALICE, OTHER_KEY) == (1, OTHER_KEY, NOW_S + 9, False, False)


def test_get_key_answers_five_words(world: World) -> None:
    """SDKs decode the struct as five static words (facts 2.6)."""
    call = AccountKeychain.methods[bytes.fromhex("bc298553")].abi.call(ALICE, KEY)
    words = by_root(world).raw(call)
    assert words == (bytes(32) + bytes(12) + KEY + NEVER.to_bytes(32) + bytes(32) + bytes(32))


@pytest.mark.parametrize(("signed_by", "answer"), [(None, ZERO), (KEY, KEY)])
def test_the_transaction_key_is_the_access_key_that_signed(
    world: World, signed_by: bytes | None, answer: bytes
) -> None:
    transaction = by_root(world, key_id=signed_by)
    assert transaction.call("getTransactionKey()") == answer


def test_a_key_is_no_admin_key_unless_authorized_as_one(world: World) -> None:
    by_root(world).call(AUTHORIZE_ADMIN, OTHER_KEY, 0, WITNESS)
    is_admin = "isAdminKey(address account, address keyId)"
    assert by_root(world).call(is_admin, ALICE, OTHER_KEY)
    assert not by_root(world).call(is_admin, ALICE, KEY)
    assert not by_root(world).call(is_admin, ALICE, ALICE)
    assert not by_root(world).call(is_admin, BOB, OTHER_KEY)


# -- what a transaction is checked against ---------------------------------------------------------


def validation_error(world: World, key_id: bytes, key_type: int, now_s: int) -> str:
    """The keychain's objection to a transaction signed by the key."""
    with pytest.raises(Revert) as caught:
        by_key(world, now_s=now_s).do.validate_key(ALICE, key_id, key_type)
    error = AccountKeychain.errors[caught.value.data[:4]]
    return error.describe(caught.value.data)


def test_an_active_key_may_sign(world: World) -> None:
    by_key(world).do.validate_key(ALICE, KEY, 0)


def test_an_unknown_key_may_not_sign(world: World) -> None:
    assert validation_error(world, OTHER_KEY, 0, NOW_S) == "KeyNotFound(KeyNotFound)"


def test_a_revoked_key_may_not_sign(world: World) -> None:
    by_root(world).call(REVOKE, KEY)
    assert validation_error(world, KEY, 0, NOW_S) == "KeyAlreadyRevoked(KeyAlreadyRevoked)"


def test_a_key_may_sign_until_the_second_before_its_expiry(world: World) -> None:
    by_root(world).call(AUTHORIZE, OTHER_KEY, 0, config(expiry=NOW_S + 9))
    by_key(world, now_s=NOW_S + 8).do.validate_key(ALICE, OTHER_KEY, 0)
    assert validation_error(world, OTHER_KEY, 0, NOW_S + 9) == "KeyExpired(KeyExpired)"


def test_a_key_must_sign_with_its_own_kind_of_signature(world: World) -> None:
    mismatch = "SignatureTypeMismatch(SignatureTypeMismatch { expected: 0, actual: 1 })"
    assert validation_error(world, KEY, 1, NOW_S) == mismatch


# -- revoking --------------------------------------------------------------------------------------


def test_revoking_ends_a_key(world: World) -> None:
    transaction = by_root(world)
    transaction.call(REVOKE, KEY)
    assert transaction.call(GET_KEY, ALICE, KEY) == REVOKED_KEY
    assert transaction.events == [("KeyRevoked", {"account": ALICE, "publicKey": KEY})]


def test_a_revoked_id_never_comes_back(world: World) -> None:
    """Else an old signed authorization could be played again."""
    by_root(world).call(REVOKE, KEY)
    with reverts("KeyAlreadyRevoked"):
        by_root(world).call(AUTHORIZE, KEY, 0, config())
    with reverts("KeyAlreadyRevoked"):
        by_root(world).call(AUTHORIZE_ADMIN, KEY, 0, WITNESS)
    assert by_root(world).call(GET_KEY, ALICE, KEY) == REVOKED_KEY


def test_a_revoked_id_of_one_account_is_free_for_another(world: World) -> None:
    by_root(world).call(REVOKE, KEY)
    by_root(world, account=BOB).call(AUTHORIZE, KEY, 0, config())
    assert by_root(world).call(GET_KEY, BOB, KEY)[1] == KEY


def test_an_unknown_key_cannot_be_revoked(world: World) -> None:
    with reverts("KeyNotFound"):
        by_root(world).call(REVOKE, OTHER_KEY)


def test_a_key_cannot_be_revoked_twice(world: World) -> None:
    by_root(world).call(REVOKE, KEY)
    with reverts("KeyNotFound"):
        by_root(world).call(REVOKE, KEY)


def test_an_expired_key_can_be_revoked(world: World) -> None:
    by_root(world).call(AUTHORIZE, OTHER_KEY, 0, config(expiry=NOW_S + 9))
    by_root(world, now_s=NOW_S + 99).call(REVOKE, OTHER_KEY)
    assert by_root(world).call(GET_KEY, ALICE, OTHER_KEY) == REVOKED_KEY


# -- who may change keys ---------------------------------------------------------------------------

NO_CALLS = ((b"\x20" * 20, ()),)
MUTATIONS = {
    "authorizeKey": (AUTHORIZE, (OTHER_KEY, 0, config())),
    "authorizeAdminKey": (AUTHORIZE_ADMIN, (OTHER_KEY, 0, WITNESS)),
    "revokeKey": (REVOKE, (KEY,)),
    "updateSpendingLimit": ("updateSpendingLimit(address,address,uint256)", (KEY, BOB, 1)),
    "setAllowedCalls": (
        "setAllowedCalls(address,(address,(bytes4,address[])[])[])",
        (KEY, NO_CALLS),
    ),
    "removeAllowedCalls": ("removeAllowedCalls(address,address)", (KEY, BOB)),
    "burnKeyAuthorizationWitness": ("burnKeyAuthorizationWitness(bytes32)", (WITNESS,)),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_an_access_key_may_not_change_keys(world: World, name: str) -> None:
    text, arguments = MUTATIONS[name]
    before = dict(world.storage)
    with reverts("UnauthorizedCaller"):
        by_key(world).call(text, *arguments)
    assert world.storage == before


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_contract_may_not_change_keys_of_its_own(world: World, name: str) -> None:
    """The sender must be the transaction's origin: no contract acts for whoever calls it."""
    text, arguments = MUTATIONS[name]
    before = dict(world.storage)
    with reverts("UnauthorizedCaller"):
        by_root(world).by(BOB).call(text, *arguments)
    assert world.storage == before


@pytest.mark.parametrize("name", MUTATIONS)
def test_an_admin_key_may_change_keys(world: World, name: str) -> None:
    """Fork T6, TIP-1049."""
    admin = b"\xad" * 20
    by_root(world).call(AUTHORIZE_ADMIN, admin, 0, WITNESS[::-1])
    text, arguments = MUTATIONS[name]
    before = dict(world.storage)
    by_key(world, admin).call(text, *arguments)
    changes_nothing = name == "removeAllowedCalls"  # the key had no call scopes
    assert (world.storage == before) == changes_nothing


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_revoked_admin_key_may_not_change_keys(world: World, name: str) -> None:
    admin = b"\xad" * 20
    by_root(world).call(AUTHORIZE_ADMIN, admin, 0, WITNESS)
    by_root(world).call(REVOKE, admin)
    text, arguments = MUTATIONS[name]
    with reverts("UnauthorizedCaller"):
        by_key(world, admin).call(text, *arguments)


def test_an_admin_key_of_one_account_is_nothing_to_another(world: World) -> None:
    by_root(world, account=BOB).call(AUTHORIZE_ADMIN, OTHER_KEY, 0, WITNESS)
    with reverts("UnauthorizedCaller"):
        by_key(world, OTHER_KEY).call(REVOKE, KEY)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_static_call_may_not_change_keys(world: World, name: str) -> None:
    text, arguments = MUTATIONS[name]
    with reverts("StaticCallNotAllowed"):
        by_root(world).call(text, *arguments, static=True)


# -- gas -------------------------------------------------------------------------------------------


def test_an_access_key_is_refused_after_a_look_at_itself(world: World) -> None:
    """Two words of calldata, who signed, and whether that key is an admin key."""
    price = 12 + 100 + 2_100
    with reverts("UnauthorizedCaller"):
        by_key(world).call(REVOKE, OTHER_KEY, gas=price)
    with reverts("OutOfGas"):
        by_key(world).call(REVOKE, OTHER_KEY, gas=price - 1)


def test_revoking_costs_a_read_a_write_and_a_log(world: World) -> None:
    """Within 2 % of the 6,812 that a node charges."""
    calldata, who_signed, key, log = 6 * 2, 2 * 100, 2_100 + 100 + 2_800, 375 * 4
    assert by_root(world).gas(REVOKE, KEY) == calldata + who_signed + key + log == 6_712
