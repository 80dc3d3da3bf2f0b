"""What armed faults do to requests, over a real socket (facts: stripe 0.2, 6, must 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.server import Host

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mock_rails.stripe.api import StripeApi
    from mock_rails.stripe.rail import Stripe

KEY = {"idempotency-key": "k1"}


@pytest.fixture
async def wire(api: StripeApi) -> AsyncIterator[httpx.AsyncClient]:
    """A client behind a socket, which can break."""
    async with (
        Host(api) as host,
        httpx.AsyncClient(
            base_url=host.url, headers={"authorization": "Bearer sk_test_x"}
        ) as client,
    ):
        yield client


async def arm(http: httpx.AsyncClient, do: str, **more: Any) -> str:
    fault = {"at": "stripe.request", "do": do, "when": "nth=1", **more}
    answer = await http.post("/_sandbox/faults", json=fault)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def make(http: httpx.AsyncClient) -> httpx.Response:
    return await http.post("/v1/customers", data={"name": "Ada"}, headers=KEY)


async def count(http: httpx.AsyncClient) -> int:
    return len((await http.get("/v1/customers")).json()["data"])


async def last(http: httpx.AsyncClient) -> dict[str, Any]:
    entries = (await http.get("/_sandbox/requests?path=/v1/customers&verb=POST")).json()["data"]
    return dict(entries[0])


async def test_drop_does_nothing(wire: httpx.AsyncClient) -> None:
    await arm(wire, "drop")
    with pytest.raises(httpx.RemoteProtocolError):
        await make(wire)
    assert await count(wire) == 0
    assert (await make(wire)).headers.get("idempotent-replayed") is None


async def test_commit_then_drop_has_done_it(
    wire: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    """What turns a lost answer into a double charge (0.2)."""
    await arm(wire, "commit_then_drop")
    with pytest.raises(httpx.RemoteProtocolError):
        await make(wire)
    assert await count(wire) == 1
    entry = await last(wire)
    assert (entry["fault"], entry["fate"]) == ("commit_then_drop", "dropped")
    again = await make(wire)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == entry["id"]
    assert await count(wire) == 1
    assert capfd.readouterr().err == "", "the server does not complain of it"


async def test_truncate_sends_half(wire: httpx.AsyncClient) -> None:
    await arm(wire, "truncate")
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        await make(wire)
    assert await count(wire) == 1


async def test_garble_sends_what_is_no_json(wire: httpx.AsyncClient) -> None:
    await arm(wire, "garble")
    answer = await make(wire)
    assert (answer.status_code, answer.text[:1]) == (200, "<")
    assert (await last(wire))["fate"] == "garbled"
    assert (await make(wire)).json()["name"] == "Ada"


async def test_commit_then_error_answers_wrongly(http: httpx.AsyncClient) -> None:
    await arm(http, "commit_then_error", args={"status": 503})
    answer = await make(http)
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "api_error")
    assert await count(http) == 1
    assert (await last(http))["object_id"].startswith("cus_")
    assert (await make(http)).headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("args", "status", "kind"),
    [
        ({}, 500, "api_error"),
        ({"status": 402, "code": "card_declined"}, 402, "card_error"),
        ({"status": 400, "code": "lock_timeout"}, 400, "invalid_request_error"),
        ({"status": 409, "type": "idempotency_error"}, 409, "idempotency_error"),
        ({"status": 7}, 500, "api_error"),
    ],
)
async def test_error_answers_what_it_is_told(
    http: httpx.AsyncClient, args: dict[str, Any], status: int, kind: str
) -> None:
    await arm(http, "error", args={"message": "no", "should_retry": False, **args})
    answer = await make(http)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["message"]) == (status, kind, "no")
    assert error.get("code") == args.get("code")
    assert answer.headers["stripe-should-retry"] == "false"
    assert await count(http) == 0
    assert (await make(http)).headers.get("idempotent-replayed") is None


async def test_rate_limit_answers_429_with_its_reason(http: httpx.AsyncClient) -> None:
    await arm(http, "rate_limit", args={"reason": "resource-specific"})
    answer = await make(http)
    assert answer.status_code == 429
    assert answer.headers["stripe-rate-limited-reason"] == "resource-specific"


async def test_delay_comes_after_the_work(http: httpx.AsyncClient) -> None:
    await arm(http, "delay", args={"ms": 1})
    assert (await make(http)).status_code == 200
    assert (await last(http))["fault"] == "delay"


@pytest.mark.parametrize(
    ("where", "strikes"),
    [
        ({"path": "/v1/customers", "verb": "POST"}, True),
        ({"route": "/v1/customers/{id}"}, False),
        ({"idempotency_key": "k1"}, True),
        ({"idempotency_key": "k2"}, False),
        ({"key": "sk_test_x"}, True),
        ({"account": "acct_other"}, False),
        ({"challenge_id": "c1"}, False),
    ],
)
async def test_a_fault_chooses_its_requests(
    http: httpx.AsyncClient, where: dict[str, str], strikes: bool
) -> None:
    await arm(http, "error", where=where)
    assert ((await make(http)).status_code == 500) is strikes


async def test_faults_are_listed_and_taken_away(http: httpx.AsyncClient) -> None:
    first, second = await arm(http, "drop"), await arm(http, "error")
    listed = (await http.get("/_sandbox/faults")).json()["data"]
    assert [one["id"] for one in listed] == [first, second]
    assert (await http.delete(f"/_sandbox/faults/{first}")).json()["deleted"] is True
    assert (await http.delete(f"/_sandbox/faults/{first}")).status_code == 404
    assert (await http.delete("/_sandbox/faults")).json()["data"] == []
    assert (await make(http)).status_code == 200
    points = (await http.get("/_sandbox/fault_points")).json()["data"]
    assert "stripe.request" in [one["name"] for one in points]


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"at": "stripe.nowhere", "do": "drop"},
        {"at": "stripe.request", "do": "dance"},
        {"at": "stripe.request", "do": "delay", "args": {"ms": "long"}},
        {"at": "stripe.request", "do": "drop", "colour": "red"},
    ],
)
async def test_what_is_no_fault_is_refused(http: httpx.AsyncClient, fault: dict[str, Any]) -> None:
    answer = await http.post("/_sandbox/faults", json=fault)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_in_process_a_broken_connection_is_an_error(
    http: httpx.AsyncClient, rail: Stripe
) -> None:
    rail.context.faults.arm({"at": "stripe.request", "do": "drop"})
    with pytest.raises(ConnectionResetError):
        await make(http)
