"""TIP-403 policies: creating, changing and asking them (facts 2.7)."""

from __future__ import annotations

import pytest

from mock_rails.tempo.addresses import (
    ALPHA_USD,
    BETA_USD,
    PATH_USD,
    TIP403_REGISTRY,
    ZERO_ADDRESS,
)
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.native.tip403 import Tip403Registry
from tests.unit.mock_rails.tempo.native.support import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    COMMON_ERRORS,
    Caller,
    events,
    interface,
    make_scope,
    make_token,
    reverts,
    settle,
)

CREATE = "createPolicy(address,uint8)"
CREATE_WITH = "createPolicyWithAccounts(address,uint8,address[])"
COMPOUND = "createCompoundPolicy(uint64,uint64,uint64)"
SET_ADMIN = "setPolicyAdmin(uint64,address)"
WHITELIST = "modifyPolicyWhitelist(uint64,address,bool)"
BLACKLIST = "modifyPolicyBlacklist(uint64,address,bool)"
EXISTS = "policyExists(uint64)"
DATA = "policyData(uint64)"
PARTS = "compoundPolicyData(uint64)"
ALLOWED = "isAuthorized(uint64,address)"
MIGRATE = "migrateTransferPolicyIds(address[])"
TOKEN_POLICY = "tokenTransferPolicyId(address)"
ROLES = ["isAuthorizedSender", "isAuthorizedRecipient", "isAuthorizedMintRecipient"]

VIRTUAL = b"\0\0\0\1" + b"\xfd" * 10 + b"\0\0\0\0\0\1"
UNKNOWN = 99

CHANGES: list[tuple[str, tuple[bytes | bool, ...]]] = [
    (SET_ADMIN, (ADMIN,)),
    (WHITELIST, (BOB, True)),
    (BLACKLIST, (BOB, True)),
]
"""What can be done to a policy: a function, and its arguments after the policy's id."""


@pytest.fixture
def registry() -> Caller:
    return Caller(make_scope(), Tip403Registry, TIP403_REGISTRY, ADMIN)


def verdicts(registry: Caller, policy: int, account: bytes) -> list[bool]:
    """Whether an account may be sender, recipient, recipient of a mint."""
    return [registry.call(f"{role}(uint64,address)", policy, account) for role in ROLES]


def test_interface() -> None:
    assert interface(Tip403Registry) == {
        "functions": {
            "policyIdCounter 3cc32f9c",
            "policyExists 330f5637",
            "tokenTransferPolicyId 23143aff",
            "policyData 50214329",
            "isAuthorized 55a1179e",
            "isAuthorizedSender 14abd81d",
            "isAuthorizedRecipient 6fbc13d6",
            "isAuthorizedMintRecipient b389e305",
            "compoundPolicyData b6266019",
            "receivePolicy e111e611",
            "validateReceivePolicy b72b0c59",
            "createPolicy ca5d55f6",
            "createPolicyWithAccounts a2d3044f",
            "setPolicyAdmin 25f7d376",
            "modifyPolicyWhitelist 71ec67a3",
            "modifyPolicyBlacklist c62b27d4",
            "createCompoundPolicy 5da414ee",
            "setReceivePolicy dda03d86",
            "migrateTransferPolicyIds a783dc99",
        },
        "events": {
            "PolicyCreated 718d87917f0c4cfd1263707ef0e77c656ed8d8bfaca06152bdb0b8094142ec27",
            "PolicyAdminUpdated 98925cfb1bc09c5b43dd0dd56d3d95aa04fb3300927580cc588c3f5dd58c15e1",
            "WhitelistUpdated b15f514df899cf1b4ef0dc78f930c10d98883756fa3a1a8853a98132e7f4c5a6",
            "BlacklistUpdated 94c23f8f319426f2da63b46b024acbc55fe44a5c59dc4c00d11b792515083c54",
            "CompoundPolicyCreated"
            " 6e054cdd4e9405e97868ec27e55ca41ee66a481d8cbab2f0283a87a6727a9ab6",
            "ReceivePolicyUpdated f0d46e7e04f2bf4cc56ea683299f4145c2650ef690e276e069bc2b806d68b2ea",
        },
        "errors": COMMON_ERRORS
        | {
            "Unauthorized 82b42900",
            "PolicyNotFound 720caa4f",
            "PolicyNotSimple 7d1fd1a1",
            "InvalidPolicyType cb9f942f",
            "IncompatiblePolicyType f1011ef5",
            "VirtualAddressNotAllowed 83d22f77",
            "InvalidReceivePolicyType 83fbd1c6",
            "InvalidRecoveryAuthority 9f78d2e3",
        },
    }


