"""The two generations of tempo sessions, and what an amount of each may be.

v1 is a contract (the session escrow), v2 the channel reserve that is part of the chain (TIP-1034).
A challenge that does not say which one means v1 (facts, protocol 2.4 and D9).
"""

from __future__ import annotations

from enum import StrEnum


class SessionProtocol(StrEnum):
    """A generation, by its name on the wire."""

    V1 = "v1"
    V2 = "v2"

    @property
    def max_amount(self) -> int:
        """The largest deposit or voucher: uint128 in the escrow, uint96 in the reserve."""
        return _MAX_AMOUNTS[self]


_MAX_AMOUNTS = {SessionProtocol.V1: (1 << 128) - 1, SessionProtocol.V2: (1 << 96) - 1}
