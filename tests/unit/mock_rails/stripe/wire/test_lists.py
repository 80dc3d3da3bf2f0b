"""Lists: newest first, in pages, `has_more` exact (facts: stripe 2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from mock_rails.core.clock import Clock


@pytest.fixture
async def ids(http: httpx.AsyncClient, clock: Clock) -> list[str]:
    """Twelve customers, the newest first, ten seconds apart."""
    made = []
    for number in range(12):
        answer = await http.post("/v1/customers", data={"name": f"no {number}"})
        made.append(answer.json()["id"])
        clock.advance(10)
    return list(reversed(made))


async def listed(http: httpx.AsyncClient, query: str = "") -> dict[str, Any]:
    answer = await http.get(f"/v1/customers?{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def found(page: dict[str, Any]) -> list[str]:
    return [one["id"] for one in page["data"]]


async def test_a_list_says_what_it_is(http: httpx.AsyncClient, ids: list[str]) -> None:
    page = await listed(http)
    assert (page["object"], page["url"], page["has_more"]) == ("list", "/v1/customers", True)
    assert found(page) == ids[:10]


@pytest.mark.parametrize(
    ("query", "span", "more"),
    [
        ("limit=12", slice(0, 12), False),
        ("limit=11", slice(0, 11), True),
        ("limit=3&starting_after={4}", slice(5, 8), True),
        ("limit=7&starting_after={4}", slice(5, 12), False),
        ("starting_after={11}", slice(12, 12), False),
        ("limit=3&ending_before={4}", slice(1, 4), True),
        ("limit=4&ending_before={4}", slice(0, 4), False),
        ("ending_before={0}", slice(0, 0), False),
    ],
)
async def test_pages_by_cursor(
    http: httpx.AsyncClient, ids: list[str], query: str, span: slice, more: bool
) -> None:
    page = await listed(http, query.format(*ids))
    assert (found(page), page["has_more"]) == (ids[span], more)


async def test_following_the_last_id_meets_each_once(
    http: httpx.AsyncClient, ids: list[str]
) -> None:
    """What the SDKs' auto-pagination does."""
    seen: list[str] = []
    more = True
    while more:
        page = await listed(http, f"limit=5&starting_after={seen[-1]}" if seen else "limit=5")
        seen += found(page)
        more = page["has_more"]
    assert seen == ids


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("starting_after=cus_none", "starting_after"),
        ("ending_before=cus_none", "ending_before"),
        ("starting_after=a&ending_before=b", "starting_after"),
        ("created[gt]=soon", "created[gt]"),
        ("created[near]=5", "created[near]"),
        ("created=", "created"),
        ("colour=red", "colour"),
    ],
)
async def test_what_a_list_refuses(http: httpx.AsyncClient, query: str, param: str) -> None:
    answer = await http.get(f"/v1/charges?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_created_filters(http: httpx.AsyncClient, clock: Clock) -> None:
    times = []
    for _ in range(4):
        form = {"amount": "500", "currency": "usd"}
        answer = await http.post("/v1/payment_intents", data=form)
        times.append(answer.json()["created"])
        clock.advance(10)

    async def places(query: str) -> list[int]:
        answer = await http.get(f"/v1/payment_intents?{query.format(*times)}")
        return [times.index(one["created"]) for one in answer.json()["data"]]

    assert await places("created={1}") == [1]
    assert await places("created[gt]={1}") == [3, 2]
    assert await places("created[gte]={1}") == [3, 2, 1]
    assert await places("created[lt]={1}") == [0]
    assert await places("created[gte]={1}&created[lte]={2}") == [2, 1]


async def test_others_objects_are_not_in_the_list(http: httpx.AsyncClient, ids: list[str]) -> None:
    live = {"authorization": "Bearer sk_" + "live_x"}
    answer = await http.get("/v1/customers", headers=live)
    assert answer.json()["data"] == []
