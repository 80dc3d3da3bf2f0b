"""What the offers of one merchant share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from sandbox.server.lightning.actions import Actions
    from sandbox.server.lightning.book import SessionBook
    from sandbox.server.lightning.closing import Closer
    from sandbox.server.lightning.invoices import InvoiceMaker


@dataclass(frozen=True, slots=True)
class LightningContext:
    """One merchant's means."""

    network: str
    invoices: InvoiceMaker
    book: SessionBook
    actions: Actions
    closer: Closer
    clock: Clock
    idle_timeout_s: int
