"""Which node pays over Lightning, and what a payment's fee may be (facts: lightning 5.1, 5.5).

Prices are a few satoshis and a hop's base fee is one, so that a percentage alone would round to
free routes only: the limit is a percentage, but at least a few satoshis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.core.errors import BadInput

if TYPE_CHECKING:
    from sandbox.lightning import LightningNode

LEAST_FEE_SAT: Final = 2
FEE_PERCENT: Final = 5
TIMEOUT_S: Final = 30
PATIENCE_MS: Final = 3_000


class LightningWallet:
    """A node to pay with; it stays the caller's, who also closes it.

    `name` is what the record of what was spent calls it: one for each node whose money it is.
    `timeout_s` is how long the node may look for a way; `patience_ms`, how long a payment whose
    answer was lost is looked up before the call gives up. Neither ends a payment that is under way.
    """

    def __init__(
        self,
        node: LightningNode,
        *,
        name: str = "lightning",
        least_fee_sat: int = LEAST_FEE_SAT,
        fee_percent: int = FEE_PERCENT,
        timeout_s: int = TIMEOUT_S,
        patience_ms: int = PATIENCE_MS,
    ) -> None:
        if min(least_fee_sat, fee_percent) < 0:
            raise BadInput("A limit of fees is 0 or more; 0 allows free routes only.")
        self.node = node
        self.timeout_s = timeout_s
        self.patience_ms = patience_ms
        self._name = name
        self._least_fee_sat = least_fee_sat
        self._fee_percent = fee_percent

    @property
    def name(self) -> bytes:
        """What the record of what was spent calls it."""
        return f"lightning {self._name}".encode()

    @property
    def network(self) -> str:
        """The only network whose invoices it pays."""
        return self.node.network

    def fee_limit_sat(self, amount_sat: int) -> int:
        """The most that paying this amount may cost besides."""
        return max(self._least_fee_sat, amount_sat * self._fee_percent // 100)

    def __repr__(self) -> str:
        """Its name and network; what the node is asked with is not shown."""
        return f"<LightningWallet {self._name} on {self.network}>"
