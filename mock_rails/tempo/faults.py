"""Where the chain can be made to fail, and how."""

from __future__ import annotations

from typing import Final

from mock_rails.core.faults import FaultAction, FaultPoint

SUBMIT: Final = "tempo.submit"
SEAL: Final = "tempo.seal"
RECEIPT: Final = "tempo.receipt"

FAULT_POINTS: Final = (
    FaultPoint(
        SUBMIT,
        "A transaction arrives by eth_sendRawTransaction or its synchronous form.",
        (
            FaultAction("reject", "refuse it with a message; nothing is pooled", ("message",)),
            FaultAction("rate_limit", "answer -32005; nothing is pooled"),
            FaultAction("drop", "answer its hash and never mine it"),
            FaultAction("lose_response", "mine it, then break the connection before the answer"),
        ),
        context=("sender", "hash"),
    ),
    FaultPoint(
        SEAL,
        "A block is about to be sealed.",
        (
            FaultAction("halt", "seal nothing: transactions wait until the fault is disarmed"),
            FaultAction(
                "fee_spike", "give this block another base fee", ("base_fee",), whole=("base_fee",)
            ),
        ),
        context=("number",),
    ),
    FaultPoint(
        RECEIPT,
        "A client asks for a receipt.",
        (FaultAction("hide", "answer null, as if the transaction were not mined yet"),),
        context=("hash",),
    ),
)
