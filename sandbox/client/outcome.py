"""What became of a request's payment: judged by the answer, and left with the answer.

`response.extensions["mpp"]` is a `PaymentMade`, a `PaymentNotMade`, or absent where nothing was
asked for. As in mppx and pympp a payment that fails leaves the server's last answer to the caller
(protocol 2.10); who wants an error instead calls `raise_if_unpaid`.

Servers differ in how they refuse (protocol 1.5; 2.14, D5 and D12), so that a refusal is known by
its problem type as much as by its status.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson
from mpp import AUTHORIZATION_HEADER

from sandbox.base64_json import read_base64_json
from sandbox.client.errors import PaymentDeclinedError, PaymentNotMadeError

if TYPE_CHECKING:
    from collections.abc import Mapping

EXTENSION: Final = "mpp"

_PROBLEMS: Final = "https://paymentauth.org/problems/"
_INTERNAL: Final = _PROBLEMS + "internal-payment-error"
_IN_PROGRESS: Final = "-in-progress"
_GATEWAY: Final = frozenset({502, 503, 504})
_LONGEST_RECEIPT: Final = 16 * 1_024


class Verdict(Enum):
    """What an answer to a paid request says about the payment."""

    TAKEN = "taken"
    REFUSED = "refused"
    LOST = "lost"
    """It says nothing: the payment may have been made."""


@dataclass(frozen=True, slots=True)
class PaymentMade:
    """The server accepted a credential for this response."""

    method: str
    """Such as `tempo/charge`."""
    challenge_id: str
    request: Mapping[str, Any]
    """The challenge's request: amount, currency, recipient and the method's details."""
    receipt: Mapping[str, Any] | None
    """The decoded `Payment-Receipt`; None where the server sent none."""
    attempts: int
    idempotency_key: str
    credential_header: str = AUTHORIZATION_HEADER
    """Where the server wants credentials."""
    channel_id: str | None = None
    """The channel, where it was paid by one."""

    @property
    def reference(self) -> str | None:
        """What the receipt names the payment by, such as a transaction's hash."""
        reference = (self.receipt or {}).get("reference")
        return reference if isinstance(reference, str) else None

    def raise_if_unpaid(self) -> None:
        """Do nothing: it was paid."""


@dataclass(frozen=True, slots=True)
class PaymentNotMade:
    """Payment was asked for, and this response is what came instead of what was asked for."""

    reason: str
    """One sentence."""
    offered: tuple[str, ...] = ()
    """The methods that the server would take, such as `stripe/charge`."""
    problem: Mapping[str, Any] | None = None
    """The server's problem document (RFC 9457), where it sent one."""
    attempts: int = 0
    is_declined: bool = False
    """Whether it was refused in a way that another attempt does not mend, as a card is by its bank.
    """

    def raise_if_unpaid(self) -> None:
        """Raise `PaymentNotMadeError`, or of its kind `PaymentDeclinedError`."""
        said = (self.problem or {}).get("detail") or (self.problem or {}).get("title")
        kind = PaymentDeclinedError if self.is_declined else PaymentNotMadeError
        raise kind(
            self.reason,
            hint=f"The server says: {said}" if isinstance(said, str) else None,
            details={
                "offered": list(self.offered),
                "problem": dict(self.problem or {}),
                "attempts": self.attempts,
            },
        )


def payment_of(response: httpx.Response) -> PaymentMade | PaymentNotMade | None:
    """What a client's transport noted about the response."""
    found = response.extensions.get(EXTENSION)
    return found if isinstance(found, PaymentMade | PaymentNotMade) else None


def note(response: httpx.Response, payment: PaymentMade | PaymentNotMade) -> None:
    """Leave it with the response."""
    response.extensions = {**response.extensions, EXTENSION: payment}


def needs_reading(response: httpx.Response) -> bool:
    """Whether the body must be read for a verdict; a success is left to the caller to stream."""
    return response.is_error


def judge(response: httpx.Response, problem: Mapping[str, Any] | None, *, intent: str) -> Verdict:
    """What the answer to a paid request says about the payment.

    A receipt is never on a refusal (protocol 1.1, row 5). A 5xx without one may have come before
    or after a charge was settled. A voucher is worth the same when it is sent again, so that there
    a 5xx which is not the payment's own counts as the application's. A bare 410 is a channel's end
    where there is a channel.
    """
    status = response.status_code
    if "payment-receipt" in response.headers:
        return Verdict.TAKEN
    if status == httpx.codes.PAYMENT_REQUIRED:
        return Verdict.REFUSED
    kind = str((problem or {}).get("type", ""))
    if status in _GATEWAY or kind == _INTERNAL or kind.endswith(_IN_PROGRESS):
        return Verdict.LOST
    if response.is_server_error and intent != "session":
        return Verdict.LOST
    if response.is_client_error and kind.startswith(_PROBLEMS):
        return Verdict.REFUSED
    if status == httpx.codes.GONE and intent == "session":
        return Verdict.REFUSED
    return Verdict.TAKEN


def read_problem(response: httpx.Response) -> Mapping[str, Any] | None:
    """The problem document of an answer that has been read, if it is one."""
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in {"application/problem+json", "application/json"}:
        return None
    try:
        document = orjson.loads(response.content)
    except (httpx.ResponseNotRead, orjson.JSONDecodeError):
        return None
    return document if isinstance(document, dict) else None


def read_receipt(response: httpx.Response) -> Mapping[str, Any] | None:
    """The decoded `Payment-Receipt`; None where there is none, or none that can be read."""
    text = response.headers.get("payment-receipt", "")
    if not 0 < len(text) <= _LONGEST_RECEIPT:
        return None
    return read_base64_json(text)