@pytest.mark.parametrize(("policy", "allowed"), [(0, False), (1, True)])
def test_the_built_in_policies(registry: Caller, policy: int, allowed: bool) -> None:
    assert registry.call(EXISTS, policy) is True
    assert registry.call(DATA, policy) == (policy, ZERO_ADDRESS)
    assert registry.call(ALLOWED, policy, ALICE) is allowed
    assert verdicts(registry, policy, ALICE) == [allowed] * 3
    for text, values in CHANGES:
        for sender in (ADMIN, ZERO_ADDRESS):
            with reverts("Unauthorized"):
                registry.by(sender).call(text, policy, *values)


def test_ids_count_up_from_two(registry: Caller) -> None:
    assert registry.call("policyIdCounter()") == 2
    assert [registry.call(CREATE, ADMIN, 0), registry.call(CREATE, ADMIN, 1)] == [2, 3]
    assert registry.call("policyIdCounter()") == 4
    assert [registry.call(EXISTS, policy) for policy in (2, 3, 4)] == [True, True, False]


def test_a_new_policy_is_logged_with_its_admin(registry: Caller) -> None:
    registry.call(CREATE, ALICE, 1)
    assert registry.call(DATA, 2) == (1, ALICE)
    assert events(registry.scope, Tip403Registry) == [
        ("PolicyCreated", {"policyId": 2, "updater": ADMIN, "policyType": 1}),
        ("PolicyAdminUpdated", {"policyId": 2, "updater": ADMIN, "admin": ALICE}),
    ]


def test_accounts_given_at_creation_are_logged_first(registry: Caller) -> None:
    registry.call(CREATE_WITH, ALICE, 0, [BOB, CAROL])
    update = {"policyId": 2, "updater": ADMIN, "allowed": True}
    assert events(registry.scope, Tip403Registry)[:2] == [
        ("WhitelistUpdated", {**update, "account": BOB}),
        ("WhitelistUpdated", {**update, "account": CAROL}),
    ]
    names = [name for name, _ in events(registry.scope, Tip403Registry)[2:]]
    assert names == ["PolicyCreated", "PolicyAdminUpdated"]


@pytest.mark.parametrize("kind", [2, 3, 255])
def test_only_lists_can_be_created_so(registry: Caller, kind: int) -> None:
    with reverts("IncompatiblePolicyType"):
        registry.call(CREATE, ADMIN, kind)
    with reverts("IncompatiblePolicyType"):
        registry.call(CREATE_WITH, ADMIN, kind, [ALICE])
    assert registry.call("policyIdCounter()") == 2


def test_a_whitelist_admits_who_is_on_it(registry: Caller) -> None:
    policy = registry.call(CREATE_WITH, ADMIN, 0, [ALICE])
    assert verdicts(registry, policy, ALICE) == [True] * 3
    assert verdicts(registry, policy, BOB) == [False] * 3
    registry.call(WHITELIST, policy, BOB, True)
    registry.call(WHITELIST, policy, ALICE, False)
    assert registry.call(ALLOWED, policy, BOB) is True
    assert registry.call(ALLOWED, policy, ALICE) is False


