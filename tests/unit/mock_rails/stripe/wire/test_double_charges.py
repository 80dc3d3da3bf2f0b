"""Who paid twice for one call (facts: stripe 0.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from mock_rails.core.clock import Clock

CHARGE = {
    "currency": "usd",
    "confirm": "true",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
    "metadata[machine_payment]": "true",
}


async def pay(
    http: httpx.AsyncClient,
    challenge: str,
    *,
    card: str = "pm_card_visa",
    amount: int = 500,
    **more: str,
) -> httpx.Response:
    """What a client and its server do for one challenge: a new token, a new key, a charge."""
    grant = {
        "payment_method": card,
        "usage_limits[currency]": "usd",
        "usage_limits[max_amount]": str(amount),
    }
    granted = await http.post("/v1/test_helpers/shared_payment/granted_tokens", data=grant)
    token = granted.json()["id"]
    form = {
        **CHARGE,
        "amount": str(amount),
        "shared_payment_granted_token": token,
        "metadata[mpp_challenge_id]": challenge,
        **more,
    }
    key = {"idempotency-key": f"mpp_{challenge}_{token}"}
    return await http.post("/v1/payment_intents", data=form, headers=key)


async def calls(http: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await http.get("/_sandbox/double_charges", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


async def lose(http: httpx.AsyncClient, do: str = "commit_then_error") -> None:
    fault = {
        "at": "stripe.request",
        "do": do,
        "when": "nth=1",
        "where": {"route": "/v1/payment_intents"},
    }
    assert (await http.post("/_sandbox/faults", json=fault)).status_code == 200


async def test_a_payment_after_a_lost_answer_is_a_double_charge(http: httpx.AsyncClient) -> None:
    await lose(http, "commit_then_drop")
    with pytest.raises(ConnectionResetError):
        await pay(http, "c1")
    second = await pay(http, "c2")
    [call] = await calls(http)
    assert call["verdict"] == "double_charge"
    assert call["challenge_ids"] == ["c1", "c2"]
    assert (call["paid"], call["charged"], call["amount"]) == (2, 1_000, 500)
    assert len(call["granted_tokens"]) == 2
    assert call["payment_intents"][1]["id"] == second.json()["id"]
    [lost] = call["lost_answers"]
    assert (await http.get(f"/_sandbox/requests/{lost}")).json()["fate"] == "dropped"


async def test_so_is_one_after_a_replay(http: httpx.AsyncClient) -> None:
    """The SDK retried and got the success; the server took the replay for a fraud."""
    first = await pay(http, "c1")
    await lose(http)
    headers = {"idempotency-key": first.headers["idempotency-key"]}
    entry = (await http.get("/_sandbox/requests?challenge_id=c1")).json()["data"][0]
    form = {
        f"{name}[{key}]" if isinstance(value, dict) else name: item
        for name, value in entry["params"].items()
        for key, item in (value.items() if isinstance(value, dict) else [("", value)])
    }
    await http.post("/v1/payment_intents", data=form, headers=headers)
    await pay(http, "c2")
    assert [one["verdict"] for one in await calls(http)] == ["double_charge"]


async def test_so_is_one_challenge_paid_twice(http: httpx.AsyncClient) -> None:
    await pay(http, "c1")
    await pay(http, "c1")
    assert [one["verdict"] for one in await calls(http)] == ["double_charge"]


async def test_two_purchases_are_not_called_a_double_charge(http: httpx.AsyncClient) -> None:
    await pay(http, "c1")
    await pay(http, "c2")
    assert [one["verdict"] for one in await calls(http)] == ["repeated_charge"]
    assert await calls(http, verdict="double_charge") == []


async def test_three_declines_of_one_call_are_seen(http: httpx.AsyncClient) -> None:
    """A plain decline makes three PaymentIntents and three tokens with default clients."""
    for challenge in ("c1", "c2", "c3"):
        assert (await pay(http, challenge, card="pm_card_visa_chargeDeclined")).status_code == 402
    [call] = await calls(http)
    assert (call["verdict"], call["paid"], call["charged"]) == ("repeated_attempt", 0, 0)
    assert len(call["granted_tokens"]) == 3


async def test_what_differs_is_another_call(http: httpx.AsyncClient, clock: Clock) -> None:
    await pay(http, "c1")
    await pay(http, "c2", amount=600)
    await pay(http, "c3", card="pm_card_mastercard")
    await pay(http, "c4", **{"metadata[order]": "7"})
    assert await calls(http) == []
    clock.advance(61)
    await pay(http, "c5")
    assert await calls(http) == []
    assert len(await calls(http, window_s=61)) == 1


async def test_payments_without_a_challenge_are_left_alone(http: httpx.AsyncClient) -> None:
    form = {**CHARGE, "amount": "500", "payment_method": "pm_card_visa"}
    for _ in range(2):
        assert (await http.post("/v1/payment_intents", data=form)).status_code == 200
    assert await calls(http) == []
