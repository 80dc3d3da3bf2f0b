"""What an access key may spend of each token, once or in every period (facts 2.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mock_rails.tempo import gas
from mock_rails.tempo.abi import Event
from mock_rails.tempo.native.contract import Error, function, view
from mock_rails.tempo.native.keychain.keys import Keys
from mock_rails.tempo.native.storage import Mapping, Packed

if TYPE_CHECKING:
    from mock_rails.tempo.native.keychain.keys import AccessKey
    from mock_rails.tempo.tx.key_authorization import TokenLimit

MAX_LIMIT: Final = (1 << 128) - 1


class Allowance(NamedTuple):
    """A limit as it stands now; one without a period has no period end."""

    remaining: int
    amount: int
    period_s: int
    period_end_s: int


class Limits(Keys):
    """Spending limits by account, key and token; where limits are enforced, none means nothing."""

    remainders = Mapping(1, credit=False)
    """account, key id, token -> what was left after the last spend."""

    terms = Mapping(2, Packed(128, 64, 64), credit=False)
    """account, key id, token -> the amount granted, the period, and when that spend's period ends.
    """

    AccessKeySpend = Event(
        "AccessKeySpend(address indexed account, address indexed publicKey, address indexed token,"
        " uint256 amount, uint256 remainingLimit)"
    )
    SpendingLimitUpdated = Event(
        "SpendingLimitUpdated(address indexed account, address indexed publicKey,"
        " address indexed token, uint256 newLimit)"
    )

    SpendingLimitExceeded = Error("SpendingLimitExceeded()")
    InvalidSpendingLimit = Error("InvalidSpendingLimit()")

    # -- spending ---------------------------------------------------------------------------------

    def spend(self, account: bytes, token: bytes, amount: int) -> None:
        """Count what the account spends against the limit of the access key that signed.

        Even nothing is counted and logged, as by the node. A transaction of the root key has no
        limit. Raises `SpendingLimitExceeded`, or why the key may not sign at all.
        """
        scope = self.frame.scope
        if scope.key_id is None:
            return
        self.frame.meter.charge(gas.TRANSIENT)
        if not self.active_key(account, scope.key_id).enforces_limits:
            return
        entry = (account, scope.key_id, token)
        allowance = self._allowance(entry)
        remaining = allowance.remaining - amount
        if remaining < 0:
            raise self.SpendingLimitExceeded()
        self.remainders[entry] = remaining
        if allowance.period_s:
            self.terms[entry] = allowance[1:]
        self.emit(self.AccessKeySpend, account, scope.key_id, token, amount, remaining)

    def restore_spend(self, account: bytes, token: bytes, amount: int) -> None:
        """Give back the part of a counted fee that was not used, silently.

        A key that the transaction itself revoked gets nothing back.
        """
        key_id = self.frame.scope.key_id
        if key_id is None:
            return
        key: AccessKey = self.keys[account, key_id]
        if key.exists and key.enforces_limits:
            self.remainders[account, key_id, token] += amount

    def _allowance(self, entry: tuple[bytes, bytes, bytes]) -> Allowance:
        """The limit as it stands now: full again if its period has ended."""
        remaining: int = self.remainders[entry]
        amount, period_s, period_end_s = self.terms[entry]
        if period_s and self.now_s >= period_end_s:
            remaining = amount
            period_end_s += ((self.now_s - period_end_s) // period_s + 1) * period_s
        return Allowance(remaining, amount, period_s, period_end_s)

    # -- granting ---------------------------------------------------------------------------------

    def grant_limits(self, account: bytes, key_id: bytes, limits: tuple[TokenLimit, ...]) -> None:
        """Write a new key's limits; the first period starts now."""
        for limit in limits:
            self._require_limit(limit.limit)
            period_end_s = self.now_s + limit.period_s if limit.period_s else 0
            if period_end_s >= 1 << 64:
                raise self.InvalidSpendingLimit()
            self.remainders[account, key_id, limit.token] = limit.limit
            self.terms[account, key_id, limit.token] = (limit.limit, limit.period_s, period_end_s)

    @function("updateSpendingLimit(address keyId, address token, uint256 newLimit)")
    def update_limit(self, key_id: bytes, token: bytes, amount: int) -> None:
        """Set what is left of a token's limit, and what its next periods start with.

        A key that was unlimited is limited from then on: to this token.
        """
        self.require_manager()
        account = self.sender
        key = self.active_key(account, key_id)
        self._require_limit(amount)
        if not key.enforces_limits:
            self.keys[account, key_id] = key._replace(enforces_limits=True)
        allowance = self._allowance((account, key_id, token))
        self.remainders[account, key_id, token] = amount
        self.terms[account, key_id, token] = (
            amount,
            allowance.period_s,
            allowance.period_end_s,
        )
        self.emit(self.SpendingLimitUpdated, account, key_id, token, amount)

    def _require_limit(self, amount: int) -> None:
        if amount > MAX_LIMIT:
            raise self.InvalidSpendingLimit()

    # -- reading ----------------------------------------------------------------------------------

    @view(
        "getRemainingLimitWithPeriod(address account, address keyId, address token)"
        " returns (uint256 remaining, uint64 periodEnd)"
    )
    def remaining_limit_with_period(
        self, account: bytes, key_id: bytes, token: bytes
    ) -> tuple[int, int]:
        """What a key may still spend and until when; zeros without a limit or an active key."""
        if not self.is_active(account, key_id):
            return (0, 0)
        allowance = self._allowance((account, key_id, token))
        return (allowance.remaining, allowance.period_end_s)

    @view(
        "getRemainingLimit(address account, address keyId, address token)"
        " returns (uint256 remaining)"
    )
    def remaining_limit(self, account: bytes, key_id: bytes, token: bytes) -> int:
        """What a key may still spend: the form from before periods (fork T3)."""
        return self.remaining_limit_with_period(account, key_id, token)[0]
