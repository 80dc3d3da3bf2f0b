"""Search by metadata and fields (facts: stripe 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx


@pytest.fixture
async def people(http: httpx.AsyncClient) -> None:
    """Three customers."""
    for name, email, team in (
        ("Ada", "ada@example.com", "blue"),
        ("Grace", "grace@example.com", "blue"),
        ('O\'Neil "K"', "kay@example.org", ""),
    ):
        form = {"name": name, "email": email, "metadata[team]": team}
        assert (await http.post("/v1/customers", data=form)).status_code == 200


async def search(
    http: httpx.AsyncClient, query: str, noun: str = "customers", **more: Any
) -> httpx.Response:
    return await http.get(f"/v1/{noun}/search", params={"query": query, **more})


async def names(http: httpx.AsyncClient, query: str) -> list[str]:
    answer = await search(http, query)
    assert answer.status_code == 200, answer.text
    return [one["name"][0] for one in answer.json()["data"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("metadata['team']:'blue'", "GA"),
        ('metadata["team"]:"blue"', "GA"),
        ("metadata['team']:null", "O"),
        ("-metadata['team']:null", "GA"),
        ("-metadata['team']:'blue'", "O"),
        ("metadata['team']:'blue' AND email:'ada@example.com'", "A"),
        ("metadata['team']:'blue' email:'ada@example.com'", "A"),
        ("name:'ada' OR name:'grace'", "GA"),
        ("email~'example.com'", "GA"),
        ("name:'O\\'Neil \"K\"'", "O"),
        ("created>0", "OGA"),
        ("created>='1'", "OGA"),
        ("created<1", ""),
        ("phone:null", "OGA"),
    ],
)
async def test_a_query_finds(http: httpx.AsyncClient, people: None, query: str, found: str) -> None:
    assert await names(http, query) == list(found)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "name",
        "name:",
        "name:Ada",
        "name:'Ada",
        "colour:'red'",
        "metadata:'x'",
        "name['x']:'y'",
        "name:'a' AND",
        "name:'a' AND name:'b' OR name:'c'",
        "name~'ab'",
        "name>'ab'",
        "created>99999999999999999999",
        " AND ".join(["name:'a'"] * 11),
        "name:'a';name:'b'",
    ],
)
async def test_what_is_no_query_is_refused(http: httpx.AsyncClient, query: str) -> None:
    answer = await search(http, query)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "query")


async def test_results_come_in_pages(http: httpx.AsyncClient, people: None) -> None:
    first = (await search(http, "created>0", limit=2)).json()
    assert (first["object"], first["has_more"], len(first["data"])) == ("search_result", True, 2)
    assert first["url"] == "/v1/customers/search"
    last = (await search(http, "created>0", limit=2, page=first["next_page"])).json()
    assert [one["name"] for one in last["data"]] == ["Ada"]
    assert (last["has_more"], last["next_page"]) == (False, None)
    assert (await search(http, "created>0", page="2")).json()["error"]["param"] == "page"


@pytest.mark.parametrize(
    ("noun", "query"),
    [
        ("charges", "payment_method_details.card.last4:4242 AND amount>499"),
        ("payment_intents", "metadata['mpp_challenge_id']:'c1' AND status:'succeeded'"),
    ],
)
async def test_payments_are_found(http: httpx.AsyncClient, noun: str, query: str) -> None:
    form = {
        "amount": "500",
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "confirm": "true",
        "off_session": "true",
        "metadata[mpp_challenge_id]": "c1",
    }
    assert (await http.post("/v1/payment_intents", data=form)).status_code == 200
    assert len((await search(http, query, noun)).json()["data"]) == 1


@pytest.mark.parametrize("noun", ["invoices", "prices", "products", "subscriptions"])
async def test_every_search_of_the_sdks_is_there(http: httpx.AsyncClient, noun: str) -> None:
    assert (await search(http, "metadata['a']:'b'", noun)).json()["data"] == []
