"""Webhooks: who gets what, when, how often, and how it is known (facts: stripe 4)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import stripe

from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.settings import WEBHOOK_RETRIES_S, StripeSettings
from mock_rails.stripe.webhooks.deliverer import Deliverer
from tests.unit.mock_rails.stripe.webhooks.receiver import Receiver

if TYPE_CHECKING:
    from mock_rails.core.rail import RailContext

URL = "http://127.0.0.1:4242/hook"


async def subscribe(http: httpx.AsyncClient, *types: str, url: str = URL) -> dict[str, Any]:
    form = {"url": url} | {f"enabled_events[{at}]": one for at, one in enumerate(types or ("*",))}
    answer = await http.post("/v1/webhook_endpoints", data=form)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def make_customers(http: httpx.AsyncClient, *names: str) -> None:
    for name in names:
        assert (await http.post("/v1/customers", data={"name": name})).status_code == 200


async def deliveries(http: httpx.AsyncClient, **where: str) -> list[dict[str, Any]]:
    return (await http.get("/_sandbox/webhook_deliveries", params=where)).json()["data"]


async def test_an_endpoint_gets_a_signed_event_that_the_sdk_accepts(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    endpoint, receiver = await subscribe(http), Receiver()
    await make_customers(http, "Ada")
    await Deliverer(rail, receiver).deliver()
    (request,) = receiver.requests
    event = stripe.Webhook.construct_event(
        request.content, request.headers["stripe-signature"], endpoint["secret"]
    )
    assert (event.type, event.data.object["name"]) == ("customer.created", "Ada")
    assert request.headers["user-agent"].startswith("Stripe/1.0")
    assert request.headers["content-type"] == "application/json; charset=utf-8"


async def test_a_wrong_secret_does_not_open_it(rail: Stripe, http: httpx.AsyncClient) -> None:
    await subscribe(http)
    receiver = Receiver()
    await make_customers(http, "Ada")
    await Deliverer(rail, receiver).deliver()
    (request,) = receiver.requests
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(
            request.content, request.headers["stripe-signature"], "whsec_other"
        )


async def test_only_who_asked_gets_it(rail: Stripe, http: httpx.AsyncClient) -> None:
    await subscribe(http, "customer.deleted", "shared_payment.granted_token.used")
    receiver = Receiver()
    await make_customers(http, "Ada")
    await Deliverer(rail, receiver).deliver()
    assert receiver.requests == []
    assert await deliveries(http) == []


async def test_events_arrive_in_their_order(rail: Stripe, http: httpx.AsyncClient) -> None:
    await subscribe(http)
    receiver, names = Receiver(), [f"customer {at}" for at in range(20)]
    await make_customers(http, *names)
    await Deliverer(rail, receiver).deliver()
    assert [event["data"]["object"]["name"] for event in receiver.events] == names


async def test_or_deliberately_not(context: RailContext) -> None:
    rail, receiver = Stripe(context, StripeSettings(shuffle_webhooks=True)), Receiver()
    transport = httpx.ASGITransport(StripeApi(rail))
    headers = {"authorization": "Bearer sk_test_x"}
    async with httpx.AsyncClient(transport=transport, base_url="http://s", headers=headers) as http:
        await subscribe(http)
        names = [f"customer {at}" for at in range(20)]
        await make_customers(http, *names)
    await Deliverer(rail, receiver).deliver()
    arrived = [event["data"]["object"]["name"] for event in receiver.events]
    assert arrived != names
    assert sorted(arrived) == sorted(names)


@pytest.mark.parametrize("failure", [500, 302, 404, httpx.ConnectError("down")])
async def test_what_fails_is_tried_again_by_the_sandboxs_clock(
    rail: Stripe, http: httpx.AsyncClient, failure: int | Exception
) -> None:
    await subscribe(http)
    receiver = Receiver(failure, failure)
    await make_customers(http, "Ada")
    deliverer = Deliverer(rail, receiver)
    await deliverer.deliver()
    await deliverer.deliver()
    assert len(receiver.requests) == 1
    for at, span_s in enumerate(WEBHOOK_RETRIES_S[:2]):
        rail.context.clock.advance(span_s)
        await deliverer.deliver()
        assert len(receiver.requests) == at + 2
    (delivery,) = await deliveries(http)
    assert (delivery["state"], len(delivery["attempts"])) == ("delivered", 3)
    (event,) = (await http.get("/v1/events")).json()["data"]
    assert event["pending_webhooks"] == 0


async def test_and_given_up_after_the_last_try(rail: Stripe, http: httpx.AsyncClient) -> None:
    await subscribe(http)
    receiver = Receiver(*[500] * 10)
    await make_customers(http, "Ada")
    for span_s in (0, *WEBHOOK_RETRIES_S, 86_400):
        rail.context.clock.advance(span_s)
        await Deliverer(rail, receiver).deliver()
    assert len(receiver.requests) == 1 + len(WEBHOOK_RETRIES_S)
    (delivery,) = await deliveries(http, state="failed")
    assert [attempt["status"] for attempt in delivery["attempts"]] == [500] * 4
    found = await http.get("/v1/events", params={"delivery_success": "false"})
    assert len(found.json()["data"]) == 1


async def test_each_try_is_signed_anew(rail: Stripe, http: httpx.AsyncClient) -> None:
    endpoint, receiver = await subscribe(http), Receiver(500)
    await make_customers(http, "Ada")
    await Deliverer(rail, receiver).deliver()
    rail.context.clock.advance(WEBHOOK_RETRIES_S[0])
    await Deliverer(rail, receiver).deliver()
    for request in receiver.requests:
        signature = request.headers["stripe-signature"]
        assert stripe.Webhook.construct_event(request.content, signature, endpoint["secret"])


async def test_an_event_can_be_sent_again_and_again(rail: Stripe, http: httpx.AsyncClient) -> None:
    await subscribe(http)
    receiver = Receiver()
    await make_customers(http, "Ada")
    (event,) = (await http.get("/v1/events")).json()["data"]
    again = await http.post(f"/_sandbox/events/{event['id']}/resend", json={"times": 3})
    assert len(again.json()["queued"]) == 3
    await Deliverer(rail, receiver).deliver()
    assert [one["id"] for one in receiver.events] == [event["id"]] * 4


@pytest.mark.parametrize(
    ("do", "args", "arrived"),
    [
        ("lose", {}, ["b", "c"]),
        ("duplicate", {}, ["a", "a", "b", "c"]),
        ("duplicate", {"times": 3}, ["a", "a", "a", "b", "c"]),
        ("swap", {}, ["b", "c", "a"]),
        ("delay", {"s": 300}, ["b", "c"]),
    ],
)
async def test_faults(
    rail: Stripe, http: httpx.AsyncClient, do: str, args: dict[str, int], arrived: list[str]
) -> None:
    await subscribe(http)
    receiver = Receiver()
    rail.context.faults.arm({"at": "stripe.webhook", "do": do, "args": args, "when": "nth=1"})
    await make_customers(http, "a", "b", "c")
    await Deliverer(rail, receiver).deliver()
    assert [event["data"]["object"]["name"] for event in receiver.events] == arrived


async def test_a_delayed_one_arrives_late(rail: Stripe, http: httpx.AsyncClient) -> None:
    await subscribe(http)
    receiver = Receiver()
    rail.context.faults.arm({"at": "stripe.webhook", "do": "delay", "args": {"s": 300}})
    await make_customers(http, "a")
    rail.context.clock.advance(300)
    await Deliverer(rail, receiver).deliver()
    assert receiver.types == ["customer.created"]


async def test_a_swapped_one_waits_for_the_next_and_not_for_ever(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    await subscribe(http)
    receiver = Receiver()
    rail.context.faults.arm({"at": "stripe.webhook", "do": "swap", "when": "every=2"})
    for name in ("a", "b", "c", "d"):  # each is sent before the next one happens
        await make_customers(http, name)
        await Deliverer(rail, receiver).deliver()
    rail.context.clock.advance(60)
    await Deliverer(rail, receiver).deliver()
    assert [event["data"]["object"]["name"] for event in receiver.events] == ["a", "c", "b", "d"]


async def test_a_lost_one_is_in_the_log(rail: Stripe, http: httpx.AsyncClient) -> None:
    await subscribe(http)
    rail.context.faults.arm({"at": "stripe.webhook", "do": "lose"})
    await make_customers(http, "a")
    (delivery,) = await deliveries(http)
    assert delivery["state"] == "lost"


async def test_nothing_is_sent_to_other_machines(rail: Stripe, http: httpx.AsyncClient) -> None:
    await subscribe(http, url="https://shop.example/hook")
    receiver = Receiver()
    await make_customers(http, "Ada")
    await Deliverer(rail, receiver).deliver()
    assert receiver.requests == []
    (delivery,) = await deliveries(http)
    assert delivery["state"] == "blocked"


async def test_unless_told_otherwise(context: RailContext) -> None:
    rail, receiver = Stripe(context, StripeSettings(webhooks_anywhere=True)), Receiver()
    headers = {"authorization": "Bearer sk_test_x"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(StripeApi(rail)), base_url="http://s", headers=headers
    ) as http:
        await subscribe(http, url="https://shop.example/hook")
        await make_customers(http, "Ada")
    await Deliverer(rail, receiver).deliver()
    assert [str(request.url) for request in receiver.requests] == ["https://shop.example/hook"]


async def test_a_rolled_secret_and_the_old_one_both_open_it_for_a_day(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    old, receiver = await subscribe(http), Receiver()
    rolled = await http.post(f"/_sandbox/webhook_endpoints/{old['id']}/roll_secret")
    await make_customers(http, "Ada")
    await Deliverer(rail, receiver).deliver()
    rail.context.clock.advance(86_400)
    await make_customers(http, "Bob")
    await Deliverer(rail, receiver).deliver()
    first, second = receiver.requests

    def opens(request: httpx.Request, secret: str) -> bool:
        with suppress(stripe.SignatureVerificationError):
            signature = request.headers["stripe-signature"]
            return bool(stripe.Webhook.construct_event(request.content, signature, secret))
        return False

    new = rolled.json()["secret"]
    assert (opens(first, old["secret"]), opens(first, new)) == (True, True)
    assert (opens(second, old["secret"]), opens(second, new)) == (False, True)


async def test_a_deleted_or_disabled_endpoint_gets_nothing(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    gone, quiet = await subscribe(http), await subscribe(http)
    await http.post(f"/v1/webhook_endpoints/{quiet['id']}", data={"disabled": "true"})
    receiver = Receiver()
    await make_customers(http, "Ada")
    deleted = await http.delete(f"/v1/webhook_endpoints/{gone['id']}")
    assert deleted.json() == {"id": gone["id"], "object": "webhook_endpoint", "deleted": True}
    await Deliverer(rail, receiver).deliver()
    assert receiver.requests == []


async def test_what_a_failed_call_said_is_never_sent(rail: Stripe, http: httpx.AsyncClient) -> None:
    await subscribe(http)
    receiver = Receiver()
    with suppress(RuntimeError), rail.operation() as operation:
        operation.emit("customer.created", operation.create("customers", "cus_1", {}))
        raise RuntimeError
    await Deliverer(rail, receiver).deliver()
    assert receiver.requests == []


async def test_a_snapshot_holds_what_has_not_been_sent(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    await subscribe(http)
    await make_customers(http, "Ada")
    document, receiver = rail.snapshot(), Receiver()
    rail.reset()
    rail.restore(document)
    await Deliverer(rail, receiver).deliver()
    assert receiver.types == ["customer.created"]


async def test_it_is_sent_by_itself_while_the_rail_runs(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    await subscribe(http)
    receiver = Receiver(500)
    running = asyncio.create_task(Deliverer(rail, receiver).run())
    await make_customers(http, "Ada")
    while len(receiver.requests) < 1:
        await rail.context.clock.yield_to_loop()
    rail.context.clock.advance(WEBHOOK_RETRIES_S[0])
    while len(receiver.requests) < 2:
        await rail.context.clock.yield_to_loop()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"enabled_events[0]": "*"}, "url"),
        ({"url": URL}, "enabled_events"),
        ({"url": "shop", "enabled_events[0]": "*"}, "url"),
        ({"url": "http://", "enabled_events[0]": "*"}, "url"),
        ({"url": "http://[", "enabled_events[0]": "*"}, "url"),
        ({"url": "ftp://shop", "enabled_events[0]": "*"}, "url"),
        ({"url": URL, "enabled_events": ""}, "enabled_events"),
    ],
)
async def test_wrong_endpoints_are_refused(
    http: httpx.AsyncClient, form: dict[str, str], param: str
) -> None:
    answer = await http.post("/v1/webhook_endpoints", data=form)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert (await http.get("/v1/webhook_endpoints")).json()["data"] == []


async def test_the_secret_is_shown_once(rail: Stripe, http: httpx.AsyncClient) -> None:
    endpoint = await subscribe(http)
    assert endpoint["secret"].startswith("whsec_")
    again = (await http.get(f"/v1/webhook_endpoints/{endpoint['id']}")).json()
    assert again == {name: value for name, value in endpoint.items() if name != "secret"}


async def test_events_are_listed_by_type_and_end_after_a_month(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    await make_customers(http, "Ada")
    for wanted, count in (("customer.created", 1), ("customer.*", 1), ("charge.failed", 0)):
        found = (await http.get("/v1/events", params={"type": wanted})).json()["data"]
        assert len(found) == count, wanted
    rail.context.clock.advance(30 * 86_400)
    assert (await http.get("/v1/events")).json()["data"] == []
