"""Cards at the gate: pympp's Stripe method on the rail, and one payment for one credential.

Facts: stripe 0.2 (a lost answer becomes a double charge), 1.4 (tokens), 1.5 (what a charge is
answered). Every call crosses a socket, so that what is lost is lost as on a wire.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from mpp import Receipt

from mock_rails.core import Clock
from sandbox.methods import stripe_transport
from sandbox.methods.stripe_transport import ATTEMPTS
from sandbox.server.single_use import mark_key
from tests.unit.sandbox.server.cards import World, authorization, opened
from tests.unit.sandbox.server.support import App, challenge_of, problem

if TYPE_CHECKING:
    import httpx

WINTER_S = 1_767_225_600


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shop makes short pauses between its attempts."""
    monkeypatch.setattr(stripe_transport, "FIRST_PAUSE", timedelta(milliseconds=2))


def assert_delivered(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.text) == (200, "the goods"), answer.text


def assert_paid_once(world: World) -> None:
    """One PaymentIntent that succeeded, and one delivery."""
    assert world.intents() == ["succeeded"]
    assert len(world.shop.app.scopes) == 1


# -- paying ---------------------------------------------------------------------------------------


async def test_a_token_pays_and_the_receipt_names_the_payment_intent() -> None:
    async with opened() as world:
        answer = await world.show(await world.credential())
        assert_delivered(answer)
        receipt = Receipt.from_payment_receipt(answer.headers["payment-receipt"])
        (intent,) = world.rail.state.all("payment_intents")
        assert (receipt.method, receipt.reference) == ("stripe", intent.id)
        assert (intent["amount"], intent["currency"]) == (50, "usd")
        assert intent["metadata"]["mpp_intent"] == "charge"
        settlement = world.shop.app.scopes[0]["mpp"]
        assert (settlement.amount, settlement.currency) == (50, "usd")
        assert (settlement.tx_hash, settlement.reference) == (None, intent.id)
        assert world.shop.kinds() == ["exchange.challenged", "exchange.paid", "exchange.delivered"]


async def test_the_sandboxs_clock_counts_and_not_the_walls() -> None:
    """pympp would take a challenge of last winter for expired."""
    async with opened(clock=Clock.frozen(WINTER_S)) as world:
        assert_delivered(await world.show(await world.credential()))


async def test_a_token_is_in_no_event_and_no_refusal() -> None:
    async with opened() as world:
        small = await world.mint(amount=49)
        refused = await world.show(authorization(await world.challenge(), small))
        assert f"…{small[-4:]}" in refused.json()["detail"]
        token = await world.mint()
        await world.show(authorization(await world.challenge(), token))
        told = "".join(event.to_json() for event in world.shop.journal.read())
        assert not any(one in told + refused.text for one in (small, token))


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("pm_card_visa_chargeDeclined", "declined"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired"),
    ],
)
async def test_a_decline_is_told_in_words_and_asked_for_anew(card: str, words: str) -> None:
    async with opened() as world:
        first = await world.challenge()
        answer = await world.show(authorization(first, await world.mint(card)))
        assert (answer.status_code, problem(answer)) == (402, "verification-failed")
        assert words in answer.json()["detail"]
        assert challenge_of(answer).id != first.id
        assert world.intents() == ["requires_payment_method"]
        assert world.shop.app.scopes == []


async def test_a_declined_credential_that_comes_again_makes_no_second_payment_intent() -> None:
    async with opened() as world:
        sent = await world.credential("pm_card_visa_chargeDeclined")
        for _ in range(3):
            assert (await world.show(sent)).status_code == 402
        assert world.intents() == ["requires_payment_method"]


async def test_another_card_mends_the_same_challenge() -> None:
    async with opened() as world:
        challenge = await world.challenge()
        declined = await world.mint("pm_card_visa_chargeDeclined")
        assert (await world.show(authorization(challenge, declined))).status_code == 402
        assert_delivered(await world.show(authorization(challenge, await world.mint())))
        assert sorted(world.intents()) == ["requires_payment_method", "succeeded"]


