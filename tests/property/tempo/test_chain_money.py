"""Whatever business people do on a chain, by real transactions: no money appears or disappears,
what is refused changes nothing, and every way back leads to the same bytes.

The machine knows few of the chain's rules. Most of what it tries makes sense, some does not, and
either is fine as long as the books add up afterwards.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mock_rails.core.snapshot import canonical_bytes
from mock_rails.tempo import editing, snapshots
from mock_rails.tempo.addresses import (
    ALPHA_USD,
    BETA_USD,
    CHANNEL_RESERVE,
    FEE_MANAGER,
    NONCE_MANAGER,
    PATH_USD,
    STABLECOIN_DEX,
    is_tip20,
)
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.errors import InvalidParams, InvalidTransaction
from mock_rails.tempo.native.channel_reserve import ChannelReserve, Descriptor
from mock_rails.tempo.native.dex import StablecoinDex
from mock_rails.tempo.native.fee_manager import FeeManager
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.tx.model import Call
from tests.integration.tempo.desk import (
    CONTRACT,
    GAS_LIMIT,
    SHOP,
    TOKENS,
    Desk,
    call,
    make_chain,
)

if TYPE_CHECKING:
    from mock_rails.tempo.blocks import Receipt

PAIRS = [(user, validator) for user in TOKENS for validator in TOKENS if user != validator]
POOLS = {keccak256(bytes(12) + a + bytes(12) + b): (a, b) for a, b in PAIRS}
WEALTH = 3_000_000
"""Enough for some fees and little more: payments fail for want of money, and fees do, too."""

people = st.sampled_from((1, 2, 3))
tokens = st.sampled_from(TOKENS)
amounts = st.integers(0, 5) | st.integers(0, WEALTH * 2) | st.sampled_from([1 << 96, 1 << 127])
orders = st.integers(100_000_000, 400_000_000)
lanes = st.sampled_from(("protocol", "lane", "expiring"))
payers = st.sampled_from((None, None, None, 4))
limits = st.sampled_from((GAS_LIMIT,) * 6 + (300_000, 60_000, 21_000))
fee_tokens = st.sampled_from((PATH_USD, ALPHA_USD, BETA_USD, None, SHOP))


class Business(RuleBasedStateMachine):
    """Three people of small means, a rich trader and sponsor, and the issuer, on one chain."""

    @initialize()
    def open_shop(self) -> None:
        self.chain = make_chain(history_depth=12)
        self.desk = Desk(self.chain)
        for token in TOKENS:
            for who in (1, 2, 3):
                editing.deal(self.chain, token, self.desk.people[who], WEALTH)
        self.chain.mine()
        self.supplies = {token: self.supply(token) for token in TOKENS}
        self.channels: list[Descriptor] = []
        self.contracts: list[bytes] = []
        self.moments: list[tuple[int, int, bytes, bytes]] = []

    # -- doing it ---------------------------------------------------------------------------------

    def do(self, who: int, *calls: Call, lane: str = "protocol", **changes: Any) -> Receipt | None:
        """Send; a refusal must leave no trace, not even a block."""
        if lane == "expiring":
            submission = self.desk.expiring(who, *calls, **changes)
        else:
            key = 7 if lane == "lane" else 0
            submission = self.desk.sign(who, *calls, nonce_key=key, **changes)
        before = self.world(), self.chain.head.hash
        try:
            receipt = self.chain.send(submission.raw)
        except InvalidTransaction:
            assert (self.world(), self.chain.head.hash) == before
            assert len(self.chain.pool) == 0
            return None
        assert receipt is not None
        assert receipt.outcome.gas_used <= submission.tx.gas_limit
        assert receipt.status == (receipt.outcome.error is None)
        if not receipt.status:  # only the used nonce and the fee are left of it
            nonce = [NONCE_MANAGER] if lane == "lane" else []
            left = [*nonce, receipt.outcome.fee_token]
            assert [log.address for log in receipt.logs] == left
        return receipt

    def did(self, who: int, *calls: Call, **changes: Any) -> bool:
        receipt = self.do(who, *calls, **changes)
        return receipt is not None and receipt.status

    def world(self) -> bytes:
        return canonical_bytes(snapshots.dump_world(self.chain.world))

    def supply(self, token: bytes) -> int:
        return int(self.chain.world.load((token, Tip20.total_supply.slot)))

    # -- tokens and fees --------------------------------------------------------------------------

    @rule(
        who=people, to=people, token=tokens, amount=amounts,
        lane=lanes, payer=payers, gas_limit=limits, fee_token=fee_tokens,
    )  # fmt: skip
    def pay(
        self, who: int, to: int, token: bytes, amount: int, lane: str, payer: int | None,
        gas_limit: int, fee_token: bytes | None,
    ) -> None:  # fmt: skip
        before = self.desk.balance(self.desk.people[to], token)
        transfer = self.desk.transfer(token, self.desk.people[to], amount)
        done = self.did(
            who, transfer, lane=lane, payer=payer, gas_limit=gas_limit, fee_token=fee_token
        )
        if who != to:
            after = self.desk.balance(self.desk.people[to], token)
            assert after == before + (amount if done else 0)

    @rule(who=people, token=tokens, parts=st.lists(amounts, min_size=2, max_size=5))
    def pay_several(self, who: int, token: bytes, parts: list[int]) -> None:
        """All or nothing."""
        before = self.desk.balance(SHOP, token)
        done = self.did(who, *[self.desk.transfer(token, SHOP, part) for part in parts])
        assert self.desk.balance(SHOP, token) == before + (sum(parts) if done else 0)

    @rule(owner=people, spender=people, token=tokens, amount=amounts)
    def approve_and_spend(self, owner: int, spender: int, token: bytes, amount: int) -> None:
        who, by = self.desk.people[owner], self.desk.people[spender]
        self.do(owner, call(Tip20, token, "approve", by, amount))
        self.do(spender, call(Tip20, token, "transferFrom", who, SHOP, amount))

    @rule(issuer=st.sampled_from((0, 0, 1)), token=tokens, amount=amounts, burns=st.booleans())
    def mint_or_burn(self, issuer: int, token: bytes, amount: int, burns: bool) -> None:
        what = call(Tip20, token, "burn", amount)
        if not burns:
            what = call(Tip20, token, "mint", SHOP, amount)
        if self.did(issuer, what):
            assert issuer == 0
            self.supplies[token] += -amount if burns else amount

    @rule(who=people, token=fee_tokens.filter(bool))
    def choose_fee_token(self, who: int, token: bytes) -> None:
        assert self.did(who, call(FeeManager, FEE_MANAGER, "setUserToken", token)) in {
            False,
            is_tip20(token),
        }

    @rule(who=people, pair=st.sampled_from(PAIRS), amount=amounts, how=st.integers(0, 2))
    def provide_liquidity(self, who: int, pair: tuple[bytes, bytes], amount: int, how: int) -> None:
        name = ("mint", "burn", "rebalanceSwap")[how]
        self.do(who, call(FeeManager, FEE_MANAGER, name, *pair, amount, self.desk.people[who]))

    # -- channels ---------------------------------------------------------------------------------

    @rule(payer=people, payee=people, token=tokens, deposit=amounts.filter(lambda a: a < 1 << 96))
    def open_channel(self, payer: int, payee: int, token: bytes, deposit: int) -> None:
        try:
            channel = self.desk.open_channel(payer, payee, deposit, token)
        except InvalidTransaction:  # no money left for the fee
            return
        if channel is not None:
            self.channels.append(channel)

    @precondition(lambda self: self.channels)
    @rule(
        data=st.data(), who=people, forged=st.sampled_from((0, 0, 0, 1)),
        name=st.sampled_from(("settle", "close", "topUp", "requestClose", "withdraw")),
    )  # fmt: skip
    def use_channel(self, data: st.DataObject, who: int, forged: int, name: str) -> None:
        channel = data.draw(st.sampled_from(self.channels))
        _, deposit, _ = self.channel_states().get(self.desk.channel_id(channel), (0, 0, 0))
        granted = data.draw(st.integers(0, deposit + 10))
        party = channel.payer if name in {"topUp", "requestClose", "withdraw"} else channel.payee
        sender = data.draw(st.sampled_from((self.desk.people.index(party), who)))
        voucher = self.desk.voucher(channel, granted + forged)
        values: tuple[Any, ...] = {
            "settle": (granted, voucher),
            "close": (granted, data.draw(st.integers(0, granted + 1)), voucher),
            "topUp": (granted,),
        }.get(name, ())
        money = self.desk.balance(channel.payee, channel.token)
        done = self.did(sender, self.desk.channel_call(name, channel, *values), payer=4)
        if name == "settle" and done:
            assert not forged
            assert channel.payee == self.desk.people[sender]
            assert self.desk.balance(channel.payee, channel.token) > money

    # -- trading ----------------------------------------------------------------------------------

    @rule(base=st.sampled_from(TOKENS[1:]), size=orders, bid=st.booleans(), tick=st.integers(-3, 3))
    def place(self, base: bytes, size: int, bid: bool, tick: int) -> None:
        order = call(StablecoinDex, STABLECOIN_DEX, "place", base, size, bid, 10 * tick)
        assert self.did(5, order)

    @rule(who=st.sampled_from((1, 5)), order=st.integers(1, 9))
    def cancel(self, who: int, order: int) -> None:
        self.do(who, call(StablecoinDex, STABLECOIN_DEX, "cancel", order))

    @rule(who=st.sampled_from((1, 2, 5)), pair=st.sampled_from(PAIRS), amount=amounts)
    def swap(self, who: int, pair: tuple[bytes, bytes], amount: int) -> None:
        swap = call(StablecoinDex, STABLECOIN_DEX, "swapExactAmountIn", *pair, amount, 0)
        self.do(who, swap)

    # -- contracts that revert --------------------------------------------------------------------

    @rule()
    def deploy(self) -> None:
        receipt = self.do(6, Call(None, 0, CONTRACT))
        assert receipt is not None
        assert receipt.outcome.contract_address is not None
        self.contracts.append(receipt.outcome.contract_address)

    @precondition(lambda self: self.contracts)
    @rule(data=st.data(), reverts=st.booleans(), amount=st.integers(1, 9))
    def call_contract(self, data: st.DataObject, reverts: bool, amount: int) -> None:
        """A payment and a contract in one batch: the contract's revert takes the payment back."""
        contract = data.draw(st.sampled_from(self.contracts))
        before = self.desk.balance(SHOP)
        pay = self.desk.transfer(PATH_USD, SHOP, amount)
        assert self.did(6, pay, Call(contract, 0, b"!" * reverts)) is not reverts
        assert self.desk.balance(SHOP) == before + (0 if reverts else amount)

    # -- time and going back ----------------------------------------------------------------------

    @rule(seconds=st.sampled_from((1, 30, 600, 100_000)))
    def wait(self, seconds: int) -> None:
        self.chain.context.clock.advance(seconds)

    @rule()
    def take_snapshot(self) -> None:
        taken = self.chain.take_snapshot()
        self.moments.append((taken, self.chain.head.number, self.chain.head.hash, self.world()))

    @precondition(lambda self: self.moments)
    @rule(data=st.data())
    def revert_to_snapshot(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.moments) - 1))
        taken, number, head_hash, world = self.moments[at]
        del self.moments[at:]
        assert self.chain.revert_to(taken)
        assert not self.chain.revert_to(taken)
        assert (self.chain.head.number, self.chain.head.hash) == (number, head_hash)
        assert self.world() == world
        self.catch_up()

    @rule(depth=st.integers(0, 3))
    def rewind(self, depth: int) -> None:
        """Undo blocks and do them again: the state after each is the one it had."""
        goal = self.chain.head.number - depth
        if self.moments or goal < max(1, self.chain.history.oldest.number):
            return
        undone = [self.chain.history.by_number(goal + at + 1) for at in range(depth)]
        before = self.world(), self.chain.head.hash
        try:
            self.chain.rewind(goal)
        except InvalidParams:  # a loaded chain does not know the states before
            assert (self.world(), self.chain.head.hash) == before
            return
        for block in undone:
            assert block is not None
            self.chain.engine.next_timestamp_s = block.timestamp_s
            for receipt in block.receipts:
                assert self.chain.send_submission(receipt.submission) is not None
        assert (self.world(), self.chain.head.hash) == before

    @precondition(lambda self: not self.moments)
    @rule()
    def save_and_load(self) -> None:
        """Through JSON, into the same chain; old states are lost, nothing else is."""
        document = self.chain.snapshot()
        before = canonical_bytes(document)
        self.chain.restore(document)
        assert canonical_bytes(self.chain.snapshot()) == before

    def catch_up(self) -> None:
        """The past knows nothing of what the machine remembers."""
        self.supplies = {token: self.supply(token) for token in TOKENS}
        known = self.channel_states()
        self.channels = [one for one in self.channels if self.desk.channel_id(one) in known]
        self.contracts = [one for one in self.contracts if self.chain.world.code(one)]

    # -- what always holds ------------------------------------------------------------------------

    @invariant()
    def supplies_are_what_was_minted(self) -> None:
        for token in TOKENS:
            assert self.supply(token) == self.supplies[token]
        self.chain.check_conservation()

    @invariant()
    def nothing_is_negative_and_nothing_is_zero(self) -> None:
        for key, value in self.chain.world.storage.items():
            if isinstance(value, int):
                assert value > 0, key
                assert value < 1 << 256, key

    @invariant()
    def the_reserve_holds_what_channels_are_owed(self) -> None:
        owed: defaultdict[bytes, int] = defaultdict(int)
        states = self.channel_states()
        for channel in self.channels:
            settled, deposit, _ = states.pop(self.desk.channel_id(channel), (0, 0, 0))
            assert settled <= deposit
            owed[channel.token] += deposit - settled
        assert not states
        for token in TOKENS:
            assert self.desk.balance(CHANNEL_RESERVE, token) == owed[token]

    @invariant()
    def the_fee_manager_holds_its_pools_and_the_fees(self) -> None:
        owed: defaultdict[bytes, int] = defaultdict(int)
        for key, value in self.chain.world.storage.items():
            if key[0] != FEE_MANAGER:
                continue
            if key[1] == FeeManager.pools.slot and (pair := _pool(key[2])):
                owed[pair[0]] += value & ((1 << 128) - 1)
                owed[pair[1]] += value >> 128
            elif key[1] == FeeManager.collected_fees.slot:
                owed[_address(key[3])] += value
        for token in TOKENS:
            assert self.desk.balance(FEE_MANAGER, token) == owed[token]

    def channel_states(self) -> dict[bytes, tuple[int, int, int]]:
        """What the reserve has stored, whoever opened it."""
        field, found = (1 << 96) - 1, {}
        for key, word in self.chain.world.storage.items():
            if key[:2] == (CHANNEL_RESERVE, ChannelReserve.states.slot):
                found[key[2]] = (word & field, word >> 96 & field, word >> 192)
        return found


def _address(item: bytes | int) -> bytes:
    return item if isinstance(item, bytes) else item.to_bytes(20)


def _pool(item: bytes | int) -> tuple[bytes, bytes] | None:
    return POOLS.get(item if isinstance(item, bytes) else item.to_bytes(32))


TestBusiness = Business.TestCase
TestBusiness.settings = settings(max_examples=20, stateful_step_count=30)
