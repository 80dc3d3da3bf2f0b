"""The application behind the gate: answers, streams, and requests that it cannot understand."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox.merchants import texts
from sandbox.merchants.app import build_app
from sandbox.merchants.discovery import describe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mock_rails.core import Clock


@pytest.fixture
async def http(clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(describe(()), clock)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1"
    ) as client:
        yield client


def tokens(response: httpx.Response) -> list[str]:
    """The tokens of a stream of events in OpenAI's form."""
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache, no-transform"
    frames = response.text.strip().split("\n\n")
    assert frames.pop() == "data: [DONE]"
    chunks: list[dict[str, Any]] = [json.loads(one.removeprefix("data: ")) for one in frames]
    assert [one["choices"][0]["finish_reason"] for one in chunks[-1:]] == ["length"]
    return [one["choices"][0]["delta"]["content"] for one in chunks]


async def test_free_pages_point_to_each_other(http: httpx.AsyncClient) -> None:
    for path in ("/", "/health", "/openapi.json", "/llms.txt", "/.well-known/ai-agent.json"):
        response = await http.get(path)
        assert response.status_code == 200
        assert '</openapi.json>; rel="service-desc"' in response.headers["link"]
        assert 'rel="mpp-endpoint"' in response.headers["link"]


async def test_a_quote_a_search_and_a_report(http: httpx.AsyncClient) -> None:
    assert (await http.get("/quote")).json() == texts.quote(0)
    found = (await http.get("/search", params={"q": "voucher"})).json()
    assert found == {"query": "voucher", "results": texts.search("voucher")}
    assert len((await http.get("/report")).json()["entries"]) == len(texts.GLOSSARY)


async def test_a_completion_is_a_stream_of_as_many_tokens_as_asked_for(
    http: httpx.AsyncClient,
) -> None:
    response = await http.get("/complete", params={"prompt": "Hello", "tokens": "7"})
    assert tokens(response) == list(islice(texts.completion("Hello"), 7))


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "Hello", "tokens": 5},
        {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5, "stream": True},
    ],
)
async def test_a_completion_can_be_posted_in_openais_form(
    http: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    response = await http.post("/v1/chat/completions", json=body)
    assert tokens(response) == list(islice(texts.completion("Hello"), 5))


@pytest.mark.parametrize(
    ("query", "fragment"),
    [
        ({"tokens": "0"}, "tokens is a whole number from 1 to 4,096"),
        ({"tokens": "many"}, "tokens"),
        ({"tokens": "1.5"}, "tokens"),
        ({"tokens": "-1"}, "tokens"),
        ({"tokens": "9" * 40}, "tokens"),
        ({"delay_ms": "60000"}, "delay_ms is a whole number from 0 to 1,000"),
        ({"prompt": "x" * 4_001}, "prompt is a text"),
    ],
)
async def test_an_order_that_makes_no_sense_is_a_problem(
    http: httpx.AsyncClient, query: dict[str, str], fragment: str
) -> None:
    response = await http.get("/complete", params=query)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert fragment in response.json()["detail"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"tokens": true}', b'{"prompt": 1}'])
async def test_a_body_that_makes_no_sense_is_a_problem(
    http: httpx.AsyncClient, body: bytes
) -> None:
    assert (await http.post("/v1/chat/completions", content=body)).status_code == 400