async def test_a_bank_that_wants_to_see_the_buyer_is_a_problem_of_its_own() -> None:
    async with opened() as world:
        answer = await world.show(await world.credential("pm_card_authenticationRequired"))
        assert (answer.status_code, problem(answer)) == (402, "payment-action-required")
        assert challenge_of(answer).id
        assert world.intents() == ["requires_action"]
        assert world.shop.app.scopes == []


async def test_a_token_pays_once() -> None:
    async with opened() as world:
        token = await world.mint(amount=100)
        assert_delivered(await world.show(authorization(await world.challenge(), token)))
        again = await world.show(authorization(await world.challenge(), token))
        assert (again.status_code, problem(again)) == (402, "verification-failed")
        assert "deactivated" in again.json()["detail"]
        assert world.intents().count("succeeded") == 1
        assert len(world.shop.app.scopes) == 1


@pytest.mark.parametrize("limits", [{"amount": 49}, {"currency": "eur"}])
async def test_a_token_for_less_or_other_money_is_refused(limits: dict[str, Any]) -> None:
    async with opened() as world:
        answer = await world.show(await world.credential(**limits))
        assert (answer.status_code, problem(answer)) == (402, "verification-failed")
        assert "succeeded" not in world.intents()
        assert world.shop.app.scopes == []


async def test_a_token_whose_time_is_over_is_refused() -> None:
    async with opened() as world:
        expires_at = world.clock.now_s() + 10
        sent = await world.credential(expires_at=expires_at)
        world.clock.advance(11)
        answer = await world.show(sent)
        assert (answer.status_code, problem(answer)) == (402, "verification-failed")
        assert "succeeded" not in world.intents()


@pytest.mark.parametrize("payload", ["", "   ", "spt_unknown", "x" * 5_000])
async def test_what_is_no_token_is_refused(payload: str) -> None:
    async with opened() as world:
        answer = await world.show(authorization(await world.challenge(), payload))
        assert (answer.status_code, problem(answer)) == (402, "verification-failed")
        assert world.intents() == []


async def test_a_credential_pays_for_one_delivery() -> None:
    async with opened() as world:
        sent = await world.credential()
        assert_delivered(await world.show(sent))
        again = await world.show(sent)
        assert (again.status_code, problem(again)) == (402, "invalid-challenge")
        assert_paid_once(world)


# -- lost answers ---------------------------------------------------------------------------------

LOSSES: dict[str, dict[str, Any]] = {
    "commit_then_drop": {},
    "commit_then_error": {"status": 500},
    "truncate": {},
    "garble": {},
    "drop": {},
    "error": {"status": 503},
    "rate_limit": {},
    "hold": {"ms": 900},
}
"""What may become of a call; of the first four, the work was done."""


@pytest.mark.parametrize("do", LOSSES)
async def test_an_answer_that_is_lost_once_is_asked_for_again(do: str) -> None:
    """The replayed-success trap: the second answer to our own key is a replay, and is the first."""
    async with opened(timeout_s=0.4) as world:
        world.arm(do, "nth=1", **LOSSES[do])
        assert_delivered(await world.show(await world.credential()))
        assert_paid_once(world)


@pytest.mark.parametrize("do", ["commit_then_drop", "commit_then_error", "garble"])
@pytest.mark.parametrize("lost", range(2, ATTEMPTS))
@pytest.mark.usefixtures("hasty")
async def test_however_many_answers_are_lost_one_that_comes_is_enough(do: str, lost: int) -> None:
    async with opened() as world:
        for nth in range(1, lost + 1):
            world.arm(do, f"nth={nth}", **LOSSES[do])
        assert_delivered(await world.show(await world.credential()))
        assert_paid_once(world)


@pytest.mark.parametrize("do", ["commit_then_drop", "commit_then_error", "truncate", "garble"])
@pytest.mark.usefixtures("hasty")
async def test_an_answer_that_never_comes_is_unknown_and_found_when_the_credential_returns(
    do: str,
) -> None:
    async with opened() as world:
        world.arm(do, **LOSSES[do])
        sent = await world.credential()
        answer = await world.show(sent)
        assert (answer.status_code, problem(answer)) == (500, "internal-payment-error")
        assert "Do not pay again" in answer.text
        assert "www-authenticate" not in answer.headers
        assert (await world.show(sent)).status_code == 500  # Stripe still does not say
        world.rail.context.faults.clear()
        assert_delivered(await world.show(sent))
        assert_paid_once(world)
        assert (await world.show(sent)).status_code == 402


