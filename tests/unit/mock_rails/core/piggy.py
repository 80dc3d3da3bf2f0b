"""The smallest rail: piggy banks that pay each other. It shows what the core asks of a rail."""

from __future__ import annotations

from typing import Any

from mock_rails.core import (
    ConservationError,
    FaultAction,
    FaultPoint,
    RailContext,
    SnapshotError,
)
from mock_rails.core.snapshot import digest


class PiggyBanks:
    """Banks hold coins; a payment moves coins and gets a random id."""

    name = "piggy"

    def __init__(self, context: RailContext) -> None:
        self.context = context
        self.ids = context.seeds.stream(f"{self.name}.ids")
        context.faults.register(self.fault_points())
        self._begin()

    def _begin(self) -> None:
        self.coins = {"alice": 100, "bob": 0}
        self.supply = 100
        self.payments: list[str] = []

    def fault_points(self) -> tuple[FaultPoint, ...]:
        actions = (FaultAction("lose_response", "The payment happens, the payer is not told."),)
        return (FaultPoint("piggy.pay", "When coins move.", actions, context=("payer",)),)

    def pay(self, payer: str, payee: str, amount: int) -> str | None:
        fault = self.context.faults.check("piggy.pay", payer=payer)
        self.coins[payer] -= amount
        self.coins[payee] += amount
        payment = self.ids.hex(8)
        self.payments.append(payment)
        self.context.journal.append("piggy", "payment.made", {"id": payment}, payment)
        return None if fault else payment

    def snapshot(self) -> dict[str, Any]:
        return {
            "coins": dict(self.coins),
            "supply": self.supply,
            "payments": list(self.payments),
            "drawn": self.ids.position,
        }

    def restore(self, document: object) -> None:
        match document:
            case {
                "coins": dict(coins),
                "supply": int(supply),
                "payments": list(payments),
                "drawn": int(drawn),
                **rest,
            } if not rest:
                self.coins, self.supply, self.payments = dict(coins), supply, list(payments)
                self.ids.position = drawn
            case _:
                raise SnapshotError("This is no state of piggy banks.")

    def check_conservation(self) -> None:
        held = sum(self.coins.values())
        if held != self.supply:
            raise ConservationError(f"The banks hold {held} coins of {self.supply}.")

    def digest(self) -> str:
        return digest(self.snapshot())

    def reset(self) -> None:
        self.context.seeds.rewind(f"{self.name}.")
        self._begin()
