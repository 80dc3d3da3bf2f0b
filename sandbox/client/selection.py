"""Which of a 402's challenges to pay, and how a request says what its client could pay.

pympp pays the first challenge for which it has a method (facts, protocol 2.2). Here the client's
own order decides, for it knows that a session is cheaper than a charge, and the server's order
breaks ties. Challenges are read by pympp: several `WWW-Authenticate` fields as well as one field
with several challenges in it (RFC 9110 11.6.1; protocol 1.1, rows 12 and 13).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from mpp import Challenge
from mpp._parsing import ParseError
from mpp.client.transport import _payment_challenges

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import httpx

    from sandbox.client.payer import Payer

MOST_CHALLENGES: Final = 64
"""More in one answer are not looked at: a server that sends them means no good."""

SPARE: Final = timedelta(seconds=5)
"""A challenge that ends sooner is not kept for later: a credential has to get there in time (mppx).
"""

_FULL: Final = 1_000
_STEP: Final = 100
_HASHES: Final = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}


class Choice(NamedTuple):
    """A challenge, and who can pay it."""

    challenge: Challenge
    payer: Payer


class Offered(NamedTuple):
    """What a 402 asks for."""

    challenges: tuple[Challenge, ...]
    unreadable: tuple[str, ...]
    """Why challenges could not be read, in pympp's words."""


def read_challenges(response: httpx.Response) -> Offered:
    """All Payment challenges of an answer; those of other schemes are none of ours."""
    challenges: list[Challenge] = []
    unreadable: list[str] = []
    for field in response.headers.get_list("www-authenticate"):
        for text in _payment_challenges(field):
            if len(challenges) + len(unreadable) == MOST_CHALLENGES:
                break
            try:
                challenges.append(Challenge.from_www_authenticate(text))
            except ParseError as error:
                unreadable.append(str(error))
    return Offered(tuple(challenges), tuple(unreadable))


def payable(challenges: Iterable[Challenge], payers: Sequence[Payer]) -> list[Choice]:
    """Who can pay what, in the order in which it is to be tried: the payers', then the server's."""
    choices: list[Choice] = []
    by_key: dict[str, list[Challenge]] = {}
    for challenge in challenges:
        if not _is_credential_field(challenge.credential_header):
            continue
        by_key.setdefault(f"{challenge.method}/{challenge.intent}", []).append(challenge)
    for payer in payers:
        choices += [
            Choice(challenge, payer)
            for challenge in by_key.get(payer.name, ())
            if payer.can_pay(challenge)
        ]
    return choices


def is_expired(challenge: Challenge, now: datetime) -> bool:
    """Whether paying it would be in vain; an end that is no time has passed."""
    if challenge.expires is None:
        return False
    try:
        expires = datetime.fromisoformat(challenge.expires)
    except ValueError:
        return True
    return expires.tzinfo is None or expires.astimezone(UTC) <= now


def fits_body(challenge: Challenge, body: bytes) -> bool:
    """Whether the challenge is for this body, if it says for which.

    `sha-256=:b64:` (RFC 9530) and `sha-256=b64` (mppx, pympp) are both in use (protocol 2.14, D1).
    """
    if challenge.digest is None:
        return True
    name, _, value = challenge.digest.partition("=")
    algorithm = _HASHES.get(name.strip().lower())
    if algorithm is None:
        return False
    expected = base64.b64encode(algorithm(body).digest())
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] == ":":
        value = value[1:-1]
    return hmac.compare_digest(value.encode(), expected)


def _is_credential_field(name: str) -> bool:
    """Whether a server may have credentials put there. Another field, such as Host or Cookie, would
    let it rewrite the client's request (protocol 1.1, row 4, knows two)."""
    lower = name.lower()
    return lower.endswith("authorization") and lower != "proxy-authorization"


def accept_payment(payers: Sequence[Payer]) -> str:
    """The `Accept-Payment` of these payers, best first: `tempo/session, tempo/charge;q=0.9`."""
    fields: list[str] = []
    for rank, name in enumerate(dict.fromkeys(payer.name for payer in payers)):
        weight = max(_FULL - rank * _STEP, _STEP)
        fields.append(name if weight == _FULL else f"{name};q=0.{weight // _STEP}")
    return ", ".join(fields)
