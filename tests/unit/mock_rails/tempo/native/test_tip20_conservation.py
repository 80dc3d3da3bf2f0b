"""Whatever is done to a token, in whatever order: no money appears or disappears unlogged.

The machine knows nothing of the rules. It checks what must hold under any rules: balances add up to
the supply, the logs alone account for every balance, and what fails changes nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mock_rails.tempo.addresses import FEE_MANAGER, PATH_USD, TIP403_REGISTRY, ZERO_ADDRESS
from mock_rails.tempo.crypto.secp256k1 import address_of
from mock_rails.tempo.native.contract import Revert
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.native.tip403 import Tip403Registry
from tests.unit.mock_rails.tempo.native.support import (
    ADMIN,
    ALICE,
    BOB,
    Caller,
    CallFailed,
    make_scope,
    make_token,
)
from tests.unit.mock_rails.tempo.native.test_tip20_permit import KEY, PERMIT, Terms

SIGNER = address_of(KEY)
PEOPLE = [ADMIN, ALICE, BOB, SIGNER]
START = {ADMIN: 1_000, ALICE: 1_000}

people = st.sampled_from(PEOPLE)
recipients = st.sampled_from([*PEOPLE, *PEOPLE, ZERO_ADDRESS, PATH_USD])
amounts = st.one_of(st.integers(0, 1_500), st.sampled_from([1 << 127, 1 << 128, (1 << 256) - 1]))
memos = st.sampled_from([None, b"\x07" * 32])


class Token(RuleBasedStateMachine):
    """One token in one transaction's scope."""

    @initialize()
    def create(self) -> None:
        self.scope = make_scope()
        make_token(self.scope, balances=START)
        self.token = Caller(self.scope, Tip20, PATH_USD, ADMIN)
        self.registry = Caller(self.scope, Tip403Registry, TIP403_REGISTRY, ADMIN)
        self.blacklist = self.registry.call("createPolicy(address,uint8)", ADMIN, 1)
        self.silent: Counter[bytes] = Counter()
        self.at_start = self.scope.snapshot(), dict(self.scope.world.storage)

    def attempt(self, caller: Caller, text: str, *values: Any) -> bool:
        """Call; what fails must leave no trace."""
        before = dict(self.scope.world.storage), list(self.scope.logs)
        try:
            caller.call(text, *values)
        except CallFailed as failure:
            if failure.error in {"", "OutOfGas"}:
                raise  # the rules refuse by name
            assert (self.scope.world.storage, self.scope.logs) == before
            return False
        return True

    @rule(sender=people, recipient=recipients, amount=amounts, memo=memos)
    def transfer(self, sender: bytes, recipient: bytes, amount: int, memo: bytes | None) -> None:
        if memo is None:
            self.attempt(self.token.by(sender), "transfer(address,uint256)", recipient, amount)
        else:
            text = "transferWithMemo(address,uint256,bytes32)"
            self.attempt(self.token.by(sender), text, recipient, amount, memo)

    @rule(owner=people, spender=people, amount=amounts)
    def approve(self, owner: bytes, spender: bytes, amount: int) -> None:
        assert self.attempt(self.token.by(owner), "approve(address,uint256)", spender, amount)
        assert self.token.call("allowance(address,address)", owner, spender) == amount

    @rule(spender=people, owner=people, recipient=recipients, amount=amounts)
    def transfer_from(self, spender: bytes, owner: bytes, recipient: bytes, amount: int) -> None:
        allowance = self.token.call("allowance(address,address)", owner, spender)
        text = "transferFrom(address,address,uint256)"
        if self.attempt(self.token.by(spender), text, owner, recipient, amount):
            left = self.token.call("allowance(address,address)", owner, spender)
            assert left == (allowance if allowance == (1 << 256) - 1 else allowance - amount)

    @rule(spender=people, amount=amounts, wrong_nonce=st.booleans())
    def permit(self, spender: bytes, amount: int, wrong_nonce: bool) -> None:
        nonce = self.token.call("nonces(address)", SIGNER)
        terms = Terms(spender=spender, value=amount, nonce=nonce + wrong_nonce)
        assert self.attempt(self.token, PERMIT, *terms.arguments()) is not wrong_nonce
        assert self.token.call("nonces(address)", SIGNER) == nonce + (not wrong_nonce)

    @rule(issuer=people, recipient=recipients, amount=amounts)
    def mint(self, issuer: bytes, recipient: bytes, amount: int) -> None:
        done = self.attempt(self.token.by(issuer), "mint(address,uint256)", recipient, amount)
        assert not (done and issuer != ADMIN)

    @rule(issuer=people, amount=amounts)
    def burn(self, issuer: bytes, amount: int) -> None:
        done = self.attempt(self.token.by(issuer), "burn(uint256)", amount)
        assert not (done and issuer != ADMIN)

    @rule(holder=people, amount=amounts)
    def burn_blocked(self, holder: bytes, amount: int) -> None:
        self.attempt(self.token, "burnBlocked(address,uint256)", holder, amount)

    @rule(cap=amounts)
    def cap(self, cap: int) -> None:
        self.attempt(self.token, "setSupplyCap(uint256)", cap)

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        assert self.attempt(self.token, "pause()" if paused else "unpause()")

    @rule(account=people, listed=st.booleans())
    def block(self, account: bytes, listed: bool) -> None:
        text = "modifyPolicyBlacklist(uint64,address,bool)"
        assert self.attempt(self.registry, text, self.blacklist, account, listed)

    @rule(policy=st.integers(0, 3))
    def follow(self, policy: int) -> None:
        done = self.attempt(self.token, "changeTransferPolicyId(uint64)", policy)
        assert done is (policy <= self.blacklist)

    @rule(account=people, senders=st.integers(0, 1))
    def refuse(self, account: bytes, senders: int) -> None:
        text = "setReceivePolicy(uint64,uint64,address)"
        assert self.attempt(self.registry.by(account), text, senders, 1, ZERO_ADDRESS)

    @rule(payer=people, amount=st.integers(0, 500), used=st.integers(0, 500))
    def fee(self, payer: bytes, amount: int, used: int) -> None:
        """A fee is taken and partly given back without a log."""
        token = Tip20(Frame(self.scope, PATH_USD, FEE_MANAGER))
        snapshot, logs = self.scope.snapshot(), len(self.scope.logs)
        try:
            token.collect_fee(payer, FEE_MANAGER, amount)
        except Revert:
            self.scope.revert(snapshot)
            return
        token.refund_fee(FEE_MANAGER, payer, max(0, amount - used))
        assert len(self.scope.logs) == logs
        self.silent[payer] -= min(amount, used)
        self.silent[FEE_MANAGER] += min(amount, used)

    @invariant()
    def the_balances_are_the_supply(self) -> None:
        supply = self.token.call("totalSupply()")
        entries = self.balances()
        assert sum(entries.values()) == supply <= self.token.call("supplyCap()")
        assert all(amount > 0 for amount in entries.values())
        assert not {ZERO_ADDRESS, PATH_USD} & entries.keys()

    @invariant()
    def the_logs_account_for_every_balance(self) -> None:
        expected = Counter(START) + Counter()
        expected.update(self.silent)
        for log in self.scope.logs:
            if log.topics[0] == Tip20.Transfer.topic:
                moved = Tip20.Transfer.decode(log.topics, log.data)
                expected[moved["from"]] -= moved["amount"]
                expected[moved["to"]] += moved["amount"]
        del expected[ZERO_ADDRESS]
        assert {account: held for account, held in expected.items() if held} == self.balances()

    def balances(self) -> dict[bytes, int]:
        """The balances as they are stored, whoever holds them."""
        storage = self.scope.world.storage
        return {key[2]: int(held) for key, held in storage.items() if key[:2] == (PATH_USD, 9)}

    def teardown(self) -> None:
        """The whole transaction can be undone, to the last slot."""
        snapshot, storage = self.at_start
        self.scope.revert(snapshot)
        assert self.scope.world.storage == storage


TestConservation = Token.TestCase
TestConservation.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