def test_a_blacklist_admits_who_is_not_on_it(registry: Caller) -> None:
    policy = registry.call(CREATE_WITH, ADMIN, 1, [ALICE])
    assert verdicts(registry, policy, ALICE) == [False] * 3
    assert verdicts(registry, policy, BOB) == [True] * 3
    registry.call(BLACKLIST, policy, ALICE, False)
    assert registry.call(ALLOWED, policy, ALICE) is True
    assert events(registry.scope, Tip403Registry)[-1] == (
        "BlacklistUpdated",
        {"policyId": policy, "updater": ADMIN, "account": ALICE, "restricted": False},
    )


def test_a_whitelist_nobody_owns_exists_too(registry: Caller) -> None:
    """Its record is all zero, so only the counter tells it from no policy at all."""
    policy = registry.call(CREATE_WITH, ZERO_ADDRESS, 0, [ALICE])
    assert registry.call(DATA, policy) == (0, ZERO_ADDRESS)
    assert registry.call(ALLOWED, policy, ALICE) is True
    with reverts("Unauthorized"):
        registry.by(ZERO_ADDRESS).call(WHITELIST, policy, BOB, True)


def test_only_the_admin_changes_a_policy(registry: Caller) -> None:
    policy = registry.call(CREATE, ADMIN, 1)
    registry.call(SET_ADMIN, policy, ALICE)
    for text, values in CHANGES:
        with reverts("Unauthorized"):
            registry.call(text, policy, *values)
    registry.by(ALICE).call(BLACKLIST, policy, BOB, True)
    assert registry.call(DATA, policy) == (1, ALICE)


def test_each_list_is_changed_by_its_own_function(registry: Caller) -> None:
    whitelist, blacklist = registry.call(CREATE, ADMIN, 0), registry.call(CREATE, ADMIN, 1)
    with reverts("IncompatiblePolicyType"):
        registry.call(BLACKLIST, whitelist, BOB, True)
    with reverts("IncompatiblePolicyType"):
        registry.call(WHITELIST, blacklist, BOB, True)


def test_an_unknown_policy_is_not_found(registry: Caller) -> None:
    for text, values in [
        (DATA, ()),
        (PARTS, ()),
        (ALLOWED, (ALICE,)),
        ("isAuthorizedSender(uint64,address)", (ALICE,)),
        *CHANGES,
    ]:
        with reverts("PolicyNotFound"):
            registry.call(text, UNKNOWN, *values)


def test_virtual_addresses_cannot_be_listed(registry: Caller) -> None:
    """This is checked before anything else, whoever asks."""
    policy = registry.call(CREATE, ADMIN, 0)
    for sender in (ADMIN, BOB):
        for text in (WHITELIST, BLACKLIST):
            with reverts("VirtualAddressNotAllowed"):
                registry.by(sender).call(text, policy, VIRTUAL, True)
    with reverts("VirtualAddressNotAllowed"):
        registry.call(CREATE_WITH, ADMIN, 0, [ALICE, VIRTUAL])
    assert registry.call("policyIdCounter()") == 3


# -- compound policies ----------------------------------------------------------------------------


def test_a_compound_policy_asks_a_policy_for_each_part(registry: Caller) -> None:
    whitelist = registry.call(CREATE_WITH, ADMIN, 0, [ALICE, BOB])
    blacklist = registry.call(CREATE_WITH, ADMIN, 1, [BOB])
    policy = registry.call(COMPOUND, whitelist, blacklist, 0)
    assert verdicts(registry, policy, ALICE) == [True, True, False]
    assert verdicts(registry, policy, BOB) == [True, False, False]
    assert verdicts(registry, policy, CAROL) == [False, True, False]
    allowed = [registry.call(ALLOWED, policy, account) for account in (ALICE, BOB, CAROL)]
    assert allowed == [True, False, False]


