"""Challenges are what pympp would have made, and only our own are taken back.

Facts: protocol 1.3 (HMAC slots), 1.5 (what is refused), 2.14 D1 and D2.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from mpp import Challenge, Credential, generate_challenge_id
from mpp.errors import InvalidChallengeError, MalformedCredentialError, PaymentExpiredError

from mock_rails.core.errors import BadInput
from sandbox.server.challenges import Challenges
from tests.unit.sandbox.server.support import REALM, SECRET, FakeOffer

if TYPE_CHECKING:
    from mock_rails.core import Clock

DIGEST = "sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="


def made(clock: Clock, **options: Any) -> Challenges:
    return Challenges(realm=REALM, secret=SECRET, clock=clock, **options)


def authenticate(challenges: Challenges, credential: Credential) -> dict[str, Any]:
    """The request that a credential's challenge makes, if the challenge is ours and alive."""
    opened = challenges.open(credential.challenge)
    challenges.check_expiry(credential.challenge, opened)
    return dict(opened.request)


def credential(header_value: str, **changes: Any) -> Credential:
    """What a client sends back, with some fields of the challenge changed."""
    echo = Challenge.from_www_authenticate(header_value).to_echo()
    return Credential(replace(echo, **changes), {"proof": "good"})


@pytest.mark.parametrize("header", [None, "Authorization", "Payment-Authorization"])
@pytest.mark.parametrize("digest", [None, DIGEST])
@pytest.mark.parametrize("scope", [None, {"route": 'GET /"é\t\\', "query": "a=1&b=ü€😀\x01"}])
@pytest.mark.parametrize("description", [None, 'a "quoted" é € 😀 \\ text'])
def test_a_challenge_is_what_pympp_makes_of_the_same_parts(
    clock: Clock,
    header: str | None,
    digest: str | None,
    scope: dict[str, str] | None,
    description: str | None,
) -> None:
    challenges = made(clock, header=header)
    offer = FakeOffer(description=description)
    issued = challenges.issue(offer, digest=digest, scope=scope)
    read = Challenge.from_www_authenticate(issued.header_value)
    expected = Challenge.create(
        secret_key=SECRET,
        realm=REALM,
        method="fake",
        intent="charge",
        request=dict(offer.request),
        expires=read.expires,
        digest=digest,
        description=description,
        meta=read.opaque,
        header=header,
    )
    assert issued.header_value == expected.to_www_authenticate(REALM)
    assert issued.id == expected.id == read.id
    assert {k: v for k, v in (read.opaque or {}).items() if k != "_mpp_nonce"} == (scope or {})


def test_the_id_is_pympps_own_hash_of_seven_or_eight_slots(clock: Clock) -> None:
    for header in (None, "Payment-Authorization"):
        issued = made(clock, header=header).issue(FakeOffer(), digest=DIGEST, scope={"route": "x"})
        read = Challenge.from_www_authenticate(issued.header_value)
        assert read.header == header
        assert issued.id == generate_challenge_id(
            secret_key=SECRET,
            realm=REALM,
            method="fake",
            intent="charge",
            request=read.request,
            expires=read.expires,
            digest=read.digest,
            opaque=read.opaque,
            header=header,
        )


def test_a_challenge_lives_for_its_lifetime_by_the_sandboxs_clock(clock: Clock) -> None:
    challenges = made(clock, lifetime_s=300)
    issued = challenges.issue(FakeOffer())
    assert issued.expires == "2026-01-01T00:05:00Z"
    clock.advance(299)
    assert authenticate(challenges, credential(issued.header_value))["amount"] == "1000"
    clock.advance(1)
    with pytest.raises(PaymentExpiredError, match="2026-01-01T00:05:00Z"):
        authenticate(challenges, credential(issued.header_value))


def test_no_two_challenges_are_alike_even_at_one_instant_and_in_two_processes(clock: Clock) -> None:
    offer = FakeOffer()
    here, there = made(clock), made(clock)
    ids = [one.issue(offer).id for one in (here, there) for _ in range(500)]
    assert len(set(ids)) == 1_000


def test_a_restarted_server_knows_the_challenges_of_the_one_before(clock: Clock) -> None:
    issued = made(clock).issue(FakeOffer(amount="7"), scope={"route": "GET /x"})
    opened = made(clock).open(credential(issued.header_value).challenge)
    assert opened.request["amount"] == "7"
    assert opened.scope == {"route": "GET /x"}


