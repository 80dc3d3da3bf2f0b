"""The model's money: whole base units, moved between named accounts, never made or lost.

DESIGN section 2, decision 5: the same invariant as on the rails, checked the same way.
"""

from __future__ import annotations

from collections import defaultdict

from mock_rails.core.errors import ConservationError


class Books:
    """What each account has gained or given since the beginning; all of it adds up to nothing."""

    def __init__(self) -> None:
        self.balances: defaultdict[str, int] = defaultdict(int)

    def move(self, giver: str, taker: str, amount: int) -> None:
        """Move an amount; a negative one is a defect of the model."""
        if amount < 0:
            raise ConservationError(f"{giver} would give {taker} {amount}.")
        self.balances[giver] -= amount
        self.balances[taker] += amount

    def check(self) -> None:
        """Assert that nothing was made or lost, and that only those owe who have money of their
        own: payers, and merchants that pay for a settlement."""
        if sum(self.balances.values()):
            raise ConservationError(f"The model's books do not add up: {dict(self.balances)}.")
        held = self.balances.items()
        owing = {name: much for name, much in held if much < 0 and name not in _MAY_OWE}
        if owing:
            raise ConservationError(f"Money was given away that was not there: {owing}.")


PAYERS = "payers"
MERCHANTS = "merchants"
VALIDATORS = "validators"
"""Who gets the chain's fees."""
ESCROW = "escrow"
"""The channel reserve: what is locked."""
CARDS = "card network"
"""Who gets the card's fees: the acquirer, the issuer of tokens."""
ROUTERS = "routers"
"""Who gets Lightning's routing fees."""

_MAY_OWE = frozenset({PAYERS, MERCHANTS})
