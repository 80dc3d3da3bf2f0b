"""What can be wrong with a Lightning payment, as pympp errors (facts: lightning 1.4, 2.5).

All are 402 with a fresh challenge. None repeats what it was given: a preimage is worth what it
paid for, and the gate's own words for the same trouble become these (`in_lightning_words`).
"""

from __future__ import annotations

from typing import Final

from mpp.errors import PaymentError

BASE: Final = "https://paymentauth.org/problems/lightning"


class LightningProblem(PaymentError):
    """A problem of Lightning's methods; `reason` completes the sentence that the class begins."""

    sentence: str = "The Lightning payment is refused"

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(f"{self.sentence}: {reason}." if reason else f"{self.sentence}.")


class MalformedCredentialError(LightningProblem):
    """The credential is no credential of this method."""

    type = f"{BASE}/malformed-credential"
    title = "Malformed Credential"
    sentence = "The credential is malformed"


class UnknownChallengeError(LightningProblem):
    """The challenge is not this server's, not for this request, or was used already."""

    type = f"{BASE}/unknown-challenge"
    title = "Unknown Challenge"
    sentence = "The challenge is unknown or was used"


class InvalidPreimageError(LightningProblem):
    """The preimage is not that of the invoice's payment hash."""

    type = f"{BASE}/invalid-preimage"
    title = "Invalid Preimage"
    sentence = "The preimage does not match the payment hash"


class ExpiredInvoiceError(LightningProblem):
    """The challenge, or the invoice in it, has expired."""

    type = f"{BASE}/expired-invoice"
    title = "Expired Invoice"
    sentence = "The invoice has expired"


_UNKNOWN: Final = frozenset({"challenge", "request", "route", "digest", "single-use"})
"""The gate's checks whose failure the drafts call an unknown challenge."""


def in_lightning_words(
    check: str, error: PaymentError, expired: type[LightningProblem] = ExpiredInvoiceError
) -> PaymentError:
    """A refusal of the gate's own as the Lightning drafts name it. What they have no name for, and
    what does not invite another payment, stays as it is."""
    if isinstance(error, LightningProblem) or error.status not in {402, 409}:
        return error
    if check == "expires" and error.status == 402 and "expired" in error.type:
        return expired()
    if check == "credential":
        return MalformedCredentialError()
    return UnknownChallengeError() if check in _UNKNOWN else error
