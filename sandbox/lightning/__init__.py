"""Lightning nodes as this room uses them: one small protocol, and LND behind it.

node = LndNode("http://127.0.0.1:8080", macaroon)
invoice = await node.create_invoice(amount_sat=100, memo="a report", expiry_s=600)
paid = await other.pay(invoice.bolt11, fee_limit_sat=5, timeout_s=30)
"""

from sandbox.lightning.lnd import LndNode
from sandbox.lightning.local import LocalApp
from sandbox.lightning.node import (
    NEVER_BEGUN,
    UNREACHABLE,
    LightningNode,
    MadeInvoice,
    NodeError,
    Paid,
    PaymentFailed,
    PaymentOutcomeUnknown,
)
from sandbox.lightning.prices import Price, Rate, UsdPrice, sats

__all__ = [
    "NEVER_BEGUN",
    "UNREACHABLE",
    "LightningNode",
    "LndNode",
    "LocalApp",
    "MadeInvoice",
    "NodeError",
    "Paid",
    "PaymentFailed",
    "PaymentOutcomeUnknown",
    "Price",
    "Rate",
    "UsdPrice",
    "sats",
]