@pytest.mark.usefixtures("hasty")
async def test_what_was_lost_before_it_was_done_is_done_when_the_credential_returns() -> None:
    async with opened() as world:
        world.arm("drop")
        sent = await world.credential()
        assert (await world.show(sent)).status_code == 500
        assert world.intents() == []
        world.rail.context.faults.clear()
        assert_delivered(await world.show(sent))
        assert_paid_once(world)


@pytest.mark.usefixtures("hasty")
async def test_a_lost_decline_is_found_as_a_decline() -> None:
    async with opened() as world:
        world.arm("commit_then_drop")
        sent = await world.credential("pm_card_visa_chargeDeclined")
        assert (await world.show(sent)).status_code == 500
        world.rail.context.faults.clear()
        answer = await world.show(sent)
        assert (answer.status_code, problem(answer)) == (402, "verification-failed")
        assert "declined" in answer.json()["detail"]
        assert world.intents() == ["requires_payment_method"]


@pytest.mark.usefixtures("hasty")
async def test_after_a_lost_answer_another_token_for_the_challenge_is_not_charged() -> None:
    """The first one may have paid; only what came of it may be looked up."""
    async with opened() as world:
        world.arm("commit_then_drop")
        challenge = await world.challenge()
        first = authorization(challenge, await world.mint())
        assert (await world.show(first)).status_code == 500
        world.rail.context.faults.clear()
        other = await world.show(authorization(challenge, await world.mint()))
        assert (other.status_code, problem(other)) == (500, "internal-payment-error")
        assert_delivered(await world.show(first))
        assert_paid_once(world)


async def test_a_key_that_another_request_holds_is_waited_for() -> None:
    """Two processes of one shop without a common store: the second hears that it was paid."""
    async with opened() as world:
        world.arm("hold", "nth=1", ms=300)
        sent = await world.credential()
        other = await world.another_shop(app=world.shop.app)
        answers = await asyncio.gather(world.show(sent), world.show(sent, other))
        assert sorted(one.status_code for one in answers) == [200, 403]
        assert_paid_once(world)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("seed", range(12))
async def test_whatever_is_lost_whenever_it_is_one_payment_and_one_delivery(seed: int) -> None:
    """Every call of the server meets a fault that chance chooses, also those that look up what came
    of earlier ones; the client brings the same credential until it is served."""
    async with opened(seed=f"losses {seed}") as world:
        for do, args in LOSSES.items():
            if do != "hold":
                world.arm(do, {"probability": 0.2}, **args)
        sent = await world.credential()
        for _ in range(50):
            answer = await world.show(sent)
            assert world.intents().count("succeeded") <= 1
            if answer.status_code == 200:
                break
            assert answer.status_code in {500, 503}, answer.text
            assert "www-authenticate" not in answer.headers
        assert_delivered(answer)
        assert_paid_once(world)
        again = await world.show(sent)
        assert (again.status_code, problem(again)) == (402, "invalid-challenge")


# -- Stripe that is not there ---------------------------------------------------------------------


async def test_a_stripe_that_is_down_has_charged_nothing() -> None:
    async with opened() as world:
        sent = await world.credential()
        await world.host.stop()
        for _ in range(2):
            answer = await world.show(sent)
            assert (answer.status_code, problem(answer)) == (503, "internal-payment-error")
            assert "Nothing was charged" in answer.text
            assert "www-authenticate" not in answer.headers
        assert world.intents() == []
        world.host.port = int(world.host.url.rpartition(":")[2])
        await world.host.start()
        assert_delivered(await world.show(sent))
        assert_paid_once(world)


