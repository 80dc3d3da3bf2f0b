"""Makes Shared Payment Tokens at Stripe's test helper, and takes them back (facts: stripe 1.4).

A token can be charged once, and only its agent can end it. So what became of a payment is not the
server's word but Stripe's: a token that was withdrawn before it was used has paid nothing and never
will, and one that was used has paid.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import httpx

from sandbox.client.errors import PaymentNotPreparedError
from sandbox.methods.stripe_transport import AnswerLost, StripeTransport, document_of
from sandbox.methods.unchecked import PaymentUncheckedError

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from sandbox.client.cards.request import CardCharge
    from sandbox.client.cards.wallet import CardWallet

TOKENS: Final = "/v1/test_helpers/shared_payment/granted_tokens"
GRANTED: Final = "/v1/shared_payment/granted_tokens"
CHALLENGE: Final = "mpp_challenge_id"
"""Under what Stripe's request log finds the challenge that a token is for."""

_VERSION: Final = "2026-07-29.preview"
_UNKNOWN_PARAMETER: Final = "Received unknown parameter"
"""The words by which newer versions refuse who the seller is; mppx leaves that out then."""
_TIMEOUT_S: Final = 10
_USED: Final = frozenset({"consumed", "resolved"})
_UNUSED: Final = frozenset({"expired", "revoked"})


class Fate(Enum):
    """What became of a token."""

    CHARGED = "charged"
    WITHDRAWN = "withdrawn"
    """It was not charged, and cannot be any more."""
    UNKNOWN = "unknown"


class Mint:
    """Stripe, as one card's owner uses it. What it is asked for is asked again under the same
    `Idempotency-Key` until the answer is known, a few times."""

    def __init__(self, wallet: CardWallet, clock: Clock) -> None:
        self._wallet = wallet
        self._owns = wallet.transport is None
        self._transport = StripeTransport(
            wallet.stripe_url, clock=clock, inner=wallet.transport, takes_replays=True
        )
        self._http = httpx.AsyncClient(
            transport=self._transport,
            base_url=httpx.URL(wallet.stripe_url).copy_with(path="/"),
            timeout=_TIMEOUT_S,
            headers={"authorization": wallet.authorization, "stripe-version": _VERSION},
        )

    def form(self, charge: CardCharge, expires_s: int) -> dict[str, str]:
        """What a token is asked for with: it can pay this challenge and nothing more."""
        return {
            "payment_method": self._wallet.payment_method,
            "usage_limits[currency]": charge.currency,
            "usage_limits[max_amount]": str(charge.amount),
            "usage_limits[expires_at]": str(expires_s),
            "seller_details[network_id]": charge.network_id,
            f"shared_metadata[{CHALLENGE}]": charge.challenge_id,
        }

    async def mint(self, form: dict[str, str], key: str) -> str:
        """The token's id. Raises `PaymentNotPreparedError`; then nobody was shown a token."""
        try:
            answer = await self._post(TOKENS, form, key)
            if _UNKNOWN_PARAMETER in _message(answer):
                form = {name: one for name, one in form.items() if not name.startswith("seller")}
                answer = await self._post(TOKENS, form, key)
        except (AnswerLost, PaymentUncheckedError) as error:
            raise PaymentNotPreparedError(
                f"Stripe at {self._wallet.stripe_url} made no payment token: {error}",
                hint="Nothing was paid. Is that the address, and the key one of that account?",
            ) from error
        token = document_of(answer).get("id")
        if answer.is_success and isinstance(token, str):
            return token
        said = self._wallet.hide(_message(answer)) or f"it answered HTTP {answer.status_code}"
        raise PaymentNotPreparedError(f"Stripe made no payment token: {said}")

    async def withdraw(self, token: str) -> Fate:
        """Take the token back if it was not used; what became of it."""
        name = quote(token, safe="")
        try:
            answer = await self._post(f"{TOKENS}/{name}/revoke", {}, f"revoke_{token}"[:255])
            fate = _fate(document_of(answer))
            if fate is Fate.UNKNOWN:
                fate = _fate(document_of(await self._http.get(f"{GRANTED}/{name}")))
        except (AnswerLost, PaymentUncheckedError):
            return Fate.UNKNOWN
        return fate

    async def aclose(self) -> None:
        """Close its connections, if they are its own."""
        if self._owns:
            await self._http.aclose()

    async def _post(self, path: str, form: dict[str, str], key: str) -> httpx.Response:
        return await self._http.post(path, data=form, headers={"idempotency-key": key})


def _fate(token: dict[str, Any]) -> Fate:
    reason = token.get("deactivated_reason")
    if reason in _USED:
        return Fate.CHARGED
    return Fate.WITHDRAWN if reason in _UNUSED else Fate.UNKNOWN


def _message(answer: httpx.Response) -> str:
    error = document_of(answer).get("error")
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else ""
