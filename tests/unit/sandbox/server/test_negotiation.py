"""Accept-Payment: what clients write, what is wrong with it, and what order comes out.

Core draft, Accept-Payment; facts: protocol 1.1, row 12. The rows of `RANKED` and `UNREADABLE` were
also given to mppx 0.11, which agrees except where a row says so.
"""

from __future__ import annotations

import time

import pytest
from mpp import Challenge
from mpp.client.transport import _accept_payment

from mock_rails.core.errors import BadInput
from sandbox.server.negotiation import (
    LONGEST_FIELD,
    MOST_PREFERENCES,
    Preference,
    negotiate,
    parse_accept_payment,
    rank,
)


class Offer(tuple[str, str]):
    """An offer written as `method/intent`."""

    __slots__ = ()

    def __new__(cls, text: str) -> Offer:
        method, _, intent = text.partition("/")
        return super().__new__(cls, (method, intent))

    @property
    def method(self) -> str:
        return self[0]

    @property
    def intent(self) -> str:
        return self[1]


OFFERS = [Offer(text) for text in ("tempo/charge", "tempo/session", "stripe/charge")]
IN_SERVER_ORDER = "tempo/charge tempo/session stripe/charge"

RANKED = [
    ("tempo/charge, tempo/session, stripe/charge", IN_SERVER_ORDER),
    ("stripe/charge, tempo/session, tempo/charge", IN_SERVER_ORDER),  # equal weights: our order
    ("stripe/charge, tempo/charge;q=0.5", "stripe/charge tempo/charge"),
    ("tempo/session", "tempo/session"),
    ("tempo/*", "tempo/charge tempo/session"),
    ("*/charge", "tempo/charge stripe/charge"),
    ("*/*", IN_SERVER_ORDER),
    ("*/*;q=0.1, stripe/*", "stripe/charge tempo/charge tempo/session"),
    ("tempo/*, tempo/charge;q=0", "tempo/session"),
    ("tempo/charge;q=0, tempo/*", "tempo/session"),
    ("*/*;q=0, stripe/charge;q=0.001", "stripe/charge"),
    ("*/*, */charge;q=0", "tempo/session"),
    ("tempo/*;q=0.2, */charge;q=0.7", "tempo/charge stripe/charge tempo/session"),
    ("tempo/charge;q=0.3, tempo/charge;q=0.9, stripe/*;q=0.5", "tempo/charge stripe/charge"),
    ("tempo/charge;q=0.499, stripe/charge;q=0.5", "stripe/charge tempo/charge"),
    ("tempo/charge;q=1.000, stripe/charge;q=0.", "tempo/charge"),
    (" tempo / session ; q = 0.5 ,\tstripe/charge", "stripe/charge tempo/session"),
    (",tempo/session,,", "tempo/session"),
    ("tempo/session;version=2;q=0.5;;x=y", "tempo/session"),
    # mppx splits the quoted value and ignores the header; it takes `Q` for no weight at all.
    ('tempo/session;note="a, b;q=0";q=0.5, stripe/charge', "stripe/charge tempo/session"),
    ("tempo/session;Q=0", IN_SERVER_ORDER),
    # Nothing is left, or nothing of it is ours: the client sees what there is.
    ("*/*;q=0", IN_SERVER_ORDER),
    ("lightning/charge", IN_SERVER_ORDER),
]

UNREADABLE = [
    "",
    " , ,",
    "tempo",
    "tempo/",
    "/charge",
    "tempo/charge/x",
    "Tempo/charge",
    "tempo/CHARGE",
    "tempo*/charge",
    "tempo/charge stripe/charge",
    "tempo/charge;q=1.1",
    "tempo/charge;q=-1",
    "tempo/charge;q=0.1234",
    "tempo/charge;q=.5",
    "tempo/charge;q=1e0",
    "tempo/charge;q=",
    "tempo/charge;q",
    "tempo/charge;q=nan",
    "tempo/charge;q=0.5 x",
    "tempo/charge;=1",
    'tempo/charge;q="0.5"',
    'tempo/charge;x="',  # mppx reads it
    "tempo/charge;q=0.\u0663",
    "tempo/charge, \0",
    "tempo/charge;q=0.1;q=0.2",  # mppx takes the last
]


