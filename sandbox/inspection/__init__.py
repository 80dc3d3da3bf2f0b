"""What happened to a payment, from the journal's events: found, put in order, and written out.

    finding = find(events, "0x7e43")         # an exchange, challenge, transaction or channel
    print(render(finding))

Nothing here talks to a server. The events are the control's (`/_sandbox/journal`), as plain JSON.
"""

from sandbox.inspection.cards import CardStory
from sandbox.inspection.exchange import Check, Exchange, Outcome, Verdict, read_exchange
from sandbox.inspection.finding import Ambiguous, Finding, Kind, find
from sandbox.inspection.text import render
from sandbox.inspection.transaction import Moved, Transaction

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
