"""What can be wrong with a session, as pympp errors that render as RFC 9457 problems.

    PaymentError (pympp)                                        402 unless noted
     ├── InvalidSignatureError       session/invalid-signature
     ├── SignerMismatchError         session/signer-mismatch
     ├── AmountExceedsDepositError   session/amount-exceeds-deposit
     ├── DeltaTooSmallError          session/delta-too-small
     ├── InsufficientBalanceError    session/insufficient-balance
     ├── ChallengeNotFoundError      session/challenge-not-found
     ├── ChannelNotFoundError        session/channel-not-found        410
     └── ChannelClosedError          session/channel-finalized        410

Types and statuses are facts, protocol 1.4; names, titles and sentences are mppx's, because its
client matches on types and people compare messages. Everything else that a session refuses is one
of pympp's own: invalid-payload, invalid-challenge, verification-failed.

410 is not retried: the client forgets the channel and opens another.
"""

from __future__ import annotations

from typing import Final

from mpp.errors import PaymentError

from sandbox.methods.metering import NotCoveredError

_BASE: Final = "https://paymentauth.org/problems/session"


class SessionError(PaymentError):
    """A problem of sessions; `reason` completes the sentence that the class begins."""

    sentence: str = "Session error"
    default: str = "The session failed."

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(f"{self.sentence}: {reason}." if reason else self.default)


class InvalidSignatureError(SessionError):
    """A voucher's signature is malformed, malleable, or not by the channel's signer."""

    type = f"{_BASE}/invalid-signature"
    title = "Invalid Signature"
    sentence = "Invalid signature"
    default = "Invalid signature."


class SignerMismatchError(SessionError):
    """The credential's source is neither the channel's payer nor its voucher signer."""

    type = f"{_BASE}/signer-mismatch"
    title = "Signer Mismatch"
    sentence = "Signer mismatch"
    default = "Signer is not authorized for this channel."


class AmountExceedsDepositError(SessionError):
    """A voucher or a capture is larger than the deposit."""

    type = f"{_BASE}/amount-exceeds-deposit"
    title = "Amount Exceeds Deposit"
    sentence = "Amount exceeds deposit"
    default = "Voucher amount exceeds channel deposit."


class DeltaTooSmallError(SessionError):
    """A voucher adds less than the offer's `minVoucherDelta`."""

    type = f"{_BASE}/delta-too-small"
    title = "Delta Too Small"
    sentence = "Delta too small"
    default = "Amount increase below minimum voucher delta."


class InsufficientBalanceError(SessionError, NotCoveredError):
    """What is authorised and not yet spent does not cover the price."""

    type = f"{_BASE}/insufficient-balance"
    title = "Insufficient Balance"
    sentence = "Insufficient balance"
    default = "Insufficient balance."


class ChallengeNotFoundError(SessionError):
    """A management action refers to a challenge that nobody issued."""

    type = f"{_BASE}/challenge-not-found"
    title = "Challenge Not Found"
    sentence = "Challenge not found"
    default = "No challenge with this ID exists."


class ChannelNotFoundError(SessionError):
    """The server knows no such channel."""

    status = 410
    type = f"{_BASE}/channel-not-found"
    title = "Channel Not Found"
    sentence = "Channel not found"
    default = "No channel with this ID exists."


class ChannelClosedError(SessionError):
    """The channel is closed, is being closed, or its payer has asked for its money back."""

    status = 410
    type = f"{_BASE}/channel-finalized"
    title = "Channel Closed"
    sentence = "Channel closed"
    default = "Channel is closed."
