"""Roles, and the pause two of them stand for (facts 2.2 and 3)."""

from __future__ import annotations

import pytest

from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.native.tip20 import Tip20
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

ISSUER = bytes.fromhex("114e74f6ea3bd819998f78687bfcb11b140da08e9b7d222fa9c1f1ba1f2aa122")
PAUSE = bytes.fromhex("139c2898040ef16910dc9f44dc697df79363da767d8bc92f2e310312b816e46d")
UNPAUSE = bytes.fromhex("265b220c5a8891efdd9e1b1b7fa72f257bd5169f8d87e319cf3dad6ff52b94ae")
BURN_BLOCKED = bytes.fromhex("7408fdc0d31c7bcb349eab611f5d1168acd4303574993f8cdc98b1cd18c41cae")
DEFAULT_ADMIN = bytes(32)
SENTINEL = b"\xff" * 32
OTHER = b"\x5a" * 32

HAS = "hasRole(address,bytes32)"
ADMIN_OF = "getRoleAdmin(bytes32)"
GRANT = "grantRole(bytes32,address)"
REVOKE = "revokeRole(bytes32,address)"
RENOUNCE = "renounceRole(bytes32)"
SET_ADMIN = "setRoleAdmin(bytes32,bytes32)"


@pytest.fixture
def admin() -> Caller:
    scope = make_scope()
    make_token(scope, balances={ALICE: 1000})
    return Caller(scope, Tip20, PATH_USD, ADMIN)


def test_the_names_of_the_roles(admin: Caller) -> None:
    names = ["ISSUER_ROLE", "PAUSE_ROLE", "UNPAUSE_ROLE", "BURN_BLOCKED_ROLE"]
    values = [admin.call(f"{name}() returns (bytes32)") for name in names]
    assert values == [ISSUER, PAUSE, UNPAUSE, BURN_BLOCKED]


def test_grant_and_revoke(admin: Caller) -> None:
    admin.call(GRANT, ISSUER, ALICE)
    assert admin.call(HAS, ALICE, ISSUER) is True
    admin.call(REVOKE, ISSUER, ALICE)
    assert admin.call(HAS, ALICE, ISSUER) is False
    update = {"role": ISSUER, "account": ALICE, "sender": ADMIN}
    assert events(admin.scope, Tip20) == [
        ("RoleMembershipUpdated", {**update, "hasRole": True}),
        ("RoleMembershipUpdated", {**update, "hasRole": False}),
    ]


def test_granting_twice_and_revoking_what_is_not_held_only_log(admin: Caller) -> None:
    admin.call(GRANT, ISSUER, ADMIN)
    admin.call(REVOKE, ISSUER, BOB)
    assert admin.call(HAS, ADMIN, ISSUER) is True
    assert admin.call(HAS, BOB, ISSUER) is False
    assert len(admin.scope.logs) == 2


def test_only_the_admin_role_grants_and_revokes(admin: Caller) -> None:
    for text in (GRANT, REVOKE):
        with reverts("Unauthorized"):
            admin.by(ALICE).call(text, ISSUER, ALICE)
    assert admin.scope.logs == []


def test_renounce_is_for_a_role_one_has(admin: Caller) -> None:
    admin.call(RENOUNCE, ISSUER)
    assert admin.call(HAS, ADMIN, ISSUER) is False
    with reverts("Unauthorized"):
        admin.call(RENOUNCE, ISSUER)
    assert len(admin.scope.logs) == 1


def test_a_role_can_get_another_admin_role(admin: Caller) -> None:
    assert admin.call(ADMIN_OF, ISSUER) == DEFAULT_ADMIN
    admin.call(SET_ADMIN, ISSUER, OTHER)
    admin.call(GRANT, OTHER, ALICE)
    admin.by(ALICE).call(GRANT, ISSUER, BOB)
    assert admin.call(ADMIN_OF, ISSUER) == OTHER
    assert admin.call(HAS, BOB, ISSUER) is True
    with reverts("Unauthorized"):
        admin.call(GRANT, ISSUER, BOB)
    with reverts("Unauthorized"):
        admin.call(SET_ADMIN, ISSUER, DEFAULT_ADMIN)
    assert events(admin.scope, Tip20)[0] == (
        "RoleAdminUpdated",
        {"role": ISSUER, "newAdminRole": OTHER, "sender": ADMIN},
    )


def test_the_sentinel_role_freezes_what_it_administers(admin: Caller) -> None:
    assert admin.call(ADMIN_OF, SENTINEL) == SENTINEL
    for text in (GRANT, REVOKE):
        with reverts("Unauthorized"):
            admin.call(text, SENTINEL, ADMIN)
    admin.call(SET_ADMIN, ISSUER, SENTINEL)
    with reverts("Unauthorized"):
        admin.call(GRANT, ISSUER, ALICE)
    with reverts("Unauthorized"):
        admin.call(SET_ADMIN, ISSUER, DEFAULT_ADMIN)


def test_roles_belong_to_one_token(admin: Caller) -> None:
    other = PATH_USD[:-1] + b"\x09"
    make_token(admin.scope, other, name="Other", quote_token=PATH_USD, admin=BOB)
    with reverts("Unauthorized"):
        Caller(admin.scope, Tip20, other, ADMIN).call("mint(address,uint256)", ADMIN, 1)


# -- pausing --------------------------------------------------------------------------------------


def test_pause_and_unpause_take_different_roles(admin: Caller) -> None:
    admin.call(GRANT, PAUSE, ALICE)
    admin.call(GRANT, UNPAUSE, BOB)
    alice, bob = admin.by(ALICE), admin.by(BOB)
    logs = len(admin.scope.logs)
    with reverts("Unauthorized"):
        bob.call("pause()")
    alice.call("pause()")
    assert admin.call("paused()") is True
    with reverts("Unauthorized"):
        alice.call("unpause()")
    bob.call("unpause()")
    assert admin.call("paused()") is False
    assert events(admin.scope, Tip20, logs) == [
        ("PauseStateUpdate", {"updater": ALICE, "isPaused": True}),
        ("PauseStateUpdate", {"updater": BOB, "isPaused": False}),
    ]


def test_pausing_twice_only_logs_again(admin: Caller) -> None:
    for text in ("pause()", "pause()", "unpause()", "unpause()"):
        admin.call(text)
    assert len(admin.scope.logs) == 4


def test_a_pause_stops_money_and_nothing_else(admin: Caller) -> None:
    admin.call("pause()")
    moves: list[tuple[str, tuple[bytes | int, ...]]] = [
        ("mint(address,uint256)", (BOB, 1)),
        ("burn(uint256)", (0,)),
        ("burnBlocked(address,uint256)", (BOB, 0)),
        ("transfer(address,uint256)", (BOB, 0)),
        ("transferFrom(address,address,uint256)", (ALICE, BOB, 0)),
    ]
    for text, values in moves:
        with reverts("ContractPaused"):
            admin.call(text, *values)
    admin.call("approve(address,uint256)", BOB, 5)
    admin.call("setSupplyCap(uint256)", 5000)
    admin.call("changeTransferPolicyId(uint64)", 1)
    admin.call(GRANT, ISSUER, BOB)
