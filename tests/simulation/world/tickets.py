"""L402's tickets: bought at the payer's node by a program that knows nothing of MPP.

A ticket is paid once and opens its route for a day (facts: lightning 6). Now and then somebody
shows one that was not paid for; and after its end none may open anything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mock_rails.lightning.bolt11 import decode
from sandbox.merchants.routes import LIGHTNING_QUOTE

if TYPE_CHECKING:
    import httpx

    from mock_rails.core.seeds import Stream
    from sandbox.lightning import LndNode

_OFFER: Final = re.compile(r'L402 version="0", token="([^"]+)", [^,]*, invoice="([^"]+)"')
_FORGED: Final = bytes(32)
_FEE_SAT: Final = 200
_PAY_S: Final = 20
_ONE_IN: Final = 4


class Tickets:
    """What one payer has bought, and tries without buying."""

    def __init__(self, url: str, http: httpx.AsyncClient, node: LndNode, draws: Stream) -> None:
        self.paid: set[bytes] = set()
        """The invoices that the node was asked to pay: they are in no client's ledger."""
        self._url = f"{url}{LIGHTNING_QUOTE}"
        self._http = http
        self._node = node
        self._draws = draws
        self._held: str | None = None

    async def use(self) -> str:
        """Show the ticket that there is, or buy one."""
        if self._held is None:
            offer = await self._offer()
            if offer is None:
                return "no ticket is offered"
            token, invoice = offer
            if self._draws.integer(1, _ONE_IN) == 1:
                return f"forged: {await self._show(f'{token}:{_FORGED.hex()}')}"
            await self._buy(token, invoice)
        return "no ticket" if self._held is None else f"shown: {await self._show(self._held)}"

    async def show_late(self) -> int | None:
        """Show the ticket that there is after its end: what is said to that."""
        return None if self._held is None else await self._show(self._held)

    async def _offer(self) -> tuple[str, str] | None:
        response = await self._http.get(self._url)
        for value in response.headers.get_list("www-authenticate"):
            if (found := _OFFER.search(value)) is not None:
                return found[1], found[2]
        return None

    async def _buy(self, token: str, invoice: str) -> None:
        self.paid.add(decode(invoice).payment_hash)
        paid = await self._node.pay(invoice, fee_limit_sat=_FEE_SAT, timeout_s=_PAY_S)
        self._held = f"{token}:{paid.preimage.hex()}"

    async def _show(self, credential: str) -> int:
        headers = {"Authorization": f"L402 {credential}"}
        return (await self._http.get(self._url, headers=headers)).status_code