@pytest.mark.parametrize(
    ("do", "args"),
    [("rate_limit", {}), ("error", {"status": 401}), ("error", {"status": 403})],
)
@pytest.mark.usefixtures("hasty")
async def test_a_stripe_that_lets_nobody_in_has_charged_nothing(
    do: str, args: dict[str, Any]
) -> None:
    """That the merchant's key is wrong is nothing that another payment would mend."""
    async with opened() as world:
        world.arm(do, **args)
        sent = await world.credential()
        answer = await world.show(sent)
        assert (answer.status_code, problem(answer)) == (503, "internal-payment-error")
        assert "www-authenticate" not in answer.headers
        world.rail.context.faults.clear()
        assert_delivered(await world.show(sent))
        assert_paid_once(world)


# -- races and crashes ----------------------------------------------------------------------------


async def test_one_credential_shown_twenty_times_at_once_pays_once() -> None:
    async with opened() as world:
        sent = await world.credential()
        answers = await asyncio.gather(*(world.show(sent) for _ in range(20)))
        assert [one.status_code for one in answers].count(200) == 1
        assert_paid_once(world)


async def test_twenty_tokens_for_one_challenge_at_once_pay_once() -> None:
    async with opened() as world:
        challenge = await world.challenge()
        tokens = [await world.mint() for _ in range(20)]
        answers = await asyncio.gather(
            *(world.show(authorization(challenge, token)) for token in tokens)
        )
        assert [one.status_code for one in answers].count(200) == 1
        assert_paid_once(world)


async def test_a_server_that_dies_between_charge_and_delivery_delivers_once() -> None:
    """Its mark stays; the next process finds the payment, and delivers it to one of all who ask."""
    async with opened() as world:
        sent = await world.credential()
        (offer,) = world.shop.offers
        real = offer.settle

        async def dies(*of: Any) -> Any:
            await real(*of)
            raise asyncio.CancelledError

        offer.settle = dies
        with pytest.raises(asyncio.CancelledError):
            await world.show(sent)
        offer.settle = real
        assert world.intents() == ["succeeded"]
        other = await world.another_shop(store=world.shop.store, app=world.shop.app)
        answers = await asyncio.gather(*(world.show(sent, other) for _ in range(8)))
        assert [one.status_code for one in answers].count(200) == 1
        assert_paid_once(world)


async def test_a_server_that_was_killed_leaves_a_mark_that_is_old_in_a_minute() -> None:
    async with opened() as world:
        challenge = await world.challenge()
        sent = authorization(challenge, await world.mint())
        (offer,) = world.shop.offers
        taken = asyncio.Event()
        real = offer.settle

        async def killed(*of: Any) -> Any:
            await real(*of)
            taken.set()
            await asyncio.Event().wait()

        offer.settle = killed
        ghost = asyncio.create_task(world.show(sent))
        await taken.wait()
        offer.settle = real
        other = await world.another_shop(store=world.shop.store, app=world.shop.app)
        early = await world.show(sent, other)
        assert (early.status_code, problem(early)) == (409, "payment-in-progress")
        world.clock.advance(60)
        assert_delivered(await world.show(sent, other))
        assert_paid_once(world)
        assert await world.shop.store.replays().get(mark_key(challenge.id)) == "settled"
        ghost.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ghost
        assert_paid_once(world)


@pytest.mark.usefixtures("hasty")
async def test_under_an_idempotency_key_the_found_answer_is_repeated() -> None:
    async with opened() as world:
        world.arm("commit_then_drop")
        sent = await world.credential()
        key = {"Idempotency-Key": "order-1"}
        assert (await world.show(sent, **key)).status_code == 500
        world.clock.advance(60)  # until then the key's first request may still run
        world.rail.context.faults.clear()
        first = await world.show(sent, **key)
        again = await world.show(sent, **key)
        assert_delivered(first)
        assert first.headers == again.headers
        assert_paid_once(world)


async def test_an_application_that_fails_after_it_was_paid_owns_up() -> None:
    async with opened() as world:
        app: App = world.shop.app
        app.fails = RuntimeError("of the application")
        answer = await world.show(await world.credential())
        assert (answer.status_code, problem(answer)) == (500, "delivery-failed")
        assert world.intents() == ["succeeded"]
