"""Which challenge is paid, and what a request says could be (protocol 1.1, rows 8, 12, 13)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest
from mpp import BodyDigest, Challenge

from sandbox.client.selection import (
    MOST_CHALLENGES,
    accept_payment,
    fits_body,
    is_expired,
    payable,
    read_challenges,
)
from sandbox.server.negotiation import parse_accept_payment

if TYPE_CHECKING:
    from sandbox.client.payer import Attempt, Order


class Taker:
    """A payer that takes what is of its kind and named."""

    def __init__(self, name: str, *ids: str) -> None:
        self.name = name
        self._ids = ids

    def can_pay(self, challenge: Challenge) -> bool:
        return not self._ids or challenge.id in self._ids

    async def prepare(self, challenge: Challenge, order: Order) -> Attempt:
        raise NotImplementedError

    async def close(self) -> None:
        pass


def challenge(name: str, kind: str = "tempo/charge", **rest: str) -> Challenge:
    method, _, intent = kind.partition("/")
    return Challenge(name, method, intent, {"amount": "1"}, realm="shop", **rest)


def offer(*fields: str) -> httpx.Response:
    return httpx.Response(402, headers=[("WWW-Authenticate", one) for one in fields])


def test_the_clients_order_comes_before_the_servers() -> None:
    offered = [challenge("a"), challenge("b", "tempo/session"), challenge("c", "stripe/charge")]
    payers = [Taker("tempo/session"), Taker("tempo/charge")]
    assert [one.challenge.id for one in payable(offered, payers)] == ["b", "a"]


def test_among_equals_the_server_decides_and_the_payer_declines() -> None:
    offered = [challenge(name) for name in "abc"]
    assert [one.challenge.id for one in payable(offered, [Taker("tempo/charge")])] == list("abc")
    assert [one.challenge.id for one in payable(offered, [Taker("tempo/charge", "c")])] == ["c"]
    assert payable(offered, [Taker("tempo/session")]) == []


def test_challenges_are_read_from_several_fields_and_from_one() -> None:
    texts = [challenge(name).to_www_authenticate("shop") for name in "abc"]
    found = read_challenges(
        offer(f"{texts[0]}, {texts[1]}", 'Basic realm="x, Payment y"', texts[2])
    )
    assert [one.id for one in found.challenges] == ["a", "b", "c"]
    assert found.unreadable == ()


def test_what_cannot_be_read_hides_nothing() -> None:
    broken = challenge("a").to_www_authenticate("shop").replace("tempo", "TEMPO!")
    found = read_challenges(offer(broken, challenge("b").to_www_authenticate("shop")))
    assert [one.id for one in found.challenges] == ["b"]
    assert len(found.unreadable) == 1


def test_a_flood_of_challenges_is_cut_off() -> None:
    text = challenge("a").to_www_authenticate("shop")
    found = read_challenges(offer(", ".join([text] * (MOST_CHALLENGES + 9)), text))
    assert len(found.challenges) == MOST_CHALLENGES


@pytest.mark.parametrize(
    ("expires", "expired"),
    [
        (None, False),
        ("2026-01-01T00:00:01Z", False),
        ("2026-01-01T00:00:00Z", True),
        ("2026-01-01T01:00:00+01:00", True),
        ("2026-01-01T00:30:00", True),  # without a zone nobody knows when
        ("tomorrow", True),
    ],
)
def test_an_end_that_has_come_or_is_none_is_too_late(expires: str | None, expired: bool) -> None:
    asked = challenge("a") if expires is None else challenge("a", expires=expires)
    assert is_expired(asked, datetime(2026, 1, 1, tzinfo=UTC)) is expired


def test_a_digest_is_of_the_body_in_both_spellings() -> None:
    # Protocol 2.14, D1.
    plain = BodyDigest.compute(b"body")
    name, _, value = plain.partition("=")
    for digest in (plain, f"{name}=:{value}:", f"SHA-256={value}"):
        assert fits_body(challenge("a", digest=digest), b"body")
        assert not fits_body(challenge("a", digest=digest), b"Body")
    assert not fits_body(challenge("a", digest="md5=x"), b"body")
    assert fits_body(challenge("a"), b"anything")


def test_the_header_ranks_the_payers_once_each() -> None:
    names = ["tempo/session", "tempo/charge", "tempo/charge", "stripe/charge"]
    text = accept_payment([Taker(name) for name in names])
    assert text == "tempo/session, tempo/charge;q=0.9, stripe/charge;q=0.8"
    assert accept_payment([Taker(f"m/{at}") for at in range(20)]).endswith("m/19;q=0.1")


def test_the_gate_understands_the_header() -> None:
    read = parse_accept_payment([accept_payment([Taker("tempo/session"), Taker("tempo/charge")])])
    assert [(one.method, one.intent, one.weight) for one in read] == [
        ("tempo", "session", 1_000),
        ("tempo", "charge", 900),
    ]
