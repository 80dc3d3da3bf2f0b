"""An invoice for each challenge, and no challenge without one (facts: lightning 1.3, 5.2).

Every 402 costs an invoice that is mostly never paid, so it must be cheap and go away by itself:
nothing is kept here, and an invoice lives a little longer than its challenge, after which its node
forgets it. A node that is slow or hangs is given up after a bounded time: then Lightning is not
offered, and the route's other ways to pay are.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from mock_rails.lightning.bolt11 import Bolt11Error, decode
from sandbox.lightning.node import NodeError
from sandbox.methods.lightning_charge.fields import MSAT

if TYPE_CHECKING:
    from mock_rails.lightning.bolt11 import Bolt11
    from sandbox.lightning.node import LightningNode

LIFETIME_S: Final = 300
"""How long a challenge with an invoice lives at most."""
OUTLIVES_S: Final = 60
"""How much longer its invoice does, so that no slow node or clock makes it end before."""
WITHIN_S: Final = 2.0
"""How long a client is kept waiting for an invoice."""

_LOG: Final = logging.getLogger("sandbox.server")


class InvoiceMaker:
    """Makes the invoices of one node's challenges."""

    def __init__(self, node: LightningNode, *, lifetime_s: int, within_s: float) -> None:
        self._node = node
        self._within_s = within_s
        self.lifetime_s = lifetime_s

    async def make(self, amount_sat: int, memo: str) -> Bolt11 | None:
        """A fresh invoice, which says what it was asked for; None if there is none now."""
        try:
            async with asyncio.timeout(self._within_s):
                made = await self._node.create_invoice(
                    amount_sat=amount_sat, memo=memo, expiry_s=self.lifetime_s + OUTLIVES_S
                )
            invoice = decode(made.bolt11)
        except (TimeoutError, NodeError, Bolt11Error) as error:
            _LOG.warning("Lightning is not offered: no invoice (%s)", type(error).__name__)
            return None
        is_ours = invoice.payment_hash == made.payment_hash
        if not is_ours or invoice.amount_msat != amount_sat * MSAT:
            _LOG.error("Lightning is not offered: the node's invoice is another one")
            return None
        if invoice.network != self._node.network:
            _LOG.error("Lightning is not offered: the node is on %s", invoice.network)
            return None
        return invoice
