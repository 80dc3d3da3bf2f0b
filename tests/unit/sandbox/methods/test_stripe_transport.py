"""The transport that carries a shop's charges to Stripe: which answers it trusts, and what it asks
for again. Facts: stripe 0.2, 1.5, 2.5 and 5. Stripe is a list of answers here; a real one is in
`tests/unit/sandbox/server/test_card_charges.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.core import Clock
from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe as Rail
from sandbox.merchants.merchants import NETWORK_ID
from sandbox.methods.stripe_transport import ATTEMPTS, AnswerLost, StripeTransport
from sandbox.methods.unchecked import PaymentUncheckedError

if TYPE_CHECKING:
    from datetime import timedelta

OURS = "https://api.stripe.com/v1/payment_intents"
KEY = {"Idempotency-Key": "mpp_challenge_spt"}
REPLAYED = {"Idempotent-Replayed": "true"}


class HastyClock(Clock):
    """It counts pauses and makes none."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses_ms: list[int] = []

    async def wall_sleep(self, duration: timedelta) -> None:
        self.pauses_ms.append(round(duration.total_seconds() * 1_000))


class Stripe(httpx.AsyncBaseTransport):
    """It answers what it was told to, in turn, and the last of it for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def paid(status: str = "succeeded", **headers: str) -> httpx.Response:
    return httpx.Response(200, json={"id": "pi_1", "status": status}, headers=headers)


def refused(status: int, code: str | None = None, **headers: str) -> httpx.Response:
    error = {"type": "invalid_request_error", "code": code, "message": "no"}
    return httpx.Response(status, json={"error": error}, headers=headers)


def in_use() -> httpx.Response:
    return refused(409, "idempotency_key_in_use")


async def ask(
    stripe: Stripe,
    *,
    url: str = "http://127.0.0.1:12111",
    clock: Clock | None = None,
    takes_replays: bool = False,
    **options: Any,
) -> httpx.Response:
    """What a client gets that charges through the transport."""
    transport = StripeTransport(
        url, clock=clock or HastyClock(), inner=stripe, takes_replays=takes_replays
    )
    options.setdefault("headers", KEY)
    async with httpx.AsyncClient(transport=transport) as http:
        return await http.post(OURS, data={"amount": "50"}, **options)


@pytest.mark.parametrize(
    ("url", "there"),
    [
        ("http://127.0.0.1:12111", "http://127.0.0.1:12111/v1/payment_intents"),
        ("http://127.0.0.1:12111/", "http://127.0.0.1:12111/v1/payment_intents"),
        ("https://stripe.test/rail", "https://stripe.test/rail/v1/payment_intents"),
    ],
)
async def test_requests_go_elsewhere_and_keep_what_they_say(url: str, there: str) -> None:
    stripe = Stripe(paid())
    assert (await ask(stripe, url=url)).json()["id"] == "pi_1"
    (request,) = stripe.asked
    assert str(request.url) == there
    assert request.headers["host"] == "api.stripe.com"
    assert (request.content, request.headers["idempotency-key"]) == (
        b"amount=50",
        KEY["Idempotency-Key"],
    )


LOST = [
    httpx.ReadError("cut"),
    httpx.RemoteProtocolError("half"),
    httpx.ReadTimeout("slow"),
    ConnectionResetError("in process"),
    refused(500),
    refused(503),
    httpx.Response(200, text="<html>"),
    httpx.Response(200, json={}),
    httpx.Response(200, json=["pi_1"]),
    httpx.Response(404, text="not Stripe's words"),
    httpx.Response(400, json={"error": "not Stripe's words"}),
]


@pytest.mark.parametrize("loss", LOST, ids=repr)
async def test_what_may_have_been_done_is_asked_for_again_and_its_replay_is_ours(
    loss: httpx.Response | Exception,
) -> None:
    stripe = Stripe(loss, paid(**REPLAYED))
    answer = await ask(stripe)
    assert answer.json()["status"] == "succeeded"
    assert "idempotent-replayed" not in answer.headers
    first, second = stripe.asked
    assert (first.content, first.headers) == (second.content, second.headers)


async def test_a_replay_to_a_first_attempt_is_somebody_elses() -> None:
    answer = await ask(Stripe(paid(**REPLAYED)))
    assert answer.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("before", [in_use(), refused(429)])
async def test_so_is_one_after_answers_that_say_that_we_did_nothing(before: httpx.Response) -> None:
    answer = await ask(Stripe(before, paid(**REPLAYED)))
    assert answer.headers["idempotent-replayed"] == "true"


async def test_whoever_looks_up_a_payment_takes_every_replay() -> None:
    answer = await ask(Stripe(paid(**REPLAYED)), takes_replays=True)
    assert "idempotent-replayed" not in answer.headers


async def test_our_own_running_first_attempt_is_waited_for() -> None:
    stripe = Stripe(httpx.ReadTimeout("slow"), in_use(), in_use(), paid(**REPLAYED))
    assert "idempotent-replayed" not in (await ask(stripe)).headers


@pytest.mark.parametrize("status", [400, 402, 404])
async def test_a_refusal_is_passed_on_at_once(status: int) -> None:
    stripe = Stripe(refused(status))
    assert (await ask(stripe)).status_code == status
    assert len(stripe.asked) == 1


async def test_pauses_double_and_attempts_end() -> None:
    clock = HastyClock()
    stripe = Stripe(httpx.ReadError("cut"))
    with pytest.raises(AnswerLost):
        await ask(stripe, clock=clock)
    assert len(stripe.asked) == ATTEMPTS
    assert clock.pauses_ms == [50, 100, 200, 400]


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("nobody"), httpx.ConnectTimeout("nobody"), httpx.PoolTimeout("")]
)
async def test_what_was_never_sent_has_charged_nothing(error: Exception) -> None:
    stripe = Stripe(error)
    with pytest.raises(PaymentUncheckedError, match="cannot be reached"):
        await ask(stripe)
    assert len(stripe.asked) == 1


async def test_a_stripe_that_vanishes_after_it_was_asked_leaves_it_unknown() -> None:
    with pytest.raises(AnswerLost):
        await ask(Stripe(httpx.ReadError("cut"), httpx.ConnectError("nobody")))


async def test_one_that_is_too_busy_to_the_end_has_charged_nothing() -> None:
    with pytest.raises(PaymentUncheckedError, match="too busy"):
        await ask(Stripe(refused(429)))
    with pytest.raises(AnswerLost):
        await ask(Stripe(refused(500), refused(429)))


async def test_a_key_that_another_holds_to_the_end_is_unknown() -> None:
    with pytest.raises(AnswerLost):
        await ask(Stripe(in_use()))


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_stripe_does_not_know_is_the_merchants_trouble(status: int) -> None:
    stripe = Stripe(refused(status))
    with pytest.raises(PaymentUncheckedError, match="does not know this merchant"):
        await ask(stripe)
    assert len(stripe.asked) == 1


async def test_a_payment_that_is_still_on_its_way_is_not_refused() -> None:
    """`processing` may become `succeeded`; to call it unpaid would invite a second payment."""
    stripe = Stripe(paid("processing"))
    with pytest.raises(AnswerLost):
        await ask(stripe)
    assert len(stripe.asked) == 1


async def test_a_key_that_was_used_in_other_words_may_have_paid() -> None:
    """As after an upgrade of pympp between two attempts: its metadata names its version."""
    error = {"type": "idempotency_error", "message": "other parameters"}
    with pytest.raises(AnswerLost):
        await ask(Stripe(httpx.Response(400, json={"error": error})))


async def test_stripe_can_say_that_asking_again_is_of_no_use() -> None:
    stripe = Stripe(refused(500, **{"Stripe-Should-Retry": "false"}))
    with pytest.raises(AnswerLost):
        await ask(stripe)
    assert len(stripe.asked) == 1


async def test_a_request_without_a_key_is_never_repeated() -> None:
    stripe = Stripe(httpx.ReadError("cut"))
    with pytest.raises(AnswerLost):
        await ask(stripe, headers={})
    assert len(stripe.asked) == 1


async def test_the_devnets_merchant_is_named_as_the_rail_names_the_account_of_any_test_key() -> (
    None
):
    rail = httpx.ASGITransport(StripeApi(Rail()))
    async with httpx.AsyncClient(transport=rail, base_url="http://stripe") as http:
        answer = await http.get("/v2/network/business_profiles/me", auth=("sk_test_any", ""))
    assert answer.json()["id"] == NETWORK_ID
