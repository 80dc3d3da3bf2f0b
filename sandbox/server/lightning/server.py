"""The Lightning server: everything that the charges and sessions of one merchant share.

Several processes may share one store; each has a server of its own. Whichever looks first closes an
idle session; the step is atomic, so it is closed and refunded once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mock_rails.core.errors import BadInput
from sandbox.methods.lightning_session.request import UNITS_OF_DEPOSIT
from sandbox.server.lightning.actions import Actions
from sandbox.server.lightning.book import SessionBook
from sandbox.server.lightning.charge import LightningChargeOffer
from sandbox.server.lightning.closing import REFUND_TIMEOUT_S, Closer, FeeLimit
from sandbox.server.lightning.context import LightningContext
from sandbox.server.lightning.invoices import LIFETIME_S, WITHIN_S, InvoiceMaker
from sandbox.server.lightning.session import LightningSessionOffer
from sandbox.server.session.background import Background

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from mock_rails.core.journal import Journal
    from mock_rails.lightning.bolt11 import Bolt11
    from sandbox.lightning.node import LightningNode
    from sandbox.lightning.prices import Price
    from sandbox.methods.lightning_session import Session
    from sandbox.server.stores import Store

IDLE_TIMEOUT_S: Final = 300
LOOK_EVERY_S: Final = 5

_WATCH: Final = "watch"


class LightningServer:
    """Takes Lightning payments for one merchant, through one node."""

    def __init__(
        self,
        *,
        node: LightningNode,
        store: Store,
        clock: Clock,
        journal: Journal | None = None,
        idle_timeout_s: int = IDLE_TIMEOUT_S,
        fee_limit: FeeLimit | None = None,
        refund_timeout_s: int = REFUND_TIMEOUT_S,
        challenge_lifetime_s: int = LIFETIME_S,
        invoice_within_s: float = WITHIN_S,
    ) -> None:
        if idle_timeout_s < 1 or challenge_lifetime_s < 1:
            raise BadInput("A session's idle timeout and a challenge's lifetime are seconds.")
        self.node = node
        self._background = Background(journal)
        book = SessionBook(store, clock)
        closer = Closer(
            book,
            node,
            clock,
            self._background,
            idle_timeout_s=idle_timeout_s,
            fee_limit=fee_limit or FeeLimit(),
            timeout_s=refund_timeout_s,
        )
        self._context = LightningContext(
            network=node.network,
            invoices=InvoiceMaker(node, lifetime_s=challenge_lifetime_s, within_s=invoice_within_s),
            book=book,
            actions=Actions(book, closer, clock),
            closer=closer,
            clock=clock,
            idle_timeout_s=idle_timeout_s,
        )

    # -- offers -----------------------------------------------------------------------------------

    def charge(
        self, amount: int | Price, *, description: str | None = None, external_id: str | None = None
    ) -> LightningChargeOffer:
        """A price for one answer, in satoshis or as a `Price` that changes."""
        return LightningChargeOffer(
            amount, self._context, description=description, external_id=external_id
        )

    def session(
        self,
        amount: int | Price,
        *,
        deposit_sat: int | None = None,
        deposit_units: int = UNITS_OF_DEPOSIT,
        unit_type: str | None = None,
        streams: bool = False,
        description: str | None = None,
    ) -> LightningSessionOffer:
        """A price for one unit: an answer, or a message of a stream. A deposit covers some of
        them, unless it is said how much it is."""
        return LightningSessionOffer(
            amount,
            self._context,
            deposit_sat=deposit_sat,
            deposit_units=deposit_units,
            unit_type=unit_type,
            streams=streams,
            description=description,
        )

    async def consume(self, invoice: Bolt11) -> None:
        """Take the payment of a charge's invoice once, where no gate does: `charge_method`."""
        await self._context.book.consume(invoice.payment_hash, end_s=invoice.expires_at_s)

    # -- life -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Go on with what an earlier process left: a timer of its own dies with a process, and the
        store's records do not (facts 2.6.7)."""
        await self._context.closer.sweep()
        self._background.start(_WATCH, self._watch)

    async def look(self) -> None:
        """Close idle sessions and look up refunds now, as is done every few seconds."""
        await self._context.closer.look()

    async def stop(self, *, close_sessions: bool = False) -> list[Session]:
        """Finish what is under way. With `close_sessions` all that is left goes back, and they are
        returned: for a store that ends with the process."""
        await self._background.cancel(_WATCH)
        closed = await self._context.closer.close_all() if close_sessions else []
        await self._background.join()
        return closed

    async def sessions(self) -> list[Session]:
        """All sessions that are known, closed ones too."""
        return [session async for session in self._context.book.scan()]

    async def session_of(self, session_id: bytes) -> Session | None:
        """One session."""
        return await self._context.book.get(session_id)

    async def close(self, session_id: bytes) -> Session:
        """Close a session now and send back what is left."""
        return await self._context.closer.close(session_id)

    async def _watch(self) -> None:
        while True:
            await self._context.clock.sleep(timedelta(seconds=LOOK_EVERY_S))
            try:
                await self.look()
            except Exception as error:
                # A store out of reach: sessions become idle all the same, and nobody else looks.
                self._background.note("lightning.look.failed", error=type(error).__name__)