def order(fields: list[str]) -> str:
    return " ".join("/".join(offer) for offer in negotiate(OFFERS, fields))


@pytest.mark.parametrize(("header", "expected"), RANKED)
def test_offers_come_in_the_order_that_the_client_wants(header: str, expected: str) -> None:
    assert order([header]) == expected


@pytest.mark.parametrize("header", UNREADABLE)
def test_a_header_that_cannot_be_read_is_refused_by_the_parser(header: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_accept_payment([header])
    assert "Accept-Payment" in refused.value.detail or "q-value" in refused.value.detail


@pytest.mark.parametrize("header", UNREADABLE)
def test_and_ignored_by_the_gate(header: str) -> None:
    assert order([header]) == IN_SERVER_ORDER
    # Not even the part of it that could be read counts.
    assert order(["stripe/charge", f"{header}, *=*"]) == IN_SERVER_ORDER


def test_without_the_header_all_is_offered() -> None:
    assert order([]) == IN_SERVER_ORDER
    assert negotiate([], ["tempo/charge"]) == []


def test_several_fields_are_one_list() -> None:
    assert order(["tempo/charge;q=0.1", "stripe/charge"]) == "stripe/charge tempo/charge"


def test_a_member_says_what_it_speaks_of_and_how_much_it_is_wanted() -> None:
    assert parse_accept_payment(["tempo/charge, x402/*;q=0.25, */*;q=0"]) == (
        Preference("tempo", "charge", 1_000),
        Preference("x402", "*", 250),
        Preference("*", "*", 0),
    )


def test_identifiers_are_those_of_challenges() -> None:
    header = "vendor:method/charge, tempo-v2/pay_once"
    assert [one.method for one in parse_accept_payment([header])] == ["vendor:method", "tempo-v2"]


def test_nothing_matching_ranks_nothing() -> None:
    assert rank(OFFERS, parse_accept_payment(["lightning/*"])) == []


def test_the_server_own_list_is_not_touched() -> None:
    offers = list(OFFERS)
    ranked = negotiate(offers, ["stripe/charge, */*;q=0.5"])
    assert (offers, ranked[0]) == (OFFERS, OFFERS[2])
    assert negotiate(offers, []) is not offers


def test_challenges_of_pympp_are_offers_and_its_client_is_understood() -> None:
    class Method:
        def __init__(self, key: str) -> None:
            self.key = key

    methods = [Method("stripe/charge"), Method("tempo/session")]
    header = _accept_payment(methods)  # type: ignore[arg-type]
    challenges = [
        Challenge(id=intent, method="tempo", intent=intent, request={}, realm="r", request_b64="")
        for intent in ("charge", "session")
    ]
    assert [one.intent for one in negotiate(challenges, [header])] == ["session"]


def test_what_is_too_long_is_not_read() -> None:
    member = "tempo/session"
    fitting = f"{member}{';' * (LONGEST_FIELD - len(member))}"
    assert parse_accept_payment([fitting]) == (Preference("tempo", "session"),)
    with pytest.raises(BadInput, match="4,097 characters"):
        parse_accept_payment([fitting + ";"])
    assert len(parse_accept_payment(["a/b"] * MOST_PREFERENCES)) == MOST_PREFERENCES
    with pytest.raises(BadInput, match="more than 64 members"):
        parse_accept_payment(["a/b"] * (MOST_PREFERENCES + 1))


@pytest.mark.parametrize(
    "filler", [" ", ";", "; ", " ;", ", ", ';x="', ';x="\\', ";x=y", '"', ";x= ", "a/b", "a/b,"]
)
def test_no_input_takes_long(filler: str) -> None:
    started_s = time.perf_counter()
    for end in ("", "x", '"', "\0"):
        order([(f"tempo/charge{filler * LONGEST_FIELD}")[: LONGEST_FIELD - 1] + end])
    assert time.perf_counter() - started_s < 1
