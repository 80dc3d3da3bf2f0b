"""Moving TIP-20 money: what a payment does and in which order it can fail (facts 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_rails.tempo.addresses import (
    ALPHA_USD,
    FEE_MANAGER,
    PATH_USD,
    STABLECOIN_DEX,
    TIP20_PREFIX,
    TIP403_REGISTRY,
    ZERO_ADDRESS,
)
from mock_rails.tempo.native.contract import Revert
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.keychain import AccountKeychain
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

if TYPE_CHECKING:
    from mock_rails.tempo.scope import Scope

TRANSFER = "transfer(address,uint256) returns (bool)"
TRANSFER_MEMO = "transferWithMemo(address,uint256,bytes32)"
TRANSFER_FROM = "transferFrom(address,address,uint256) returns (bool)"
TRANSFER_FROM_MEMO = "transferFromWithMemo(address,address,uint256,bytes32) returns (bool)"
APPROVE = "approve(address,uint256) returns (bool)"
BALANCE = "balanceOf(address)"
ALLOWANCE = "allowance(address,address)"

MEMO = b"\x07" * 32
VIRTUAL = b"\0\0\0\1" + b"\xfd" * 10 + b"\0\0\0\0\0\1"
MAX = (1 << 256) - 1


@pytest.fixture
def scope() -> Scope:
    scope = make_scope()
    make_token(scope, balances={ALICE: 1000})
    return scope


@pytest.fixture
def alice(scope: Scope) -> Caller:
    return Caller(scope, Tip20, PATH_USD, ALICE)


def test_transfer(alice: Caller) -> None:
    assert alice.call(TRANSFER, BOB, 300) is True
    assert (alice.call(BALANCE, ALICE), alice.call(BALANCE, BOB)) == (700, 300)
    assert events(alice.scope, Tip20) == [("Transfer", {"from": ALICE, "to": BOB, "amount": 300})]


def test_transfer_with_memo_returns_nothing_and_logs_the_memo_last(alice: Caller) -> None:
    assert alice.call(TRANSFER_MEMO, BOB, 300, MEMO) is None
    moved = {"from": ALICE, "to": BOB, "amount": 300}
    assert events(alice.scope, Tip20) == [
        ("Transfer", moved),
        ("TransferWithMemo", {**moved, "memo": MEMO}),
    ]


@pytest.mark.parametrize("amount", [0, 1000])
def test_to_oneself_and_of_nothing_are_transfers_too(alice: Caller, amount: int) -> None:
    alice.call(TRANSFER, ALICE, amount)
    assert alice.call(BALANCE, ALICE) == 1000
    assert len(alice.scope.logs) == 1


def test_insufficient_balance_says_what_was_there_and_what_was_asked(alice: Caller) -> None:
    with reverts("InsufficientBalance", 1000, 1001, PATH_USD):
        alice.call(TRANSFER, BOB, 1001)
    assert alice.scope.logs == []


def test_approve_replaces_the_allowance(alice: Caller) -> None:
    assert alice.call(APPROVE, BOB, 500) is True
    assert alice.call(APPROVE, BOB, 200) is True
    assert alice.call(ALLOWANCE, ALICE, BOB) == 200
    assert events(alice.scope, Tip20)[-1] == (
        "Approval",
        {"owner": ALICE, "spender": BOB, "amount": 200},
    )


def test_transfer_from_uses_up_the_allowance_without_logging_it(alice: Caller) -> None:
    alice.call(APPROVE, BOB, 500)
    before = len(alice.scope.logs)
    assert alice.by(BOB).call(TRANSFER_FROM, ALICE, CAROL, 200) is True
    assert alice.by(BOB).call(TRANSFER_FROM_MEMO, ALICE, CAROL, 100, MEMO) is True
    assert alice.call(ALLOWANCE, ALICE, BOB) == 200
    assert alice.call(BALANCE, CAROL) == 300
    names = [name for name, _ in events(alice.scope, Tip20, before)]
    assert names == ["Transfer", "Transfer", "TransferWithMemo"]
    with reverts("InsufficientAllowance"):
        alice.by(BOB).call(TRANSFER_FROM, ALICE, CAROL, 201)


def test_an_unlimited_allowance_stays_unlimited(alice: Caller) -> None:
    alice.call(APPROVE, BOB, MAX)
    alice.by(BOB).call(TRANSFER_FROM, ALICE, CAROL, 200)
    assert alice.call(ALLOWANCE, ALICE, BOB) == MAX


@pytest.mark.parametrize("recipient", [ZERO_ADDRESS, PATH_USD, TIP20_PREFIX + b"\xff" * 8])
def test_money_cannot_be_sent_to_nobody_or_to_any_token(alice: Caller, recipient: bytes) -> None:
    with reverts("InvalidRecipient"):
        alice.call(TRANSFER, recipient, 1)


class Gates:
    """One fault per gate of facts 3, in the order of the checks."""

    def __init__(self, alice: Caller) -> None:
        self.alice = alice
        self.admin = alice.by(ADMIN)
        self.registry = Caller(alice.scope, Tip403Registry, TIP403_REGISTRY, ADMIN)
        self.recipient = BOB
        self.amount = 10
        self.policy = self.registry.call("createPolicy(address,uint8)", ADMIN, 1)

    def virtual(self) -> None:
        self.recipient = VIRTUAL

    def paused(self) -> None:
        self.admin.call("pause()")

    def nobody(self) -> None:
        if self.recipient != VIRTUAL:
            self.recipient = ZERO_ADDRESS

    def policy_forbids(self) -> None:
        self.admin.call("changeTransferPolicyId(uint64)", self.policy)
        for account in (ALICE, BOB):
            self.registry.call(
                "modifyPolicyBlacklist(uint64,address,bool)", self.policy, account, True
            )

    def allowance_short(self) -> None:
        self.alice.call(APPROVE, CAROL, 0)

    def refused_by_the_recipient(self) -> None:
        self.registry.by(BOB).call("setReceivePolicy(uint64,uint64,address)", 0, 1, ZERO_ADDRESS)

    def poor(self) -> None:
        self.amount = 10**9


GATES = [
    (Gates.virtual, "VirtualAddressUnregistered"),
    (Gates.paused, "ContractPaused"),
    (Gates.nobody, "InvalidRecipient"),
    (Gates.policy_forbids, "PolicyForbids"),
    (Gates.allowance_short, "InsufficientAllowance"),
    (Gates.refused_by_the_recipient, "PolicyForbids"),
    (Gates.poor, "InsufficientBalance"),
]

ALLOWANCE_GATE = GATES[4]


@pytest.mark.parametrize("first", range(len(GATES)))
@pytest.mark.parametrize("memo", [False, True])
@pytest.mark.parametrize("delegated", [False, True])
def test_the_first_gate_that_fails_names_the_error(
    alice: Caller, first: int, memo: bool, delegated: bool
) -> None:
    """With every gate from `first` on failing at once, it is the first one that is reported."""
    gates = Gates(alice)
    alice.call(APPROVE, CAROL, MAX)
    for spoil, _ in GATES[first:]:
        spoil(gates)
    direct_skips_the_allowance = not delegated and GATES[first] is ALLOWANCE_GATE
    expected = GATES[first + direct_skips_the_allowance][1]
    before = len(alice.scope.logs)
    with reverts(expected):
        pay(gates, memo=memo, delegated=delegated)
    assert alice.call(BALANCE, ALICE) == 1000
    assert len(alice.scope.logs) == before


@pytest.mark.parametrize("memo", [False, True])
@pytest.mark.parametrize("delegated", [False, True])
def test_with_no_gate_failing_it_pays(alice: Caller, memo: bool, delegated: bool) -> None:
    gates = Gates(alice)
    alice.call(APPROVE, CAROL, MAX)
    pay(gates, memo=memo, delegated=delegated)
    assert alice.call(BALANCE, BOB) == 10


def pay(gates: Gates, *, memo: bool, delegated: bool) -> None:
    """Pay from Alice: herself, or by Carol whom she approved."""
    words = [gates.recipient, gates.amount, *([MEMO] if memo else [])]
    if delegated:
        carol = gates.alice.by(CAROL)
        carol.call(TRANSFER_FROM_MEMO if memo else TRANSFER_FROM, ALICE, *words)
    else:
        gates.alice.call(TRANSFER_MEMO if memo else TRANSFER, *words)


@pytest.mark.parametrize("blocked", [ALICE, BOB])
def test_a_policy_stops_sender_and_recipient_alike(alice: Caller, blocked: bytes) -> None:
    gates = Gates(alice)
    alice.by(ADMIN).call("changeTransferPolicyId(uint64)", gates.policy)
    listing = "modifyPolicyBlacklist(uint64,address,bool)"
    gates.registry.call(listing, gates.policy, blocked, True)
    with reverts("PolicyForbids"):
        alice.call(TRANSFER, BOB, 1)
    gates.registry.call(listing, gates.policy, blocked, False)
    alice.call(TRANSFER, BOB, 1)


# -- access keys --------------------------------------------------------------------------------


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes, int]]:
    """What the keychain was asked to count, with a limit of 100 a call."""
    calls: list[tuple[bytes, bytes, int]] = []

    def spend(keychain: AccountKeychain, account: bytes, token: bytes, amount: int) -> None:
        calls.append((account, token, amount))
        if amount > 100:
            raise keychain.SpendingLimitExceeded()

    monkeypatch.setattr(AccountKeychain, "spend", spend)
    return calls


def with_access_key() -> Caller:
    scope = make_scope(key_id=CAROL)
    make_token(scope, balances={ALICE: 1000, BOB: 1000})
    return Caller(scope, Tip20, PATH_USD, ALICE)


def test_an_access_key_pays_within_its_limit(spent: list[tuple[bytes, bytes, int]]) -> None:
    alice = with_access_key()
    alice.call(TRANSFER, BOB, 60)
    alice.call(TRANSFER_MEMO, BOB, 70, MEMO)
    alice.call(APPROVE, BOB, 80)
    alice.call(APPROVE, BOB, 90)
    alice.call(APPROVE, BOB, 5)
    assert [amount for _, _, amount in spent] == [60, 70, 80, 10]
    assert {(account, token) for account, token, _ in spent} == {(ALICE, PATH_USD)}


def test_a_limit_stops_before_the_balance_does(spent: list[tuple[bytes, bytes, int]]) -> None:
    alice = with_access_key()
    with pytest.raises(Revert) as caught:
        alice.raw(Tip20.methods[bytes.fromhex("a9059cbb")].abi.call(BOB, 5000))
    assert caught.value.data == bytes.fromhex("8a9e71ea")
    assert len(spent) == 1


def test_a_limit_stops_before_the_recipient_does(spent: list[tuple[bytes, bytes, int]]) -> None:
    alice = with_access_key()
    Gates(alice).refused_by_the_recipient()
    with reverts("8a9e71ea"):
        alice.call(TRANSFER, BOB, 101)
    with reverts("PolicyForbids"):
        alice.call(TRANSFER, BOB, 100)
    assert len(spent) == 2


def test_limits_are_for_the_account_itself_at_the_top_level(
    spent: list[tuple[bytes, bytes, int]],
) -> None:
    alice = with_access_key()
    alice.call(APPROVE, BOB, 90)
    spent.clear()
    alice.by(BOB).call(TRANSFER_FROM, ALICE, CAROL, 90)
    alice.by(BOB).call(TRANSFER, CAROL, 500)
    assert spent == []


# -- precompiles ----------------------------------------------------------------------------------


def test_a_precompile_pulls_without_an_allowance(scope: Scope) -> None:
    token = Tip20(Frame(scope, PATH_USD, STABLECOIN_DEX))
    token.system_transfer_from(ALICE, STABLECOIN_DEX, 400)
    assert (token.balances[ALICE], token.balances[STABLECOIN_DEX]) == (600, 400)
    assert len(scope.logs) == 1


@pytest.mark.parametrize(
    "first", [at for at, gate in enumerate(GATES) if gate is not ALLOWANCE_GATE]
)
def test_a_precompile_obeys_every_other_gate(alice: Caller, first: int) -> None:
    gates = Gates(alice)
    for spoil, _ in GATES[first:]:
        spoil(gates)
    token = Tip20(Frame(alice.scope, PATH_USD, STABLECOIN_DEX))
    with pytest.raises(Revert) as caught:
        token.system_transfer_from(ALICE, gates.recipient, gates.amount)
    assert Tip20.errors[caught.value.data[:4]].name == GATES[first][1]


def test_a_precompile_obeys_the_policy(alice: Caller) -> None:
    alice.by(ADMIN).call("changeTransferPolicyId(uint64)", 0)
    with pytest.raises(Revert) as caught:
        Tip20(Frame(alice.scope, PATH_USD, STABLECOIN_DEX)).system_transfer_from(ALICE, BOB, 1)
    assert caught.value.data.hex() == "54cfe659"


def test_a_precompile_is_held_to_the_limit_of_an_access_key(
    spent: list[tuple[bytes, bytes, int]],
) -> None:
    alice = with_access_key()
    token = Tip20(Frame(alice.scope, PATH_USD, STABLECOIN_DEX))
    token.system_transfer_from(ALICE, STABLECOIN_DEX, 40)
    token.system_transfer_from(BOB, STABLECOIN_DEX, 500)
    assert spent == [(ALICE, PATH_USD, 40)]


def test_fees_move_silently_and_come_back_even_when_paused(scope: Scope) -> None:
    token = Tip20(Frame(scope, PATH_USD, FEE_MANAGER))
    token.collect_fee(ALICE, FEE_MANAGER, 50)
    Caller(scope, Tip20, PATH_USD, ADMIN).call("pause()")
    logs = len(scope.logs)
    with pytest.raises(Revert) as caught:
        token.collect_fee(ALICE, FEE_MANAGER, 50)
    assert caught.value.data.hex() == "ab35696f"
    token.refund_fee(FEE_MANAGER, ALICE, 30)
    assert (token.balances[ALICE], token.balances[FEE_MANAGER]) == (980, 20)
    assert len(scope.logs) == logs


def test_who_the_policy_forbids_to_send_cannot_pay_fees(alice: Caller) -> None:
    alice.by(ADMIN).call("changeTransferPolicyId(uint64)", 0)
    token = Tip20(Frame(alice.scope, PATH_USD, FEE_MANAGER))
    with pytest.raises(Revert) as caught:
        token.collect_fee(ALICE, FEE_MANAGER, 50)
    assert caught.value.data.hex() == "54cfe659"


# -- calling conventions --------------------------------------------------------------------------


def test_a_token_that_was_not_created_is_uninitialized(scope: Scope) -> None:
    with reverts("Uninitialized"):
        Caller(scope, Tip20, ALPHA_USD, ALICE).call("name()")
    with reverts("Uninitialized"):
        Caller(scope, Tip20, ALPHA_USD, ALICE).call(TRANSFER, BOB, 0)


def test_a_static_call_reads_but_does_not_write(alice: Caller) -> None:
    assert alice.call(BALANCE, ALICE, static=True) == 1000
    with reverts("StaticCallNotAllowed"):
        alice.call(TRANSFER, BOB, 0, static=True)


def test_unknown_selectors_and_short_calldata(alice: Caller) -> None:
    with reverts("UnknownFunctionSelector"):
        alice.call("supportsInterface(bytes4)", b"\1\2\3\4")
    for data in (b"", b"\xa9\x05\x9c", bytes.fromhex("a9059cbb"), bytes.fromhex("a9059cbb00")):
        with pytest.raises(Revert) as caught:
            alice.raw(data)
        assert caught.value.data == b""


def test_out_of_gas_undoes_the_transfer(alice: Caller) -> None:
    needed = alice.gas(TRANSFER, BOB, 1)
    assert needed < 300_000
    before = dict(alice.scope.world.storage)
    with reverts("OutOfGas"):
        alice.call(TRANSFER, BOB, 1, gas=1000)
    assert alice.scope.world.storage == before
