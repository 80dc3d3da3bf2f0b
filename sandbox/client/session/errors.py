"""How a session fails on the payer's side.

ClientError
 ├── PaymentRefusedError
 │    └── DepositLimitError      more would be locked up than the payer allows          403
 ├── UnknownChannelError         no such channel in this payer's book                   404
 ├── ChannelBusyError            its present state forbids that                         409
 │    ├── ChannelInUseError      another running program pays with it
 │    └── GraceNotOverError      a forced close is not due yet
 ├── StateInUseError             another process signs from the same book               409
 ├── BookDamagedError            the book on disk cannot be read                        500
 ├── SnapshotRefusedError        what the server says of a channel is not so            502
 ├── TopUpFailedError            the deposit did not grow                               502
 └── CloseFailedError            the channel is not closed                              502
"""

from __future__ import annotations

from mock_rails.core.errors import Conflict, NotFound
from sandbox.client.errors import ClientError, PaymentRefusedError


class DepositLimitError(PaymentRefusedError):
    """A deposit, or a voucher's total, would be more than the settings or the budget allow."""

    code = "deposit-limit"
    title = "The deposit would be too large"


class UnknownChannelError(ClientError, NotFound):
    """The payer has no channel of this id."""

    code = "unknown-channel"
    title = "There is no such channel"
    status = 404


class ChannelBusyError(ClientError, Conflict):
    """The channel's present state forbids what was asked."""

    code = "channel-busy"
    title = "The channel's state forbids that"
    status = 409


class ChannelInUseError(ChannelBusyError):
    """Another running program of the same state pays with the channel, and closes it at its end."""

    code = "channel-in-use"
    title = "Another program pays with the channel"


class GraceNotOverError(ChannelBusyError):
    """The payee still has time to capture what it is owed; `details` say until when."""

    code = "grace-not-over"
    title = "The grace period is not over"


class StateInUseError(ClientError, Conflict):
    """Another process changed the channel meanwhile: two signers would contradict each other."""

    code = "state-in-use"
    title = "Another process uses these channels"
    status = 409


class BookDamagedError(ClientError):
    """The book on disk is not one, or holds a record that cannot be read."""

    code = "book-damaged"
    title = "The book of channels cannot be read"


class SnapshotRefusedError(ClientError):
    """A server's snapshot contradicts the chain, the payer's own record, or itself."""

    code = "snapshot-refused"
    title = "The server's account of the channel is refused"
    status = 502


class TopUpFailedError(ClientError):
    """The server did not take the top-up; nothing more was locked up."""

    code = "top-up-failed"
    title = "The deposit could not be topped up"
    status = 502


class CloseFailedError(ClientError):
    """The channel is still open on the chain."""

    code = "close-failed"
    title = "The channel was not closed"
    status = 502