def test_a_compound_policy_belongs_to_nobody(registry: Caller) -> None:
    policy = registry.call(COMPOUND, 0, 1, 1)
    assert registry.call(DATA, policy) == (2, ZERO_ADDRESS)
    assert registry.call(PARTS, policy) == (0, 1, 1)
    for text, values in CHANGES:
        with reverts("Unauthorized"):
            registry.call(text, policy, *values)
    assert events(registry.scope, Tip403Registry) == [
        (
            "CompoundPolicyCreated",
            {
                "policyId": policy,
                "creator": ADMIN,
                "senderPolicyId": 0,
                "recipientPolicyId": 1,
                "mintRecipientPolicyId": 1,
            },
        )
    ]


def test_parts_are_simple_and_exist(registry: Caller) -> None:
    """They are looked at one after the other."""
    compound = registry.call(COMPOUND, 0, 1, 1)
    for parts, error in [
        ((0, 1, compound), "PolicyNotSimple"),
        ((0, compound, UNKNOWN), "PolicyNotSimple"),
        ((0, UNKNOWN, compound), "PolicyNotFound"),
        ((UNKNOWN, 1, 1), "PolicyNotFound"),
    ]:
        with reverts(error):
            registry.call(COMPOUND, *parts)


def test_a_simple_policy_has_no_parts(registry: Caller) -> None:
    for policy in (0, 1, registry.call(CREATE, ADMIN, 1)):
        with reverts("IncompatiblePolicyType"):
            registry.call(PARTS, policy)


# -- tokens ---------------------------------------------------------------------------------------


def test_migration_takes_over_what_a_token_kept_itself(registry: Caller) -> None:
    scope = registry.scope
    make_token(scope)
    make_token(scope, ALPHA_USD, name="AlphaUSD", quote_token=PATH_USD)
    Caller(scope, Tip20, ALPHA_USD, ADMIN).call("changeTransferPolicyId(uint64)", 0)
    assert registry.call(TOKEN_POLICY, PATH_USD) == (False, 0)
    tokens = [PATH_USD, ALPHA_USD, BETA_USD, ALICE, PATH_USD]
    assert registry.by(ALICE).call(MIGRATE, tokens) == 1
    assert registry.call(TOKEN_POLICY, PATH_USD) == (True, 1)
    assert registry.call(TOKEN_POLICY, ALPHA_USD) == (True, 0)
    assert registry.call(TOKEN_POLICY, BETA_USD) == (False, 0)


def test_a_migrated_token_is_asked_only_at_the_registry(registry: Caller) -> None:
    make_token(registry.scope)
    token = Tip20(Frame(registry.scope, PATH_USD, ALICE))
    assert token.policy_id() == 1
    registry.call(MIGRATE, [PATH_USD])
    token.quote_and_policy = (0, 0)
    assert token.policy_id() == 1


# -- gas ------------------------------------------------------------------------------------------


def test_gas(registry: Caller) -> None:
    """What anvil 1.7.1 charged at T4; since T7 a new slot costs 2,000 more, a cold no-op 100 less.

    The very first policy also creates the counter's slot, so the figures start from the second.
    """
    registry.call(CREATE, ADMIN, 1)

    def gas(text: str, *values: object) -> int:
        settle(registry.scope)
        return registry.gas(text, *values)

    assert gas(CREATE, ADMIN, 1) == 260_849 + 2_000
    assert gas(CREATE_WITH, ADMIN, 0, [ALICE]) == 515_198 + 2_000
    assert gas(COMPOUND, 3, 4, 1) == 516_092 + 2_000
    assert gas(BLACKLIST, 3, BOB, True) == 256_455 + 2_000
    assert gas(SET_ADMIN, 3, ADMIN) == 4_193 - 100
    assert gas("policyIdCounter()") == 2_106
    assert gas(EXISTS, 3) == 2_112
    assert gas(DATA, 3) == 2_112
    assert gas(ALLOWED, 5, ALICE) == 12_618
    assert gas(ALLOWED, 1, ALICE) == 18
