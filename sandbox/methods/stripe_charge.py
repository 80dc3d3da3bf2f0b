"""A merchant's account at Stripe: pympp's charge method, with outcomes that can be relied on.

pympp's `secret_key` mode posts to a fixed host and takes every failure for "not paid"; a lost
answer then becomes a second payment (facts: stripe 0.2, 1.5, 5). The transport here carries its
requests to any Stripe, and tells three things apart before pympp sees an answer: what Stripe
decided, what was surely never done (`PaymentUncheckedError`), and what nobody knows
(`PaymentOutcomeUnknownError`).

    async with StripeMerchant(url, secret_key="sk_test_...", network_id="profile_test_...",
                              clock=clock) as stripe:
        offers = charge_offers(stripe.charge(currency="usd"), amount="0.50", find=stripe.find)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import httpx
from mpp.errors import (
    CredentialReplayedError,
    PaymentOutcomeUnknownError,
    VerificationFailedError,
)

from sandbox.methods.stripe_transport import (
    TIMEOUT_S,
    AnswerLost,
    StripeTransport,
    plain_transport,
)
from sandbox.methods.unchecked import PaymentUncheckedError

if TYPE_CHECKING:
    from types import TracebackType

    from mpp import Receipt
    from mpp.server.method import ServerMethod, VerifyContext

    from mock_rails.core.clock import Clock

_FAILED: Final = "Payment verification failed: "
"""How pympp begins the reason of a refusal, which it ends with another full stop."""
_SHOWN: Final = 4


class StripeMerchant:
    """One account that is paid by Stripe's charges: its methods, and what came of them."""

    def __init__(
        self,
        url: str,
        *,
        secret_key: str,
        network_id: str,
        clock: Clock,
        inner: httpx.AsyncBaseTransport | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """`url` is any Stripe's, without `/v1`; `inner` carries the bytes there. An answer that
        takes longer than `timeout_s` is lost."""
        self.network_id = network_id
        self._secret_key = secret_key
        inner = inner or plain_transport(url)
        once = StripeTransport(url, clock=clock, inner=inner)
        again = StripeTransport(url, clock=clock, inner=inner, takes_replays=True)
        self._http = httpx.AsyncClient(transport=once, timeout=timeout_s)
        self._http_again = httpx.AsyncClient(transport=again, timeout=timeout_s)
        self._again = self._method(self._http_again)

    def charge(self, **options: Any) -> ServerMethod:
        """pympp's `stripe.charge` with these options, for this account."""
        return self._method(self._http, **options)

    async def find(self, method: ServerMethod, context: VerifyContext) -> Receipt | None:
        """What came of a charge whose end nobody saw; None while Stripe does not say.

        Asks for it once more under its own key: if it was done, that is its answer; if it never
        arrived, it is done now, and once. A search could not tell, for Stripe's lags behind.
        """
        assert self._again.verify is not None
        try:
            return await self._again.verify(context)
        except (PaymentOutcomeUnknownError, PaymentUncheckedError):
            return None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        await self._http_again.aclose()

    async def __aenter__(self) -> StripeMerchant:
        """Itself, to be closed at the end."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.aclose()

    def _method(self, http: httpx.AsyncClient, **options: Any) -> ServerMethod:
        from mpp.methods.stripe.server import charge

        method = charge(
            network_id=self.network_id,
            secret_key=self._secret_key,
            http_client=http,
            **options,
        )
        verify = method.verify
        assert verify is not None

        async def verified(context: VerifyContext) -> Receipt:
            payload: Any = context.credential.payload  # pympp's model of it
            try:
                return await verify(context)
            except AnswerLost as error:
                raise PaymentOutcomeUnknownError(context.challenge, error) from error
            except CredentialReplayedError:
                raise  # no reason to pay again, and so no plain refusal
            except VerificationFailedError as error:
                raise _told(error, payload.spt) from None

        return replace(method, verify=verified)


def _told(error: VerificationFailedError, token: str) -> VerificationFailedError:
    """A refusal in Stripe's words, but for the token in them: it may still be worth something, and
    refusals are written down."""
    words = str(error).removeprefix(_FAILED)
    if len(token) > _SHOWN:
        words = words.replace(token, f"…{token[-_SHOWN:]}")
    return VerificationFailedError(words.rstrip(".") or None)
