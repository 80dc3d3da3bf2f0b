"""Which challenges a card can pay (draft-stripe-charge-00; facts: stripe 2.9, 5)."""

from __future__ import annotations

from typing import Any

import pytest
from mpp import Challenge

from sandbox.client.cards.request import CardCharge

END = "2026-01-01T00:05:00.900Z"
END_S = 1_767_225_900


def challenge(method: str = "stripe", intent: str = "charge", **request: Any) -> Challenge:
    details = {"networkId": "profile_test_shop", "paymentMethodTypes": ["card", "link"]}
    asked = {"amount": "50", "currency": "usd", "methodDetails": details} | request
    return Challenge(
        id="chal", realm="shop", method=method, intent=intent, request=asked, expires=END
    )


def details(**changes: Any) -> dict[str, Any]:
    made = {"networkId": "profile_test_shop", "paymentMethodTypes": ["card"]} | changes
    return {"methodDetails": {name: one for name, one in made.items() if one is not None}}


def test_a_charge_is_read() -> None:
    assert CardCharge.of(challenge()) == CardCharge("chal", 50, "usd", "profile_test_shop", END_S)


@pytest.mark.parametrize(
    "request_",
    [
        {"amount": "49"},  # the least is half a dollar
        {"currency": "mxn", "amount": "999"},
        {"amount": "100000000"},  # amounts have eight digits
        {"amount": 50},
        {"amount": "0.50"},
        {"amount": "-50"},
        {"amount": "٥٠"},  # noqa: RUF001 - digits, but not ASCII's
        {"currency": "pathusd"},
        {"currency": "0x20c0000000000000000000000000000000000000"},
        {"currency": None},
        {"methodDetails": None},
        details(networkId=None),
        details(networkId=""),
        details(networkId="a\nb"),
        details(paymentMethodTypes=["link"]),
        details(paymentMethodTypes="card"),
        details(paymentMethodTypes=None),
        details(metadata={"externalId": "reserved"}),
    ],
)
def test_what_no_card_can_pay(request_: dict[str, Any]) -> None:
    assert CardCharge.of(challenge(**request_)) is None


@pytest.mark.parametrize(
    ("method", "intent"), [("tempo", "charge"), ("stripe", "session"), ("stripe", "subscription")]
)
def test_other_methods_and_intents(method: str, intent: str) -> None:
    assert CardCharge.of(challenge(method, intent)) is None


def test_other_currencies_have_minimums_of_their_own() -> None:
    assert CardCharge.of(challenge(currency="GBP", amount="30")) is not None
    assert CardCharge.of(challenge(currency="jpy", amount="50")) is not None
