"""Rate limits, where they are switched on (facts: stripe 2.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.settings import StripeSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mock_rails.core.clock import Clock
    from mock_rails.core.rail import RailContext

LIMIT = 30


@pytest.fixture
async def limited(context: RailContext) -> AsyncIterator[httpx.AsyncClient]:
    api = StripeApi(Stripe(context, StripeSettings(rate_limit=LIMIT)))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api),
        base_url="http://stripe",
        headers={"authorization": "Bearer sk_test_x"},
    ) as client:
        yield client


async def statuses(http: httpx.AsyncClient, count: int, path: str) -> list[int]:
    return [(await http.get(path)).status_code for _ in range(count)]


async def test_one_endpoint_has_a_limit_of_its_own(limited: httpx.AsyncClient) -> None:
    assert await statuses(limited, 25, "/v1/customers") == [200] * 25
    refused = await limited.get("/v1/customers")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit")
    assert refused.headers["stripe-rate-limited-reason"] == "endpoint-rate"
    assert "stripe-should-retry" not in refused.headers
    assert (await limited.get("/v1/charges")).status_code == 200


async def test_an_account_has_a_limit_that_a_second_gives_back(
    limited: httpx.AsyncClient, clock: Clock
) -> None:
    assert await statuses(limited, 20, "/v1/customers") == [200] * 20
    assert await statuses(limited, 11, "/v1/charges") == [200] * 10 + [429]
    refused = await limited.get("/v1/refunds")
    assert refused.headers["stripe-rate-limited-reason"] == "global-rate"
    clock.advance(1)
    assert (await limited.get("/v1/refunds")).status_code == 200


async def test_a_refused_request_leaves_its_key_free(
    limited: httpx.AsyncClient, clock: Clock
) -> None:
    await statuses(limited, 25, "/v1/customers")
    await statuses(limited, 5, "/v1/charges")
    key = {"idempotency-key": "k1"}
    assert (await limited.post("/v1/customers", headers=key)).status_code == 429
    clock.advance(1)
    made = await limited.post("/v1/customers", headers=key)
    assert (made.status_code, made.headers.get("idempotent-replayed")) == (200, None)


async def test_the_sandboxs_controls_are_not_counted(limited: httpx.AsyncClient) -> None:
    assert await statuses(limited, 2 * LIMIT, "/_sandbox/faults") == [200] * 2 * LIMIT


async def test_there_is_no_limit_unless_one_is_set(http: httpx.AsyncClient) -> None:
    assert await statuses(http, 120, "/v1/customers") == [200] * 120
