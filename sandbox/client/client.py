"""The client of a paid web: `async with PaidClient(wallet, budget) as client`, and then `get`.

It is an httpx client whose transport pays (transport.py). One client has one wallet, one ledger and
one set of channels; requests may run at the same time. What a response cost is in
`response.extensions["mpp"]` (outcome.py); what was spent in all, in `client.ledger`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from mock_rails.core.clock import Clock
from mock_rails.core.errors import BadInput
from mock_rails.core.seeds import Seeds
from sandbox.client.budget import Budget
from sandbox.client.ledger import Ledger
from sandbox.client.nodes import Nodes
from sandbox.client.transport import PaidTransport, ThroughClient, TransportSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path
    from types import TracebackType

    from sandbox.client.events import ClientEvent
    from sandbox.client.payer import Payer
    from sandbox.client.wallet import Wallet

PREFER: Final = ("tempo/charge",)
"""The methods that are paid, best first."""


class PaidClient:
    """Sends requests and pays what they ask for, within a budget.

    `prefer` names the methods that may be used, best first; `payers` adds others, after them.
    `http` and `rpc_http` are clients of the caller's for requests and for the chain's node, who
    also closes them; pympp's signing asks the node by `rpc_url` on connections of its own.
    """

    def __init__(  # noqa: PLR0913 - each is an option of its own
        self,
        wallet: Wallet,
        budget: Budget | None = None,
        *,
        rpc_url: str | None = None,
        http: httpx.AsyncClient | None = None,
        rpc_http: httpx.AsyncClient | None = None,
        prefer: Sequence[str] = PREFER,
        payers: Sequence[Payer] = (),
        state: Path | None = None,
        trusted_realms: Collection[str] = (),
        clock: Clock | None = None,
        seeds: Seeds | None = None,
        settings: TransportSettings | None = None,
        on_event: Callable[[ClientEvent], None] | None = None,
    ) -> None:
        self.wallet = wallet
        self._clock = clock or Clock()
        self._seeds = seeds or Seeds("client")
        self.ledger = Ledger(budget or Budget(), self._clock)
        """What was reserved and spent."""
        self._nodes = Nodes(rpc_url, http=rpc_http)
        self._state = state
        self._trusted = trusted_realms
        self.payers = (*map(self._payer, dict.fromkeys(prefer)), *payers)
        transport = PaidTransport(
            self.payers,
            httpx.AsyncHTTPTransport() if http is None else ThroughClient(http),
            clock=self._clock,
            keys=self._seeds.stream("client.idempotency"),
            settings=settings,
            observer=on_event,
        )
        self._http = httpx.AsyncClient(transport=transport, **_taken_over(http))

    # -- requests ---------------------------------------------------------------------------------

    async def request(self, method: str, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """Send a request with httpx's options, and pay if that is asked for.

        Raises `PaymentRefusedError` where the budget forbids it, and `OutcomeUnknownError` where
        a payment may have been made without an answer.
        """
        return await self._http.request(method, url, **options)

    async def get(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """GET."""
        return await self.request("GET", url, **options)

    async def post(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """POST; the body is sent again with the payment."""
        return await self.request("POST", url, **options)

    async def put(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """PUT; the body is sent again with the payment."""
        return await self.request("PUT", url, **options)

    async def delete(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """DELETE."""
        return await self.request("DELETE", url, **options)

    async def head(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """HEAD."""
        return await self.request("HEAD", url, **options)

    # -- lifetime ---------------------------------------------------------------------------------

    async def aclose(self) -> None:
        """Let the payers settle what they should, then close all connections that are ours."""
        try:
            for payer in self.payers:
                await payer.close()
        finally:
            await self._http.aclose()
            await self._nodes.aclose()

    async def __aenter__(self) -> Self:
        """Use it in a block, to have it closed."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.aclose()

    # -- inside -----------------------------------------------------------------------------------

    def _payer(self, name: str) -> Payer:
        if name == "tempo/charge":
            from sandbox.client.charge import ChargePayer

            return ChargePayer(
                self.wallet,
                self.ledger,
                self._nodes,
                clock=self._clock,
                trusted_realms=self._trusted,
            )
        raise BadInput(f"There is no payer for {name!r}.", hint="There is tempo/charge.")


def _taken_over(http: httpx.AsyncClient | None) -> dict[str, Any]:
    """What a caller's client was told that concerns more than one request on the wire."""
    if http is None:
        return {}
    return {
        "auth": http.auth,
        "base_url": http.base_url,
        "cookies": http.cookies,
        "follow_redirects": http.follow_redirects,
        "headers": http.headers,
        "max_redirects": http.max_redirects,
        "params": http.params,
        "timeout": http.timeout,
    }
