"""What is said about a session besides the requests that it pays for (facts: lightning 2.2).

A further deposit and the close are credentials for challenges of their own, from any paid URL of
the realm. As the SDKs do it they are plain GETs; only where a GET is answered with no challenge is
it a POST. Whatever answer is lost, the same credential is sent again: the draft has servers repeat
what they answered (2.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import httpx
from mpp import Credential

from sandbox.client.errors import OutcomeUnknownError, PaymentNotPreparedError
from sandbox.client.exchange import RESENDS
from sandbox.client.lightning.reading import SESSION, is_of
from sandbox.client.outcome import read_problem
from sandbox.client.selection import read_challenges

if TYPE_CHECKING:
    from mpp import Challenge, ChallengeEcho

    from sandbox.methods.lightning_session import Payload

_GATEWAY: Final = frozenset({502, 503, 504})


class Send(Protocol):
    """Sends a request that nothing is paid for."""

    async def __call__(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """The answer; with `stream` its body has not been read."""
        ...


class Asked(NamedTuple):
    """A fresh challenge, and the verb that is answered with it."""

    challenge: Challenge
    verb: str


class Wire:
    """Sends management requests for all sessions of a payer."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def challenge(self, url: str, realm: str) -> Asked:
        """Ask for a fresh challenge of this realm, paying nothing."""
        status = 0
        for verb in ("GET", "POST"):
            request = httpx.Request(verb, _plain(url), headers={"Accept-Payment": SESSION})
            response = await self._send(request)
            status = response.status_code
            for challenge in read_challenges(response).challenges:
                if is_of(challenge, SESSION) and challenge.realm == realm:
                    return Asked(challenge, verb)
        raise PaymentNotPreparedError(
            f"{_plain(url).host} answers {status} and offers no Lightning session."
        )

    async def tell(
        self,
        url: str,
        verb: str,
        challenge: ChallengeEcho,
        payload: Payload,
        *,
        stream: bool = False,
    ) -> httpx.Response:
        """Send a credential until there is an answer; `OutcomeUnknownError` if there is none."""
        for _ in range(1 + RESENDS):
            request = httpx.Request(verb, _plain(url), headers=credential(challenge, payload))
            try:
                response = await self._send(request, stream=stream)
            except (httpx.HTTPError, OSError):
                continue
            if response.status_code not in _GATEWAY:
                return response
            await response.aclose()
        raise OutcomeUnknownError(
            f"{_plain(url).host} did not answer to the session's {payload.action}.",
            paid=None,
            hint="It is said again by the next call.",
            details={"action": payload.action},
        )


def credential(challenge: ChallengeEcho, payload: Payload) -> dict[str, str]:
    """The header with the credential, where the challenge wants it."""
    header = challenge.header or "Authorization"
    return {header: authorization(challenge, payload)}


def authorization(challenge: ChallengeEcho, payload: Payload) -> str:
    """The credential."""
    return Credential(challenge, payload.to_json()).to_authorization()


def problem_of(response: httpx.Response) -> str:
    """The last word of a problem's type, such as `session-closed`."""
    kind: Any = (read_problem(response) or {}).get("type")
    return kind.rpartition("/")[2] if isinstance(kind, str) else ""


def _plain(url: str) -> httpx.URL:
    return httpx.URL(url).copy_with(fragment=None)
