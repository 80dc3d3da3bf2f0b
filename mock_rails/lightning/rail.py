"""The Lightning rail: a network of nodes, for whoever holds it in process or serves its wires.

    lightning = Lightning()
    coffee = InvoiceRequest(amount_msat=1_000, description="coffee")
    invoice = lightning.node("merchant").create_invoice(coffee)
    payment = await lightning.node("payer").pay(invoice.text)

Everything that takes time is on an agenda by the sandbox's clock. What is due happens before every
look at the network, and by itself while `keep_time` runs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.rail import RailContext
from mock_rails.core.snapshot import digest
from mock_rails.lightning import faults, invoices, payments, snapshots, travel
from mock_rails.lightning.agenda import Agenda
from mock_rails.lightning.invoices import Invoices
from mock_rails.lightning.latency import Latency
from mock_rails.lightning.model import PaymentStatus
from mock_rails.lightning.network import Network
from mock_rails.lightning.news import News
from mock_rails.lightning.node import Node
from mock_rails.lightning.payments import Payments
from mock_rails.lightning.settings import LightningSettings
from mock_rails.lightning.topology import Topology
from mock_rails.lightning.travel import Travel

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from mock_rails.core.faults import FaultPoint
    from mock_rails.lightning.model import Payment

_POLL_US: Final = 1_000_000


class Lightning:
    """One network. One event loop may use it at a time."""

    name: Final = "lightning"

    def __init__(
        self,
        context: RailContext | None = None,
        settings: LightningSettings | None = None,
        topology: Topology | None = None,
    ) -> None:
        self.context = context or RailContext.create()
        self.settings = settings or LightningSettings()
        self.topology = topology or Topology.preset("default")
        self.context.faults.register(faults.FAULT_POINTS)
        self.news = News()
        self._sooner: asyncio.Event | None = None
        self._begin()

    def _begin(self) -> None:
        context, settings = self.context, self.settings
        self.agenda = Agenda(context.clock, self._wake)
        self.network = Network(self.topology, context.seeds)
        self.latency = Latency(settings.figures, context.seeds)
        self.invoices = Invoices(
            self.network, self.agenda, context.seeds, context.journal, self.news, settings
        )
        self.travel = Travel(
            self.network,
            self.invoices,
            self.agenda,
            self.latency,
            context.faults,
            context.journal,
        )
        self.payments = Payments(
            self.network,
            self.invoices,
            self.travel,
            self.agenda,
            self.latency,
            context.faults,
            context.journal,
            self.news,
            settings,
        )
        self.deeds: dict[str, Callable[..., None]] = {
            invoices.EXPIRE: self.invoices.expire,
            invoices.FORGET: self.invoices.forget,
            invoices.PARTS_LATE: self.invoices.parts_late,
            travel.ARRIVE: self.travel.arrive,
            travel.RECEIVE: self.travel.receive,
            travel.SETTLE: self.travel.settle,
            travel.FAIL: self.travel.fail,
            payments.TIME_OUT: self.payments.time_out,
        }
        """What the entries of the agenda do."""

    def node(self, name: str) -> Node:
        """One of the nodes."""
        return Node(self, self.network.node(name).name)

    # -- time -------------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Let everything happen that is due by now."""
        try:
            while (entry := self.agenda.take()) is not None:
                self.deeds[entry.what](*entry.args)
        finally:
            self.agenda.rest()

    async def keep_time(self) -> None:
        """Let things happen when they are due, until cancelled."""
        clock = self.context.clock
        self._sooner = sooner = asyncio.Event()
        while True:
            self.catch_up()
            sooner.clear()
            soon_us = clock.now_us() + _POLL_US
            due_us = self.agenda.next_due_us() or soon_us
            await _first(sooner.wait(), clock.sleep_until_us(min(due_us, soon_us)))

    def _wake(self) -> None:
        if self._sooner is not None:
            self._sooner.set()

    async def wait_for(self, payment: Payment, until_us: int) -> None:
        """Wait until a payment is over, or until a time; the network lives on meanwhile, whether
        anybody else keeps its time or not."""
        clock = self.context.clock
        while payment.status is PaymentStatus.IN_FLIGHT and clock.now_us() < until_us:
            due_us = self.agenda.next_due_us() or until_us
            with self.news.listening(("payment", payment.node, payment.payment_hash)) as queue:
                await _first(queue.get(), clock.sleep_until_us(min(due_us, until_us)))
            self.catch_up()

    # -- what every rail can do -------------------------------------------------------------------

    def fault_points(self) -> tuple[FaultPoint, ...]:
        """Where it can be made to fail."""
        return faults.FAULT_POINTS

    def snapshot(self) -> dict[str, Any]:
        """The whole state as JSON values."""
        return snapshots.dump(self)

    def restore(self, document: object) -> None:
        """Become the state of a snapshot."""
        snapshots.load(self, document)

    def check_conservation(self) -> None:
        """Raise unless every channel holds its capacity."""
        self.network.check()

    def digest(self) -> str:
        """A hash of the state."""
        return digest(self.snapshot())

    def reset(self) -> None:
        """Become what the rail was when it was constructed."""
        self.context.seeds.rewind("lightning.")
        self._begin()


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    """Wait until one of them is over, and end the others."""
    tasks = [asyncio.ensure_future(one) for one in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
