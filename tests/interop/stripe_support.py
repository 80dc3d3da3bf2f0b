"""The Stripe rail as released SDKs meet it: a process of its own, or a server in a thread.

with running_stripe() as stripe:          # for Node, or whoever wants a real process
    stripe["url"]

with stripe_in_thread() as served:        # for stripe-python's blocking calls
    client = served.client()
    client.v1.customers.create({"name": "Ada"})
    served.rail.check_conservation()
"""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import stripe

from mock_rails.core.rail import RailContext
from mock_rails.server import Host
from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe
from tests.interop.node_support import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mock_rails.stripe.settings import StripeSettings
    from mock_rails.stripe.wire.request_log import RequestLog

KEY = "sk_test_x"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Served:
    """A Stripe that is served from a thread of this process."""

    rail: Stripe
    api: StripeApi
    url: str
    loop: asyncio.AbstractEventLoop

    @property
    def log(self) -> RequestLog:
        """What has been asked."""
        return self.api.dispatcher.log

    def client(self, key: str = KEY, **options: Any) -> stripe.StripeClient:
        """The released client, pointed here; it does not retry unless told to."""
        options.setdefault("max_network_retries", 0)
        return stripe.StripeClient(key, base_addresses={"api": self.url}, **options)

    def do(self, work: Callable[[Stripe], T]) -> T:
        """Do something with the rail in the thread that serves it, where it may be touched."""

        async def inside() -> T:
            return work(self.rail)

        return asyncio.run_coroutine_threadsafe(inside(), self.loop).result()


@contextmanager
def running_stripe(*options: str) -> Iterator[dict[str, Any]]:
    """The Stripe rail alone, as a process: what it says of itself."""
    command = [sys.executable, "-m", "mock_rails", "stripe", "--port", "0", "--json", *options]
    with running(command) as rail:
        yield rail


@contextmanager
def stripe_in_thread(
    context: RailContext | None = None, settings: StripeSettings | None = None
) -> Iterator[Served]:
    """A Stripe served from a thread, for clients that block."""
    rail = Stripe(context or RailContext.create("interop"), settings)
    loop = asyncio.new_event_loop()
    api = StripeApi(rail)
    host = Host(api, name="Stripe")
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(host.start(), loop).result()
        yield Served(rail, api, host.url, loop)
        asyncio.run_coroutine_threadsafe(host.stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
