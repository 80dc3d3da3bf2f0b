"""The Lightning network keeps every promise of a rail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.core.compliance import RailCompliance
from mock_rails.lightning.invoices import InvoiceRequest
from mock_rails.lightning.payments import PaymentRequest
from mock_rails.lightning.rail import Lightning

if TYPE_CHECKING:
    from mock_rails.core.rail import RailContext


class TestLightningIsARail(RailCompliance):
    def make_rail(self, context: RailContext) -> Lightning:
        return Lightning(context)

    async def disturb(self, rail: Any) -> None:
        merchant, payer = rail.node("merchant"), rail.node("payer")
        for amount_msat in (1_000, 250_000, 8_000_000_000):
            invoice = merchant.create_invoice(InvoiceRequest(amount_msat=amount_msat))
            await payer.pay(invoice.text)
        hashed = merchant.state.add_index.to_bytes(32)
        held = merchant.create_invoice(InvoiceRequest(amount_msat=5_000, payment_hash=hashed))
        payer.start_payment(PaymentRequest(held.text))
