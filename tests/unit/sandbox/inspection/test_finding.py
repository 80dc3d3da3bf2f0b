"""An id, or its beginning, finds what it stands for and what belongs to it."""

from __future__ import annotations

import pytest

from mock_rails.core.errors import BadInput, NotFound
from sandbox.inspection import Ambiguous, Kind, find, render
from tests.unit.sandbox.inspection import events

STORY = [
    events.asked(1),
    events.event(2, "block.sealed", None, number=1, transactions=[events.TX]),
    events.paid(3),
    events.delivered(4, of=3),
    events.asked(5, "chal-two", "tempo/session"),
    events.event(6, "channel.opened", None, channel=events.CHANNEL, tx="0x5e76", deposit=10**6),
    events.voucher(7, "open", tx="0x5e76"),
    events.delivered(8, of=7),
    events.voucher(9),
    events.delivered(10, of=9),
]


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        ("ex-3", Kind.EXCHANGE),
        ("chal-one", Kind.CHALLENGE),
        ("chal-o", Kind.CHALLENGE),
        (events.TX, Kind.TRANSACTION),
        ("0x7E43", Kind.TRANSACTION),
    ],
)
def test_a_charge_is_found_by_any_of_its_names_with_the_402_before_it(
    wanted: str, kind: Kind
) -> None:
    found = find(STORY, wanted)
    assert found.kind is kind
    assert [one.id for one in found.exchanges] == ["ex-3"]
    assert [one.id for one in found.before] == ["ex-1"]
    assert found.transactions == [events.TX]


def test_a_402_is_told_with_the_payment_that_came_of_it() -> None:
    found = find(STORY, "ex-1")
    assert [one.id for one in found.before] == ["ex-1"]
    assert [one.id for one in found.exchanges] == ["ex-3"]


def test_a_402_that_nobody_paid_stands_alone() -> None:
    found = find([events.asked(1)], "ex-1")
    assert [one.id for one in found.exchanges] == ["ex-1"]
    assert found.before == ()


def test_a_channel_is_found_with_all_its_requests_and_transactions() -> None:
    found = find(STORY, "0xb734")
    assert (found.kind, found.id) == (Kind.CHANNEL, events.CHANNEL)
    assert [one.id for one in found.exchanges] == ["ex-7", "ex-9"]
    assert [event["kind"] for event in found.others] == ["channel.opened"]
    assert found.transactions == ["0x5e76"]


def test_the_beginning_of_several_is_refused_with_their_names() -> None:
    with pytest.raises(Ambiguous, match=r"chal-one.*chal-two"):
        find(STORY, "chal")


def test_a_whole_exchange_id_is_not_the_beginning_of_another() -> None:
    story = [*STORY, events.asked(30)]
    assert find(story, "ex-3").exchanges[0].id == "ex-3"


@pytest.mark.parametrize(("wanted", "error"), [("0x99", NotFound), ("ex", BadInput)])
def test_what_is_not_there_or_too_short_is_said(wanted: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        find(STORY, wanted)


def test_a_challenge_may_begin_like_a_hash() -> None:
    story = [events.asked(1, "0xAbC_challenge")]
    assert find(story, "0xAbC_").kind is Kind.CHALLENGE
    assert find(story, "0xAbC_challenge").id == "0xAbC_challenge"


def test_what_stripe_and_a_fault_did_is_told_with_the_exchange_it_was_done_for() -> None:
    """DESIGN 2.4: one shared id across HTTP and rails, the joined journal's."""

    def of(offset: int, rail: str, kind: str, **data: object) -> dict[str, object]:
        return {**events.event(offset, kind, None, **data), "rail": rail}

    story = [
        events.asked(1, "chal-card", "stripe/charge"),
        of(2, "stripe", "payment_intent.succeeded", event="evt_1", object="pi_1", request="req_1"),
        of(
            3,
            "stripe",
            "request.answered",
            request="req_1",
            object="pi_1",
            challenge_id="chal-card",
        ),
        events.paid(4, "chal-card", offer="stripe/charge", reference="pi_1", txHash=None),
        events.delivered(5, of=4),
        of(6, "stripe", "webhook.delivered", event="evt_1", url="http://hook.test", status=200),
        of(7, "stripe", "payout.paid", event="evt_2", object="po_1"),
    ]
    found = find(story, "ex-4")
    assert [one["kind"] for one in found.others] == [
        "payment_intent.succeeded",
        "request.answered",
        "webhook.delivered",
    ]
    assert {one["exchange"] for one in found.others} == {"ex-4"}
    assert find(story, "pi_1").others == found.others
    text = render(found)
    assert "On the rails" in text
    assert "ex-4   stripe   webhook.delivered" in text
    assert "payout" not in text


def test_a_fault_that_struck_a_payment_is_told_with_it() -> None:
    met = {"hash": events.TX, "sender": events.PAYER}
    struck = events.event(
        2, "fault.fired", None, id="fault-1", at="tempo.submit", do="lose_response", met=met
    )
    text = render(find([events.asked(1), struck, events.paid(3)], "ex-3"))
    assert "tempo.submit lose_response" in text
