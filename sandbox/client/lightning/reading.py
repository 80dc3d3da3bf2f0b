"""What a challenge asks, checked in the draft's order before anything is paid (facts: 1.5).

Currency, end, then the invoice, which the client reads itself: its hash, amount and network must be
the challenge's, and its network the wallet's. What cannot be believed is refused by name, so that
another method may be tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mpp.errors import InvalidChallengeError

from sandbox.client.errors import ChallengeExpiredError, CurrencyNotAllowedError
from sandbox.client.lightning.errors import InvoiceRefusedError
from sandbox.client.selection import is_expired
from sandbox.methods import lightning_charge, lightning_session

if TYPE_CHECKING:
    from mpp import Challenge

    from mock_rails.core.clock import Clock
    from mock_rails.lightning.bolt11 import Bolt11
    from sandbox.methods.lightning_charge import ChargeRequest
    from sandbox.methods.lightning_session import SessionRequest

CHARGE: Final = "lightning/charge"
SESSION: Final = "lightning/session"
CURRENCY: Final = "sat"


def is_of(challenge: Challenge, name: str) -> bool:
    """Whether the challenge is of this method and intent."""
    return f"{challenge.method}/{challenge.intent}" == name


def read_charge(challenge: Challenge, *, network: str, clock: Clock) -> ChargeRequest:
    """The charge, or an error that says why it is not paid."""
    _check_head(challenge, clock)
    try:
        request = lightning_charge.parse_request(challenge.request)
    except InvalidChallengeError as error:
        raise _unbelieved(error) from error
    check_invoice(request.invoice, network=network, clock=clock)
    return request


def read_session(challenge: Challenge, *, network: str, clock: Clock) -> SessionRequest:
    """What a session costs. The deposit's invoice is looked at only if it would be paid: a bearer
    gets one with every challenge (facts: 2.1)."""
    _check_head(challenge, clock)
    try:
        request = lightning_session.parse_request(challenge.request)
    except InvalidChallengeError as error:
        raise _unbelieved(error) from error
    if request.deposit is not None:
        _check_network(request.deposit, network)
    return request


def read_deposit(request: SessionRequest, *, network: str, clock: Clock) -> Bolt11:
    """The deposit's invoice, if it can be paid now."""
    if request.deposit is None:
        raise InvoiceRefusedError("The challenge has no invoice for a deposit.")
    check_invoice(request.deposit, network=network, clock=clock)
    return request.deposit


def check_invoice(invoice: Bolt11, *, network: str, clock: Clock) -> None:
    """Raise unless the invoice is of the wallet's network and has not expired."""
    _check_network(invoice, network)
    if invoice.expires_at_s <= clock.now_s():
        raise ChallengeExpiredError("The invoice expired before it could be paid.")


def _check_head(challenge: Challenge, clock: Clock) -> None:
    currency = challenge.request.get("currency")
    if currency != CURRENCY:
        shown = currency[:40] if isinstance(currency, str) else type(currency).__name__
        raise CurrencyNotAllowedError(
            f"The challenge asks for {shown!r}; over Lightning only {CURRENCY!r} is paid.",
            details={"currency": shown, "allowed_currencies": [CURRENCY]},
        )
    if is_expired(challenge, clock.utc()):
        raise ChallengeExpiredError("The challenge expired before it could be paid.")


def _check_network(invoice: Bolt11, network: str) -> None:
    if invoice.network != network:
        raise InvoiceRefusedError(
            f"The invoice is of the network {invoice.network}, and the wallet of {network}.",
            details={"network": invoice.network, "wallet_network": network},
        )


def _unbelieved(error: InvalidChallengeError) -> InvoiceRefusedError:
    return InvoiceRefusedError(f"The challenge cannot be believed: {error}")
