"""What checking one voucher costs the processor, stack by stack (facts: protocol 6.1).

Two cores of one machine, one thread: the ratios are to be trusted more than the numbers. Only the
medians were recorded; a tail of twice the median at the 99th percentile is assumed for all alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scenarios.calibrate import Timing

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE: Final = "facts: protocol 6.1, measured on 2 cores, one thread"
READ_ON: Final = "2026-09-20"

_TAIL: Final = 2.0


@dataclass(frozen=True, slots=True)
class Stack:
    """One way to check what pays for a request."""

    median_us: float
    what: str

    @property
    def timing(self) -> Timing:
        """How long a check takes, as a distribution."""
        median_s = self.median_us / 1e6
        return Timing(median_s, median_s * _TAIL, f"{SOURCE}: {self.what}")


STACKS: Final[Mapping[str, Stack]] = {
    "bearer": Stack(0.7, "a Lightning session's bearer secret: SHA-256 of 32 bytes"),
    "lean": Stack(53.0, "EIP-712 with its domain hashed once, recovery by libsecp256k1"),
    "coincurve": Stack(245.0, "eth-account on libsecp256k1"),
    "mppx": Stack(4_386.0, "verifyVoucher of mppx 0.11 on Node 20: two recoveries"),
    "pure python": Stack(8_062.0, "eth-account alone: what `pip install pympp[tempo]` brings"),
}
