"""Authorizing keys: by a call, and by the authorization a transaction carries (facts 1.5, 2.6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mock_rails.tempo.addresses import ALPHA_USD, NATIVE_CODE, PATH_USD, ZERO_ADDRESS
from mock_rails.tempo.native.keychain import KeyAuthorizationError
from mock_rails.tempo.tx.key_authorization import (
    CallScope,
    KeyAuthorization,
    SelectorRule,
    SignedKeyAuthorization,
    TokenLimit,
)
from mock_rails.tempo.tx.signatures import Secp256k1Signature
from mock_rails.tempo.world import World
from tests.unit.mock_rails.tempo.native.keychain_support import (
    AUTHORIZE,
    AUTHORIZE_ADMIN,
    AUTHORIZE_WITH_WITNESS,
    GET_KEY,
    KEY,
    NEVER,
    NO_KEY,
    OTHER_KEY,
    REVOKE,
    WITNESS,
    by_key,
    by_root,
    config,
    refuses,
)
from tests.unit.mock_rails.tempo.native.support import ALICE, BOB, NOW_S, reverts

LIMIT = "getRemainingLimitWithPeriod(address,address,address)"
CALLS = "getAllowedCalls(address,address)"
IS_ADMIN = "isAdminKey(address,address)"
TRANSFER = bytes.fromhex("a9059cbb")
GRANT = KeyAuthorization(chain_id=1337, key_type=0, key_id=KEY)
"""Any call, any amount, for ever."""
BY_ADMIN = "KeyAuthorization signed by an admin key must name its account"


@pytest.fixture
def world() -> World:
    """A world with pathUSD and no keys."""
    world = World()
    world.set_code(PATH_USD, NATIVE_CODE)
    return world


def carry(
    world: World,
    authorization: KeyAuthorization = GRANT,
    *,
    signer: bytes = ALICE,
    sent_by: bytes | None = None,
    **changes: Any,
) -> list[tuple[str, Any]]:
    """Apply an authorization that a transaction of ALICE carries, and return what it logs.

    `signer` signed the authorization, and the access key `sent_by`, if any, the transaction.
    """
    transaction = by_root(world, key_id=sent_by)
    unused = Secp256k1Signature(0, 1, 1)
    signed = SignedKeyAuthorization(replace(authorization, **changes), unused)
    transaction.do.authorize(ALICE, signed, signer)
    return transaction.events


def key_of(world: World, key_id: bytes = KEY) -> Any:
    """What `getKey` answers for ALICE's key."""
    return by_root(world).call(GET_KEY, ALICE, key_id)


# -- by a call -------------------------------------------------------------------------------------


@pytest.mark.parametrize("key_type", [0, 1, 2])
def test_a_call_authorizes_a_key(world: World, key_type: int) -> None:
    transaction = by_root(world)
    transaction.call(AUTHORIZE, KEY, key_type, config(expiry=NOW_S + 1))
    assert key_of(world) == (key_type, KEY, NOW_S + 1, False, False)
    values = {
        "account": ALICE,
        "publicKey": KEY,
        "signatureType": key_type,
        "expiry": NOW_S + 1,
    }
    assert transaction.events == [("KeyAuthorized", values)]


def test_a_call_sets_limits_and_scopes(world: World) -> None:
    calls = ((PATH_USD, ((TRANSFER, (BOB,)),)),)
    limits = [(PATH_USD, 100, 0), (ALPHA_USD, 9, 60)]
    by_root(world).call(AUTHORIZE_WITH_WITNESS, KEY, 0, config(limits=limits, calls=calls), WITNESS)
    assert key_of(world) == (0, KEY, NEVER, True, False)
    assert by_root(world).call(LIMIT, ALICE, KEY, PATH_USD) == (100, 0)
    assert by_root(world).call(LIMIT, ALICE, KEY, ALPHA_USD) == (9, NOW_S + 60)
    assert by_root(world).call(CALLS, ALICE, KEY) == (True, calls)


def test_limits_that_are_not_enforced_are_ignored(world: World) -> None:
    """Seen on a node of fork T4, as is the next."""
    by_root(world).call(AUTHORIZE, KEY, 0, (NEVER, False, ((PATH_USD, 100, 0),), True, ()))
    assert by_root(world).call(LIMIT, ALICE, KEY, PATH_USD) == (0, 0)
    assert key_of(world) == (0, KEY, NEVER, False, False)


def test_calls_beside_any_call_are_ignored(world: World) -> None:
    by_root(world).call(AUTHORIZE, KEY, 0, (NEVER, False, (), True, ((PATH_USD, ()),)))
    assert by_root(world).call(CALLS, ALICE, KEY) == (False, ())


def test_an_admin_key_is_unlimited_and_never_expires(world: World) -> None:
    transaction = by_root(world)
    transaction.call(AUTHORIZE_ADMIN, KEY, 1, WITNESS)
    assert key_of(world) == (1, KEY, NEVER, False, False)
    assert transaction.call(IS_ADMIN, ALICE, KEY)
    assert transaction.call(CALLS, ALICE, KEY) == (False, ())
    assert [name for name, _ in transaction.events] == [
        "KeyAuthorized",
        "AdminKeyAuthorized",
        "KeyAuthorizationWitness",
    ]


