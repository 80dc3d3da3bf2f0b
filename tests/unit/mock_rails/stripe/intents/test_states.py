"""The state machine: in each state, what may be done and what is refused (facts: stripe 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.stripe.intents import lifecycle, states

if TYPE_CHECKING:
    from tests.unit.mock_rails.stripe.intents.shop import Shop

ALLOWED = {
    "requires_payment_method": {"confirm", "cancel", "update"},
    "requires_confirmation": {"confirm", "cancel", "update"},
    "requires_action": {"confirm", "cancel", "update"},
    "processing": set(),
    "requires_capture": {"capture", "cancel"},
    "succeeded": set(),
    "canceled": set(),
}
DEEDS = ("confirm", "capture", "cancel", "update")


async def _in(shop: Shop, status: str) -> dict[str, Any]:
    """A PaymentIntent in that state."""
    if status == "requires_payment_method":
        return await shop.post("/v1/payment_intents", **shop.charge(confirm=None))
    if status == "requires_confirmation":
        params = shop.charge("pm_card_visa", confirm=None)
        return await shop.post("/v1/payment_intents", **params)
    if status == "requires_action":
        return await shop.pay("pm_card_authenticationRequired")
    if status == "requires_capture":
        return await shop.pay("pm_card_visa", capture_method="manual")
    if status == "succeeded":
        return await shop.pay("pm_card_visa")
    intent = await shop.post("/v1/payment_intents", **shop.charge(confirm=None))
    if status == "canceled":
        return await shop.do(intent, "cancel")
    with shop.rail.operation() as op:
        lifecycle.processing(op, op.get(states.TABLE, intent["id"]))
    return await shop.intent(intent)


@pytest.mark.parametrize("status", list(ALLOWED))
@pytest.mark.parametrize("deed", DEEDS)
async def test_each_deed_in_each_state(shop: Shop, status: str, deed: str) -> None:
    intent = await _in(shop, status)
    assert intent["status"] == status
    path = f"/v1/payment_intents/{intent['id']}"
    params: dict[str, Any] = {"amount": 2000} if deed == "update" else {}
    if deed == "confirm":
        params = {"payment_method": "pm_card_visa"}
    path = path if deed == "update" else f"{path}/{deed}"
    if deed in ALLOWED[status]:
        await shop.post(path, **params)
        return
    told = shop.told()
    error = await shop.refused(400, path, **params)
    assert error["code"] == "payment_intent_unexpected_state"
    assert error["payment_intent"] == intent
    assert await shop.intent(intent) == intent
    assert shop.told() == told


async def test_metadata_and_words_may_change_in_any_state(shop: Shop) -> None:
    intent = await _in(shop, "succeeded")
    changed = await shop.post(
        f"/v1/payment_intents/{intent['id']}", description="late", metadata={"a": "1"}
    )
    assert (changed["description"], changed["metadata"]) == ("late", {"a": "1"})
    changed = await shop.post(f"/v1/payment_intents/{intent['id']}", metadata={"a": ""})
    assert changed["metadata"] == {}


async def test_another_amount_needs_another_confirmation(shop: Shop) -> None:
    intent = await _in(shop, "requires_action")
    intent = await shop.post(f"/v1/payment_intents/{intent['id']}", amount=2000)
    assert (intent["status"], intent["next_action"]) == ("requires_confirmation", None)


async def test_a_method_can_be_taken_away_again(shop: Shop) -> None:
    intent = await _in(shop, "requires_confirmation")
    intent = await shop.post(f"/v1/payment_intents/{intent['id']}", payment_method="")
    assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)


async def test_an_asynchronous_failure_says_why(shop: Shop) -> None:
    """What `crypto` and other slow methods do when the money does not come."""
    intent = await _in(shop, "processing")
    with shop.rail.operation() as op:
        lifecycle.fail(
            op, op.get(states.TABLE, intent["id"]), code="payment_intent_failed", message="Late."
        )
    intent = await shop.intent(intent)
    assert intent["status"] == "requires_payment_method"
    assert intent["last_payment_error"]["message"] == "Late."
    assert shop.told()[-2:] == ["payment_intent.processing", "payment_intent.payment_failed"]


def test_no_state_is_left_out_of_the_table() -> None:
    assert set(states.TRANSITIONS) == set(ALLOWED)
    for reached in states.TRANSITIONS.values():
        assert reached <= set(ALLOWED)
