"""How the payer fails, or declines.

    ClientError                      what the payer could not or would not do
     ├── InvalidKeyError             a key, seed or derivation that makes no wallet          400
     ├── InvalidAmountError          an amount that no token could pay                       400
     ├── InvalidBudgetError          limits that mean nothing as they stand                  400
     ├── PaymentRefusedError         the payer's own policy forbids it; nothing was signed   403
     │    ├── BudgetExceededError    it would exceed a limit
     │    ├── HostNotAllowedError    the host is not one that may be paid
     │    └── CurrencyNotAllowedError     the currency is not one that may be spent
     └── ReservationClosedError      the reservation was committed or released before        409

The first three are `BadInput` as well, the last is a `Conflict`: shells that know the common tree
need not know this one. No message ever holds a key, not even a malformed one.
"""

from __future__ import annotations

from typing import Any

from mock_rails.core.errors import BadInput, Conflict, SandboxError


class ClientError(SandboxError):
    """The payer could not do it, or would not."""

    code = "client"
    title = "The client could not do that"


class InvalidKeyError(ClientError, BadInput):
    """A key, a seed or a derivation that makes no wallet."""

    code = "invalid-key"
    title = "That makes no wallet"
    status = 400


class InvalidAmountError(ClientError, BadInput):
    """An amount that is malformed, negative, or finer than the token's smallest unit."""

    code = "invalid-amount"
    title = "The amount is not valid"
    status = 400


class InvalidBudgetError(ClientError, BadInput):
    """A budget whose limits mean nothing as they stand."""

    code = "invalid-budget"
    title = "The budget is not valid"
    status = 400


class PaymentRefusedError(ClientError):
    """The payer's own policy forbids the payment; nothing was signed or reserved."""

    code = "payment-refused"
    title = "The payment is against the client's policy"
    status = 403


class BudgetExceededError(PaymentRefusedError):
    """The payment would exceed a limit of the budget.

    The figures live in `details`, as integers in base units, so that the problem document has them
    and the error survives a pickle.
    """

    code = "budget-exceeded"
    title = "The payment exceeds the budget"

    @property
    def limit(self) -> str:
        """Which limit: `per_request`, `per_session`, `per_recipient` or `total`."""
        return str(self.details["limit"])

    @property
    def asked(self) -> int:
        """How much was asked for, in base units."""
        return self._figure("asked")

    @property
    def left(self) -> int:
        """How much could still be spent under that limit, in base units."""
        return self._figure("left")

    @property
    def excess(self) -> int:
        """By how much the payment exceeds what was left, in base units."""
        return self._figure("excess")

    def _figure(self, name: str) -> int:
        figure: Any = self.details[name]
        return int(figure)


class HostNotAllowedError(PaymentRefusedError):
    """The host that asks for money is not one that the budget allows."""

    code = "host-not-allowed"
    title = "The host may not be paid"


class CurrencyNotAllowedError(PaymentRefusedError):
    """The currency is not one that the budget allows."""

    code = "currency-not-allowed"
    title = "The currency may not be spent"


class ReservationClosedError(ClientError, Conflict):
    """The reservation was committed or released before, or belongs to another ledger."""

    code = "reservation-closed"
    title = "The reservation is closed"
    status = 409
