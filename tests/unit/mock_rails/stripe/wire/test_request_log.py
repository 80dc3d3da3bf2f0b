"""The request log: what was asked, what became of it, and no secrets (facts: stripe 6, must 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.settings import StripeSettings
from mock_rails.stripe.wire.warnings import warnings_of

if TYPE_CHECKING:
    from mock_rails.core.rail import RailContext

PAY = {
    "amount": "500",
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "confirm": "true",
    "off_session": "true",
    "metadata[mpp_challenge_id]": "c1",
}


async def log(http: httpx.AsyncClient, **filters: Any) -> list[dict[str, Any]]:
    answer = await http.get("/_sandbox/requests", params=filters)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


async def test_an_entry_tells_the_whole_request(http: httpx.AsyncClient) -> None:
    headers = {
        "idempotency-key": "k1",
        "x-request-source": 'service="pympp"; project="machine_payments"',
        "stripe-version": "2026-07-29.preview",
    }
    paid = await http.post("/v1/payment_intents", data=PAY, headers=headers)
    [entry] = await log(http)
    assert entry["id"] == paid.headers["request-id"]
    assert entry["object_id"] == paid.json()["id"]
    assert entry["at_s"] == paid.json()["created"]
    assert {name: entry[name] for name in ("verb", "path", "status", "key", "account")} == {
        "verb": "POST",
        "path": "/v1/payment_intents",
        "status": 200,
        "key": "sk_test_x",
        "account": "acct_sandbox",
    }
    assert (entry["challenge_id"], entry["idempotency_key"]) == ("c1", "k1")
    assert (entry["replayed"], entry["fault"], entry["fate"]) == (None, None, "sent")
    assert entry["version"] == "2026-07-29.preview"
    assert entry["source"].startswith('service="pympp"')
    assert entry["params"]["metadata"] == {"mpp_challenge_id": "c1"}
    one = await http.get(f"/_sandbox/requests/{entry['id']}")
    assert one.json() == entry


async def test_replays_refusals_and_declines_are_told_apart(http: httpx.AsyncClient) -> None:
    key = {"idempotency-key": "k1"}
    first = await http.post("/v1/payment_intents", data=PAY, headers=key)
    await http.post("/v1/payment_intents", data=PAY, headers=key)
    await http.post("/v1/payment_intents", data={**PAY, "amount": "x"})
    await http.post(
        "/v1/payment_intents", data={**PAY, "payment_method": "pm_card_visa_chargeDeclined"}
    )
    declined, refused, replayed, done = await log(http, challenge_id="c1")
    assert (done["replayed"], replayed["replayed"]) == (None, first.headers["request-id"])
    assert replayed["object_id"] == done["object_id"]
    assert (refused["status"], refused["error"]) == (400, "parameter_invalid_integer")
    assert (declined["status"], declined["error"]) == (402, "card_declined")
    assert declined["object_id"].startswith("pi_")


async def test_it_is_filtered(http: httpx.AsyncClient) -> None:
    for number in range(3):
        await http.post("/v1/customers", data={"metadata[mpp_challenge_id]": f"c{number}"})
    await http.get("/v1/nothing")
    assert [one["challenge_id"] for one in await log(http, path="/v1/customers")] == [
        "c2",
        "c1",
        "c0",
    ]
    assert len(await log(http, challenge_id="c1")) == 1
    assert [one["status"] for one in await log(http, verb="GET")] == [404]
    assert len(await log(http, status=404)) == 1
    page = (await http.get("/_sandbox/requests?limit=2")).json()
    assert (len(page["data"]), page["has_more"]) == (2, True)
    assert (await http.get("/_sandbox/requests?colour=red")).status_code == 400


async def test_what_never_got_in_is_there_too(http: httpx.AsyncClient) -> None:
    await http.get("/v1/customers", headers={"authorization": "Bearer wrong"})
    [entry] = await log(http)
    assert (entry["status"], entry["key"]) == (401, "")


async def test_secrets_and_card_numbers_are_kept_out(http: httpx.AsyncClient) -> None:
    secret_key = "sk_test_0123456789abcdefgh"
    await http.post(
        "/v1/payment_methods",
        data={
            "type": "card",
            "card[number]": "4242424242424242",
            "card[exp_month]": "12",
            "card[exp_year]": "2030",
            "card[cvc]": "987",
        },
        headers={"authorization": f"Bearer {secret_key}"},
    )
    await http.get("/v1/payment_intents/pi_x?client_secret=pi_x_secret_hush")
    text = (await http.get("/_sandbox/requests")).text
    for secret in (secret_key, "4242424242424242", "987", "hush"):
        assert secret not in text
    assert "…4242" in text


async def test_it_is_bounded(context: RailContext) -> None:
    api = StripeApi(Stripe(context, StripeSettings(request_log=3)))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api),
        base_url="http://stripe",
        headers={"authorization": "Bearer sk_test_x"},
    ) as http:
        ids = [(await http.get("/v1/customers")).headers["request-id"] for _ in range(5)]
        assert [one["id"] for one in await log(http)] == ids[:1:-1]
        assert (await http.get(f"/_sandbox/requests/{ids[0]}")).status_code == 404
        await http.delete("/_sandbox/requests")
        assert await log(http) == []


@pytest.mark.parametrize(
    ("currency", "amount", "warned"),
    [("jpy", "50000", True), ("JPY", "500", True), ("jpy", "550", False), ("usd", "500", False),
     ("jpy", "00", False), ("jpy", "x00", False)],
)  # fmt: skip
def test_a_price_in_yen_that_counts_cents_is_warned_of(
    currency: str, amount: str, warned: bool
) -> None:
    """2.9: SDKs count two decimals unless told otherwise: a hundred times the price."""
    assert bool(warnings_of({"currency": currency, "amount": amount})) is warned


async def test_the_warning_is_in_the_log(http: httpx.AsyncClient) -> None:
    await http.post("/v1/payment_intents", data={"amount": "50000", "currency": "jpy"})
    [entry] = await log(http)
    assert "50000 JPY, not 500" in entry["warnings"][0]


async def test_the_time_can_be_moved(http: httpx.AsyncClient) -> None:
    before = (await http.get("/_sandbox/clock")).json()
    moved = (await http.post("/_sandbox/clock", json={"advance_s": 60})).json()
    assert (moved["now_s"] - before["now_s"], moved["frozen"]) == (60, True)
    back = await http.post("/_sandbox/clock", json={"set_s": 5})
    assert back.status_code == 400
    ran = (await http.post("/_sandbox/clock", json={"freeze": False})).json()
    assert ran["frozen"] is False


async def test_the_journal_has_the_outline(http: httpx.AsyncClient, rail: Stripe) -> None:
    paid = await http.post("/v1/payment_intents", data=PAY)
    [event] = rail.context.journal.read(kind="request.answered")
    assert event.rail == "stripe"
    assert event.data["object"] == paid.json()["id"]
    assert event.data["challenge_id"] == "c1"
