"""The compliance class passes a good rail, and each broken one fails the check that is about it."""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.core import ConservationError, FaultAction, FaultPoint, RailContext
from mock_rails.core.compliance import RailCompliance
from mock_rails.core.snapshot import digest
from tests.unit.mock_rails.core.piggy import PiggyBanks

PROMISES = sorted(name for name in vars(RailCompliance) if name.startswith("test_"))


class TestPiggyBanksAreARail(RailCompliance):
    """The smallest rail keeps all promises."""

    def make_rail(self, context: RailContext) -> PiggyBanks:
        return PiggyBanks(context)

    def disturb(self, rail: PiggyBanks) -> None:
        rail.pay("alice", "bob", 7)


class TestAnAsynchronousRail(TestPiggyBanksAreARail):
    """Rails whose calls are coroutines are tested alike."""

    async def disturb(self, rail: PiggyBanks) -> None:  # type: ignore[override]
        rail.pay("alice", "bob", 7)


class Nameless(PiggyBanks):
    name = "Piggy Bank"


class ForeignPoint(PiggyBanks):
    def fault_points(self) -> tuple[FaultPoint, ...]:
        return (FaultPoint("tempo.pay", "Not its own.", (FaultAction("fail", "It fails."),)),)


class SilentPoint(PiggyBanks):
    def fault_points(self) -> tuple[FaultPoint, ...]:
        return (FaultPoint("piggy.pay", " ", (FaultAction("fail", "It fails."),)),)


class UnregisteredPoint(PiggyBanks):
    def __init__(self, context: RailContext) -> None:
        super().__init__(RailContext.create("apart", context.clock))


class FloatingMoney(PiggyBanks):
    def snapshot(self) -> dict[str, Any]:
        return {**super().snapshot(), "supply": float(self.supply)}


class IntegerKeys(PiggyBanks):
    def snapshot(self) -> dict[str, Any]:
        return {**super().snapshot(), "coins": {1: 2}}


class SharedState(PiggyBanks):
    def snapshot(self) -> dict[str, Any]:
        return {**super().snapshot(), "payments": self.payments}


class Forgetful(PiggyBanks):
    def restore(self, document: object) -> None:
        super().restore(document)
        self.payments = []


class LocalMemory(PiggyBanks):
    """Keeps something that is not in its snapshot, and counts it in the digest."""

    def digest(self) -> str:
        return super().digest() + str(id(self))


class Unseeded(PiggyBanks):
    runs = 0

    def pay(self, payer: str, payee: str, amount: int) -> str | None:
        Unseeded.runs += 1
        return super().pay(payer, payee, Unseeded.runs)


class Unchanging(PiggyBanks):
    def digest(self) -> str:
        return digest({})


class Leaking(PiggyBanks):
    def pay(self, payer: str, payee: str, amount: int) -> str | None:
        self.coins[payee] += 1
        return super().pay(payer, payee, amount)


class KeepsItsStreams(PiggyBanks):
    def reset(self) -> None:
        self._begin()


class Gullible(PiggyBanks):
    def restore(self, document: object) -> None:
        if isinstance(document, dict) and set(document) == set(self.snapshot()):
            self.coins = document["coins"]
        else:
            super().restore(document)


class HalfHearted(PiggyBanks):
    def restore(self, document: object) -> None:
        self.payments = []
        super().restore(document)


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (Nameless, "test_it_is_a_rail"),
        (ForeignPoint, "test_fault_points_are_well_formed"),
        (SilentPoint, "test_fault_points_are_well_formed"),
        (UnregisteredPoint, "test_fault_points_are_well_formed"),
        (FloatingMoney, "test_snapshot_is_plain_json"),
        (IntegerKeys, "test_snapshot_is_plain_json"),
        (SharedState, "test_snapshot_is_a_copy"),
        (Forgetful, "test_restore_goes_back_and_forth"),
        (Unchanging, "test_restore_goes_back_and_forth"),
        (LocalMemory, "test_restore_into_a_new_rail"),
        (Unseeded, "test_same_seed_same_calls_same_state"),
        (Leaking, "test_money_is_conserved"),
        (KeepsItsStreams, "test_reset_gives_a_new_rail"),
        (Gullible, "test_restore_refuses_what_is_no_snapshot"),
        (HalfHearted, "test_restore_refuses_what_is_no_snapshot"),
    ],
)
def test_a_broken_rail_is_found_out(broken: type[PiggyBanks], promise: str) -> None:
    class Checks(TestPiggyBanksAreARail):
        def make_rail(self, context: RailContext) -> PiggyBanks:
            return broken(context)

    # A rail that took in damage may fail on it in its own words, before the check can complain.
    with pytest.raises((AssertionError, ConservationError, ValueError)):
        getattr(Checks(), promise)()


def test_every_promise_is_known_to_be_breakable() -> None:
    broken = test_a_broken_rail_is_found_out.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {promise for _, promise in broken} == set(PROMISES)


def test_the_class_says_what_to_fill_in() -> None:
    with pytest.raises(NotImplementedError, match="how the rail is made"):
        RailCompliance().test_it_is_a_rail()
