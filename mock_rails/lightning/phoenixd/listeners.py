"""Who hears of payments that came in: WebSockets, and signed webhooks (facts: lightning 4.5).

`X-Phoenix-Signature` is the hexadecimal HMAC-SHA256 of the body. Nothing leaves this machine:
programs under test bring the addresses of their production with them.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from mock_rails.lightning.model import InvoiceState
from mock_rails.lightning.phoenixd import shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from mock_rails.lightning.model import InvoiceRecord
    from mock_rails.lightning.node import Node

SIGNATURE: Final = "x-phoenix-signature"

_TIMEOUT_S: Final = 10
_BACKLOG: Final = 1_000


def sign(body: bytes, secret: str) -> str:
    """The header's value."""
    return hmac.new(secret.encode(), body, sha256).hexdigest()


class Listeners:
    """Those of one node."""

    def __init__(
        self,
        node: Node,
        webhook_url: str | None,
        webhook_secret: str,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`transport` carries the webhooks; None for real sockets."""
        self._node = node
        self._webhook_url = webhook_url
        self._webhook_secret = webhook_secret
        self._transport = transport
        self._queues: list[asyncio.Queue[str]] = []

    @contextmanager
    def listening(self) -> Iterator[asyncio.Queue[str]]:
        """A queue of the messages from now on."""
        queue: asyncio.Queue[str] = asyncio.Queue(_BACKLOG)
        self._queues.append(queue)
        try:
            yield queue
        finally:
            self._queues.remove(queue)

    async def run(self) -> None:
        """Tell them until cancelled. Webhooks go out one after the other, each tried once."""
        hooks: asyncio.Queue[tuple[str, str]] = asyncio.Queue(_BACKLOG)
        posting = asyncio.create_task(self._post_all(hooks))
        try:
            with self._node.rail.news.listening(("invoices", self._node.name), _settled) as news:
                while True:
                    self._tell(await news.get(), hooks)
        finally:
            posting.cancel()
            await asyncio.gather(posting, return_exceptions=True)

    def _tell(self, record: InvoiceRecord | None, hooks: asyncio.Queue[tuple[str, str]]) -> None:
        if record is None:
            return
        text = shapes.text(shapes.received(record))
        for queue in self._queues:
            if not queue.full():
                queue.put_nowait(text)
        for url in (self._webhook_url, record.webhook_url):
            if url is not None and not hooks.full():
                hooks.put_nowait((url, text))

    async def _post_all(self, hooks: asyncio.Queue[tuple[str, str]]) -> None:
        url, text = await hooks.get()
        import httpx

        async with httpx.AsyncClient(
            transport=self._transport, timeout=_TIMEOUT_S, trust_env=False
        ) as http:
            while True:
                await self._post(http, url, text)
                url, text = await hooks.get()

    async def _post(self, http: httpx.AsyncClient, url: str, text: str) -> None:
        import httpx

        told: dict[str, Any] = {"node": self._node.name, "to": _shown(url)}
        body = text.encode()
        headers = {
            "content-type": "application/json",
            SIGNATURE: sign(body, self._webhook_secret),
        }
        if not _is_local(url):
            told["error"] = "the address is not on this machine"
        else:
            try:
                told["status"] = (await http.post(url, content=body, headers=headers)).status_code
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                told["error"] = type(error).__name__
        self._node.rail.context.journal.append("lightning", "webhook.sent", told)


def _settled(record: InvoiceRecord) -> InvoiceRecord | None:
    return record if record.state is InvoiceState.SETTLED else None


def _shown(url: str) -> str:
    """The address without what may be secret in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.hostname}{parts.path}"


def _is_local(url: str) -> bool:
    """Whether the address is this machine's own."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
