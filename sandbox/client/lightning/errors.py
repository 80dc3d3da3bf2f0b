"""How paying over Lightning fails on the payer's side.

ClientError
 ├── PaymentRefusedError
 │    ├── InvoiceRefusedError     the invoice is not what its challenge says             403
 │    └── DepositRefusedError     a deposit is more than the settings allow              403
 ├── PaymentNotPreparedError
 │    └── LightningPaymentFailedError     the payment certainly did not take place         502
 ├── UnknownSessionError          no such session in this payer's book                   404
 ├── TopUpFailedError             the deposit did not grow                               502
 └── SessionNotClosedError        the server did not close the session                   502
"""

from __future__ import annotations

from mock_rails.core.errors import NotFound
from sandbox.client.errors import ClientError, PaymentNotPreparedError, PaymentRefusedError


class InvoiceRefusedError(PaymentRefusedError):
    """The challenge or its invoice cannot be believed, or is of another network."""

    code = "invoice-refused"
    title = "The invoice is not one that is paid"


class DepositRefusedError(PaymentRefusedError):
    """The deposit would make the session hold more than the settings allow."""

    code = "deposit-refused"
    title = "The deposit would be too large"


class LightningPaymentFailedError(PaymentNotPreparedError):
    """The payment was tried and certainly did not take place, or the node knows of none."""

    code = "lightning-payment-failed"
    title = "The Lightning payment failed"


class UnknownSessionError(ClientError, NotFound):
    """The payer has no session of this id."""

    code = "unknown-session"
    title = "There is no such session"
    status = 404


class TopUpFailedError(ClientError):
    """A further deposit could not be made, or was made and not acknowledged."""

    code = "top-up-failed"
    title = "The deposit did not grow"
    status = 502


class SessionNotClosedError(ClientError):
    """The server did not close the session; its deposit is still there."""

    code = "session-not-closed"
    title = "The session is not closed"
    status = 502
