"""Where the network can be made to fail, and how (facts: lightning 5.3, 7.1)."""

from __future__ import annotations

from typing import Final

from mock_rails.core.faults import FaultAction, FaultPoint

INVOICE: Final = "lightning.invoice"
PAY: Final = "lightning.pay"
HTLC: Final = "lightning.htlc"
FORWARD: Final = "lightning.forward"
NODE: Final = "lightning.node"

FAULT_POINTS: Final = (
    FaultPoint(
        INVOICE,
        "Somebody asks a node for an invoice over its wire.",
        (
            FaultAction("hang", "never answer"),
            FaultAction("delay", "answer late by wall time", ("ms",), whole=("ms",)),
            FaultAction("fail", "refuse it", ("message",)),
            FaultAction("lose_response", "make it, then break the connection"),
        ),
        context=("node", "memo", "amount_msat"),
    ),
    FaultPoint(
        PAY,
        "A node begins to pay an invoice.",
        (
            FaultAction("no_route", "find no route"),
            FaultAction("insufficient_balance", "say that the payer has too little"),
            FaultAction("incorrect_details", "let the payee know nothing of it"),
            FaultAction("timeout", "give up before anything is sent"),
            FaultAction("lose_response", "pay it, then break the connection before the answer"),
        ),
        context=("node", "payment_hash", "memo", "amount_msat"),
    ),
    FaultPoint(
        HTLC,
        "An HTLC has reached the payee.",
        (
            FaultAction("stuck_then_settle", "let it arrive late", ("s",), whole=("s",)),
            FaultAction("stuck_then_fail", "send it back late", ("s",), whole=("s",)),
            FaultAction("settle_late", "take it now, tell the payer late", ("s",), whole=("s",)),
            FaultAction("incorrect_details", "send it back: it is not known"),
        ),
        context=("node", "payment_hash", "memo", "amount_msat"),
    ),
    FaultPoint(
        FORWARD,
        "A node is about to forward an HTLC.",
        (
            FaultAction("fail", "send it back: the channel is short of money"),
            FaultAction("unknown_next_peer", "send it back: the next node is not there"),
        ),
        context=("node", "scid", "payment_hash", "amount_msat"),
    ),
    FaultPoint(
        NODE,
        "Somebody calls a node over its wire, whatever for.",
        (FaultAction("down", "break the connection, and do nothing of what is asked"),),
        context=("node",),
    ),
)
