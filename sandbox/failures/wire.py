"""What the clients of a play and its servers say to each other: carried, kept and told.

It carries every request to the devnet's parts, and tells those that go to a shop: paid requests
and their answers. Credentials are kept, so that a script can send one again, as an attacker or a
careless program would. What it tells holds no secret and no id, so that a seed's story is always
the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx
from mpp import Challenge
from mpp._parsing import ParseError

from mock_rails.core.errors import PROBLEM_TYPE_PREFIX
from sandbox.banner import dollars
from sandbox.cash import cash
from sandbox.client.events import credential_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.portless import Switchboard

PROBLEMS: Final = "https://paymentauth.org/problems/"
_SCHEME: Final = "Payment "
_LONGEST: Final = 90
_ID: Final = re.compile(r'"?[A-Za-z0-9_-]{40,}"?')


class PaidRequest(NamedTuple):
    """What was sent to a shop with a payment; whoever has seen it can send it again."""

    path: str
    credential: str
    key: str | None
    """Its Idempotency-Key."""


class Wire(httpx.AsyncBaseTransport):
    """The way from the clients to everything."""

    def __init__(self, switchboard: Switchboard, shops: set[str], tell: Callable[[str], None]):
        self._switchboard = switchboard
        self._tell = tell
        self.shops = shops
        """The hosts with ports, such as `shop.test:80`, whose requests are told."""
        self.paid: list[PaidRequest] = []
        """Every request that was sent with a credential."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry it, and tell of it if a shop is asked."""
        if f"{request.url.host}:{request.url.port or 80}" not in self.shops:
            return await self._switchboard.handle_async_request(request)
        self._tell(f"> {request.method} {request.url.path}{self._with(request)}")
        try:
            response = await self._switchboard.handle_async_request(request)
            if response.headers.get("content-type") == "application/problem+json":
                await response.aread()
        except httpx.TransportError:
            self._tell("< the connection broke")
            raise
        self._tell(f"< {_answer(response)}")
        return response

    def _with(self, request: httpx.Request) -> str:
        """What it is paid with, in short."""
        header = request.headers.get("authorization", "")
        if not header.startswith(_SCHEME):
            return ""
        key = request.headers.get("idempotency-key")
        self.paid.append(PaidRequest(request.url.raw_path.decode(), header, key))
        facts = credential_facts(header)
        payload = facts.get("payload", {})
        action = payload.get("action", "payment")
        amount = payload.get("cumulativeAmount", "")
        up_to = f" up to {dollars(int(amount))}" if str(amount).isdigit() else ""
        return f" with {'an' if action == 'open' else 'a'} {action}{up_to}"


def _answer(response: httpx.Response) -> str:
    """An answer in a line."""
    problem = _problem(response)
    kind = str(problem.get("type", ""))
    for prefix in (PROBLEMS, PROBLEM_TYPE_PREFIX):
        kind = kind.removeprefix(prefix)
    if response.status_code == httpx.codes.PAYMENT_REQUIRED and kind == "payment-required":
        return f"402, it costs {' or '.join(asked(response))}"
    if problem:
        detail = _ID.sub("…", str(problem.get("detail", "")))
        text = f"{response.status_code} {kind}: {detail}"
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    receipt = " with a receipt" if "payment-receipt" in response.headers else ""
    return f"{response.status_code}{receipt}"


def challenges(response: httpx.Response) -> list[Challenge]:
    """What an answer asks for, method by method."""
    found = []
    for field in response.headers.get_list("www-authenticate"):
        try:
            found.append(Challenge.from_www_authenticate(field))
        except ParseError:  # of another scheme, such as L402
            continue
    return found


def asked(response: httpx.Response) -> list[str]:
    """The prices of an answer that asks to be paid, for people."""
    return [f"{_price(one)} ({one.method}/{one.intent})" for one in challenges(response)]


def _price(challenge: Challenge) -> str:
    amount, currency = int(challenge.request["amount"]), str(challenge.request.get("currency"))
    if challenge.method == "stripe":
        return cash(amount, currency)
    return dollars(amount) if challenge.method == "tempo" else f"{amount} sat"


def _problem(response: httpx.Response) -> dict[str, Any]:
    if response.headers.get("content-type") != "application/problem+json":
        return {}
    document: dict[str, Any] = response.json()
    return document
