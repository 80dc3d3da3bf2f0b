"""What the rail asks of a chain on which stablecoin deposits arrive (facts: stripe 1.7).

Rails do not see each other, so this is a protocol: the devnet hands in something that answers for
the sandbox's own chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Transfer(NamedTuple):
    """One token transfer on a chain that is final there."""

    network: str
    """Stripe's name of the network, as `tempo`."""
    token: str
    """The token's contract, 0x and lower case."""
    sender: str
    recipient: str
    amount: int
    """In base units of the token."""
    decimals: int
    tx_hash: str


class DepositChain(Protocol):
    """A chain that the rail can look at."""

    @property
    def network(self) -> str:
        """What Stripe calls it."""
        ...

    def transfers(self, tx_hash: str) -> list[Transfer] | None:
        """What a transaction has transferred; None for one that the chain does not know or that
        failed."""

    def watch(self, seen: Callable[[Transfer], None]) -> Callable[[], None]:
        """Call `seen` for every transfer from now on; returns what ends that."""
