"""Which types of payment method a PaymentIntent takes (facts: stripe 0.1, 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.mock_rails.stripe.intents.shop import Shop

PATH = "/v1/payment_intents"


@pytest.mark.parametrize(
    ("given", "types"),
    [
        ({}, ["card", "link", "crypto"]),
        ({"currency": "eur"}, ["card", "link"]),
        ({"payment_method_types": ["card", "link"]}, ["card", "link"]),
        ({"payment_method_types": ["klarna"]}, ["klarna"]),
        ({"allowed_payment_method_types": ["crypto"]}, ["crypto"]),
        ({"allowed_payment_method_types": ["card", "klarna"]}, ["card"]),
        ({"excluded_payment_method_types": ["card"]}, ["link", "crypto"]),
        ({"automatic_payment_methods": {"enabled": True}}, ["card", "link", "crypto"]),
        ({"automatic_payment_methods": {"enabled": False}}, ["card"]),
    ],
)
async def test_the_ways_to_choose(shop: Shop, given: dict[str, Any], types: list[str]) -> None:
    intent = await shop.post(PATH, **{"amount": 1000, "currency": "usd", **given})
    assert intent["payment_method_types"] == types
    for name in ("allowed_payment_method_types", "excluded_payment_method_types"):
        assert intent[name] == given.get(name)


@pytest.mark.parametrize(
    ("given", "param"),
    [
        (
            {"payment_method_types": ["card"], "excluded_payment_method_types": ["link"]},
            "payment_method_types",
        ),
        (
            {
                "allowed_payment_method_types": ["card"],
                "automatic_payment_methods": {"enabled": True},
            },
            "allowed_payment_method_types",
        ),
        ({"payment_method_types": ["gold"]}, "payment_method_types"),
        ({"allowed_payment_method_types": ["card", "gold"]}, "allowed_payment_method_types[1]"),
        (
            {"automatic_payment_methods": {"allow_redirects": "never"}},
            "automatic_payment_methods[enabled]",
        ),
        (
            {"excluded_payment_method_types": ["card", "link", "crypto"]},
            "excluded_payment_method_types",
        ),
    ],
)
async def test_ways_that_contradict_each_other(
    shop: Shop, given: dict[str, Any], param: str
) -> None:
    error = await shop.refused(400, PATH, amount=1000, currency="usd", **given)
    assert error["param"] == param
