"""Our invoices in the released npm decoders (facts: lightning 3.5 and 8, check 2).

What the rail writes, of every amount, description, expiry and network that once went wrong
somewhere, is read back by four decoders that share no code with it.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from mock_rails.core.clock import Clock
from mock_rails.core.rail import RailContext
from mock_rails.lightning.invoices import InvoiceRequest
from mock_rails.lightning.rail import Lightning
from mock_rails.lightning.settings import LightningSettings
from tests.interop.node_support import install_packages, run_topic

REQUESTS = {
    "1 msat": InvoiceRequest(1, "a tenth of the smallest unit"),
    "1 sat": InvoiceRequest(1_000, "one satoshi"),
    "100 sat": InvoiceRequest(100_000, "hundred"),
    "an odd amount": InvoiceRequest(123_456_789, "Käse ☕"),
    "no amount": InvoiceRequest(None, "whatever you like"),
    "an empty description": InvoiceRequest(21_000, ""),
    "a description of 639 bytes": InvoiceRequest(21_000, "x" * 639),
    "an expiry of 30 days": InvoiceRequest(None, "Session refund", expiry_s=2_592_000),
}


@pytest.mark.parametrize("network", ["regtest", "mainnet", "signet"])
def test_released_decoders_read_our_invoices(network: str) -> None:
    install_packages()
    context = RailContext.create("decoders", Clock.frozen(1_767_225_600))
    merchant = Lightning(context, LightningSettings(network=network)).node("merchant")
    invoices: list[dict[str, Any]] = []
    for name, request in REQUESTS.items():
        record = merchant.create_invoice(request)
        invoices.append(
            {
                "name": f"{name} on {network}",
                "text": record.text,
                "msat": None if record.amount_msat is None else str(record.amount_msat),
                "description": record.description,
                "expiry_s": record.expiry_s,
                "hash": record.payment_hash.hex(),
                "secret": record.payment_secret.hex(),
                "payee": merchant.pubkey.hex(),
                "cltv": record.min_final_cltv,
                "timestamp_s": record.created_s,
            }
        )
    run_topic("bolt11_decoders.test.mjs", {"INVOICES": json.dumps(invoices)})
