"""What can be wrong with a Lightning session (facts: lightning 2.5). All are 402."""

from __future__ import annotations

from sandbox.methods.lightning_charge.problems import BASE, LightningProblem
from sandbox.methods.metering import NotCoveredError


class SessionNotFoundError(LightningProblem):
    """There is no session of this id."""

    type = f"{BASE}/session-not-found"
    title = "Session Not Found"
    sentence = "No session has this id"


class SessionClosedError(LightningProblem):
    """The session was closed, by its payer or because it was idle."""

    type = f"{BASE}/session-closed"
    title = "Session Closed"
    sentence = "The session is closed"


class InsufficientBalanceError(LightningProblem, NotCoveredError):
    """What is left of the deposit does not cover the price."""

    type = f"{BASE}/insufficient-balance"
    title = "Insufficient Balance"
    sentence = "The deposit does not cover this"


class ChallengeExpiredError(LightningProblem):
    """The challenge, or the deposit's invoice in it, has expired."""

    type = f"{BASE}/challenge-expired"
    title = "Challenge Expired"
    sentence = "The challenge has expired"


class InvalidReturnInvoiceError(LightningProblem):
    """The rest of the deposit could not be sent back to this invoice."""

    type = f"{BASE}/invalid-return-invoice"
    title = "Invalid Return Invoice"
    sentence = "The return invoice cannot be used"
