"""The TIP-20 factory (facts 2.3)."""

from __future__ import annotations

import pytest

from mock_rails.tempo.addresses import (
    ALPHA_USD,
    NATIVE_CODE,
    PATH_USD,
    TIP20_FACTORY,
    TIP20_PREFIX,
    TIP403_REGISTRY,
    ZERO_ADDRESS,
)
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.native.factory import Tip20Factory, is_reserved
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.native.tip403 import Tip403Registry
from tests.unit.mock_rails.tempo.native.support import (
    ALICE,
    BOB,
    COMMON_ERRORS,
    Caller,
    interface,
    make_scope,
    make_token,
    reverts,
)

CREATE = "createToken(string,string,string,address,address,bytes32) returns (address)"
CREATE_LOGO = "createToken(string,string,string,address,address,bytes32,string) returns (address)"
ADDRESS = "getTokenAddress(address,bytes32)"
EXISTS = "isTIP20(address)"
SALT = bytes(31) + b"\x07"


@pytest.fixture
def factory() -> Caller:
    scope = make_scope()
    make_token(scope)
    make_token(scope, ALPHA_USD, name="Euro", currency="EUR", quote_token=PATH_USD)
    return Caller(scope, Tip20Factory, TIP20_FACTORY, ALICE)


def test_interface() -> None:
    assert interface(Tip20Factory) == {
        "functions": {
            "createToken 68130445",
            "createToken 5323d222",
            "isTIP20 35ec42c9",
            "getTokenAddress 9ed7cd64",
        },
        "events": {"TokenCreated 44f7b8011db3e3647a530b4ff635726de5fafc8fa8ad10f0f31c0eb9dd52fc65"},
        "errors": COMMON_ERRORS
        | {
            "AddressReserved 98387502",
            "AddressNotReserved a3503be9",
            "InvalidQuoteToken d15b4fe2",
            "TokenAlreadyExists 15ef3a57",
        },
    }


def test_an_address_follows_from_sender_and_salt(factory: Caller) -> None:
    seed = ALICE.rjust(32, b"\0") + SALT
    assert factory.call(ADDRESS, ALICE, SALT) == TIP20_PREFIX + keccak256(seed)[:8]


def test_an_address_a_tempo_node_derived(factory: Caller) -> None:
    """Read from anvil 1.7.1 (`--network tempo`) for its first account and this salt."""
    sender = bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266")
    assert factory.call(ADDRESS, sender, SALT).hex() == "20c00000000000000000000042c9ecb41bbf615d"


def test_a_created_token_is_a_token(factory: Caller) -> None:
    address = factory.call(CREATE, "Gold", "GLD", "USD", PATH_USD, BOB, SALT)
    assert address == factory.call(ADDRESS, ALICE, SALT)
    assert factory.call(EXISTS, address) is True
    assert factory.scope.world.code(address) == NATIVE_CODE
    gold = Caller(factory.scope, Tip20, address, BOB)
    reads = [
        gold.call(text)
        for text in (
            "name()",
            "symbol()",
            "currency()",
            "quoteToken()",
            "nextQuoteToken()",
            "totalSupply()",
            "supplyCap()",
            "transferPolicyId()",
            "logoURI()",
            "paused()",
        )
    ]
    cap = (1 << 128) - 1
    assert reads == ["Gold", "GLD", "USD", PATH_USD, PATH_USD, 0, cap, 1, "", False]


def test_the_admin_has_no_role_but_that_of_admin(factory: Caller) -> None:
    address = factory.call(CREATE, "Gold", "GLD", "USD", PATH_USD, BOB, SALT)
    bob = Caller(factory.scope, Tip20, address, BOB)
    issuer = bob.call("ISSUER_ROLE()")
    with reverts("Unauthorized"):
        bob.call("mint(address,uint256)", BOB, 1)
    with reverts("Unauthorized"):
        bob.by(ALICE).call("grantRole(bytes32,address)", issuer, ALICE)
    bob.call("grantRole(bytes32,address)", issuer, BOB)
    bob.call("mint(address,uint256)", BOB, 1)
    assert bob.call("balanceOf(address)", BOB) == 1


def test_the_role_is_logged_before_the_token(factory: Caller) -> None:
    address = factory.call(CREATE, "Gold", "GLD", "USD", PATH_USD, BOB, SALT)
    role, created = factory.scope.logs
    assert role.address == address
    assert Tip20.RoleMembershipUpdated.decode(role.topics, role.data) == {
        "role": bytes(32),
        "account": BOB,
        "sender": ALICE,
        "hasRole": True,
    }
    assert created.address == TIP20_FACTORY
    assert Tip20Factory.TokenCreated.decode(created.topics, created.data) == {
        "token": address,
        "name": "Gold",
        "symbol": "GLD",
        "currency": "USD",
        "quoteToken": PATH_USD,
        "admin": BOB,
        "salt": SALT,
    }


def test_a_created_token_keeps_its_policy_in_the_registry(factory: Caller) -> None:
    """Since T9; the tokens of genesis keep their own until they are migrated."""
    address = factory.call(CREATE, "Gold", "GLD", "USD", PATH_USD, BOB, SALT)
    registry = Caller(factory.scope, Tip403Registry, TIP403_REGISTRY, ALICE)
    assert registry.call("tokenTransferPolicyId(address)", address) == (True, 1)
    assert registry.call("tokenTransferPolicyId(address)", PATH_USD) == (False, 0)


