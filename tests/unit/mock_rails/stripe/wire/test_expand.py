"""expand[]: references replaced by their objects (facts: stripe 2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.stripe.wire import expand as expansion

if TYPE_CHECKING:
    import httpx

CHARGE = {
    "amount": "500",
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "confirm": "true",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
}


@pytest.fixture
async def paid(http: httpx.AsyncClient) -> dict[str, Any]:
    """A payment by a customer."""
    customer = (await http.post("/v1/customers", data={"name": "Ada"})).json()["id"]
    answer = await http.post("/v1/payment_intents", data={**CHARGE, "customer": customer})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_reference_becomes_its_object(
    http: httpx.AsyncClient, paid: dict[str, Any]
) -> None:
    answer = await http.get(f"/v1/payment_intents/{paid['id']}?expand[]=customer")
    assert answer.json()["customer"]["name"] == "Ada"
    again = await http.get(f"/v1/payment_intents/{paid['id']}")
    assert again.json() == paid, "nothing is changed by looking"


async def test_paths_go_through_objects(http: httpx.AsyncClient, paid: dict[str, Any]) -> None:
    query = "expand[0]=latest_charge.balance_transaction&expand[1]=latest_charge.customer"
    charge = (await http.get(f"/v1/payment_intents/{paid['id']}?{query}")).json()["latest_charge"]
    assert charge["balance_transaction"]["object"] == "balance_transaction"
    assert charge["customer"]["name"] == "Ada"


async def test_posts_expand_what_they_have_made(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/payment_intents", data={**CHARGE, "expand[]": "latest_charge"})
    assert answer.json()["latest_charge"]["amount"] == 500


async def test_lists_expand_below_data(http: httpx.AsyncClient, paid: dict[str, Any]) -> None:
    answer = await http.get("/v1/payment_intents?expand[]=data.latest_charge.payment_intent")
    charge = answer.json()["data"][0]["latest_charge"]
    assert charge["payment_intent"]["id"] == paid["id"]


async def test_null_is_nothing_to_expand(http: httpx.AsyncClient) -> None:
    form = {"amount": "500", "currency": "usd", "expand[]": "latest_charge.balance_transaction"}
    answer = await http.post("/v1/payment_intents", data=form)
    assert (answer.status_code, answer.json()["latest_charge"]) == (200, None)


async def test_an_empty_list_takes_any_path(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v1/customers?expand[]=data.anything")).status_code == 200


@pytest.mark.parametrize(
    "path", ["nothing", "amount", "status", "customer.nothing", "latest_charge.amount", "", "."]
)
async def test_what_cannot_be_expanded(
    http: httpx.AsyncClient, paid: dict[str, Any], path: str
) -> None:
    query = f"expand[]=customer&expand[]={path}"
    answer = await http.get(f"/v1/payment_intents/{paid['id']}?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "expand[1]")


async def test_a_bad_path_undoes_the_call(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/customers", data={"name": "Ada", "expand[]": "nothing"})
    assert answer.status_code == 400
    assert (await http.get("/v1/customers")).json()["data"] == []


async def test_four_levels_and_twenty_paths(http: httpx.AsyncClient, paid: dict[str, Any]) -> None:
    circle = "latest_charge.payment_intent.latest_charge.payment_intent"
    url = f"/v1/payment_intents/{paid['id']}"
    deep = (await http.get(f"{url}?expand[]={circle}")).json()
    assert deep["latest_charge"]["payment_intent"]["latest_charge"]["payment_intent"]["id"]
    assert (await http.get(f"{url}?expand[]={circle}.customer")).status_code == 400
    many = "&".join(["expand[]=customer"] * 21)
    assert (await http.get(f"{url}?{many}")).status_code == 400


async def test_some_fields_are_there_only_when_asked_for(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "_INCLUDABLE", {})
    expansion.includable("customer", "friends", lambda _, one: {"of": one["id"]})
    customer = (await http.post("/v1/customers")).json()
    assert "friends" not in customer
    answer = await http.get(f"/v1/customers/{customer['id']}?expand[]=friends")
    assert answer.json()["friends"] == {"of": customer["id"]}
