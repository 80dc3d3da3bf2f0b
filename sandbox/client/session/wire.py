"""What a session says over HTTP besides the requests it pays for: credentials and management.

A management request is a POST without a body to the URL that was paid for. If it is answered with
402, its challenge was too old or of another method: it is sent once more with the new challenge, as
mppx does (facts, protocol 2.5 and 2.10).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import httpx
from mpp import Credential
from mpp.errors import InvalidChallengeError

from sandbox.client.errors import PaymentNotPreparedError
from sandbox.client.outcome import read_problem
from sandbox.client.selection import SPARE, is_expired, read_challenges
from sandbox.client.session.channel import Scope
from sandbox.methods.tempo_session import parse_request
from sandbox.methods.tempo_session.fields import to_hex

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mpp import Challenge, ChallengeEcho

    from mock_rails.core.clock import Clock
    from sandbox.client.wallet import Wallet
    from sandbox.methods.tempo_session import Payload

    Send = Callable[[httpx.Request], Awaitable[httpx.Response]]

_SCHEMES: Final = {"ws": "http", "wss": "https"}


class Answer(NamedTuple):
    """What a management request was answered, and with which challenge it was made."""

    response: httpx.Response
    challenge: Challenge


class Wire:
    """Makes credentials and sends management requests, for one wallet."""

    def __init__(self, wallet: Wallet, send: Send, clock: Clock) -> None:
        self._wallet = wallet
        self._send = send
        self._clock = clock
        self._echoed: tuple[Challenge, ChallengeEcho] | None = None

    def credential(self, challenge: Challenge, payload: Payload, chain_id: int) -> str:
        """The value of the header that the challenge names."""
        source = f"did:pkh:eip155:{chain_id}:{to_hex(self._wallet.address)}"
        return Credential(self._echo(challenge), payload.to_json(), source).to_authorization()

    def _echo(self, challenge: Challenge) -> ChallengeEcho:
        """What is sent back of a challenge. One is answered by many vouchers in a row."""
        if self._echoed is None or self._echoed[0] is not challenge:
            self._echoed = challenge, challenge.to_echo()
        return self._echoed[1]

    def is_fresh(self, challenge: Challenge) -> bool:
        """Whether a credential for it would still be in time."""
        return not is_expired(challenge, self._clock.utc() + SPARE)

    async def challenge(self, url: str, scope: Scope) -> Challenge:
        """Ask for a fresh challenge of a channel's kind, paying nothing.

        By GET first, which changes nothing even where it is free; by POST where that is sold.
        """
        for method in ("GET", "POST"):
            response = await self._send(httpx.Request(method, management_url(url)))
            found = find_challenge(response, scope)
            if found is not None:
                return found
        raise PaymentNotPreparedError(
            f"{scope.host} answers {response.status_code} and offers no session on this channel.",
            hint="Is the URL still sold by the same payee, in the same token?",
        )

    async def post(
        self, url: str, scope: Scope, challenge: Challenge, make: Callable[[Challenge], str]
    ) -> Answer:
        """Send a management credential; `make` signs it for a challenge."""
        answer = await self._post(url, challenge, make)
        if answer.response.status_code != httpx.codes.PAYMENT_REQUIRED:
            return answer
        newer = find_challenge(answer.response, scope)
        return answer if newer is None else await self._post(url, newer, make)

    async def head(self, url: str, headers: dict[str, str]) -> httpx.Response:
        """The request that bootstraps a session: no content is asked for."""
        return await self._send(httpx.Request("HEAD", management_url(url), headers=headers))

    async def _post(
        self, url: str, challenge: Challenge, make: Callable[[Challenge], str]
    ) -> Answer:
        headers = {challenge.credential_header: make(challenge)}
        request = httpx.Request("POST", management_url(url), headers=headers)
        return Answer(await self._send(request), challenge)


def find_challenge(response: httpx.Response, scope: Scope) -> Challenge | None:
    """The answer's session challenge of this scope, if there is one."""
    for challenge in read_challenges(response).challenges:
        if (challenge.method, challenge.intent) != ("tempo", "session"):
            continue
        try:
            request = parse_request(challenge.request)
        except InvalidChallengeError:
            continue
        if Scope.of(request, scope.host) == scope:
            return challenge
    return None


def management_url(url: str) -> httpx.URL:
    """Where management requests about a URL go: the same, over HTTP, without its fragment."""
    parsed = httpx.URL(url)
    return parsed.copy_with(scheme=_SCHEMES.get(parsed.scheme, parsed.scheme), fragment=None)


def problem_of(response: httpx.Response) -> tuple[str, str]:
    """The last word of a problem's type, such as `channel-not-found`, and its sentence."""
    problem = read_problem(response) or {}
    kind, detail = problem.get("type"), problem.get("detail") or problem.get("title")
    return (
        kind.rpartition("/")[2] if isinstance(kind, str) else "",
        detail if isinstance(detail, str) else f"status {response.status_code}",
    )