def test_a_token_can_be_created_with_a_logo(factory: Caller) -> None:
    logo = "https://example.com/gold.svg"
    address = factory.call(CREATE_LOGO, "Gold", "GLD", "USD", PATH_USD, BOB, SALT, logo)
    assert Caller(factory.scope, Tip20, address, BOB).call("logoURI()") == logo
    assert [log.address for log in factory.scope.logs] == [address, address, TIP20_FACTORY]


def test_a_bad_logo_creates_nothing(factory: Caller) -> None:
    with reverts("bc2579ba"):
        factory.call(CREATE_LOGO, "Gold", "GLD", "USD", PATH_USD, BOB, SALT, "nonsense")
    assert factory.call(EXISTS, factory.call(ADDRESS, ALICE, SALT)) is False
    assert factory.scope.logs == []


@pytest.mark.parametrize(
    ("currency", "quote"),
    [
        ("USD", ZERO_ADDRESS),
        ("EUR", BOB),
        ("USD", TIP20_PREFIX + b"\xff" * 8),
        ("USD", ALPHA_USD),
    ],
)
def test_what_cannot_be_a_quote_token(factory: Caller, currency: str, quote: bytes) -> None:
    """Nothing, no token, no created token, and for a dollar what is no dollar."""
    with reverts("InvalidQuoteToken"):
        factory.call(CREATE, "Gold", "GLD", currency, quote, BOB, SALT)


@pytest.mark.parametrize("currency", ["EUR", "usd", "", "BANANAS"])
def test_any_other_currency_takes_any_quote_token(factory: Caller, currency: str) -> None:
    factory.call(CREATE, "Gold", "GLD", currency, ALPHA_USD, BOB, SALT)


def test_a_salt_is_used_once_by_each_sender(factory: Caller) -> None:
    address = factory.call(CREATE, "Gold", "GLD", "USD", PATH_USD, BOB, SALT)
    with reverts("TokenAlreadyExists", address):
        factory.call(CREATE, "Gold", "GLD", "USD", ZERO_ADDRESS, BOB, SALT)
    assert factory.by(BOB).call(CREATE, "Gold", "GLD", "USD", PATH_USD, BOB, SALT) != address


@pytest.mark.parametrize(("number", "reserved"), [(0, True), (1023, True), (1024, False)])
def test_the_reserved_range(
    factory: Caller, monkeypatch: pytest.MonkeyPatch, number: int, reserved: bool
) -> None:
    """No salt with such a hash is known, so the derivation is replaced."""
    token = TIP20_PREFIX + number.to_bytes(8)
    assert is_reserved(token) is reserved
    monkeypatch.setattr(Tip20Factory, "_derive", lambda *_: token)
    gold = ("Gold", "GLD", "USD")
    if number == 0:
        with reverts("TokenAlreadyExists", PATH_USD):
            factory.call(CREATE, *gold, PATH_USD, BOB, SALT)
    elif reserved:
        with reverts("InvalidQuoteToken"):
            factory.call(CREATE, *gold, ZERO_ADDRESS, BOB, SALT)
        with reverts("AddressReserved"):
            factory.call(CREATE, *gold, PATH_USD, BOB, SALT)
        with reverts("AddressReserved"):
            factory.call(ADDRESS, ALICE, SALT)
    else:
        assert factory.call(CREATE, *gold, PATH_USD, BOB, SALT) == token


@pytest.mark.parametrize(
    ("address", "exists"),
    [(PATH_USD, True), (TIP20_PREFIX + b"\xff" * 8, False), (TIP20_FACTORY, False)],
)
def test_a_token_has_the_prefix_and_code(factory: Caller, address: bytes, exists: bool) -> None:
    factory.scope.world.set_code(TIP20_FACTORY, NATIVE_CODE)
    assert factory.call(EXISTS, address) is exists


def test_looking_at_an_account_has_its_price(factory: Caller) -> None:
    """T4 2,612; the second look is warm."""
    assert factory.gas(EXISTS, PATH_USD) == 2_612
    assert factory.gas(EXISTS, PATH_USD) == 112


def test_creation_pays_for_an_account_and_nine_slots(factory: Caller) -> None:
    """An account and nine slots, which is about what T4 charged, plus the registry's entry."""
    used = factory.gas(CREATE, "n" * 10, "s" * 7, "USD", PATH_USD, BOB, SALT)
    assert 500_000 + 9 * 252_100 < used < 500_000 + 9 * 254_200 + 15_000


def test_a_creation_that_runs_out_of_gas_leaves_nothing(factory: Caller) -> None:
    before = dict(factory.scope.world.storage)
    with reverts("OutOfGas"):
        factory.call(CREATE, "Gold", "GLD", "USD", PATH_USD, BOB, SALT, gas=2_000_000)
    assert factory.scope.world.storage == before
    assert factory.call(EXISTS, factory.call(ADDRESS, ALICE, SALT)) is False
