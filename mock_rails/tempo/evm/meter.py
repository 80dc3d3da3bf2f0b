"""A frame's gas, in the form that py-evm's opcodes and our scope both use."""

from __future__ import annotations

from eth.exceptions import OutOfGas

from mock_rails.tempo.gas import Meter


class EvmMeter(Meter):
    """Our meter with py-evm's names on it; running dry is py-evm's `OutOfGas`."""

    __slots__ = ()

    def charge(self, amount: int) -> None:
        """Spend gas, or end the frame. A negative amount gives some back (see `Scope.sstore`)."""
        left = self.left - amount
        if left < 0:
            raise OutOfGas
        self.left = left

    def consume_gas(self, amount: int, reason: str) -> None:
        """py-evm's name for `charge`."""
        self.charge(amount)

    @property
    def gas_remaining(self) -> int:
        """py-evm's name for `left`."""
        return self.left
