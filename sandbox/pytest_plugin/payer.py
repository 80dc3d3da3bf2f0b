"""`payer`: a customer with money on every rail, for tests with an event loop and without one.

    response = await payer.get(devnet.url("/quote"))
    response = payer.sync.get(devnet.url("/quote"))

It is a `PaidClient` in the devnet's thread: both forms are the same client with the same money.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import httpx

from mock_rails.core.errors import BadInput
from sandbox.client import Wallet
from sandbox.client.verbs import Verbs
from sandbox.portless import charge_credential, customer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from mpp import Challenge

    from sandbox.client.ledger import Ledger, Reservation
    from sandbox.client.streaming import EventReader
    from sandbox.pytest_plugin.stage import Stage

__tracebackhide__ = True
"""pytest's word: a failing test shows its own code, not how it is carried to the devnet."""


class PayerFixture(Verbs):
    """Sends requests and pays for them, on whichever rail is asked for."""

    def __init__(self, stage: Stage, wallet: Wallet, options: Mapping[str, Any]) -> None:
        self._stage = stage
        self._http = httpx.AsyncClient(
            transport=stage.switchboard, timeout=30, event_hooks={"request": [self._keep]}
        )
        self.sent: list[httpx.Request] = []
        """Every request that it sent with a payment, as it was: whoever has seen one can send it
        again."""
        made = partial(customer, stage.devnet, wallet, self._http, **options)
        self.client = stage.call(made)
        """The client itself, which lives in the devnet's thread: `devnet.call` leads there."""
        self.wallet = wallet
        self.sync = SyncPayer(self)
        """The same payer for tests that do not wait."""
        self._others: list[PayerFixture] = []

    def __repr__(self) -> str:
        """Who pays."""
        return f"<payer {self.address}>"

    @property
    def address(self) -> str:
        """The account that pays on the chain."""
        return f"0x{self.wallet.address.hex()}"

    @property
    def ledger(self) -> Ledger:
        """What was reserved and spent on the chain."""
        return self.client.ledger

    @property
    def card_ledger(self) -> Ledger:
        """What was reserved and spent by card."""
        return self.client.card_ledger

    @property
    def lightning_ledger(self) -> Ledger:
        """What was reserved and spent over Lightning, in satoshis with the fees."""
        return self.client.lightning_ledger

    @property
    def spent(self) -> int:
        """Base units that were spent on the chain so far."""
        return self.client.ledger.tally().spent

    def new(self, *, account: int = 0, **options: Any) -> PayerFixture:
        """Another payer with a ledger of its own, from a development account; the options are
        `PaidClient`'s, such as `budget` and `prefer`."""
        other = PayerFixture(self._stage, Wallet.dev(account), options)
        self._others.append(other)
        return other

    # -- requests ---------------------------------------------------------------------------------

    async def request(self, method: str, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """Send a request with httpx's options, and pay if that is asked for."""
        return await self._stage.acall(partial(self.client.request, method, url, **options))

    @asynccontextmanager
    async def stream(
        self, url: str | httpx.URL, *, method: str = "GET", **options: Any
    ) -> AsyncIterator[Stream]:
        """Read an event stream, and pay as it is read: `async for data in events`."""
        block = self.sync.stream(url, method=method, **options)
        events = await anyio.to_thread.run_sync(block.__enter__)
        try:
            yield events
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(block.__exit__, None, None, None)

    async def close_channels(self) -> None:
        """Close the payment channels, so that what they hold goes where it belongs."""
        await self._stage.acall(self._close_channels)

    async def reconcile(self) -> tuple[Reservation, ...]:
        """Look up payments whose outcome is open; those that still are afterwards."""
        return await self._stage.acall(self.client.reconcile)

    def credential(self, response: httpx.Response) -> str:
        """An Authorization header that pays what a 402 asks for on the chain: signed by this payer,
        and sent by nobody yet."""
        fields = response.headers.get_list("www-authenticate")
        asked = [one for one in map(_challenge, fields) if one is not None]
        charges = [one for one in asked if (one.method, one.intent) == ("tempo", "charge")]
        if not charges:
            raise BadInput("The answer asks for no charge on the chain.")
        return self._stage.call(charge_credential, self._stage.devnet, self.wallet, charges[0])

    # -- lifetime ---------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of everything, and of the payers that were made from this one."""
        for other in self._others:
            other.close()
        self._stage.call(self._close)

    async def _close(self) -> None:
        try:
            await self.client.aclose()
        finally:
            await self._http.aclose()

    async def _keep(self, request: httpx.Request) -> None:
        if request.headers.get("authorization", "").startswith("Payment "):
            self.sent.append(request)

    async def _close_channels(self) -> None:
        for channel in self.client.sessions.channels():
            await self.client.sessions.close_channel(channel.id)


class SyncPayer:
    """The payer for tests that do not wait."""

    def __init__(self, payer: PayerFixture) -> None:
        self._payer = payer
        self._stage = payer._stage

    def request(self, method: str, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """Send a request with httpx's options, and pay if that is asked for."""
        return self._stage.call(partial(self._payer.client.request, method, url, **options))

    def get(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", url, **options)

    def post(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """POST; the body is sent again with the payment."""
        return self.request("POST", url, **options)

    def put(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """PUT; the body is sent again with the payment."""
        return self.request("PUT", url, **options)

    def delete(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """DELETE."""
        return self.request("DELETE", url, **options)

    def head(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """HEAD."""
        return self.request("HEAD", url, **options)

    @contextmanager
    def stream(
        self, url: str | httpx.URL, *, method: str = "GET", **options: Any
    ) -> Iterator[Stream]:
        """Read an event stream, and pay as it is read: `for data in events`."""
        opened = self._stage.call(partial(self._open_stream, url, method, options))
        with self._stage.entering(opened) as reader:
            yield Stream(self._stage, reader)

    def close_channels(self) -> None:
        """Close the payment channels, so that what they hold goes where it belongs."""
        self._stage.call(self._payer._close_channels)

    def reconcile(self) -> tuple[Reservation, ...]:
        """Look up payments whose outcome is open; those that still are afterwards."""
        return self._stage.call(self._payer.client.reconcile)

    def _open_stream(self, url: str | httpx.URL, method: str, options: Mapping[str, Any]) -> Any:
        return self._payer.client.stream(url, method=method, **options)


class Stream:
    """A paid stream, read piece by piece with either form of `for`."""

    def __init__(self, stage: Stage, reader: EventReader) -> None:
        self._stage = stage
        self._reader = reader
        self._pieces = aiter(reader)

    def __iter__(self) -> Iterator[str]:
        """The data of the messages, as they come."""
        while (piece := self._stage.call(self._next)) is not None:
            yield piece

    async def __aiter__(self) -> AsyncIterator[str]:
        """The data of the messages, as they come."""
        while (piece := await self._stage.acall(self._next)) is not None:
            yield piece

    async def _next(self) -> str | None:
        return await anext(self._pieces, None)

    @property
    def response(self) -> httpx.Response:
        """The answer that is being read."""
        return self._reader.response

    @property
    def receipt(self) -> dict[str, Any] | None:
        """The last receipt that came; when the stream has ended, the closing one."""
        return self._reader.receipt

    @property
    def delivered(self) -> int:
        """How many messages were handed over."""
        return self._reader.delivered


def _challenge(field: str) -> Challenge | None:
    """A challenge of a 402, if this field is one: other schemes are asked for as well."""
    from mpp import Challenge
    from mpp._parsing import ParseError

    try:
        return Challenge.from_www_authenticate(field)
    except ParseError:
        return None
