"""What `inspect` says of Stripe's side of a payment, and when it shouts (facts: stripe 0.2)."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.inspection import CardStory, Finding, Kind, find, render
from sandbox.inspection.cards import delivered_challenges, intents_in, tokens_in
from tests.unit.sandbox.inspection import events


def request(number: int, object_id: str | None, **more: Any) -> dict[str, Any]:
    told = {
        "id": f"req_{number}",
        "at_s": 1_767_225_600 + number,
        "verb": "POST",
        "path": "/v1/payment_intents",
        "params": {"shared_payment_granted_token": "spt_1"},
        "status": 200,
        "error": None,
        "object_id": object_id,
        "replayed": None,
        "fault": None,
        "fate": "sent",
    }
    return told | more


def intent(name: str, status: str = "succeeded", challenge: str = "chal-one") -> dict[str, Any]:
    metadata = {"mpp_challenge_id": challenge}
    return {"id": name, "status": status, "amount": 50, "currency": "usd", "metadata": metadata}


def call(verdict: str, *intents: dict[str, Any]) -> dict[str, Any]:
    listed = [{**one, "challenge_id": one["metadata"]["mpp_challenge_id"]} for one in intents]
    names = [one["challenge_id"] for one in listed]
    return {
        "verdict": verdict,
        "payment_intents": listed,
        "challenge_ids": names,
        "lost_answers": ["req_1"],
    }


def story(*intents: dict[str, Any], **more: Any) -> CardStory:
    token = {
        "id": "spt_1",
        "usage_limits": {"max_amount": 50, "currency": "usd"},
        "deactivated_reason": "consumed",
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}},
    }
    requests = tuple(request(number, one["id"]) for number, one in enumerate(intents))
    return CardStory(("chal-one",), requests, intents, (token,), **more)


def said(told: CardStory) -> str:
    return render(Finding(Kind.CHALLENGE, "chal-one", (), (), ()), cards=told)


def test_one_payment_is_shown_with_its_token_and_requests() -> None:
    text = said(story(intent("pi_1")))
    assert "up to $0.50 of visa …4242, consumed" in text
    assert "pi_1" in text
    assert "succeeded $0.50" in text
    assert "POST payment_intents  200" in text
    assert "DOUBLE" not in text


def test_two_payments_of_one_challenge_are_a_double_charge() -> None:
    told = story(intent("pi_1"), intent("pi_2"))
    assert told.taken == ("pi_1", "pi_2")
    assert "DOUBLE CHARGE: 2 PaymentIntents succeeded for one call: $1.00." in said(told)
    assert told.to_json()["double_charge"] is True


def test_a_second_payment_with_a_challenge_of_its_own_is_one_too() -> None:
    """What MPP's clients do after a lost answer: another challenge, another token."""
    both = intent("pi_1"), intent("pi_2", challenge="chal-two")
    told = story(*both, calls=(call("double_charge", *both),), delivered=frozenset({"chal-two"}))
    assert told.taken == ("pi_1", "pi_2")
    assert "the answer to req_1 was lost" in said(told)


def test_only_what_was_paid_again_is_a_double_charge() -> None:
    bought = [intent(f"pi_{name}", challenge=f"chal-{name}") for name in ("one", "two", "three")]
    report = call("double_charge", *bought)
    delivered = frozenset({"chal-one", "chal-three"})
    told = story(*bought, calls=(report,), delivered=delivered)
    assert told.taken == ("pi_two", "pi_three")
    # The last one is open, and nothing was paid after it.
    told = story(*bought, calls=(report,), delivered=frozenset({"chal-one", "chal-two"}))
    assert told.taken == ()


def test_two_purchases_that_were_both_delivered_are_none() -> None:
    both = intent("pi_1"), intent("pi_2", challenge="chal-two")
    delivered = frozenset({"chal-one", "chal-two"})
    told = story(*both, calls=(call("double_charge", *both),), delivered=delivered)
    assert not told.is_double
    assert "nothing was paid for again" in " ".join(said(told).split())


def test_a_decline_and_a_success_are_no_double_charge() -> None:
    told = story(intent("pi_1", "requires_payment_method"), intent("pi_2"))
    assert not told.is_double


def test_three_tries_of_one_decline_are_noted() -> None:
    tries = [intent(f"pi_{number}", "requires_payment_method") for number in range(3)]
    text = said(story(*tries, calls=(call("repeated_attempt", *tries),)))
    assert "This card was tried 3 times" in text
    assert "DOUBLE" not in text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"fate": "dropped", "status": 0}, "no answer"),
        ({"fault": "commit_then_drop"}, "fault commit_then_drop"),
        ({"replayed": "req_0"}, "the answer to req_0 again"),
        ({"error": "card_declined", "status": 402}, "card_declined"),
        ({"status": None}, "running"),
    ],
)
def test_what_was_unusual_about_a_request(more: dict[str, Any], words: str) -> None:
    told = CardStory(("chal-one",), (request(1, "pi_1", **more),), (), ())
    assert words in said(told)


def test_what_requests_are_about() -> None:
    asked = [request(1, None), request(2, "pi_1"), request(3, "spt_2", params={})]
    assert intents_in(asked) == ["pi_1"]
    assert tokens_in(asked) == ["spt_1", "spt_2"]


def test_what_was_delivered() -> None:
    found = [
        events.paid(1, challenge="chal-one"),
        events.delivered(2, of=1),
        events.paid(3, challenge="chal-two"),
    ]
    assert delivered_challenges(found) == {"chal-one"}


def test_a_payment_intent_is_found_by_its_beginning() -> None:
    paid = events.paid(3, reference="pi_Abc123", offer="stripe/charge", txHash=None, payer=None)
    finding = find([paid], "pi_Abc")
    assert (finding.kind, finding.id) == (Kind.INTENT, "pi_Abc123")
    assert finding.card_challenges == ["chal-one"]
    text = render(finding)
    assert text.startswith("PaymentIntent pi_Abc123")
