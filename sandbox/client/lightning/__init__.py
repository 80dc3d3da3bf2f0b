"""Paying over Lightning: `PaidClient(lightning=LightningWallet(node), lightning_budget=...)`.

`wallet` says which node pays and what a payment's fee may be, `reading` checks what a challenge
asks, `cashier` reserves, pays and finds out what became of a payment, `book` is what is remembered.
`charge` and `attempt` are the seam's two halves (`sandbox.client.payer`) for `lightning/charge`;
`session` is the package for `lightning/session`.
"""

from sandbox.client.lightning.charge import LightningChargePayer
from sandbox.client.lightning.wallet import LightningWallet

__all__ = ["LightningChargePayer", "LightningWallet"]
