"""Sends what is queued: in order for each endpoint, signed anew each time, again if it failed.

It runs beside the API (`StripeApi` starts and stops it) and is woken by the journal and by the
clock. Nothing leaves this machine unless the settings say so: programs under test bring the
webhook addresses of their production with them.
"""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import orjson

from mock_rails.core.clock import US_PER_S
from mock_rails.stripe.webhooks import queue
from mock_rails.stripe.webhooks.signature import sign

if TYPE_CHECKING:
    import httpx

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.rail import Stripe

_USER_AGENT: Final = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
_TIMEOUT_S: Final = 10
_BODY_KEPT: Final = 500
_ROLL_S: Final = 86_400


class Deliverer:
    """The messages of one rail."""

    def __init__(self, rail: Stripe, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`transport` carries the messages; None for real sockets."""
        self._rail = rail
        self._transport = transport
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Deliver until cancelled."""
        unwatch = self._rail.context.journal.watch(queue.QUEUED, self._wake)
        try:
            # What sends is loaded when there is something to send: it costs more than the rail.
            while not self._rail.state.count(queue.WAITING):
                await self._wait()
                self._news.clear()
            async with self._client() as http:
                while True:
                    self._news.clear()
                    if not await self._round(http):
                        await self._wait()
        finally:
            unwatch()

    async def deliver(self) -> None:
        """Deliver what is due now, and return: for tests and for whoever keeps their own time."""
        async with self._client() as http:
            while await self._round(http):
                pass

    # -- rounds -----------------------------------------------------------------------------------

    async def _round(self, http: httpx.AsyncClient) -> bool:
        """Send the next due message to each endpoint, all at once; whether there was one."""
        due = self._due()
        await asyncio.gather(*(self._send(http, one) for one in due))
        return bool(due)

    def _due(self) -> list[Record]:
        """The first due message of each endpoint."""
        now_s = self._rail.context.clock.now_s()
        by_endpoint: dict[str, list[Record]] = {}
        for one in self._rail.state.all(queue.WAITING):
            if one["due_s"] <= now_s:
                by_endpoint.setdefault(one["endpoint"], []).append(one)
        return [self._first(waiting) for waiting in by_endpoint.values()]

    def _first(self, waiting: list[Record]) -> Record:
        """Which of an endpoint's messages goes first: the oldest, unless order is not to be relied
        on, or a fault makes it wait for the next one."""
        if self._rail.settings.shuffle_webhooks:
            return self._rail.context.seeds.stream("stripe.webhooks").choice(waiting)
        others = [one for one in waiting if not one.fields.get("after_next")]
        return others[0] if others else waiting[0]

    async def _wait(self) -> None:
        """Until something is queued, or due."""
        clock = self._rail.context.clock
        times = [one["due_s"] for one in self._rail.state.all(queue.WAITING)]
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._news.wait())]
        if times:
            waits.append(asyncio.ensure_future(clock.sleep_until_us(min(times) * US_PER_S)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
                with suppress(asyncio.CancelledError):
                    await one

    def _wake(self) -> None:
        self._news.set()

    def _client(self) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(
            transport=self._transport,
            timeout=_TIMEOUT_S,
            follow_redirects=False,
            trust_env=False,
            headers={"user-agent": _USER_AGENT},
        )

    # -- one message ------------------------------------------------------------------------------

    async def _send(self, http: httpx.AsyncClient, delivery: Record) -> None:
        state = self._rail.state
        event = state.find("events", delivery["event"])
        endpoint = state.find(queue.ENDPOINTS, delivery["endpoint"])
        if event is None or endpoint is None:
            self._finish(delivery, {"error": "the endpoint was deleted"}, "failed")
        elif not self._rail.settings.webhooks_anywhere and not _is_local(delivery["url"]):
            self._finish(delivery, {"error": "the address is not on this machine"}, "blocked")
        else:
            body = orjson.dumps(_message(endpoint, event))
            self._note(delivery, await self._post(http, delivery["url"], body, endpoint))

    async def _post(
        self, http: httpx.AsyncClient, url: str, body: bytes, endpoint: Record
    ) -> dict[str, Any]:
        """What came of one attempt."""
        import httpx

        clock = self._rail.context.clock
        signed_at_s = clock.wall_s()
        headers = {
            "content-type": "application/json; charset=utf-8",
            "stripe-signature": sign(body, self._secrets(endpoint), signed_at_s),
        }
        attempt: dict[str, Any] = {"at_s": clock.now_s(), "signed_at_s": signed_at_s}
        try:
            answer = await http.post(url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return {**attempt, "status": None, "error": type(error).__name__}
        text = answer.text[:_BODY_KEPT]
        return {**attempt, "status": answer.status_code, "answer": text}

    def _secrets(self, endpoint: Record) -> list[str]:
        """The endpoint's secret, and for a day after it was rolled the one before."""
        hidden = endpoint.hidden
        rolled_s = hidden.get("rolled_s")
        now_s = self._rail.context.clock.now_s()
        if rolled_s is None or now_s >= rolled_s + _ROLL_S:
            return [hidden["secret"]]
        return [hidden["secret"], hidden["secret_before"]]

    def _note(self, delivery: Record, attempt: dict[str, Any]) -> None:
        """Close a delivery that arrived, or that has failed often enough; else try it later."""
        status = attempt["status"]
        retries = self._rail.settings.webhook_retries_s
        failures = len(delivery["attempts"])
        if status is not None and 200 <= status < 300:
            self._finish(delivery, attempt, "delivered")
        elif failures >= len(retries):
            self._finish(delivery, attempt, "failed")
        else:
            due_s = self._rail.context.clock.now_s() + retries[failures]
            with self._operation(delivery) as operation:
                changes = {"attempts": [*delivery["attempts"], attempt], "due_s": due_s}
                operation.update(delivery, changes)
            self._tell("webhook.failed", delivery, attempt)

    def _finish(self, delivery: Record, attempt: dict[str, Any], state: str) -> None:
        with self._operation(delivery) as operation:
            operation.update(delivery, {"attempts": [*delivery["attempts"], attempt]})
            queue.close(operation, delivery, state)
        self._tell(f"webhook.{state}", delivery, attempt)

    def _tell(self, kind: str, delivery: Record, attempt: dict[str, Any]) -> None:
        facts = {name: delivery[name] for name in ("event", "type", "endpoint", "url")}
        told = {"delivery": delivery.id, **facts, "status": attempt.get("status")}
        self._rail.context.journal.append("stripe", kind, told)

    def _operation(self, delivery: Record) -> Any:
        return self._rail.operation(delivery.account, livemode=delivery["livemode"])


def _message(endpoint: Record, event: Record) -> dict[str, Any]:
    """What is sent: the event, in the endpoint's version; a platform is told whose it is."""
    whose = {} if endpoint.account == event.account else {"account": event.account}
    version = endpoint["api_version"] or event["api_version"]
    return {**event.fields, "api_version": version, **whose}


def _is_local(url: str) -> bool:
    """Whether the address is this machine's own, or nobody's (`.test`: RFC 6761)."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith((".localhost", ".test")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
