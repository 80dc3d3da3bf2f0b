"""From a credential to an offer: everything that must hold before its proof is looked at.

Facts: protocol 1.3 and 1.5, and pympp's `verify.py`, whose order of checks this is. Each check has
a name, so that whoever reads the journal sees which one failed, and on what. pympp parses the
credential; it is asked once.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mpp import Credential
from mpp._parsing import ParseError
from mpp.errors import (
    MalformedCredentialError,
    PaymentError,
    PaymentExpiredError,
    PaymentMethodUnsupportedError,
)

from sandbox.server.challenges import invalid, opaque_of
from sandbox.server.digest import body_digest, digest_matches
from sandbox.server.refusals import Refused
from sandbox.server.route import binding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpp import ChallengeEcho

    from sandbox.server.challenges import Challenges, Opened
    from sandbox.server.offer import Offer
    from sandbox.server.request import PaidRequest

CHECKS: Final = (
    "policy",
    "body",
    "one-credential",
    "credential",
    "offer",
    "challenge",
    "request",
    "route",
    "digest",
    "expires",
    "idempotency",
    "single-use",
    "payment",
)
"""All checks of a paid request, in the order in which they are made."""

_FIELD: Final = re.compile("Payment [0-9A-Za-z_-]+=?=?")


class Admission:
    """One credential on its way through the checks; what is None was not reached."""

    __slots__ = ("credential", "expires_s", "offer", "opened")

    def __init__(self) -> None:
        self.credential: Credential | None = None
        self.offer: Offer | None = None
        self.opened: Opened | None = None
        self.expires_s: int | None = None


class Admitted:
    """A credential that passed: whose challenge is ours, alive, and for this offer and request."""

    __slots__ = ("credential", "expires_s", "offer", "opened")

    def __init__(
        self, credential: Credential, offer: Offer, opened: Opened, expires_s: int
    ) -> None:
        self.credential = credential
        self.offer = offer
        self.opened = opened
        self.expires_s = expires_s

    @property
    def challenge_id(self) -> str:
        """The challenge's id."""
        return self.credential.challenge.id


class ChallengeEnded(Refused):
    """All that is wrong with the credential is that its challenge has ended. It pays for nothing
    any more, but may have paid before; the gate looks."""

    def __init__(self, admitted: Admitted, error: PaymentExpiredError) -> None:
        got = admitted.credential.challenge.expires
        super().__init__("expires", error, expected="later than now", got=got)
        self.admitted = admitted


def admit(
    value: str,
    offers: Sequence[Offer],
    request: PaidRequest,
    challenges: Challenges,
    progress: Admission,
) -> Admitted:
    """Check a `Payment ...` field against a route's offers, or raise Refused; ChallengeEnded only
    where all else is right."""
    progress.credential = credential = _parsed(value)
    candidates = _candidates(credential.challenge, offers)
    echo = _completed(credential.challenge, candidates[0], request)
    try:
        progress.opened = opened = challenges.open(echo)
    except PaymentError as error:
        raise Refused("challenge", error, got=echo.id[:100]) from error
    offer = next((one for one in candidates if one.matches(opened.request)), None)
    if offer is None:
        raise Refused(
            "request",
            invalid(echo, "its request is not what this route asks for"),
            expected=[one.request for one in candidates],
            got=opened.request,
        )
    progress.offer = offer
    wanted = binding(offer, request)
    if opened.scope != wanted:
        raise Refused(
            "route",
            invalid(echo, "it was issued for another route or query"),
            expected=wanted,
            got=opened.scope,
        )
    _check_digest(offer, echo, request.body)
    try:
        progress.expires_s = expires_s = challenges.check_expiry(echo, opened)
    except PaymentExpiredError as error:
        ended_s = (opened.expires_us or 0) // 1_000_000
        raise ChallengeEnded(Admitted(credential, offer, opened, ended_s), error) from error
    except PaymentError as error:
        raise Refused("expires", error, expected="later than now", got=echo.expires) from error
    return Admitted(credential, offer, opened, expires_s)


def _parsed(value: str) -> Credential:
    # Python's decoder skips what is no base64: a damaged credential would pass for a whole one.
    if not _FIELD.fullmatch(value):
        raise Refused("credential", MalformedCredentialError("it is no base64url"))
    try:
        return Credential.from_authorization(value)
    except ParseError as error:
        raise Refused("credential", MalformedCredentialError(str(error))) from error
    except (RecursionError, OverflowError) as error:
        problem = MalformedCredentialError("it is nested too deeply")
        raise Refused("credential", problem) from error


def _candidates(echo: ChallengeEcho, offers: Sequence[Offer]) -> list[Offer]:
    found = [one for one in offers if one.method == echo.method and one.intent == echo.intent]
    if not found:
        named = f"{echo.method}/{echo.intent}"[:100]
        raise Refused(
            "offer",
            PaymentMethodUnsupportedError(named),
            expected=[f"{one.method}/{one.intent}" for one in offers],
            got=named,
        )
    return found


def _completed(echo: ChallengeEcho, offer: Offer, request: PaidRequest) -> ChallengeEcho:
    """The challenge with what some clients do not echo: `opaque` and `digest` (Alby's; facts:
    lightning 1.2). Both follow from the request, and the id proves them as if they were said."""
    if echo.opaque is not None or not getattr(offer, "is_personal", False):
        return echo
    digest = echo.digest or body_digest(request.body)
    return replace(echo, opaque=opaque_of(binding(offer, request), None), digest=digest)


def _check_digest(offer: Offer, echo: ChallengeEcho, body: bytes) -> None:
    """The body must be the one that was asked about.

    A session's challenge is used again by requests with other bodies and by messages without any
    (facts: protocol 2.5), so there only two digests that are there and differ are refused.
    """
    if echo.digest is None:
        if not body or not offer.is_single_use:
            return
        reason, got = "missing body digest", None
    elif not body:
        if not offer.is_single_use:
            return
        reason, got = "body digest present, but the request has no body", echo.digest
    elif digest_matches(echo.digest, body):
        return
    else:
        reason, got = "body digest mismatch", echo.digest
    expected: Any = body_digest(body)
    raise Refused("digest", invalid(echo, reason), expected=expected, got=got)
