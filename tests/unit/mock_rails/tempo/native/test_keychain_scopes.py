"""Call scopes of access keys: contract, function, recipient (facts 2.6, TIP-1011).

What is expected where the facts are silent was observed on a node of fork T4.
"""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo.addresses import (
    ACCOUNT_KEYCHAIN,
    ALPHA_USD,
    BETA_USD,
    NATIVE_CODE,
    PATH_USD,
    ZERO_ADDRESS,
)
from mock_rails.tempo.tx.model import Call
from mock_rails.tempo.world import World
from tests.unit.mock_rails.tempo.native.keychain_support import (
    AUTHORIZE,
    GET_KEY,
    KEY,
    NEVER,
    NO_KEY,
    REVOKE,
    by_key,
    by_root,
    config,
    refuses,
)
from tests.unit.mock_rails.tempo.native.support import ALICE, BOB, CAROL, NOW_S, reverts

SET = "setAllowedCalls(address,(address,(bytes4,address[])[])[])"
REMOVE = "removeAllowedCalls(address,address)"
GET = "getAllowedCalls(address,address)"

TRANSFER = bytes.fromhex("a9059cbb")
TRANSFER_WITH_MEMO = bytes.fromhex("95777d59")
APPROVE = bytes.fromhex("095ea7b3")
TRANSFER_FROM = bytes.fromhex("23b872dd")
BALANCE_OF = bytes.fromhex("70a08231")
SHOP = b"\x50" * 20
"""A contract that is no token."""

UNRESTRICTED = (False, ())
NOTHING = (True, ())
RULES = (
    (PATH_USD, ((TRANSFER, (BOB, CAROL)), (BALANCE_OF, ()))),
    (ALPHA_USD, ((TRANSFER_WITH_MEMO, (BOB,)),)),
    (SHOP, ()),
)


@pytest.fixture
def world() -> World:
    """A world with two tokens, in which nobody has authorized a key."""
    world = World()
    for token in (PATH_USD, ALPHA_USD):
        world.set_code(token, NATIVE_CODE)
    return world


def authorize(world: World, calls: Any) -> None:
    """Let ALICE authorize KEY for these calls; None is any."""
    by_root(world).call(AUTHORIZE, KEY, 0, config(calls=calls))


def allowed(world: World, *, now_s: int = NOW_S) -> Any:
    """What `getAllowedCalls` answers for KEY."""
    return by_root(world, now_s=now_s).call(GET, ALICE, KEY)


def check(world: World, *calls: tuple[bytes | None, bytes]) -> None:
    """Check a batch of calls by KEY, each a target and its data."""
    by_key(world).do.check_scopes(ALICE, KEY, [Call(to, 0, data) for to, data in calls])


def transfer(recipient: bytes, selector: bytes = TRANSFER) -> bytes:
    """Calldata that pays a recipient, or names one elsewhere."""
    return selector + bytes(12) + recipient + (7).to_bytes(32)


# -- what a scope allows ---------------------------------------------------------------------------


def test_an_unrestricted_key_may_call_anything(world: World) -> None:
    authorize(world, None)
    check(world, (PATH_USD, b""), (SHOP, b"x"), (None, b"initcode"))
    assert allowed(world) == UNRESTRICTED


def test_a_key_with_no_scopes_may_call_nothing(world: World) -> None:
    authorize(world, [])
    with refuses("CallNotAllowed"):
        check(world, (PATH_USD, transfer(BOB)))
    assert allowed(world) == NOTHING


def test_a_target_without_rules_allows_any_of_its_functions(world: World) -> None:
    authorize(world, RULES)
    check(world, (SHOP, b""), (SHOP, b"\x01"), (SHOP, b"\x01\x02\x03\x04"), (SHOP, bytes(500)))


def test_a_target_that_is_not_listed_is_refused(world: World) -> None:
    authorize(world, RULES)
    with refuses("CallNotAllowed"):
        check(world, (BETA_USD, transfer(BOB)))


def test_a_function_that_is_not_listed_is_refused(world: World) -> None:
    authorize(world, RULES)
    with refuses("CallNotAllowed"):
        check(world, (PATH_USD, transfer(BOB, APPROVE)))


def test_a_function_without_recipients_takes_any(world: World) -> None:
    authorize(world, RULES)
    check(world, (PATH_USD, BALANCE_OF), (PATH_USD, transfer(SHOP, BALANCE_OF)))


def test_a_function_with_recipients_takes_those(world: World) -> None:
    authorize(world, RULES)
    check(world, (PATH_USD, transfer(BOB)), (PATH_USD, transfer(CAROL)))
    with refuses("CallNotAllowed"):
        check(world, (PATH_USD, transfer(SHOP)))


