"""The sandbox's chain as the Stripe rail sees it: where stablecoin deposits arrive (issue 4).

    stripe.attach_chain(ChainDeposits(chain))

A transfer is one TIP-20 `Transfer` event of a transaction that succeeded. A block is final when it
is sealed, so what is in it is told at once. The transfers that pay fees are told too: nobody's
deposit address is the fee manager's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.stripe.deposits import Transfer
from mock_rails.tempo.abi import Event
from mock_rails.tempo.addresses import TIP20_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mock_rails.tempo.blocks import Receipt
    from mock_rails.tempo.rail import Chain

_TRANSFER: Final = Event("Transfer(address indexed, address indexed, uint256)").topic
_TOPICS: Final = 3
_PADDING: Final = 12
_DECIMALS: Final = 6
"""Every TIP-20 token has six (facts: tempo 4.1)."""


class ChainDeposits:
    """One chain; the rail's `DepositChain`."""

    network: Final = "tempo"

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def transfers(self, tx_hash: str) -> list[Transfer] | None:
        """What a transaction has transferred; None for one that is unknown or failed."""
        receipt = self._chain.history.receipt(bytes.fromhex(tx_hash.removeprefix("0x")))
        return None if receipt is None or not receipt.status else list(_transfers(receipt))

    def watch(self, seen: Callable[[Transfer], None]) -> Callable[[], None]:
        """Call `seen` for every transfer from now on; returns what ends that."""
        chain = self._chain

        def sealed() -> None:
            for receipt in chain.head.receipts:
                if receipt.status:
                    for transfer in _transfers(receipt):
                        seen(transfer)

        return chain.context.journal.watch("block.sealed", sealed)


def _transfers(receipt: Receipt) -> Iterator[Transfer]:
    for log in receipt.logs:
        if (
            len(log.topics) == _TOPICS
            and log.topics[0] == _TRANSFER
            and log.address.startswith(TIP20_PREFIX)
        ):
            yield Transfer(
                network=ChainDeposits.network,
                token=f"0x{log.address.hex()}",
                sender=f"0x{log.topics[1][_PADDING:].hex()}",
                recipient=f"0x{log.topics[2][_PADDING:].hex()}",
                amount=int.from_bytes(log.data),
                decimals=_DECIMALS,
                tx_hash=f"0x{receipt.submission.hash.hex()}",
            )
