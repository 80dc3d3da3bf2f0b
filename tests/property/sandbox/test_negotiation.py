"""Whatever a client puts into Accept-Payment, the gate makes a sensible list of offers of it."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from mock_rails.core.errors import BadInput
from sandbox.server.negotiation import Preference, negotiate, parse_accept_payment, rank

NAMES = ("tempo", "stripe", "lightning")
INTENTS = ("charge", "session")


class Offer(NamedTuple):
    """An offer, which its number tells from an equal one."""

    method: str
    intent: str
    number: int


@st.composite
def offer_lists(draw: st.DrawFn) -> list[Offer]:
    """What a route offers, with repetitions."""
    pairs = draw(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(INTENTS)), max_size=6))
    return [Offer(method, intent, number) for number, (method, intent) in enumerate(pairs)]


PREFERENCES = st.lists(
    st.builds(
        Preference,
        st.sampled_from(("*", *NAMES)),
        st.sampled_from(("*", *INTENTS)),
        st.sampled_from((0, 1, 500, 999, 1_000)) | st.integers(0, 1_000),
    ),
    min_size=1,
    max_size=8,
)
BLANKS = st.text(" \t", max_size=2)
ALMOST = st.text('tempo/charge*;q=0.159, "\\\t%', max_size=40)


@st.composite
def written(draw: st.DrawFn, preferences: list[Preference]) -> list[str]:
    """The preferences as some client may write them: blanks, parameters, empty members, fields."""
    fields = [""]
    for number, one in enumerate(preferences):
        if number and draw(st.booleans()):
            fields.append("")
        elif number:
            fields[-1] += draw(st.sampled_from([",", ",,", ", ,"]))
        weight = f"{one.weight // 1_000}.{one.weight % 1_000:03}"
        weight = weight.rstrip("0") if draw(st.booleans()) else weight
        extra = draw(st.sampled_from(["", ";a=b", ';a="q=0, x/y;q=0"', ";"]))
        parts = [one.method, "/", one.intent, extra, ";", "q", "=", weight]
        fields[-1] += "".join(draw(BLANKS) + part for part in parts) + draw(BLANKS)
    return fields


def decisive(offer: Offer, preferences: list[Preference]) -> int:
    """The rule in the draft's words: exact, then half a wildcard, then `*/*`."""
    for names in (
        {(offer.method, offer.intent)},
        {(offer.method, "*"), ("*", offer.intent)},
        {("*", "*")},
    ):
        weights = [one.weight for one in preferences if (one.method, one.intent) in names]
        if weights:
            return max(weights)
    return 0


@given(st.data(), PREFERENCES)
def test_what_is_written_is_what_is_read(
    data: st.DataObject, preferences: list[Preference]
) -> None:
    assert list(parse_accept_payment(data.draw(written(preferences)))) == preferences


@given(offer_lists(), PREFERENCES)
def test_the_ranking_is_the_drafts(offers: list[Offer], preferences: list[Preference]) -> None:
    weights = {offer: decisive(offer, preferences) for offer in offers}
    expected = sorted(
        (offer for offer in offers if weights[offer]),
        key=lambda offer: (-weights[offer], offer.number),
    )
    assert rank(offers, preferences) == expected


@given(offer_lists(), st.lists(ALMOST | st.text(max_size=40), max_size=3))
def test_no_header_makes_trouble(offers: list[Offer], fields: list[str]) -> None:
    ranked = negotiate(offers, fields)
    assert bool(ranked) == bool(offers)
    assert len(set(ranked)) == len(ranked)
    assert set(ranked) <= set(offers)


@given(st.lists(ALMOST, min_size=1, max_size=3))
def test_fields_are_one_list(fields: list[str]) -> None:
    def read(texts: list[str]) -> object:
        try:
            return parse_accept_payment(texts)
        except BadInput:
            return None

    assert read(fields) == read([",".join(fields)])