def test_a_rule_of_one_target_says_nothing_about_another(world: World) -> None:
    authorize(world, RULES)
    with refuses("CallNotAllowed"):
        check(world, (ALPHA_USD, transfer(BOB)))
    with refuses("CallNotAllowed"):
        check(world, (ALPHA_USD, transfer(CAROL, TRANSFER_WITH_MEMO)))
    check(world, (ALPHA_USD, transfer(BOB, TRANSFER_WITH_MEMO)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        TRANSFER[:3],
        TRANSFER,
        transfer(BOB)[:35],
        TRANSFER + b"\x01" + bytes(11) + BOB,
        TRANSFER + bytes(11) + b"\x01" + BOB,
    ],
    ids=["empty", "no selector", "no recipient", "short", "dirty", "nearly clean"],
)
def test_calldata_that_names_no_recipient_is_refused(world: World, data: bytes) -> None:
    authorize(world, RULES)
    with refuses("CallNotAllowed"):
        check(world, (PATH_USD, data))


def test_the_first_word_is_enough_to_name_a_recipient(world: World) -> None:
    authorize(world, RULES)
    check(world, (PATH_USD, transfer(BOB)[:36]))


def test_a_restricted_key_creates_no_contract(world: World) -> None:
    authorize(world, RULES)
    with refuses("CallNotAllowed"):
        check(world, (None, b"initcode"))


def test_every_call_of_a_batch_must_be_allowed(world: World) -> None:
    authorize(world, RULES)
    with refuses("CallNotAllowed"):
        check(world, (SHOP, b""), (PATH_USD, transfer(BOB)), (BETA_USD, b""))


# -- what a scope may say --------------------------------------------------------------------------


def test_scopes_read_as_they_were_granted(world: World) -> None:
    authorize(world, RULES)
    assert allowed(world) == (True, RULES)


@pytest.mark.parametrize("selector", [TRANSFER, TRANSFER_WITH_MEMO, APPROVE])
def test_recipients_may_be_bound_for_what_pays(world: World, selector: bytes) -> None:
    calls = ((PATH_USD, ((selector, (BOB,)),)),)
    authorize(world, calls)
    assert allowed(world) == (True, calls)


def test_a_target_need_not_exist_yet(world: World) -> None:
    authorize(world, [(BETA_USD, ((bytes(4), ()),))])
    check(world, (BETA_USD, bytes(4)))


