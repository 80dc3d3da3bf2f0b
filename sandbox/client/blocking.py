"""The client for scripts that do not wait: `with PaidClientSync(wallet, budget) as client`.

It is the same client on an event loop in a thread of its own, so that no rule of paying is written
twice. Streams and WebSockets are read as they flow, which is the asynchronous client's matter.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from anyio.from_thread import start_blocking_portal

from mock_rails.core.errors import BadInput
from sandbox.client.client import PaidClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    import httpx
    from anyio.from_thread import BlockingPortal

    from sandbox.client.budget import Budget
    from sandbox.client.ledger import Ledger, Reservation
    from sandbox.client.wallet import Wallet

_T = TypeVar("_T")


class PaidClientSync:
    """A `PaidClient` whose calls return when they are done; made with the same options.

    Threads may share it. Leaving the block settles what is to be settled.
    """

    def __init__(
        self, wallet: Wallet | None = None, budget: Budget | None = None, **options: Any
    ) -> None:
        self._client = PaidClient(wallet, budget, **options)
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None

    @property
    def ledger(self) -> Ledger:
        """What was reserved and spent on the chain."""
        return self._client.ledger

    @property
    def card_ledger(self) -> Ledger:
        """What was reserved and spent by card."""
        return self._client.card_ledger

    @property
    def lightning_ledger(self) -> Ledger:
        """What was reserved and spent over Lightning, in satoshis with the fees."""
        return self._client.lightning_ledger

    def request(self, method: str, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """Send a request with httpx's options, and pay if that is asked for."""
        return self._call(partial(self._client.request, method, url, **options))

    def get(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", url, **options)

    def post(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """POST; the body is sent again with the payment."""
        return self.request("POST", url, **options)

    def reconcile(self) -> tuple[Reservation, ...]:
        """Ask the chain about payments whose outcome is open; those that still are afterwards."""
        return self._call(self._client.reconcile)

    def __enter__(self) -> Self:
        """Start its loop."""
        self._portal = self._stack.enter_context(start_blocking_portal("asyncio"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the client, then its loop."""
        with self._stack:
            self._call(self._client.aclose)
        self._portal = None

    def _call(self, function: Callable[[], Awaitable[_T]]) -> _T:
        if self._portal is None:
            raise BadInput("The client is not open.", hint="Use it in a `with` block.")
        return self._portal.call(function)
