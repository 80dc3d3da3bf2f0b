"""The payer: who signs, how much they may spend, and what they say when they will not.

`wallet` holds the key; `budget` holds the limits and the ledger of what was reserved and spent, and
is asked before anything is signed.
"""
