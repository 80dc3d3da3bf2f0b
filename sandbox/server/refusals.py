"""What the gate answers when nothing is delivered: RFC 9457 problems with their real status.

Facts: protocol 1.4 and 1.5. A 402 carries a fresh challenge for every offer, for whatever failed
was about the old one (2.14 D4); so does a 410, whose client has to open another channel. What a
payment cannot mend (400, 403, 413, 422) carries none, and neither does a 5xx: it must not invite
anyone to pay twice. No refusal carries a receipt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from mpp.errors import InternalPaymentError, PaymentError

from mock_rails.core.errors import PROBLEM_TYPE_PREFIX
from sandbox.methods.unchecked import PaymentUncheckedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox.server.challenges import Issued
    from sandbox.server.stores.errors import StoreError

Headers = list[tuple[bytes, bytes]]

EXPOSED: Final = b"WWW-Authenticate, Payment-Receipt, Payment-Session, Payment-Session-Snapshot"
"""What a page of another origin may read (Fetch, 3.3.5): else its client never sees a challenge."""

NO_STORE: Final = (b"cache-control", b"no-store")
PROBLEM: Final = (b"content-type", b"application/problem+json")
JSON: Final = (b"content-type", b"application/json")
HTML: Final = (b"content-type", b"text/html; charset=utf-8")

_INVITES: Final = frozenset({402, 410})
_LONGEST_DETAIL: Final = 2_000
CORS: Final[Headers] = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", EXPOSED),
]
"""For the gate's own answers, which no CORS middleware inside the application sees."""

_PAGE_POLICY: Final = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
)


class PolicyRefusedError(PaymentError):
    """The route's policy forbids the request; paying does not help. Nothing was charged."""

    status = 403
    type = PROBLEM_TYPE_PREFIX + "policy-refused"
    title = "Not Allowed"


class ContentTooLargeError(PaymentError):
    """The request's body is larger than the gate reads. Nothing was charged."""

    status = 413
    type = PROBLEM_TYPE_PREFIX + "content-too-large"
    title = "Content Too Large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The request's body is larger than {limit:,} bytes.")
        self.details = {"limit": limit}


class OutcomeUnknownError(PaymentError):
    """Nobody knows whether the payment took place. The credential stays used."""

    status = 500
    type = InternalPaymentError.type
    title = InternalPaymentError.title
    hint = "Do not pay again: the payment may have taken place. Look up its transaction first."

    def __init__(self, tx_hash: str | None = None) -> None:
        super().__init__("The outcome of the payment is not known.")
        if tx_hash is not None:
            self.details = {"transactionHash": tx_hash}


class NothingOfferedError(PaymentUncheckedError):
    """The route costs money, and no way to pay for it can be offered now. A 402 would have to say
    how to pay."""

    type = InternalPaymentError.type
    title = InternalPaymentError.title
    hint = "Nothing was charged here. Ask again in a moment."
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__("No way to pay can be offered now.")


class StoreFailedError(PaymentUncheckedError):
    """The merchant's store failed, so nothing was taken: what is not written down is neither
    charged nor delivered. The merchant is told why (`trouble`), the client only that."""

    type = InternalPaymentError.type
    title = InternalPaymentError.title
    retry_after_s = 1

    def __init__(self, failure: StoreError) -> None:
        super().__init__("The payment could not be written down.")
        self.failure = failure


class GateFailedError(PaymentError):
    """Something broke before anything was charged."""

    status = 500
    type = InternalPaymentError.type
    title = InternalPaymentError.title

    def __init__(self) -> None:
        super().__init__("The payment gate failed. Nothing was charged.")


class DeliveryFailedError(PaymentError):
    """The payment was taken, and the application broke before it answered."""

    status = 500
    type = PROBLEM_TYPE_PREFIX + "delivery-failed"
    title = "Delivery Failed"
    hint = "The payment was taken. Do not pay again; ask the merchant, who has a record of it."

    def __init__(self, reference: str) -> None:
        super().__init__("The payment was taken, but the application failed to answer.")
        self.details = {"reference": reference}


class NotKeptError(PaymentError):
    """The request was paid for and answered, and its answer cannot be given again."""

    status = 409
    type = PROBLEM_TYPE_PREFIX + "answer-not-kept"
    title = "Answer Not Kept"

    def __init__(self) -> None:
        super().__init__(
            "The request with this Idempotency-Key was paid for and answered; its answer was "
            "streamed or too large to be kept. Nothing more was charged."
        )


class Refused(Exception):
    """A check that a request did not pass: its name, the problem, and what was wanted and came."""

    def __init__(
        self, check: str, error: PaymentError, *, expected: Any = None, got: Any = None
    ) -> None:
        super().__init__(check)
        self.check = check
        self.error = error
        self.expected = expected
        self.got = got


def invites(error: PaymentError) -> bool:
    """Whether the answer to it carries challenges."""
    return error.status in _INVITES


def problem_body(error: PaymentError, challenge_id: str | None = None) -> bytes:
    """The problem document, its `status` being the one it is sent with."""
    document = error.to_problem_details(challenge_id)
    if len(document["detail"]) > _LONGEST_DETAIL:
        document["detail"] = document["detail"][:_LONGEST_DETAIL] + "..."
    return orjson.dumps(document, default=str)


def refusal_headers(
    error: PaymentError,
    issued: Sequence[Issued],
    *,
    kind: tuple[bytes, bytes] = PROBLEM,
    length: int,
    cors: bool,
    more: Iterable[tuple[bytes, bytes]] = (),
) -> Headers:
    """The headers of a refusal: one `WWW-Authenticate` for each challenge."""
    headers: Headers = [kind, NO_STORE, (b"content-length", b"%d" % length)]
    headers += [(b"www-authenticate", one.header_value.encode("latin-1")) for one in issued]
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % retry_after_s))
    if kind is HTML:
        headers.append(_PAGE_POLICY)
    if cors:
        headers += CORS
    headers += more
    return headers
