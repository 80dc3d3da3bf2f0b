"""A chain on paper, for whoever wants deposits without a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_rails.stripe.deposits import Transfer

if TYPE_CHECKING:
    from collections.abc import Callable

PATH_USD = "0x20c0000000000000000000000000000000000000"
BUYER = "0x" + "b" * 40


class PaperChain:
    """A chain on paper: transfers are what `send` wrote down."""

    network = "tempo"

    def __init__(self) -> None:
        self._watchers: list[Callable[[Transfer], None]] = []
        self._transactions: dict[str, list[Transfer]] = {}

    def transfers(self, tx_hash: str) -> list[Transfer] | None:
        """What a transaction has transferred."""
        return self._transactions.get(tx_hash)

    def watch(self, seen: Callable[[Transfer], None]) -> Callable[[], None]:
        """Tell of every transfer."""
        self._watchers.append(seen)
        return lambda: self._watchers.remove(seen)

    def send(self, *payments: tuple[str, int], token: str = PATH_USD, quietly: bool = False) -> str:
        """Pay recipients in one transaction; returns its hash. `quietly` tells no watcher."""
        tx_hash = f"0x{len(self._transactions) + 1:064x}"
        found = [
            Transfer(self.network, token, BUYER, recipient, amount, 6, tx_hash)
            for recipient, amount in payments
        ]
        self._transactions[tx_hash] = found
        for transfer in () if quietly else found:
            for seen in self._watchers:
                seen(transfer)
        return tx_hash
