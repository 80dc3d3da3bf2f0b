"""Payments to try refunds, disputes and payouts on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mock_rails.stripe import intents
from mock_rails.stripe.intents import charges

if TYPE_CHECKING:
    import httpx

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation
    from mock_rails.stripe.rail import Stripe

DAY_S = 86_400


def pay(op: Operation, amount: int = 1_000, card: str = "visa", currency: str = "usd") -> Record:
    """A charge of a test card, captured at once."""
    intent = intents.create(
        op,
        {
            "amount": amount,
            "currency": currency,
            "payment_method": f"pm_card_{card}",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        },
    )
    return op.get(charges.TABLE, intent["latest_charge"])


def paid(rail: Stripe, amount: int = 1_000, card: str = "visa", currency: str = "usd") -> Record:
    """A charge in a call of its own."""
    with rail.operation() as op:
        return pay(op, amount, card, currency)


def later(rail: Stripe, seconds: int) -> None:
    """Let time pass, and happen what is due meanwhile."""
    rail.context.clock.advance(timedelta(seconds=seconds))
    rail.catch_up()
    rail.check_conservation()


def happened(rail: Stripe, *kinds: str) -> list[str]:
    """The types of the events so far, in order; of some kinds only, where they are named."""
    types = [one["type"] for one in rail.state.all("events")]
    return [one for one in types if not kinds or one.startswith(kinds)]


async def get(http: httpx.AsyncClient, path: str, **params: Any) -> dict[str, Any]:
    """What a GET answers, which must be a success."""
    answer = await http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def post(http: httpx.AsyncClient, path: str, **params: Any) -> dict[str, Any]:
    """What a POST answers, which must be a success."""
    answer = await http.post(path, data=params)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def refusal(http: httpx.AsyncClient, path: str, **params: Any) -> dict[str, Any]:
    """The error of a POST that must be refused."""
    answer = await http.post(path, data=params)
    assert 400 <= answer.status_code < 500, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error
