"""L402 beside MPP: the same routes, paid by a macaroon and a preimage (facts: lightning 6).

    WWW-Authenticate: L402 version="0", token="<base64>", macaroon="<same>", invoice="lnbcrt…"
    Authorization: L402 <base64 macaroon>:<64 hex digits of the preimage>

An L402 token is a ticket: its invoice is paid once, and it opens its route until it expires or is
revoked. So it has an invoice of its own, or one payment would buy a single answer and a ticket. An
application around the gate: what comes with a good ticket goes to the paid application at once, all
else to the gate, to whose 402 a ticket's challenge is added.

Its invoice is made while the gate makes its own, so that a node that hangs is waited for once.
Only who shows a credential and is refused waits for one after the other: most are not refused.

Nothing is stored for a challenge: each token's root key is derived from the secret and its
identifier (u16 version 0, payment hash, token id). Holders may add conditions; one that is not
known here is not met.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mock_rails.core.errors import BadInput
from mock_rails.lightning.macaroon import MacaroonError, bake, read, verify
from sandbox.lightning.prices import price_of
from sandbox.server.lightning.charge import checked_price
from sandbox.server.lightning.invoices import LIFETIME_S, WITHIN_S, InvoiceMaker
from sandbox.server.offer import Settlement

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Awaitable, Callable, Mapping

    from mock_rails.core.clock import Clock
    from mock_rails.core.journal import Journal
    from mock_rails.lightning.bolt11 import Bolt11
    from sandbox.lightning.node import LightningNode
    from sandbox.lightning.prices import Price
    from sandbox.server.delivery import Message, Receive, Send
    from sandbox.server.stores import Store

    App = Callable[[Any, Receive, Send], Awaitable[None]]

VALID_S: Final = 86_400
"""How long a ticket is good."""

_LOG: Final = logging.getLogger("sandbox.server")
_RAIL: Final = "sandbox"
_LOCATION: Final = "mpp-sandbox"
_VERSION: Final = b"\0\0"
_IDENTIFIER_BYTES: Final = 66
_SHORTEST_SECRET: Final = 32
_AUTHORIZATION: Final = b"authorization"
_CREDENTIAL_FIELDS: Final = frozenset({_AUTHORIZATION, b"payment-authorization"})
_SCHEME: Final = re.compile(rb"[ \t]*(?:L402|LSAT)[ \t]+", re.IGNORECASE)
_CREDENTIAL: Final = re.compile(r"([0-9A-Za-z+/_-]{1,8000}={0,2}):([0-9a-fA-F]{64})")


class Ticket(NamedTuple):
    """A token that was bought and may be used."""

    payment_hash: bytes
    token_id: bytes


class L402:
    """An ASGI application around a gate and the application behind it."""

    def __init__(
        self,
        gate: App,
        app: App,
        prices: Mapping[str, int | Price],
        *,
        node: LightningNode,
        secret: str,
        store: Store,
        clock: Clock,
        journal: Journal | None = None,
        valid_s: int | None = VALID_S,
        invoice_within_s: float = WITHIN_S,
    ) -> None:
        """`prices` are by path, in satoshis or such as change. With `valid_s` None a ticket is good
        until revoked."""
        if len(secret.encode()) < _SHORTEST_SECRET:
            raise BadInput(f"The secret of L402 tokens has at least {_SHORTEST_SECRET} bytes.")
        self._gate = gate
        self._app = app
        self._prices = {path: price_of(price) for path, price in prices.items()}
        self._services = {path: _service(path) for path in prices}
        if len(set(self._services.values())) != len(prices):
            raise BadInput("Two L402 routes would have the same service name.")
        for price in self._prices.values():
            checked_price(price.now(), None)
        self._key = secret.encode()
        self._marks = store.replays()
        self._clock = clock
        self._journal = journal
        self._valid_s = valid_s
        self._invoices = InvoiceMaker(node, lifetime_s=LIFETIME_S, within_s=invoice_within_s)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let a ticket's holder in, or let the gate answer."""
        path = scope.get("path")
        if scope["type"] != "http" or path not in self._prices:
            await self._gate(scope, receive, send)
            return
        found = _credentials(scope)
        if len(found) == 1:
            ticket = await self._admitted(found[0], path)
            if ticket is not None:
                self._tell("l402.used", path, ticket.payment_hash)
                scope["mpp"] = _settlement(ticket)
                await self._app(scope, receive, _private(send))
                return
        if found:  # they say nothing to the gate, and nothing good to the application
            headers = [one for one in scope["headers"] if not _is_ours(one)]
            scope = {**scope, "headers": headers}
        shows = any(name in _CREDENTIAL_FIELDS for name, _ in scope["headers"])
        asked = None if shows else asyncio.ensure_future(self._invoice(path))
        try:
            await self._gate(scope, receive, self._challenging(path, send, asked))
        finally:
            if asked is not None:
                asked.cancel()
                await asyncio.gather(asked, return_exceptions=True)

    async def revoke(self, token_id: bytes) -> None:
        """Let a token open nothing any more."""
        await self._marks.put(_mark(token_id), "revoked")

    # -- inside -----------------------------------------------------------------------------------

    def _challenging(self, path: str, send: Send, asked: Future[Bolt11 | None] | None) -> Send:
        """A `send` that adds a ticket's challenge to a 402, with the invoice that was asked for."""

        async def challenging(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 402:
                invoice = await (asked or self._invoice(path))
                more = [] if invoice is None else self._challenge(path, invoice)
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        return challenging

    async def _invoice(self, path: str) -> Bolt11 | None:
        """A new ticket's invoice, within the time that the gate gives its own."""
        return await self._invoices.make(self._prices[path].now(), f"L402 {path}")

    def _challenge(self, path: str, invoice: Bolt11) -> list[tuple[bytes, bytes]]:
        """A new token's challenge, in today's words and in those of LSAT."""
        token_id = hmac.digest(self._key, b"token id" + invoice.payment_hash, "sha256")
        identifier = _VERSION + invoice.payment_hash + token_id
        service = self._services[path]
        caveats = [f"services={service}:0"]
        if self._valid_s is not None:
            caveats.append(f"{service}_valid_until={self._clock.now_s() + self._valid_s}")
        raw = bake(
            self._root_key(identifier), identifier, [one.encode() for one in caveats], _LOCATION
        )
        token = base64.b64encode(raw).decode()
        self._tell("l402.challenged", path, invoice.payment_hash)
        pairs = f'macaroon="{token}", invoice="{invoice.text}"'
        values = (f'L402 version="0", token="{token}", {pairs}', f"LSAT {pairs}")
        return [(b"www-authenticate", value.encode("latin-1")) for value in values]

    async def _admitted(self, credential: str, path: str) -> Ticket | None:
        """The ticket, if the credential is a good one for this path."""
        parts = _CREDENTIAL.fullmatch(credential)
        if parts is None:
            return None
        preimage = bytes.fromhex(parts[2])
        try:
            raw = _from_base64(parts[1])
            identifier = read(raw).identifier
            if len(identifier) != _IDENTIFIER_BYTES or not identifier.startswith(_VERSION):
                return None
            caveats = verify(raw, self._root_key(identifier))
        except MacaroonError as error:
            _LOG.info("an L402 token is refused: %s", error.detail)
            return None
        ticket = Ticket(identifier[2:34], identifier[34:])
        if not all(self._is_met(caveat, path, preimage) for caveat in caveats):
            return None
        if not hmac.compare_digest(sha256(preimage).digest(), ticket.payment_hash):
            return None
        is_revoked = await self._marks.get(_mark(ticket.token_id)) is not None
        return None if is_revoked else ticket

    def _is_met(self, caveat: bytes, path: str, preimage: bytes) -> bool:
        name, _, value = caveat.decode("utf-8", "replace").partition("=")
        service = self._services[path]
        if name == "services":
            return service in {one.strip().partition(":")[0] for one in value.split(",")}
        if name == f"{service}_valid_until":
            return value.isdecimal() and self._clock.now_s() < int(value[:20])
        return name == "preimage" and hmac.compare_digest(value.encode(), preimage.hex().encode())

    def _root_key(self, identifier: bytes) -> bytes:
        return hmac.digest(self._key, b"root key" + identifier, "sha256")

    def _tell(self, kind: str, path: str, payment_hash: bytes) -> None:
        if self._journal is not None:
            told = {"path": path, "paymentHash": payment_hash.hex()}
            self._journal.append(_RAIL, kind, told)


def _is_ours(header: tuple[bytes, bytes]) -> bool:
    return header[0] == _AUTHORIZATION and _SCHEME.match(header[1]) is not None


def _credentials(scope: Message) -> list[str]:
    """What stands behind `L402` or `LSAT` in the request's Authorization fields."""
    ours = (value for name, value in scope["headers"] if _is_ours((name, value)))
    return [_SCHEME.sub(b"", value, count=1).strip().decode("latin-1") for value in ours]


def _from_base64(text: str) -> bytes:
    """Base64 of either alphabet, padded or not: both are deployed."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        raise MacaroonError("the token is no base64") from None


def _service(path: str) -> str:
    """A path's service name: caveats know neither ':' nor ',' nor '=' in one."""
    return re.sub(r"[^0-9a-z]+", "_", path.lower()).strip("_") or "root"


def _mark(token_id: bytes) -> str:
    return f"mpp:l402:revoked:{token_id.hex()}"


def _settlement(ticket: Ticket) -> Settlement:
    """What the application is told: paid, before and for more than this."""
    return Settlement(receipt="", reference=ticket.payment_hash.hex(), amount=0, currency="sat")


def _private(send: Send) -> Send:
    """A `send` that keeps paid answers out of shared caches."""
    from sandbox.server.delivery import private

    async def kept(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", ()))
            control = [value for name, value in given if name == b"cache-control"]
            rest = [one for one in given if one[0] != b"cache-control"]
            value = private(b", ".join(control)) if control else b"private"
            message = {**message, "headers": [*rest, (b"cache-control", value)]}
        await send(message)

    return kept
