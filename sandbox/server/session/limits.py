"""Limits on what clients can make a session server do, keep or pay.

Channels per payer bound the store; the voucher rate is the draft's (10 a second and channel; off by
default, for a sandbox is also benchmarked); the sponsor's limits are mppx's fee-payer policy
(facts: protocol 1.1, row 33): without them a payer could have the sponsor's account drained by a
transaction with an absurd tip.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mpp.errors import PaymentError, VerificationFailedError

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from mock_rails.tempo.tx.model import Transaction

_US_PER_S: Final = 1_000_000
_MOST_PACES: Final = 65_536
_ATTO_PER_UNIT: Final = 10**12


class VoucherRateError(PaymentError):
    """A channel's vouchers come faster than the server takes them; nothing was charged."""

    status = 429
    type = "https://paymentauth.org/problems/session/rate-limited"
    title = "Too Many Vouchers"

    def __init__(self, per_s: int) -> None:
        super().__init__(f"This channel may send {per_s} vouchers a second.")


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What one server allows. Gas is priced in attodollars, fees in base units of their token."""

    channels_per_payer: int = 64
    vouchers_per_s: int | None = None
    opening_lifetime_s: int = 3_600
    """How long an opening that the chain has never heard of is kept in mind."""
    closed_kept_s: int = 30 * 86_400
    """How long after its opening a closed channel's record is kept; then it is unknown, which is
    410 as well."""
    sponsored_gas: int = 2_000_000
    sponsored_gas_price: int = 100_000_000_000
    sponsored_tip: int = 50_000_000_000
    sponsored_fee: int = 50_000
    sponsored_window_s: int = 900

    def check_sponsored(self, tx: Transaction, now_s: int) -> None:
        """Raise unless the server would pay the fee of this handed-over transaction."""
        reasons = (
            (tx.gas_limit > self.sponsored_gas, "gas exceeds sponsor policy"),
            (tx.max_fee_per_gas > self.sponsored_gas_price, "maxFeePerGas exceeds sponsor policy"),
            (
                tx.max_priority_fee_per_gas > self.sponsored_tip,
                "maxPriorityFeePerGas exceeds sponsor policy",
            ),
            (
                tx.gas_limit * tx.max_fee_per_gas > self.sponsored_fee * _ATTO_PER_UNIT,
                "total fee budget exceeds sponsor policy",
            ),
            (not tx.is_expiring, "must use an expiring nonce"),
            (tx.valid_before is None, "must declare validBefore"),
            ((tx.valid_before or 0) <= now_s, "has already expired"),
            (
                (tx.valid_before or 0) > now_s + self.sponsored_window_s,
                "validity window exceeds sponsor policy",
            ),
        )
        for is_bad, reason in reasons:
            if is_bad:
                raise VerificationFailedError(f"fee-sponsored transaction {reason}")


class VoucherPace:
    """Counts the vouchers of each channel in this process, by the second."""

    def __init__(self, per_s: int | None, clock: Clock) -> None:
        self.per_s = per_s
        self._clock = clock
        self._counts: OrderedDict[bytes, tuple[int, int]] = OrderedDict()

    def check(self, channel_id: bytes) -> None:
        """Count one more voucher, or raise `VoucherRateError`."""
        if self.per_s is None:
            return
        now_s = self._clock.now_s()
        second, count = self._counts.pop(channel_id, (now_s, 0))
        count = count + 1 if second == now_s else 1
        self._counts[channel_id] = (now_s, count)
        if len(self._counts) > _MOST_PACES:
            self._counts.popitem(last=False)
        if count > self.per_s:
            raise VoucherRateError(self.per_s)
