"""The wire as stripe-python speaks it: forms, pages, retries, errors (facts: stripe 1.1, 2.4-2.8).

The released SDK with nothing changed but its base address.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import stripe

from tests.interop.stripe_support import Served, stripe_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

PAY: Any = {
    "amount": 500,
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "confirm": True,
    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
}


@pytest.fixture
def served() -> Iterator[Served]:
    with stripe_in_thread() as served:
        yield served


def arm(served: Served, do: str, **args: Any) -> None:
    """Let the next request meet a fault."""
    fault = {"at": "stripe.request", "do": do, "when": "nth=1", "args": args}
    served.do(lambda rail: rail.context.faults.arm(fault))


def test_objects_go_there_and_back(served: Served) -> None:
    client = served.client()
    made = client.v1.customers.create({"name": "Ada", "metadata": {"team": "a b&c=d[e]é"}})
    assert made.id.startswith("cus_")
    found = client.v1.customers.retrieve(made.id)
    assert found.metadata is not None
    assert found.metadata.to_dict() == {"team": "a b&c=d[e]é"}


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
async def test_the_asynchronous_client_does_the_same(served: Served) -> None:
    transport = stripe.HTTPXClient()
    client = served.client(http_client=transport)
    made = await client.v1.customers.create_async({"name": "Ada"})
    found = await client.v1.customers.retrieve_async(made.id)
    assert found.name == "Ada"
    assert found.last_response.headers["stripe-version"] == stripe.api_version
    await transport.close_async()
    transport.close()


def test_lists_of_objects_are_understood(served: Served) -> None:
    client = served.client()
    intent = client.v1.payment_intents.create(
        {**PAY, "shipping": {"name": "Ada", "address": {"line1": "1 High St", "city": "Bath"}},
         "expand": ["latest_charge.balance_transaction", "payment_method"]}
    )  # fmt: skip
    assert intent.shipping is not None
    assert intent.shipping.address is not None
    assert intent.shipping.address.city == "Bath"
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert isinstance(intent.latest_charge.balance_transaction, stripe.BalanceTransaction)
    assert isinstance(intent.payment_method, stripe.PaymentMethod)


def test_pages_are_followed_to_the_end_and_back(served: Served) -> None:
    client = served.client()
    made = [client.v1.customers.create({"name": str(number)}).id for number in range(7)]
    forth = client.v1.customers.list({"limit": 3})
    assert [one.id for one in forth.auto_paging_iter()] == made[::-1]
    back = client.v1.customers.list({"limit": 3, "ending_before": made[0]})
    assert [one.id for one in back.auto_paging_iter()] == made[1:]


def test_searches_are_followed_too(served: Served) -> None:
    client = served.client()
    for number in range(5):
        client.v1.customers.create({"metadata": {"odd": str(number % 2)}})
    found = client.v1.customers.search({"query": "metadata['odd']:'0'", "limit": 2})
    assert len(list(found.auto_paging_iter())) == 3


def test_a_lost_answer_is_asked_for_again_with_the_same_key(served: Served) -> None:
    """2.6: the SDK retries under its own key, and the work is done once."""
    client = served.client(max_network_retries=1)
    for fault in ("commit_then_drop", "drop", "commit_then_error"):
        arm(served, fault)
        client.v1.payment_intents.create(PAY)
    assert len(client.v1.payment_intents.list().data) == 3
    served.do(lambda rail: rail.check_conservation())


def test_an_answer_cut_short_is_an_unknown_outcome(served: Served) -> None:
    """The SDK does not retry it, and the money has moved."""
    client = served.client(max_network_retries=2)
    arm(served, "truncate")
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(PAY)
    assert [one.status for one in client.v1.payment_intents.list().data] == ["succeeded"]


def test_a_replay_is_visible(served: Served) -> None:
    client = served.client()
    first = client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k1"})
    again = client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k1"})
    assert again.id == first.id
    assert "idempotent-replayed" not in first.last_response.headers
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert again.last_response.headers["original-request"] == first.last_response.request_id


def test_every_failure_is_of_its_class(served: Served) -> None:
    """2.4: the SDK chooses by status and type."""
    client = served.client()
    client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k1"})

    def failing(kind: type[stripe.StripeError], status: int, call: Any) -> stripe.StripeError:
        with pytest.raises(kind) as caught:
            call()
        assert caught.value.http_status == status
        return caught.value

    missing = failing(
        stripe.InvalidRequestError, 404, lambda: client.v1.customers.retrieve("cus_none")
    )
    assert missing.code == "resource_missing"
    assert str(missing.request_id).startswith("req_")
    unknown = failing(
        stripe.InvalidRequestError,
        400,
        lambda: client.v1.customers.create({"colour": "red"}),  # type: ignore[typeddict-unknown-key]
    )
    assert isinstance(unknown, stripe.InvalidRequestError)
    assert (unknown.code, unknown.param) == ("parameter_unknown", "colour")
    failing(
        stripe.IdempotencyError,
        400,
        lambda: client.v1.customers.create({"name": "Bob"}, {"idempotency_key": "k1"}),
    )
    failing(stripe.AuthenticationError, 401, lambda: served.client("no key").v1.customers.list())
    failing(
        stripe.PermissionError,
        403,
        lambda: client.v1.customers.list(options={"stripe_account": "acct_nope"}),
    )
    declined = failing(
        stripe.CardError,
        402,
        lambda: client.v1.payment_intents.create(
            {**PAY, "payment_method": "pm_card_visa_chargeDeclined"}
        ),
    )
    assert declined.code == "card_declined"
    arm(served, "rate_limit")
    failing(stripe.RateLimitError, 429, lambda: client.v1.customers.list())
    arm(served, "error", status=500)
    failing(stripe.APIError, 500, lambda: client.v1.customers.list())
    arm(served, "garble")
    failing(stripe.APIError, 200, lambda: client.v1.customers.list())
    patient = served.client(max_network_retries=2)
    failing(stripe.APIError, 501, lambda: patient.v1.quotes.list())
    asked = served.do(lambda _: [one.path for one in served.log.newest()])
    assert asked.count("/v1/quotes") == 1, "what is not emulated is not tried again"


@pytest.mark.parametrize("retries", [0, 2])
def test_a_second_try_meets_a_running_first(served: Served, retries: int) -> None:
    """2.5: the same key while the first runs is a 409, which the SDK tries again by itself."""
    arm(served, "hold", ms=300)

    def create(retries: int = 0) -> stripe.Customer:
        client = served.client(max_network_retries=retries)
        return client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "held"})

    with ThreadPoolExecutor() as threads:
        first = threads.submit(create)
        while not served.do(lambda _: any(one.fault for one in served.log.newest())):
            pass  # each look is a turn of the loop that serves
        if retries:
            assert create(retries).id == first.result().id
        else:
            with pytest.raises(stripe.APIError) as caught:
                create()
            assert caught.value.http_status == 409
            assert caught.value.error is not None
            assert caught.value.error.code == "idempotency_key_in_use"
    assert len(served.client().v1.customers.list().data) == 1


def test_this_version_no_longer_takes_payment_method_types(served: Served) -> None:
    """0.1: a program that would fail at Stripe fails here."""
    given: Any = {"amount": 500, "currency": "usd", "payment_method_types": ["card"]}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        served.client().v1.payment_intents.create(given)
    assert caught.value.code == "payment_method_types_no_longer_supported"
    old = served.client(stripe_version="2026-07-29.preview")
    assert old.v1.payment_intents.create(given).payment_method_types == ["card"]


def test_raw_requests_and_the_module_level_api(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = served.client().raw_request("post", "/v1/customers", name="Ada")
    assert raw.data["name"] == "Ada"
    monkeypatch.setattr(stripe, "api_base", served.url)
    monkeypatch.setattr(stripe, "api_key", "sk_test_other")
    assert [one.name for one in stripe.Customer.list()] == ["Ada"]
