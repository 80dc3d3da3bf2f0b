"""Where the rest of a deposit goes: an invoice of the payer's without an amount (facts: 2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.methods.lightning_charge.fields import FieldError, read_invoice
from sandbox.methods.lightning_session.problems import InvalidReturnInvoiceError

if TYPE_CHECKING:
    from mock_rails.lightning.bolt11 import Bolt11

RETURN_EXPIRY_S: Final = 2_592_000
"""Thirty days: what clients ask their node for. LND's own default, a day, ends long sessions
without a refund."""


def check_return_invoice(text: str, *, network: str, now_s: int) -> Bolt11:
    """The invoice, if the rest of a deposit on `network` can be sent to it as of now.

    It names no amount, since nobody knows it yet. It may expire before the session ends: then the
    refund fails, which is the payer's risk and not a reason to refuse its deposit.
    """
    try:
        invoice = read_invoice(text, "returnInvoice")
    except FieldError as error:
        raise InvalidReturnInvoiceError(str(error)) from None
    if invoice.network != network:
        raise InvalidReturnInvoiceError(f"it is for {invoice.network}, not for {network}")
    if invoice.amount_msat:
        raise InvalidReturnInvoiceError("it names an amount")
    if now_s >= invoice.expires_at_s:
        raise InvalidReturnInvoiceError("it has expired")
    return invoice
