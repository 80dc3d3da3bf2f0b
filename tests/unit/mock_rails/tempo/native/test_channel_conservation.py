"""Whatever the parties of many channels do, in whatever order: no token appears or disappears."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from mock_rails.tempo.addresses import CHANNEL_RESERVE, STORAGE_CREDITS, ZERO_ADDRESS
from tests.unit.mock_rails.tempo.native.channel_support import (
    CLOSE,
    OPERATOR,
    PAYEE,
    PAYER,
    REQUEST_CLOSE,
    SETTLE,
    STRANGER,
    TOP_UP,
    WEALTH,
    WITHDRAW,
    Stage,
)
from tests.unit.mock_rails.tempo.native.support import CallFailed

if TYPE_CHECKING:
    from mock_rails.tempo.native.channel_reserve import Descriptor


class Step(NamedTuple):
    """Who does what, to which channel, with which amounts."""

    action: str
    caller: bytes
    channel: int
    amount: int
    other: int
    new_transaction: bool


AMOUNT = st.one_of(st.integers(0, 50), st.integers(0, 2_000), st.just((1 << 96) - 1))
STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(
            ("open", "open", "topUp", "settle", "settle", "close", "requestClose", "withdraw")
        ),
        st.sampled_from((PAYER, PAYEE, OPERATOR, PAYER, PAYEE)),
        st.integers(0, 3),
        AMOUNT,
        AMOUNT,
        st.booleans(),
    ),
    max_size=60,
)


class Parties:
    """Plays the steps and keeps its own book of what should have happened."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.channels: list[Descriptor] = []
        self.paid = 0

    def begin(self, step: Step) -> None:
        if step.new_transaction:
            self.stage.scope.closing_refund()
            self.stage.next_tx(after_s=500)

    def play(self, step: Step) -> None:
        if step.action == "open":
            self._open(step)
        elif self.channels:
            channel = self.channels[step.channel % len(self.channels)]
            before = self.stage.balance(PAYEE)
            self._act(step, channel)
            self.paid += self.stage.balance(PAYEE) - before

    def _open(self, step: Step) -> None:
        salt = len(self.channels).to_bytes(32)
        operator = OPERATOR if step.channel % 2 else ZERO_ADDRESS
        self.channels.append(self.stage.open(deposit=step.amount, operator=operator, salt=salt))

    def _act(self, step: Step, channel: Descriptor) -> None:
        caller, amount = self.stage.by(step.caller), step.amount
        if step.action == "topUp":
            caller.call(TOP_UP, channel, amount)
        elif step.action == "settle":
            caller.call(SETTLE, channel, amount, self.stage.voucher(channel, amount))
        elif step.action == "close":
            granted = amount + step.other if amount + step.other < 1 << 96 else amount
            voucher = self.stage.voucher(channel, granted)
            caller.call(CLOSE, channel, granted, amount, voucher)
        elif step.action == "requestClose":
            caller.call(REQUEST_CLOSE, channel)
        else:
            caller.call(WITHDRAW, channel)

    def check(self) -> None:
        """The reserve holds what its channels have not settled, and nobody lost or gained."""
        stage = self.stage
        states = [stage.state(channel) for channel in self.channels]
        held = sum(deposit - settled for settled, deposit, _ in states)
        assert stage.balance(CHANNEL_RESERVE) == held
        assert stage.balance(PAYEE) == 1 + self.paid
        assert stage.balance(PAYER) == WEALTH - held - self.paid
        assert stage.balance(STRANGER) == WEALTH
        assert stage.balance(OPERATOR) == 0
        assert all(settled <= deposit for settled, deposit, _ in states)
        credits = stage.payer.call("storageCredits(address)", PAYER)
        of_chain = stage.world.load((STORAGE_CREDITS, 0, CHANNEL_RESERVE))
        # The payer's are spent at once, the chain's when the transaction ends.
        burning = min(max(stage.scope.created.get(CHANNEL_RESERVE, 0), 0), of_chain)
        assert credits == of_chain - burning


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_channels_conserve_the_token(steps: list[Step]) -> None:
    parties = Parties()
    for step in steps:
        parties.begin(step)
        before = dict(parties.stage.world.storage)
        try:
            parties.play(step)
        except CallFailed:
            assert parties.stage.world.storage == before
        parties.check()
