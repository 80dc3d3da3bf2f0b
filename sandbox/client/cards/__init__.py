"""Paying by card: `PaidClient(wallet, card=CardWallet(), card_budget=...)`.

`wallet` says whose card pays and at which Stripe, `request` reads what a challenge asks, `mint`
makes Shared Payment Tokens and takes them back, and `payer` and `attempt` are the seam's two halves
(`sandbox.client.payer`) for `stripe/charge`.
"""

from sandbox.client.cards.payer import CardPayer
from sandbox.client.cards.wallet import CardWallet

__all__ = ["CardPayer", "CardWallet"]
