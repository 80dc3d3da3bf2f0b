"""Stripe's errors: one class a `type` of the envelope, each raised with its `code` and `param`.

SDKs choose their exception class by the HTTP status and read `type`, `code`, `param`, `message` and
`decline_code` from the body (facts: stripe 2.4), so all of them are said here and nowhere else.

    StripeError
     ├── InvalidRequest         the request is wrong, or the state forbids it       400
     │    ├── UnknownParameter  a parameter that the endpoint does not take          400
     │    ├── Missing           no such object, or another account's                 404
     │    └── NotEmulated       Stripe has the route, this rail does not             501
     ├── CardError              the card said no; the attempt stays on record        402
     ├── IdempotencyError       a key was used for something else                    400
     └── ApiError               Stripe itself failed: only armed faults do this      500
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.core.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Mapping


class StripeError(SandboxError):
    """The root. `extra` goes into the envelope as it is: `decline_code`, `payment_intent`, …"""

    type: str = "api_error"
    commits: bool = False
    """Whether what the call has done so far stays done (a declined attempt is on record)."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message, status=status)
        self.stripe_code = code
        self.param = param
        self.headers: dict[str, str] = dict(headers or {})
        self.extra = extra

    def envelope(self) -> dict[str, Any]:
        """The `error` object of the response's body, without `request_log_url`."""
        error: dict[str, Any] = {"type": self.type, "message": self.detail}
        if self.stripe_code is not None:
            error["code"] = self.stripe_code
            if not self.stripe_code.startswith("sandbox_"):  # Stripe has no page about those
                page = self.stripe_code.replace("_", "-")
                error["doc_url"] = f"https://stripe.com/docs/error-codes/{page}"
        if self.param is not None:
            error["param"] = self.param
        return {**error, **self.extra}


class InvalidRequest(StripeError):
    """The request is wrong, or the present state forbids it; nothing was changed."""

    type = "invalid_request_error"
    status = 400


class UnknownParameter(InvalidRequest):
    """A parameter that the endpoint does not take. Clients look for these very words (1.4)."""

    def __init__(self, param: str) -> None:
        super().__init__(
            f"Received unknown parameter: {param}", code="parameter_unknown", param=param
        )


class Missing(InvalidRequest):
    """There is no such object, or it is another account's."""

    status = 404

    def __init__(self, noun: str, object_id: str, *, param: str | None = None) -> None:
        super().__init__(
            f"No such {noun}: '{object_id[:100]}'", code="resource_missing", param=param
        )


class NotEmulated(InvalidRequest):
    """Stripe has this; the rail does not, and says so instead of answering from a fixture."""

    status = 501

    def __init__(self, what: str, *, param: str | None = None) -> None:
        super().__init__(
            f"mpp-sandbox does not emulate {what}.",
            code="sandbox_not_emulated",
            param=param,
            headers={"Stripe-Should-Retry": "false"},  # SDKs try again from 500 on
        )


class CardError(StripeError):
    """The card said no. The attempt is on record, so what the call has done stays done."""

    type = "card_error"
    status = 402
    commits = True


class IdempotencyError(StripeError):
    """An Idempotency-Key came back with other parameters or at another endpoint."""

    type = "idempotency_error"
    status = 400


class ApiError(StripeError):
    """Stripe itself failed. Nothing here does so unless an armed fault says so."""

    type = "api_error"
    status = 500
