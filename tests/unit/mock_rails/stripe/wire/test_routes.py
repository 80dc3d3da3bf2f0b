"""What is not there is refused, and what Stripe has but the rail does not is refused differently
(facts: stripe 1.1)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import stripe

from mock_rails.stripe.endpoint import Endpoint
from mock_rails.stripe.endpoints import ENDPOINTS
from mock_rails.stripe.errors import InvalidRequest, NotEmulated
from mock_rails.stripe.wire.routes import Router

if TYPE_CHECKING:
    import httpx

ROUTER = Router(ENDPOINTS)
SDK = Path(stripe.__file__).parent
CALL = re.compile(r'"(get|post|delete)",\s*"(/v[12]/[^"]*)"')


def sdk_calls() -> set[tuple[str, str]]:
    """Every verb and path in the released SDK, with ids filled in."""
    return {
        (verb.upper(), re.sub(r"\{\w+\}", "x_1", path))
        for file in SDK.rglob("*_service.py")
        for verb, path in CALL.findall(file.read_text())
    }


def test_every_path_of_the_sdk_is_served_or_refused_as_not_emulated() -> None:
    calls = sdk_calls()
    assert len(calls) > 400
    refused = 0
    for verb, path in sorted(calls):
        try:
            ROUTER.find(verb, path)
        except NotEmulated:
            refused += 1
    assert 0 < refused < len(calls)


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/v1/payment_intent"),
        ("POST", "/v1/payment_intents/pi_1/frobnicate"),
        ("GET", "/v1/payment_intents/"),
        ("GET", "/v1/events/evt_1/more"),
        ("PATCH", "/v1/quotes"),
        ("PUT", "/v1/customers"),
        ("GET", "/v3/customers"),
        ("GET", "/customers"),
        ("GET", "/v1"),
        ("GET", ""),
        ("GET", "//v1/customers"),
    ],
)
def test_what_nobody_has_is_a_404_that_names_it(verb: str, path: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ROUTER.find(verb, path)
    assert caught.value.status == 404
    assert f"({verb}: {path})" in caught.value.detail


async def test_refusals_are_envelopes(http: httpx.AsyncClient) -> None:
    missing = await http.get("/v1/nothing_of_the_kind")
    assert missing.status_code == 404
    assert missing.json()["error"]["type"] == "invalid_request_error"
    other = await http.post("/v1/quotes")
    assert other.status_code == 501
    assert other.json()["error"]["code"] == "sandbox_not_emulated"
    assert "POST /v1/quotes" in other.json()["error"]["message"]


def endpoint(verb: str, path: str) -> Endpoint:
    return Endpoint(verb, path, lambda _: {})


def test_a_word_goes_before_an_id_and_ids_are_named() -> None:
    router = Router([endpoint("GET", "/a/{id}"), endpoint("GET", "/a/search"),
                     endpoint("GET", "/a/{id}/b/{b_id}")])  # fmt: skip
    assert router.find("GET", "/a/search")[0].path == "/a/search"
    assert router.find("GET", "/a/7/b/8")[1] == {"id": "7", "b_id": "8"}


def test_two_endpoints_of_one_path_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="two endpoints"):
        Router([endpoint("GET", "/a/{id}"), endpoint("GET", "/a/{other}")])


async def test_the_root_says_what_this_is(http: httpx.AsyncClient) -> None:
    assert (await http.get("/")).json()["name"] == "mpp-sandbox stripe"
    preflight = await http.options("/v1/payment_intents")
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"


async def test_everything_that_can_be_called_is_listed(http: httpx.AsyncClient) -> None:
    listed = (await http.get("/_sandbox/endpoints")).json()["data"]
    assert {"verb": "POST", "path": "/v1/payment_intents/{id}/confirm"} in listed
    assert len(listed) == len(ENDPOINTS)
