"""Tokens as agents grant them and sellers charge them, over the rail's wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

GRANT = "/v1/test_helpers/shared_payment/granted_tokens"
GRANTED = "/v1/shared_payment/granted_tokens"
ISSUED = "/v1/shared_payment/issued_tokens"
CHARGE = {
    "currency": "usd",
    "confirm": "true",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
}


@dataclass(frozen=True)
class Shop:
    """Whoever holds a key."""

    http: httpx.AsyncClient

    async def grant(self, card: str = "pm_card_visa", **more: Any) -> httpx.Response:
        """Ask for a token of at most 5.00 usd."""
        form = {
            "payment_method": card,
            "usage_limits[currency]": "usd",
            "usage_limits[max_amount]": "500",
            **more,
        }
        return await self.http.post(
            GRANT, data={name: value for name, value in form.items() if value is not None}
        )

    async def token(self, card: str = "pm_card_visa", **more: Any) -> str:
        """The id of a token that was granted."""
        answer = await self.grant(card, **more)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def charge(self, token: str, amount: int = 300, **more: Any) -> httpx.Response:
        """Charge a token as an MPP server does."""
        form = {**CHARGE, "amount": str(amount), "shared_payment_granted_token": token, **more}
        return await self.http.post("/v1/payment_intents", data=form)

    async def granted(self, token: str) -> dict[str, Any]:
        """The seller's view of a token."""
        answer = await self.http.get(f"{GRANTED}/{token}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
def shop(http: httpx.AsyncClient) -> Shop:
    """The holder of the test key."""
    return Shop(http)
