"""What happened to a payment, from the journal's events: found, put in order, and written out.

    finding = find(events, "0x7e43")         # an exchange, challenge, transaction or channel
    print(render(finding))

Nothing here talks to a server. The events are the control's (`/_sandbox/journal`), as plain JSON;
which of the rails' belong to a payment is said by `sandbox.journaling`, here as everywhere.
"""

from sandbox.inspection.cards import CardStory
from sandbox.inspection.finding import Ambiguous, Finding, Kind, find
from sandbox.inspection.text import render
from sandbox.inspection.transaction import Moved, Transaction
from sandbox.journaling.exchange import Check, Exchange, Outcome, Verdict, read_exchange

__all__ = [
    "Ambiguous",
    "CardStory",
    "Check",
    "Exchange",
    "Finding",
    "Kind",
    "Moved",
    "Outcome",
    "Transaction",
    "Verdict",
    "find",
    "read_exchange",
    "render",
]
