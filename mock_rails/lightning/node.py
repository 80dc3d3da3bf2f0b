"""One node, as programs in process and the wires use it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mock_rails.lightning import faults
from mock_rails.lightning.errors import LightningError, ResponseLostError
from mock_rails.lightning.model import PaymentStatus
from mock_rails.lightning.payments import DEFAULT_PARTS, DEFAULT_TIMEOUT_S, PaymentRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from mock_rails.lightning.invoices import InvoiceRequest
    from mock_rails.lightning.model import Channel, InvoiceRecord, NodeState, Payment
    from mock_rails.lightning.rail import Lightning

_LATE_MS: Final = 5_000
_HOUR_S: Final = 3_600


class Node:
    """What one node can do."""

    def __init__(self, rail: Lightning, name: str) -> None:
        self.rail = rail
        self.name = name

    @property
    def state(self) -> NodeState:
        """What it is."""
        return self.rail.network.node(self.name)

    @property
    def alias(self) -> str:
        """What it calls itself."""
        return self.name

    @property
    def pubkey(self) -> bytes:
        """What others know it by, 33 bytes."""
        return self.state.pubkey

    @property
    def balance_msat(self) -> int:
        """What it has in its channels."""
        self.rail.catch_up()
        return self.rail.network.balance_msat(self.name)

    def channels(self) -> list[Channel]:
        """Its channels."""
        self.rail.catch_up()
        return list(self.rail.network.of_node[self.name])

    def reached(self) -> None:
        """Somebody calls it over its wire; raises ResponseLostError if it is said to be down."""
        if self.rail.context.faults.check(faults.NODE, node=self.name) is not None:
            raise ResponseLostError

    # -- invoices ---------------------------------------------------------------------------------

    def create_invoice(self, request: InvoiceRequest) -> InvoiceRecord:
        """A new invoice, at once."""
        self.rail.catch_up()
        return self.rail.invoices.create(self.name, request)

    async def make_invoice(self, request: InvoiceRequest) -> InvoiceRecord:
        """The same as over a wire: it takes its time, and armed faults strike."""
        clock = self.rail.context.clock
        fault = self.rail.context.faults.check(
            faults.INVOICE,
            node=self.name,
            memo=request.description,
            amount_msat=request.amount_msat,
        )
        if fault is not None and fault.do == "fail":
            raise LightningError(str(fault.args.get("message", "an armed fault refuses this")))
        while fault is not None and fault.do == "hang":
            await clock.wall_sleep(_HOUR_S)
        if fault is not None and fault.do == "delay":
            await clock.wall_sleep(timedelta(milliseconds=fault.args.get("ms", _LATE_MS)))
        if takes_us := self.rail.latency.invoice_us():
            await clock.sleep(timedelta(microseconds=takes_us))
        record = self.create_invoice(request)
        if fault is not None and fault.do == "lose_response":
            raise ResponseLostError
        return record

    def invoice(self, payment_hash: bytes) -> InvoiceRecord | None:
        """The invoice of that hash."""
        self.rail.catch_up()
        return self.rail.invoices.find(self.name, payment_hash)

    def invoices(self) -> Iterator[InvoiceRecord]:
        """All its invoices, in the order they were made."""
        self.rail.catch_up()
        return self.rail.invoices.of_node(self.name)

    def cancel_invoice(self, payment_hash: bytes) -> InvoiceRecord:
        """Take an invoice back, and send back what it holds."""
        self.rail.catch_up()
        record = self.rail.invoices.cancel(self.name, payment_hash)
        self.rail.catch_up()
        return record

    def settle_invoice(self, preimage: bytes) -> InvoiceRecord:
        """Take what a hold invoice holds."""
        self.rail.catch_up()
        record = self.rail.invoices.settle_hold(self.name, preimage)
        self.rail.catch_up()
        return record

    async def follow_invoices(self) -> AsyncGenerator[InvoiceRecord, None]:
        """Its invoices, from now on whenever one is made, held, settled or canceled."""
        with self.rail.news.listening(("invoices", self.name)) as queue:
            while True:
                yield await queue.get()

    # -- payments ---------------------------------------------------------------------------------

    def start_payment(self, request: PaymentRequest) -> Payment:
        """Begin to pay, or raise LightningError. With no latency it is over when this returns,
        unless an HTLC is held or stuck."""
        self.rail.catch_up()
        payment = self.rail.payments.start(self.name, request)
        self.rail.catch_up()
        return payment

    async def pay(
        self,
        invoice: str,
        *,
        amount_msat: int | None = None,
        fee_limit_msat: int | None = None,
        timeout_s: int = DEFAULT_TIMEOUT_S,
        max_parts: int = DEFAULT_PARTS,
        allow_self_payment: bool = False,
    ) -> Payment:
        """Pay an invoice and wait for the end, at most until the timeout: then the payment may
        still be in flight, which is an outcome of its own."""
        request = PaymentRequest(
            invoice, amount_msat, fee_limit_msat, timeout_s, max_parts, allow_self_payment
        )
        payment = self.start_payment(request)
        await self.rail.wait_for(payment, payment.deadline_us)
        if payment.loses_response:
            raise ResponseLostError
        return payment

    def payment(self, payment_hash: bytes) -> Payment | None:
        """The payment of that hash."""
        self.rail.catch_up()
        return self.rail.payments.find(self.name, payment_hash)

    def payments(self) -> Iterator[Payment]:
        """All its payments, in their order."""
        self.rail.catch_up()
        return self.rail.payments.of_node(self.name)

    async def follow_payment(self, payment_hash: bytes) -> AsyncGenerator[Payment, None]:
        """The payment now and whenever it changes, until it is over."""
        key = ("payment", self.name, payment_hash)
        with self.rail.news.listening(key) as queue:
            payment = self.payment(payment_hash)
            while payment is not None:
                # What it was when it was handed out: it may end before the next is asked for.
                over = payment.status is not PaymentStatus.IN_FLIGHT
                yield payment
                if over:
                    return
                payment = await queue.get()
