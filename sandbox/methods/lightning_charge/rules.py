"""What proves a payment (facts: lightning 1.3). The preimage alone does: no node is asked."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING

from sandbox.methods.lightning_charge.problems import ExpiredInvoiceError, InvalidPreimageError

if TYPE_CHECKING:
    from sandbox.methods.lightning_charge.payload import ChargePayload
    from sandbox.methods.lightning_charge.request import ChargeRequest


def check_charge(request: ChargeRequest, payload: ChargePayload, *, now_s: int) -> None:
    """Steps 5 and 6 of the draft: the invoice has not expired, the preimage is its own. That the
    challenge is authentic, unused and unexpired has been looked at before."""
    if now_s >= request.invoice.expires_at_s:
        raise ExpiredInvoiceError
    check_preimage(payload.preimage, request.payment_hash)


def check_preimage(preimage: bytes, payment_hash: bytes) -> None:
    """Raise unless the preimage hashes to this."""
    if not hmac.compare_digest(sha256(preimage).digest(), payment_hash):
        raise InvalidPreimageError
