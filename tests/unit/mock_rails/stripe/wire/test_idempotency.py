"""Idempotency-Key, case by case of the table (facts: stripe 2.5)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.core.rail import RailContext
from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.settings import StripeSettings
from mock_rails.stripe.wire.idempotency import KEPT_S, TABLE

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock

PAY = {
    "amount": "500",
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "confirm": "true",
    "off_session": "true",
}
DECLINED = {**PAY, "payment_method": "pm_card_visa_chargeDeclined"}


async def send(
    http: httpx.AsyncClient,
    key: str = "k1",
    form: dict[str, str] = PAY,
    path: str = "/v1/payment_intents",
    **headers: str,
) -> httpx.Response:
    return await http.post(path, data=form, headers={"idempotency-key": key, **headers})


async def count(http: httpx.AsyncClient, noun: str = "payment_intents") -> int:
    return len((await http.get(f"/v1/{noun}?limit=100")).json()["data"])


def is_replay(answer: httpx.Response) -> bool:
    return answer.headers.get("idempotent-replayed") == "true"


async def test_the_second_try_gets_the_first_answer(http: httpx.AsyncClient) -> None:
    first, second = await send(http), await send(http)
    assert not is_replay(first)
    assert is_replay(second)
    assert second.content == first.content
    assert second.headers["original-request"] == first.headers["request-id"]
    assert second.headers["request-id"] != first.headers["request-id"]
    assert second.headers["idempotency-key"] == "k1"
    assert await count(http) == 1


async def test_a_decline_is_replayed_with_its_status(http: httpx.AsyncClient) -> None:
    first, second = await send(http, form=DECLINED), await send(http, form=DECLINED)
    assert (first.status_code, second.status_code) == (402, 402)
    assert second.content == first.content
    assert is_replay(second)


async def test_spelling_and_order_do_not_matter(http: httpx.AsyncClient) -> None:
    await send(http, form={**PAY, "payment_method_types[]": "card", "metadata[a]": "1"})
    again = {"metadata[a]": "1", "payment_method_types[0]": "card", **PAY}
    assert is_replay(await send(http, form=again))


@pytest.mark.parametrize(
    "other", [{"amount": "501"}, {"metadata[a]": "1"}, {"expand[]": "latest_charge"}]
)
async def test_other_parameters_are_refused(http: httpx.AsyncClient, other: dict[str, str]) -> None:
    await send(http)
    answer = await send(http, form={**PAY, **other})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "idempotency_error")
    assert "same parameters" in error["message"]
    assert is_replay(await send(http)), "the first answer is still kept"


async def test_another_endpoint_is_refused(http: httpx.AsyncClient) -> None:
    await send(http)
    answer = await send(http, form={}, path="/v1/customers")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({**PAY, "amount": "x"}, 400),
        ({**PAY, "colour": "red"}, 400),
        ({"currency": "usd"}, 400),
        ({**PAY, "payment_method": "pm_none"}, 404),
    ],
)
async def test_a_request_that_never_began_leaves_the_key_free(
    http: httpx.AsyncClient, form: dict[str, str], status: int
) -> None:
    assert (await send(http, form=form)).status_code in (status, 400)
    assert (await send(http)).status_code == 200


async def test_a_refusal_because_of_the_state_is_an_answer(http: httpx.AsyncClient) -> None:
    paid = (await send(http, "pay")).json()["id"]
    path = f"/v1/payment_intents/{paid}/cancel"
    first = await send(http, form={}, path=path)
    second = await send(http, form={}, path=path)
    assert (first.status_code, is_replay(first), is_replay(second)) == (400, False, True)


async def test_a_consumed_token_is_replayed_under_its_key_and_refused_under_another(
    http: httpx.AsyncClient,
) -> None:
    """The key is looked at before the token; mpp-rb, which sends no key, relies on the second."""
    grant = {
        "payment_method": "pm_card_visa",
        "usage_limits[currency]": "usd",
        "usage_limits[max_amount]": "500",
    }
    granted = await http.post("/v1/test_helpers/shared_payment/granted_tokens", data=grant)
    charge = {
        "amount": "500",
        "currency": "usd",
        "confirm": "true",
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
        "shared_payment_granted_token": granted.json()["id"],
    }
    first = await send(http, "k1", charge)
    assert first.status_code == 200, first.text
    assert (await send(http, "k1", charge)).content == first.content
    other = await send(http, "k2", charge)
    assert (other.status_code, other.json()["error"].get("code")) == (400, None)


async def test_a_key_may_be_255_long(http: httpx.AsyncClient) -> None:
    assert (await send(http, "k" * 255)).status_code == 200
    assert (await send(http, "k" * 256)).status_code == 400


async def test_get_and_delete_ignore_keys(http: httpx.AsyncClient) -> None:
    made = (await send(http, form={}, path="/v1/customers")).json()["id"]
    for _ in range(2):
        answer = await http.get("/v1/customers", headers={"idempotency-key": "k1"})
        assert (answer.status_code, is_replay(answer)) == (200, False)
    path = f"/v1/customers/{made}"
    gone = [await http.delete(path, headers={"idempotency-key": "k2"}) for _ in range(2)]
    assert [one.status_code for one in gone] == [200, 404]


async def test_keys_are_an_accounts_own_and_a_modes_own(http: httpx.AsyncClient) -> None:
    live = {"authorization": "Bearer sk_" + "live_x"}
    assert not is_replay(await send(http, form={}, path="/v1/customers"))
    assert not is_replay(await send(http, form={}, path="/v1/customers", **live))
    assert is_replay(await send(http, form={}, path="/v1/customers"))


async def test_a_key_is_kept_for_a_day_of_sandbox_time(
    http: httpx.AsyncClient, clock: Clock
) -> None:
    await send(http, form={}, path="/v1/customers")
    clock.advance(KEPT_S - 1)
    assert is_replay(await send(http, form={}, path="/v1/customers"))
    clock.advance(1)
    assert not is_replay(await send(http, form={}, path="/v1/customers"))
    assert await count(http, "customers") == 2


async def test_a_second_try_meets_a_running_first(http: httpx.AsyncClient, rail: Stripe) -> None:
    rail.context.faults.arm(
        {"at": "stripe.request", "do": "hold", "when": "nth=1", "args": {"ms": 100}}
    )
    struck = asyncio.Event()
    rail.context.journal.watch("fault.fired", struck.set)
    running = asyncio.create_task(send(http))
    await struck.wait()
    second = await send(http)
    error = second.json()["error"]
    assert (second.status_code, error["code"]) == (409, "idempotency_key_in_use")
    assert second.headers["stripe-should-retry"] == "true"
    assert (await running).status_code == 200
    assert is_replay(await send(http)), "the 409 was not stored"


async def test_what_is_kept_is_bounded_and_in_the_snapshot(context: RailContext) -> None:
    settings = StripeSettings(idempotency_keys=3)
    rail = Stripe(context, settings)

    async def keys(of: Stripe, *names: str) -> list[bool]:
        transport = httpx.ASGITransport(StripeApi(of))
        headers = {"authorization": "Bearer sk_test_x"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://stripe", headers=headers
        ) as http:
            return [
                is_replay(await send(http, name, form={}, path="/v1/customers")) for name in names
            ]

    assert await keys(rail, "a", "b", "c", "d") == [False] * 4
    assert rail.state.count(TABLE) == 3
    other: Any = Stripe(RailContext.create("test", context.clock), settings)
    other.restore(rail.snapshot())
    assert await keys(other, "d", "c", "a") == [True, True, False]
