"""An id, or its beginning, finds what it stands for and what belongs to it."""

from __future__ import annotations

import pytest

from mock_rails.core.errors import BadInput, NotFound
from sandbox.inspection import Ambiguous, Kind, find
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
