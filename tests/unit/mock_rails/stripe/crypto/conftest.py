"""A merchant that takes stablecoins, on a chain that does what a test says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.mock_rails.stripe.crypto.paper import PaperChain

if TYPE_CHECKING:
    import httpx

    from mock_rails.stripe.rail import Stripe

CRYPTO = "payment_method_options[crypto]"
INTENTS = "/v1/payment_intents"


@dataclass(frozen=True)
class Merchant:
    """Whoever takes stablecoins."""

    http: httpx.AsyncClient

    async def ask(self, amount: int = 101, **more: Any) -> httpx.Response:
        """Ask for a deposit."""
        form = {
            "amount": str(amount),
            "currency": "usd",
            "confirm": "true",
            "payment_method_types[0]": "crypto",
            "payment_method_data[type]": "crypto",
            f"{CRYPTO}[mode]": "deposit",
            f"{CRYPTO}[deposit_options][networks][0]": "tempo",
            **more,
        }
        return await self.http.post(
            INTENTS, data={name: value for name, value in form.items() if value is not None}
        )

    async def asked(self, amount: int = 101, **more: Any) -> dict[str, Any]:
        """A PaymentIntent that awaits a deposit."""
        answer = await self.ask(amount, **more)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "requires_action"
        return dict(answer.json())

    async def verify(self, tx_hash: str, amount: int = 101, **more: Any) -> httpx.Response:
        """Record a payment that was made already, as MPP servers do."""
        form = {
            "amount": str(amount),
            "currency": "usd",
            "confirm": "true",
            "payment_method_types[0]": "crypto",
            "payment_method_data[type]": "crypto",
            f"{CRYPTO}[mode]": "transaction_verification",
            f"{CRYPTO}[transaction_verification_options][network]": "tempo",
            f"{CRYPTO}[transaction_verification_options][transaction_hash]": tx_hash,
            **more,
        }
        return await self.http.post(INTENTS, data=form)

    async def intent(self, intent_id: str) -> dict[str, Any]:
        """A PaymentIntent as it is now, its charge and balance transaction in it."""
        query = {"expand[0]": "latest_charge.balance_transaction"}
        return dict((await self.http.get(f"{INTENTS}/{intent_id}", params=query)).json())

    async def address(self, network: str = "tempo", **more: Any) -> dict[str, Any]:
        """A new deposit address."""
        answer = await self.http.post(
            "/v1/crypto/deposit_addresses", data={"network": network, **more}
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def address_of(intent: dict[str, Any], network: str = "tempo") -> str:
    """Where a PaymentIntent wants its deposit."""
    shown = intent["next_action"]["crypto_display_details"]["deposit_addresses"]
    return str(shown[network]["address"])


@pytest.fixture
def merchant(http: httpx.AsyncClient) -> Merchant:
    """The holder of the test key."""
    return Merchant(http)


@pytest.fixture
def chain(rail: Stripe) -> PaperChain:
    """A chain that is attached to the rail."""
    chain = PaperChain()
    rail.attach_chain(chain)
    return chain
