"""How the payer fails, or declines.

    ClientError                      what the payer could not or would not do
     ├── InvalidKeyError             a key, seed or derivation that makes no wallet          400
     ├── InvalidAmountError          an amount that no token could pay                       400
     ├── InvalidBudgetError          limits that mean nothing as they stand                  400
     ├── PaymentRefusedError         the payer's own policy forbids it; nothing was signed   403
     │    ├── BudgetExceededError    it would exceed a limit
     │    ├── HostNotAllowedError    the host is not one that may be paid
     │    ├── CurrencyNotAllowedError     the currency is not one that may be spent
     │    ├── CrossOriginPaymentError     a redirect led to another origin, which wants money
     │    ├── RealmNotTrustedError   a payment of nothing would sign somebody else's realm
     │    └── ChainMismatchError     the challenge is of another chain than the client's node
     ├── ReservationClosedError      the reservation was committed or released before        409
     ├── SpendingDamagedError        the record of what was spent cannot be used             500
     ├── BodyTooLargeError           a streamed body that cannot be kept to be sent again    413
     ├── ChallengeExpiredError       a fresh challenge is needed                             402
     ├── PaymentNotPreparedError     no credential could be made; nothing was sent           502
     ├── PaymentNotMadeError         all attempts were refused; raised on demand only        402
     │    └── PaymentDeclinedError   refused once, and not to be tried again
     └── OutcomeUnknownError         a credential was sent, and its answer lost              504

Those that mean a malformed request are `BadInput` as well, and a closed reservation a `Conflict`:
shells that know the common tree need not know this one. No message ever holds a key, not even a
malformed one, or a credential.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.core.errors import BadInput, Conflict, SandboxError

if TYPE_CHECKING:
    from collections.abc import Mapping


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


class SpendingDamagedError(ClientError):
    """The record of what was spent cannot be read or written: without it no limit would hold."""

    code = "spending-damaged"
    title = "The record of what was spent cannot be used"


class CrossOriginPaymentError(PaymentRefusedError):
    """A redirect led to another origin, which asks for money: the caller did not name it."""

    code = "cross-origin-payment"
    title = "Another origin than the one that was asked wants to be paid"


class RealmNotTrustedError(PaymentRefusedError):
    """A payment of nothing would sign the realm of somebody else, who might be shown it."""

    code = "realm-not-trusted"
    title = "The challenge's realm is not the host's"


class ChainMismatchError(PaymentRefusedError):
    """The challenge is of another chain than the one the client has a node of."""

    code = "chain-mismatch"
    title = "The challenge is of another chain"


class BodyTooLargeError(ClientError, BadInput):
    """A streamed body that is too large to be kept and sent again with a payment."""

    code = "body-too-large"
    title = "The body is too large to be sent again"
    status = 413


class ChallengeExpiredError(ClientError):
    """The challenge has expired, or would before it could be paid: a fresh one is needed."""

    code = "challenge-expired"
    title = "The challenge has expired"
    status = 402


class PaymentNotPreparedError(ClientError):
    """The credential could not be made, such as for want of a node. Nothing was sent."""

    code = "payment-not-prepared"
    title = "The payment could not be prepared"
    status = 502


class PaymentNotMadeError(ClientError):
    """The answer is still a 402, or a refusal: what was asked for was not paid."""

    code = "payment-not-made"
    title = "The payment was not made"
    status = 402


class PaymentDeclinedError(PaymentNotMadeError):
    """The payment was refused, as by a card's bank, and surely not made. It is not tried again:
    each try is a payment of its own there."""

    code = "payment-declined"
    title = "The payment was declined"


class OutcomeUnknownError(ClientError):
    """A credential was sent and its answer lost; it was not paid again.

    `paid` says what a look at the rail has found: True, the money has moved, but whether it was
    delivered nobody knows; False, it has not and cannot any more; None, neither is known, and the
    ledger keeps the money aside.
    """

    code = "outcome-unknown"
    title = "The outcome of the payment is not known"
    status = 504

    def __init__(
        self,
        detail: str,
        *,
        paid: bool | None,
        tx_hash: bytes | None = None,
        hint: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        shown = {} if tx_hash is None else {"tx_hash": f"0x{tx_hash.hex()}"}
        super().__init__(detail, hint=hint, details={"paid": paid, **shown, **(details or {})})
        self.paid = paid
        self.tx_hash = tx_hash

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive a pickle, as the errors of a worker process must."""
        return _unknown_again, (self.detail, self.paid, self.tx_hash, self.hint, self.details)


def _unknown_again(
    detail: str,
    paid: bool | None,
    tx_hash: bytes | None,
    hint: str | None,
    details: dict[str, Any],
) -> OutcomeUnknownError:
    return OutcomeUnknownError(detail, paid=paid, tx_hash=tx_hash, hint=hint, details=details)