def twice(token: bytes) -> list[tuple[bytes, int, int]]:
    """A list of limits that names a token twice."""
    return [(token, 1, 0), (ALPHA_USD, 1, 0), (token, 2, 0)]


INVALID = {
    "the zero key": ((ZERO_ADDRESS, 0, config()), "ZeroPublicKey"),
    "the root key": ((ALICE, 0, config()), "InvalidKeyId"),
    "an expiry of zero": ((KEY, 0, config(expiry=0)), "ExpiryInPast"),
    "an expiry of now": ((KEY, 0, config(expiry=NOW_S)), "ExpiryInPast"),
    "an unknown key type": ((KEY, 3, config()), "InvalidSignatureType"),
    "a key type of 255": ((KEY, 255, config()), "InvalidSignatureType"),
    "a token limited twice": ((KEY, 0, config(limits=twice(PATH_USD))), "InvalidSpendingLimit"),
    "a limit of 2^128": (
        (KEY, 0, config(limits=[(PATH_USD, 2**128, 0)])),
        "InvalidSpendingLimit",
    ),
    "a period without end": (
        (KEY, 0, config(limits=[(PATH_USD, 1, 2**64 - 1)])),
        "InvalidSpendingLimit",
    ),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_grant_changes_nothing(world: World, name: str) -> None:
    arguments, error = INVALID[name]
    before = dict(world.storage)
    with reverts(error):
        by_root(world).call(AUTHORIZE, *arguments)
    assert world.storage == before


def test_a_limit_of_nearly_2_128_is_a_limit(world: World) -> None:
    by_root(world).call(AUTHORIZE, KEY, 0, config(limits=[(PATH_USD, 2**128 - 1, 0)]))
    assert by_root(world).call(LIMIT, ALICE, KEY, PATH_USD) == (2**128 - 1, 0)


@pytest.mark.parametrize("now_s", [NOW_S, NOW_S + 99], ids=["active", "expired"])
def test_a_key_is_authorized_once(world: World, now_s: int) -> None:
    by_root(world).call(AUTHORIZE, KEY, 0, config(expiry=NOW_S + 9))
    with reverts("KeyAlreadyExists"):
        by_root(world, now_s=now_s).call(AUTHORIZE, KEY, 0, config())
    with reverts("KeyAlreadyExists"):
        by_root(world, now_s=now_s).call(AUTHORIZE_ADMIN, KEY, 0, WITNESS)


def test_the_legacy_form_names_its_successor(world: World) -> None:
    legacy = "authorizeKey(address,uint8,uint64,bool,(address,uint256)[])"
    with reverts("LegacyAuthorizeKeySelectorChanged", bytes.fromhex("980a6025")):
        by_root(world).call(legacy, KEY, 0, NEVER, False, [])
    assert key_of(world) == NO_KEY


# -- carried by a transaction ----------------------------------------------------------------------


def test_a_carried_authorization_without_bounds_is_for_anything_for_ever(world: World) -> None:
    logs = carry(world)
    assert key_of(world) == (0, KEY, NEVER, False, False)
    assert by_root(world).call(CALLS, ALICE, KEY) == (False, ())
    values = {"account": ALICE, "publicKey": KEY, "signatureType": 0, "expiry": NEVER}
    assert logs == [("KeyAuthorized", values)]


def test_a_carried_authorization_sets_limits_and_scopes(world: World) -> None:
    logs = carry(
        world,
        key_type=2,
        expiry_s=NOW_S + 9,
        limits=(TokenLimit(PATH_USD, 100), TokenLimit(ALPHA_USD, 9, 60)),
        allowed_calls=(CallScope(PATH_USD, (SelectorRule(TRANSFER, (BOB,)),)),),
        witness=WITNESS,
        account=ALICE,
    )
    assert key_of(world) == (2, KEY, NOW_S + 9, True, False)
    assert by_root(world).call(LIMIT, ALICE, KEY, PATH_USD) == (100, 0)
    assert by_root(world).call(LIMIT, ALICE, KEY, ALPHA_USD) == (9, NOW_S + 60)
    assert by_root(world).call(CALLS, ALICE, KEY) == (True, ((PATH_USD, ((TRANSFER, (BOB,)),)),))
    assert [name for name, _ in logs] == ["KeyAuthorized", "KeyAuthorizationWitness"]


def test_empty_lists_allow_nothing_where_absent_ones_allow_anything(world: World) -> None:
    carry(world, limits=(), allowed_calls=())
    assert key_of(world) == (0, KEY, NEVER, True, False)
    assert by_root(world).call(CALLS, ALICE, KEY) == (True, ())


def test_a_transaction_may_be_signed_by_the_key_it_authorizes(world: World) -> None:
    carry(world, sent_by=KEY)
    by_key(world).do.validate_key(ALICE, KEY, 0)


def test_an_access_key_may_not_authorize_another(world: World) -> None:
    carry(world)
    with pytest.raises(KeyAuthorizationError) as caught:
        carry(world, sent_by=KEY, key_id=OTHER_KEY)
    assert str(caught.value) == (
        "access keys cannot authorize other keys, only the root key can authorize new keys"
    )
    assert key_of(world, OTHER_KEY) == NO_KEY


@pytest.mark.parametrize("chain_id", [0, 1, 42431])
def test_an_authorization_is_for_one_chain(world: World, chain_id: int) -> None:
    """Exactly: the 0 of the first version, any chain, is refused too."""
    with pytest.raises(KeyAuthorizationError) as caught:
        carry(world, chain_id=chain_id)
    text = f"KeyAuthorization chain_id mismatch: expected 1337, got {chain_id}"
    assert str(caught.value) == text
    assert key_of(world) == NO_KEY


def test_an_authorization_is_for_the_account_it_names(world: World) -> None:
    with pytest.raises(KeyAuthorizationError, match=f"expected 0x{'a1' * 20}, got 0x{'b0' * 20}"):
        carry(world, account=BOB)
    assert key_of(world) == NO_KEY


def test_an_authorization_is_signed_by_the_account(world: World) -> None:
    with pytest.raises(KeyAuthorizationError) as caught:
        carry(world, signer=BOB)
    assert str(caught.value) == (
        f"KeyAuthorization must be signed by root account 0x{'a1' * 20},"
        f" but was signed by 0x{'b0' * 20}"
    )
    assert key_of(world) == NO_KEY


def test_an_ordinary_access_key_signs_no_authorization(world: World) -> None:
    by_root(world).call(AUTHORIZE, BOB, 0, config())
    with pytest.raises(KeyAuthorizationError, match="must be signed by root account"):
        carry(world, signer=BOB, account=ALICE)


def test_an_admin_key_signs_authorizations_that_name_the_account(world: World) -> None:
    """Fork T6, TIP-1049."""
    by_root(world).call(AUTHORIZE_ADMIN, BOB, 0, WITNESS)
    with pytest.raises(KeyAuthorizationError, match=BY_ADMIN):
        carry(world, signer=BOB)
    carry(world, signer=BOB, account=ALICE)
    assert key_of(world)[1] == KEY


def test_an_admin_key_signs_the_transaction_too(world: World) -> None:
    by_root(world).call(AUTHORIZE_ADMIN, BOB, 0, WITNESS)
    carry(world, signer=BOB, sent_by=BOB, account=ALICE)
    assert key_of(world)[1] == KEY


def test_a_revoked_admin_key_signs_no_authorization(world: World) -> None:
    by_root(world).call(AUTHORIZE_ADMIN, BOB, 0, WITNESS)
    by_root(world).call(REVOKE, BOB)
    with pytest.raises(KeyAuthorizationError, match="must be signed by root account"):
        carry(world, signer=BOB, account=ALICE)


def test_a_carried_authorization_may_be_of_an_admin_key(world: World) -> None:
    logs = carry(world, is_admin=True)
    assert by_root(world).call(IS_ADMIN, ALICE, KEY)
    assert [name for name, _ in logs] == ["KeyAuthorized", "AdminKeyAuthorized"]


@pytest.mark.parametrize(
    "restriction",
    [{"expiry_s": NOW_S + 9}, {"limits": ()}, {"allowed_calls": ()}],
    ids=["expiry", "limits", "calls"],
)
def test_an_admin_key_is_not_restricted(world: World, restriction: dict[str, Any]) -> None:
    with pytest.raises(KeyAuthorizationError, match="must not have an expiry, limits or allowed"):
        carry(world, is_admin=True, **restriction)
    assert key_of(world) == NO_KEY


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"key_id": ZERO_ADDRESS}, "ZeroPublicKey"),
        ({"key_id": ALICE}, "InvalidKeyId"),
        ({"expiry_s": 0}, "ExpiryInPast"),
        ({"expiry_s": NOW_S}, "ExpiryInPast"),
        ({"limits": (TokenLimit(PATH_USD, 1), TokenLimit(PATH_USD, 1))}, "InvalidSpendingLimit"),
        ({"limits": (TokenLimit(PATH_USD, 2**128),)}, "InvalidSpendingLimit"),
        ({"allowed_calls": (CallScope(ZERO_ADDRESS),)}, "InvalidCallScope"),
    ],
)
def test_a_carried_authorization_is_checked_like_a_call(
    world: World, changes: dict[str, Any], error: str
) -> None:
    with refuses(error):
        carry(world, **changes)


def test_a_carried_authorization_is_good_once(world: World) -> None:
    """Not even revoking the key brings it back."""
    carry(world)
    with refuses("KeyAlreadyExists"):
        carry(world)
    by_root(world).call(REVOKE, KEY)
    with refuses("KeyAlreadyRevoked"):
        carry(world)


def test_a_carried_authorization_with_a_burnt_witness_is_void(world: World) -> None:
    by_root(world).call("burnKeyAuthorizationWitness(bytes32)", WITNESS)
    with refuses("InvalidKeyAuthorizationWitness"):
        carry(world, witness=WITNESS)
    assert key_of(world) == NO_KEY
