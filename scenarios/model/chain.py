"""A chain as its payers see it: blocks at a cadence, room in them, a base fee that follows demand.

Nothing happens on it between two submissions, so it has no process of its own: blocks that nobody
waited for are rolled past when somebody looks. The fee rules are the rail's own functions
(`mock_rails.tempo.execution.fees`; facts: tempo 4.1, 4.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_rails.tempo.execution.fees import MIN_BASE_FEE, fee_amount, next_base_fee

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK_GAS = 500_000_000
"""Room in a block: the limit in the genesis header (facts: tempo 4.4)."""


class Chain:
    """Block n is sealed at n x block time; it takes what was submitted since the block before."""

    def __init__(
        self,
        block_time_s: float,
        base_fee: int = MIN_BASE_FEE,
        others_gas: Callable[[int], int] | None = None,
        block_gas: int = BLOCK_GAS,
    ) -> None:
        self.block_time_s = block_time_s
        self.base_fee = base_fee
        """The price of a unit of gas in the block that was looked at last."""
        self._others_gas = others_gas
        self._block_gas = block_gas
        self._block = 0
        self._used: dict[int, int] = {}

    def submit(self, now_s: float, gas: int) -> int:
        """Put a transaction into the first block with room for it; returns which."""
        block = int(now_s / self.block_time_s) + 1
        room = self._block_gas - gas
        used, others_gas = self._used, self._others_gas
        while True:
            taken = used.get(block, 0)
            if taken + (others_gas(block) if others_gas else 0) <= room:
                used[block] = taken + gas
                return block
            block += 1

    def wait_s(self, now_s: float, block: int) -> float:
        """How long until a block is sealed; a rounding error is no time in the past."""
        return max(0.0, block * self.block_time_s - now_s)

    def fee(self, block: int, gas: int) -> int:
        """What gas costs in a block that is being sealed, in base units; blocks in order."""
        if block != self._block:
            self._roll(block)
        return fee_amount(gas, self.base_fee)

    def _taken(self, block: int) -> int:
        others = 0 if self._others_gas is None else self._others_gas(block)
        return self._used.get(block, 0) + others

    def _roll(self, block: int) -> None:
        """Let the base fee follow what the blocks before this one used."""
        while self._block < block:
            taken = self._taken(self._block)
            self._used.pop(self._block, None)
            if taken == 0 and self._others_gas is None and self.base_fee == MIN_BASE_FEE:
                # Empty blocks at the floor change nothing: go on at the next one that was used.
                self._block = min(
                    (one for one in self._used if self._block < one < block), default=block
                )
                continue
            self.base_fee = next_base_fee(self.base_fee, taken)
            self._block += 1
