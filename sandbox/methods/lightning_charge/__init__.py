"""lightning/charge: one invoice, one preimage, one delivery (facts: lightning 1).

The protocol as pure functions: what travels (`request`, `payload`, `receipt`), what proves a
payment (`rules`), what may be wrong (`problems`). No node, no store, no clock: the gate and the
client bring theirs. The invoice is authoritative for everything that it says.

    request = parse_request(challenge.request)          # the client: decoded, and in agreement
    payload = ChargePayload(preimage).to_json()
    check_charge(request, parse_payload(payload), now_s=clock.now_s())           # the server
"""

from sandbox.methods.lightning_charge.payload import ChargePayload, parse_payload
from sandbox.methods.lightning_charge.receipt import charge_receipt, to_header
from sandbox.methods.lightning_charge.request import ChargeRequest, parse_request, stable_parts
from sandbox.methods.lightning_charge.rules import check_charge, check_preimage

__all__ = [
    "ChargePayload",
    "ChargeRequest",
    "charge_receipt",
    "check_charge",
    "check_preimage",
    "parse_payload",
    "parse_request",
    "stable_parts",
    "to_header",
]
