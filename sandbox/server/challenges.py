"""Issues challenges, and knows its own again when a credential brings them back.

    WWW-Authenticate: Payment id="...", realm="...", method="tempo", intent="charge",
        request="<base64url JCS>", expires="...", opaque="<base64url JCS>"

Facts: protocol 1.3. The id is an HMAC over all that the challenge says, so nothing is stored: what
hashes to its id was made here. Slots, formatting and parsing are pympp's; an offer's request is
canonicalised and formatted once (by pympp's own formatter), and then each challenge costs a few
string joins and one HMAC. A nonce in `opaque`, under pympp's name for it, makes every id new: a
single-use mark on one never hits another. A request that is one client's own, such as an invoice,
makes it new by itself; then there is none, so that `opaque` can be told from what is asked again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson
import rfc8785
from mpp import Challenge, ChallengeEcho, advertised_credential_header, generate_challenge_id
from mpp.errors import InvalidChallengeError, MalformedCredentialError, PaymentExpiredError

from mock_rails.core.errors import BadInput
from sandbox.server.digest import plain_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.core.clock import Clock
    from mock_rails.core.seeds import Seeds
    from sandbox.server.offer import Offer

SHORTEST_SECRET: Final = 32
"""Bytes; mppx refuses shorter secrets too."""
DEFAULT_LIFETIME_S: Final = 300
NONCE: Final = "_mpp_nonce"

_MARK: Final = "\0"
_MOST_FORMS: Final = 1_024
_LONGEST_SHOWN_ID: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Issued(NamedTuple):
    """A challenge as it goes out."""

    id: str
    header_value: str
    """The whole value of `WWW-Authenticate`."""
    method: str
    intent: str
    request: Mapping[str, Any]
    expires: str
    description: str | None


class Opened(NamedTuple):
    """What a credential's challenge says, after its id has proven that we said it."""

    request: Mapping[str, Any]
    scope: Mapping[str, str]
    """What it was bound to, without the nonce."""
    expires_us: int | None
    """Its end, or None where it names no instant."""


class _Form(NamedTuple):
    """What is the same in all challenges of one offer. Holds its objects, so ids stay theirs."""

    offer: Offer
    request: Mapping[str, Any]
    encoded: str
    bound: str
    head: str
    body: str
    middle: str
    tail: str


