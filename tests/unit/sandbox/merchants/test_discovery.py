"""What the API says about itself: what mppx validates, and what its routes really ask.

Facts: protocol 1.2 and 3.2.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from sandbox.devnet import Devnet
from sandbox.settings import DevnetSettings, Part

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OFFERED = {
    ("tempo", "charge"),
    ("tempo", "session"),
    ("stripe", "charge"),
    ("lightning", "charge"),
    ("lightning", "session"),
}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    free = DevnetSettings().with_free_ports()
    settings = replace(free, only=frozenset({Part.RAILS, Part.MERCHANTS}))
    async with (
        Devnet(settings) as devnet,
        httpx.AsyncClient(base_url=str(devnet.api_url)) as client,
    ):
        yield client


async def test_every_paid_operation_declares_its_402_and_whole_amounts(
    http: httpx.AsyncClient,
) -> None:
    document = (await http.get("/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    assert document["x-service-info"]["docs"]["llms"] == "/llms.txt"
    paid = [
        operation
        for item in document["paths"].values()
        for operation in item.values()
        if "x-payment-info" in operation
    ]
    assert len(paid) == 9
    for operation in paid:
        assert "402" in operation["responses"]
        for offer in operation["x-payment-info"]["offers"]:
            assert re.fullmatch(r"[1-9][0-9]*", offer["amount"])
            assert (offer["method"], offer["intent"]) in OFFERED
            if offer["method"] == "stripe":
                assert offer["networkId"] == "profile_test_sandbox"
                assert offer["paymentMethodTypes"] == ["card", "link"]


async def test_what_is_declared_is_what_is_asked(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    for path, item in document["paths"].items():
        ((verb, operation),) = item.items()
        if "x-payment-info" not in operation:
            continue
        response = await http.request(verb, path)
        assert response.status_code == 402
        asked = re.findall(
            r'method="(\w+)", intent="(\w+)"',
            ", ".join(response.headers.get_list("www-authenticate")),
        )
        declared = [(one["method"], one["intent"]) for one in operation["x-payment-info"]["offers"]]
        assert sorted(asked) == sorted(declared)


async def test_language_models_and_scanners_find_the_prices(http: httpx.AsyncClient) -> None:
    text = (await http.get("/llms.txt")).text
    assert "GET /quote: A quote, for a fixed price. $0.01 by tempo/charge" in text
    assert "WebSocket /complete/ws" in text
    assert "GET /stripe/quote: A quote, for a fixed price by card. $0.50 by stripe/charge" in text
    assert "GET /lightning/quote: A quote, for a fixed price over Lightning. 10 sat by" in text
    assert "1 sat a token by lightning/session" in text
    agent = (await http.get("/.well-known/ai-agent.json")).json()
    assert agent["payments"]["mpp"] == {
        "endpoint": "/",
        "methods": ["lightning", "stripe", "tempo"],
        "intents": ["charge", "session"],
    }