INVALID = {
    "a zero target": [(ZERO_ADDRESS, ())],
    "a target twice": [(SHOP, ()), (PATH_USD, ()), (SHOP, ())],
    "a function twice": [(SHOP, ((TRANSFER, ()), (TRANSFER, ())))],
    "a recipient twice": [(PATH_USD, ((TRANSFER, (BOB, BOB)),))],
    "a zero recipient": [(PATH_USD, ((TRANSFER, (BOB, ZERO_ADDRESS)),))],
    "recipients of transferFrom": [(PATH_USD, ((TRANSFER_FROM, (BOB,)),))],
    "recipients of balanceOf": [(PATH_USD, ((BALANCE_OF, (BOB,)),))],
    "recipients of no token": [(SHOP, ((TRANSFER, (BOB,)),))],
    "recipients of a token not yet created": [(BETA_USD, ((TRANSFER, (BOB,)),))],
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_scope_authorizes_nothing(world: World, name: str) -> None:
    before = dict(world.storage)
    with reverts("InvalidCallScope"):
        authorize(world, INVALID[name])
    assert world.storage == before
    assert by_root(world).call(GET_KEY, ALICE, KEY) == NO_KEY


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_scope_changes_nothing(world: World, name: str) -> None:
    authorize(world, RULES)
    with reverts("InvalidCallScope"):
        by_root(world).call(SET, KEY, INVALID[name])
    assert allowed(world) == (True, RULES)


# -- changing --------------------------------------------------------------------------------------


def test_setting_replaces_the_rules_of_the_targets_named(world: World) -> None:
    authorize(world, RULES)
    by_root(world).call(SET, KEY, [(PATH_USD, ((APPROVE, ()),)), (BETA_USD, ())])
    assert allowed(world) == (True, ((PATH_USD, ((APPROVE, ()),)), *RULES[1:], (BETA_USD, ())))
    check(world, (PATH_USD, transfer(SHOP, APPROVE)))
    with refuses("CallNotAllowed"):
        check(world, (PATH_USD, transfer(BOB)))


def test_recipients_that_were_replaced_do_not_come_back(world: World) -> None:
    authorize(world, RULES)
    by_root(world).call(SET, KEY, [(PATH_USD, ())])
    by_root(world).call(SET, KEY, [(PATH_USD, ((TRANSFER, (SHOP,)),))])
    check(world, (PATH_USD, transfer(SHOP)))
    with refuses("CallNotAllowed"):
        check(world, (PATH_USD, transfer(BOB)))


def test_setting_nothing_is_refused(world: World) -> None:
    """To allow nothing at all is to remove the targets, or to revoke the key."""
    authorize(world, RULES)
    with reverts("InvalidCallScope"):
        by_root(world).call(SET, KEY, [])
    assert allowed(world) == (True, RULES)


def test_setting_restricts_an_unrestricted_key(world: World) -> None:
    authorize(world, None)
    by_root(world).call(SET, KEY, [(SHOP, ())])
    assert allowed(world) == (True, ((SHOP, ()),))
    with refuses("CallNotAllowed"):
        check(world, (PATH_USD, transfer(BOB)))


def test_a_removed_target_is_allowed_no_longer(world: World) -> None:
    """The last target takes its place in the list."""
    authorize(world, RULES)
    by_root(world).call(REMOVE, KEY, PATH_USD)
    assert allowed(world) == (True, (RULES[2], RULES[1]))
    with refuses("CallNotAllowed"):
        check(world, (PATH_USD, transfer(BOB)))


def test_a_removed_target_leaves_no_rules_behind(world: World) -> None:
    authorize(world, [])
    empty = dict(world.storage)
    by_root(world).call(SET, KEY, RULES)
    for target in (SHOP, PATH_USD, ALPHA_USD):
        by_root(world).call(REMOVE, KEY, target)
    assert allowed(world) == NOTHING
    assert world.storage == empty


def test_a_key_whose_last_target_was_removed_may_call_nothing(world: World) -> None:
    authorize(world, [(SHOP, ())])
    by_root(world).call(REMOVE, KEY, SHOP)
    with refuses("CallNotAllowed"):
        check(world, (SHOP, b""))


@pytest.mark.parametrize("calls", [None, [], RULES])
def test_removing_what_is_not_listed_does_nothing(world: World, calls: Any) -> None:
    authorize(world, calls)
    before = dict(world.storage)
    by_root(world).call(REMOVE, KEY, BETA_USD)
    assert world.storage == before


@pytest.mark.parametrize(
    ("text", "argument"), [(SET, [(SHOP, ())]), (REMOVE, SHOP)], ids=["set", "remove"]
)
def test_only_an_active_key_has_scopes_to_change(world: World, text: str, argument: Any) -> None:
    with reverts("KeyNotFound"):
        by_root(world).call(text, KEY, argument)
    by_root(world).call(AUTHORIZE, KEY, 0, config(expiry=NOW_S + 9))
    with reverts("KeyExpired"):
        by_root(world, now_s=NOW_S + 9).call(text, KEY, argument)
    by_root(world).call(REVOKE, KEY)
    with reverts("KeyAlreadyRevoked"):
        by_root(world).call(text, KEY, argument)


def test_a_key_that_may_not_sign_may_call_nothing(world: World) -> None:
    """Unknown, expired and revoked keys read as restricted to nothing."""
    assert allowed(world) == NOTHING
    by_root(world).call(AUTHORIZE, KEY, 0, config(expiry=NOW_S + 9))
    assert allowed(world) == UNRESTRICTED
    assert allowed(world, now_s=NOW_S + 9) == NOTHING
    by_root(world).call(REVOKE, KEY)
    assert allowed(world) == NOTHING


def test_scopes_are_those_of_the_key_and_account(world: World) -> None:
    authorize(world, RULES)
    by_root(world).call(AUTHORIZE, BOB, 0, config(expiry=NEVER))
    by_root(world, account=CAROL).call(AUTHORIZE, KEY, 0, config())
    assert by_root(world).call(GET, ALICE, BOB) == UNRESTRICTED
    assert by_root(world).call(GET, CAROL, KEY) == UNRESTRICTED


def test_removing_a_target_mints_no_storage_credit(world: World) -> None:
    """Keychain slots are the protocol's bookkeeping (facts 4.5)."""
    authorize(world, RULES)
    by_root(world).call(REMOVE, KEY, PATH_USD)
    assert {key[0] for key in world.storage} == {ACCOUNT_KEYCHAIN}


def test_removing_looks_at_the_scopes_of_a_restricted_key_only(world: World) -> None:
    """The prices on a node: 4,418 and 6,518."""
    calldata, who_signed, slot = 6 * 3, 2 * 100, 2_100
    authorize(world, None)
    assert by_root(world).gas(REMOVE, KEY, SHOP) == calldata + who_signed + 2 * slot == 4_418
    by_root(world).call(SET, KEY, [(PATH_USD, ())])
    assert by_root(world).gas(REMOVE, KEY, SHOP) == calldata + who_signed + 3 * slot == 6_518
