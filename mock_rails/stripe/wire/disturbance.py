"""What armed faults do to a request: before it is done, and to its answer (facts: stripe 0.2, 6).

A fault before the work leaves nothing done and its idempotency key free. A fault after it leaves
everything done and the true answer stored under the key, so that a second try is a replay: exactly
what turns a lost answer into a double charge at a client that is not careful.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.errors import ApiError, CardError, InvalidRequest, StripeError
from mock_rails.stripe.wire import rate_limit
from mock_rails.stripe.wire.request import Answer, dump

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from mock_rails.core.faults import Fault

BEFORE: Final = frozenset({"error", "rate_limit"})
"""Actions that refuse the request instead of doing it."""

_DEFAULT_STATUS: Final = 500
_DEFAULT_MS: Final = 1_000
_GARBLED: Final = b"<html><body>502 Bad Gateway</body></html>"


def refusal(fault: Fault) -> StripeError:
    """The error that `error` or `rate_limit` answers."""
    if fault.do == "rate_limit":
        return rate_limit.refusal(str(fault.args.get("reason", rate_limit.GLOBAL)))
    return _error(fault.args)


def later_error(fault: Fault) -> StripeError:
    """The error that `commit_then_error` answers."""
    return _error(fault.args)


async def wait(fault: Fault, clock: Clock) -> None:
    """Let wall time pass, as `hold` and `delay` do."""
    await clock.wall_sleep(timedelta(milliseconds=fault.args.get("ms", _DEFAULT_MS)))


def dropped() -> Answer:
    """No answer at all."""
    return Answer(0, b"", fate="dropped")


def spoilt(fault: Fault, answer: Answer) -> Answer:
    """The answer after `truncate` or `garble`."""
    if fault.do == "truncate":
        answer.fate = "truncated"
    elif fault.do == "garble":
        answer.body = _GARBLED
        answer.fate = "garbled"
    return answer


def _error(args: Any) -> StripeError:
    status = args.get("status", _DEFAULT_STATUS)
    if not 400 <= status <= 599:
        status = _DEFAULT_STATUS
    kinds: dict[bool, type[StripeError]] = {True: ApiError, False: InvalidRequest}
    kind = CardError if status == 402 else kinds[status >= 500]
    headers = {}
    if (retry := args.get("should_retry")) is not None:
        headers["Stripe-Should-Retry"] = "true" if retry in (True, "true") else "false"
    error = kind(
        str(args.get("message", "An armed fault of the sandbox answers this.")),
        code=None if args.get("code") is None else str(args["code"]),
        status=status,
        headers=headers,
    )
    if args.get("type") is not None:
        error.type = str(args["type"])
    return error


def body(error: StripeError) -> bytes:
    """The error's envelope as JSON."""
    return dump({"error": error.envelope()})