class Challenges:
    """The challenges of one realm, under one secret.

    `seeds` makes ids reproducible; without it, processes that share a secret never share a nonce.
    """

    def __init__(
        self,
        *,
        realm: str,
        secret: str,
        clock: Clock,
        lifetime_s: int = DEFAULT_LIFETIME_S,
        header: str | None = None,
        seeds: Seeds | None = None,
    ) -> None:
        if len(secret.encode()) < SHORTEST_SECRET:
            raise BadInput(
                f"The secret of challenges has {len(secret.encode())} bytes, "
                f"fewer than {SHORTEST_SECRET}: ids could be guessed."
            )
        if not realm or any(sign in realm for sign in "|\r\n\0"):
            raise BadInput(f"{realm!r} is no realm: it is a text without '|' and line ends.")
        if lifetime_s < 1:
            raise BadInput(f"A challenge lives for at least a second, not {lifetime_s}.")
        self.realm = realm
        self.lifetime_s = lifetime_s
        self.header = advertised_credential_header(header)
        """The field that credentials come in, where it is not `Authorization`."""
        self._secret = secret
        self._key = secret.encode()
        self._clock = clock
        self._forms: dict[tuple[int, int], _Form] = {}
        self._known: dict[str, Mapping[str, Any]] = {}
        self._salt = self._fresh_salt() if seeds is None else seeds.stream("sandbox.nonce").hex(8)
        self._numbers = count(1)
        self._second = -1
        self._ends: dict[int, str] = {}
        """The ends of challenges that are made in this second, by their lifetime."""

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Challenges(realm={self.realm!r})"

    def prepare(self, offer: Offer) -> None:
        """Make an offer's form now and not when it is first asked for."""
        self._form(offer)

    def nonce(self) -> str:
        """A text that this and every other process gives once."""
        return f"{self._salt}{next(self._numbers):x}"

    # -- out --------------------------------------------------------------------------------------

    def issue(
        self,
        offer: Offer,
        *,
        request: Mapping[str, Any] | None = None,
        digest: str | None = None,
        scope: Mapping[str, str] | None = None,
    ) -> Issued:
        """A new challenge for the offer; `request` is one client's version of the offer's own."""
        form = self._form(offer) if request is None else self._made(offer, request)
        expires = self._end(min(self.lifetime_s, getattr(offer, "lifetime_s", self.lifetime_s)))
        is_new_anyway = getattr(offer, "is_personal", False)
        opaque = opaque_of(scope or {}, None if is_new_anyway else self.nonce())
        slots = f"{form.bound}{expires}|{digest or ''}|"
        if self.header:
            slots = f"{slots}{self.header}|"
        identity = _b64url(hmac.digest(self._key, f"{slots}{opaque}".encode(), "sha256"))
        bound_body = f', digest="{digest}"' if digest else ""
        value = (
            f"{form.head}{identity}{form.body}{bound_body}"
            f'{form.middle}{expires}{form.tail}, opaque="{opaque}"'
        )
        return Issued(
            identity, value, offer.method, offer.intent, form.request, expires, offer.description
        )

    # -- back -------------------------------------------------------------------------------------

    def open(self, echo: ChallengeEcho) -> Opened:
        """What the challenge says, if we issued it for this realm. It may have expired."""
        text = self._slots(echo)
        wanted = _b64url(hmac.digest(self._key, text.encode(), "sha256"))
        # A '|' inside a slot would let one challenge pass for another with moved borders.
        exact = text.count("|") == (6 if echo.header is None else 7)
        if exact and hmac.compare_digest(wanted.encode(), echo.id.encode()):
            request = self._known.get(echo.request)
            if request is None:
                request = _decoded(echo.request, "request")
            scope = _decoded(echo.opaque, "opaque") if echo.opaque else {}
        else:
            request, scope = self._reopened(echo)
        if echo.realm != self.realm:
            raise invalid(echo, "it was issued for another realm")
        scope.pop(NONCE, None)
        return Opened(request, scope, _instant(echo.expires))

    def check_expiry(self, echo: ChallengeEcho, opened: Opened) -> int:
        """The end of the challenge in Unix seconds, rounded up; raises if it has come, or if the
        challenge names no instant: what never ends would pay for ever."""
        if opened.expires_us is None:
            raise invalid(echo, "invalid expires" if echo.expires else "missing expires")
        if opened.expires_us <= self._clock.now_us():
            raise PaymentExpiredError(echo.expires)
        return -(-opened.expires_us // 1_000_000)

    def _end(self, lifetime_s: int) -> str:
        """When a challenge ends that is made now."""
        now_s = self._clock.now_s()
        if now_s != self._second:
            self._second = now_s
            self._ends.clear()
        end = self._ends.get(lifetime_s)
        if end is None:
            instant = _EPOCH + timedelta(seconds=now_s + lifetime_s)
            end = self._ends[lifetime_s] = instant.isoformat().replace("+00:00", "Z")
        return end

    def _reopened(self, echo: ChallengeEcho) -> tuple[Mapping[str, Any], dict[str, Any]]:
        """The same for a client that wrote the JSON in its own way, or the digest with colons."""
        request = _decoded(echo.request, "request") if echo.request else {}
        scope = _decoded(echo.opaque, "opaque") if echo.opaque else None
        try:
            wanted = generate_challenge_id(
                secret_key=self._secret,
                realm=echo.realm,
                method=echo.method,
                intent=echo.intent,
                request=request,
                expires=echo.expires,
                digest=plain_form(echo.digest),
                opaque=scope,
                header=echo.header,
            )
        except (rfc8785.CanonicalizationError, RecursionError) as error:
            raise MalformedCredentialError("its challenge is no canonical JSON") from error
        free = (echo.realm, echo.method, echo.intent, echo.expires or "", echo.digest or "")
        if any("|" in slot for slot in free) or not hmac.compare_digest(
            wanted.encode(), echo.id.encode()
        ):
            raise invalid(echo, "it was not issued by this server")
        return request, scope or {}

    def _slots(self, echo: ChallengeEcho) -> str:
        slots = (
            f"{echo.realm}|{echo.method}|{echo.intent}|{echo.request}|"
            f"{echo.expires or ''}|{echo.digest or ''}|"
        )
        return (
            f"{slots}{echo.header}|{echo.opaque or ''}"
            if echo.header
            else (f"{slots}{echo.opaque or ''}")
        )

    # -- forms ------------------------------------------------------------------------------------

    def _form(self, offer: Offer) -> _Form:
        request = offer.request
        form = self._forms.get((id(offer), id(request)))
        if form is None:
            if len(self._forms) >= _MOST_FORMS:  # offers that change their request leave old ones
                self._forms.clear()
                self._known.clear()
            form = self._forms[id(offer), id(request)] = self._made(offer, request)
            self._known[form.encoded] = request
        return form

    def _made(self, offer: Offer, request: Mapping[str, Any]) -> _Form:
        """Let pympp format a challenge with marks where the changing parts go."""
        description = offer.description
        if description is not None and _MARK in description:
            raise BadInput("The description of an offer holds a zero character.")
        challenge = Challenge(
            id=_MARK,
            method=offer.method,
            intent=offer.intent,
            request=dict(request),
            digest=_MARK,
            expires=_MARK,
            description=description,
            header=self.header,
        )
        head, body, middle, tail = challenge.to_www_authenticate(self.realm).split(_MARK)
        encoded = _b64url(rfc8785.dumps(dict(request)))
        body, middle = body.removesuffix(', digest="'), middle.removeprefix('"')
        bound = f"{self.realm}|{offer.method}|{offer.intent}|{encoded}|"
        return _Form(offer, request, encoded, bound, head, body, middle, tail)

    def _fresh_salt(self) -> str:
        own = f"{os.getpid()} {self._clock.monotonic_ns()} {id(self)}".encode()
        return hmac.digest(self._key, own, hashlib.sha256)[:8].hex()


def request_of(echo: ChallengeEcho) -> dict[str, Any]:
    """The request in a challenge that was echoed, for an offer whose clients have one each."""
    return _decoded(echo.request, "request")


def invalid(echo: ChallengeEcho, reason: str) -> InvalidChallengeError:
    """An invalid-challenge problem that does not repeat an identifier of any length."""
    return InvalidChallengeError(echo.id[:_LONGEST_SHOWN_ID], reason)


def opaque_of(scope: Mapping[str, str], nonce: str | None) -> str:
    """The canonical JSON of the scope and the nonce, encoded: keys in order, for '_' sorts before
    a-z."""
    members = [] if nonce is None else [f'"{NONCE}":"{nonce}"']
    members += [
        f"{encode_basestring(name)}:{encode_basestring(scope[name])}" for name in sorted(scope)
    ]
    return _b64url(f"{{{','.join(members)}}}".encode())


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(encoded: str, what: str) -> dict[str, Any]:
    """The JSON object in a base64url text."""
    try:
        found = orjson.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (binascii.Error, ValueError):
        found = None
    if type(found) is not dict:
        raise MalformedCredentialError(f"its challenge's {what} is no base64url JSON object")
    return found


@lru_cache(maxsize=256)  # all challenges of a second end together; only authentic ones get here
def _instant(expires: str | None) -> int | None:
    """A challenge's end in microseconds since 1970; None if it is missing, unreadable or naive."""
    try:
        end = datetime.fromisoformat((expires or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return None if end.tzinfo is None else (end - _EPOCH) // _MICROSECOND