def test_one_clients_own_request_comes_back_whole(clock: Clock) -> None:
    challenges, offer = made(clock), FakeOffer()
    own = {**offer.request, "snapshot": {"spent": "3"}}
    issued = challenges.issue(offer, request=own)
    assert authenticate(challenges, credential(issued.header_value)) == own


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "x"},
        {"id": "ü"},
        {"realm": "other.test"},
        {"method": "tempo"},
        {"intent": "session"},
        {"expires": "2099-01-01T00:00:00Z"},
        {"expires": None},
        {"digest": DIGEST},
        {"header": "Payment-Authorization"},
        {"opaque": None},
        {"request": "e30"},
        {"opaque": "e30"},
    ],
)
def test_a_changed_challenge_is_not_ours(clock: Clock, changes: dict[str, Any]) -> None:
    challenges = made(clock)
    issued = challenges.issue(FakeOffer(), scope={"route": "GET /x"})
    with pytest.raises(InvalidChallengeError):
        authenticate(challenges, credential(issued.header_value, **changes))


def test_moving_a_border_between_slots_makes_no_other_challenge(clock: Clock) -> None:
    """The hash is over one joined text: a '|' inside a field must not stand for a border."""
    challenges = made(clock)
    echo = credential(challenges.issue(FakeOffer()).header_value).challenge
    moved = replace(echo, request=f"{echo.request}|{echo.expires}", expires=None)
    with pytest.raises((InvalidChallengeError, MalformedCredentialError)):
        challenges.open(moved)
    eight = replace(echo, expires=None, digest=echo.expires, header="x")
    with pytest.raises(InvalidChallengeError):
        challenges.open(eight)


@pytest.mark.parametrize("expires", ["2099-01-01T00:00:00", "tomorrow", None])
def test_what_names_no_instant_never_pays(clock: Clock, expires: str | None) -> None:
    """Missing, naive and unreadable ends fail closed, even when the id proves them ours."""
    offer = FakeOffer()
    foreign = Challenge.create(
        secret_key=SECRET,
        realm=REALM,
        method="fake",
        intent="charge",
        request=dict(offer.request),
        expires=expires,
    )
    with pytest.raises(InvalidChallengeError, match="expires"):
        authenticate(made(clock), Credential(foreign.to_echo(), {}))


def test_another_realms_challenge_under_the_same_secret_is_refused(clock: Clock) -> None:
    other = Challenges(realm="other.test", secret=SECRET, clock=clock)
    issued = other.issue(FakeOffer())
    with pytest.raises(InvalidChallengeError, match="another realm"):
        authenticate(made(clock), credential(issued.header_value))


def test_a_client_that_writes_the_same_json_in_its_own_way_is_understood(clock: Clock) -> None:
    """pympp hashes what the JSON says, not how it is spelled; so do we, on the slow path."""
    challenges = made(clock)
    issued = challenges.issue(FakeOffer(), scope={"route": "GET /x"})
    request = json.dumps(dict(reversed(issued.request.items())), indent=2)
    spelled = base64.urlsafe_b64encode(request.encode()).decode()
    opened = challenges.open(credential(issued.header_value, request=spelled).challenge)
    assert opened.request == issued.request
    assert opened.scope == {"route": "GET /x"}


def test_a_digest_that_comes_back_with_colons_is_the_same_digest(clock: Clock) -> None:
    """D1: the drafts' examples write `sha-256=:...:`, the SDKs do without."""
    challenges = made(clock)
    issued = challenges.issue(FakeOffer(), digest=DIGEST)
    colons = f"sha-256=:{DIGEST.removeprefix('sha-256=')}:"
    assert authenticate(challenges, credential(issued.header_value, digest=colons))


@pytest.mark.parametrize("request_b64", ["!", "W10", "e30x", "ü"])
def test_a_request_that_is_no_json_object_is_malformed(clock: Clock, request_b64: str) -> None:
    challenges = made(clock)
    issued = challenges.issue(FakeOffer())
    with pytest.raises((MalformedCredentialError, InvalidChallengeError)):
        challenges.open(credential(issued.header_value, request=request_b64).challenge)


def test_the_secret_is_long_and_never_shown(clock: Clock) -> None:
    assert SECRET not in repr(made(clock))
    with pytest.raises(BadInput, match="fewer than 32"):
        Challenges(realm=REALM, secret="short", clock=clock)
    for realm in ("", "a|b", "a\nb"):
        with pytest.raises(BadInput, match="no realm"):
            Challenges(realm=realm, secret=SECRET, clock=clock)
