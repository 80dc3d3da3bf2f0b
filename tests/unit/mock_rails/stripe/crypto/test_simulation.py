"""The two hashes of test mode (facts: stripe 1.7 a)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.mock_rails.stripe.crypto.paper import BUYER

if TYPE_CHECKING:
    import httpx

    from mock_rails.stripe.rail import Stripe
    from tests.unit.mock_rails.stripe.crypto.conftest import Merchant

SUCCEEDS = "0x00000000000000000000000000000000000000000000000000000testsuccess"
FAILS = "0x000000000000000000000000000000000000000000000000000000testfailed"


async def simulate(
    merchant: Merchant, intent: dict[str, Any], tx_hash: str, **more: str
) -> httpx.Response:
    """Let a deposit be seen."""
    form = {
        "buyer_wallet": BUYER,
        "network": "tempo",
        "token_currency": "usdc",
        "transaction_hash": tx_hash,
        **more,
    }
    path = f"/v1/test_helpers/payment_intents/{intent['id']}/simulate_crypto_deposit"
    return await merchant.http.post(path, data=form)


async def test_a_deposit_that_succeeds(merchant: Merchant, rail: Stripe) -> None:
    """1.7 a: succeeded within 15 s, by the sandbox clock."""
    intent = await merchant.asked()
    assert (await simulate(merchant, intent, SUCCEEDS)).json()["status"] == "processing"
    rail.context.clock.advance(14)
    assert (await merchant.intent(intent["id"]))["status"] == "processing"
    rail.context.clock.advance(1)
    paid = await merchant.intent(intent["id"])
    assert paid["status"] == "succeeded"
    details = paid["latest_charge"]["payment_method_details"]["crypto"]
    assert (details["buyer_address"], details["transaction_hash"]) == (BUYER, SUCCEEDS)
    rail.check_conservation()


async def test_a_deposit_that_fails_can_be_asked_for_again(
    merchant: Merchant, rail: Stripe
) -> None:
    """1.7 a: requires_payment_method within 15 s."""
    intent = await merchant.asked()
    await simulate(merchant, intent, FAILS)
    rail.context.clock.advance(15)
    failed = await merchant.intent(intent["id"])
    assert failed["status"] == "requires_payment_method"
    assert failed["last_payment_error"]["code"] == "payment_intent_payment_attempt_failed"
    again = await merchant.http.post(
        f"/v1/payment_intents/{intent['id']}/confirm",
        data={"payment_method_data[type]": "crypto"},
    )
    assert again.json()["status"] == "requires_action", again.text
    assert (await simulate(merchant, intent, SUCCEEDS)).json()["status"] == "processing"


@pytest.mark.parametrize(
    ("tx_hash", "more", "param"),
    [
        ("0x" + "1" * 64, {}, "transaction_hash"),
        (SUCCEEDS[:2] + SUCCEEDS[3:], {}, "transaction_hash"),
        (SUCCEEDS.upper(), {}, "transaction_hash"),
        (SUCCEEDS, {"network": "base"}, "network"),
        (SUCCEEDS, {"network": "bitcoin"}, "network"),
        (SUCCEEDS, {"token_currency": "usdg"}, "token_currency"),
        (SUCCEEDS, {"buyer_wallet": ""}, "buyer_wallet"),
    ],
)
async def test_anything_else_is_refused(
    merchant: Merchant, tx_hash: str, more: dict[str, str], param: str
) -> None:
    """1.7 a: `match those two literals exactly`."""
    intent = await merchant.asked()
    refused = await simulate(merchant, intent, tx_hash, **more)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == param
    assert (await merchant.intent(intent["id"]))["status"] == "requires_action"


async def test_only_a_payment_intent_that_awaits_one_has_a_deposit(merchant: Merchant) -> None:
    """1.5: the state forbids it, and the error holds the PaymentIntent."""
    intent = await merchant.asked()
    await simulate(merchant, intent, SUCCEEDS)
    twice = await simulate(merchant, intent, SUCCEEDS)
    assert twice.status_code == 400
    assert twice.json()["error"]["code"] == "payment_intent_unexpected_state"
    assert twice.json()["error"]["payment_intent"]["status"] == "processing"
    missing = await simulate(merchant, {"id": "pi_nobody"}, SUCCEEDS)
    assert missing.status_code == 404


async def test_live_payments_are_not_simulated(merchant: Merchant) -> None:
    """1.7 a: `testmode PaymentIntent`."""
    merchant.http.headers["authorization"] = "Bearer sk_" + "live_x"
    intent = await merchant.asked()
    refused = await simulate(merchant, intent, SUCCEEDS)
    assert refused.status_code == 400
    assert "test mode" in refused.json()["error"]["message"]
