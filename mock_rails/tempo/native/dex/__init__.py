"""The StablecoinDEX: an order book for each token against its quote token, and swaps through books.

A class per concern: prices, tokens, books, levels, orders and balances are what both sides build
on; placing and cancelling are for makers; routing, quoting, matching and swapping for takers. Where
the facts say nothing, rules and roundings are those observed on anvil's T4 node. Spec: facts 2.10.
"""

from mock_rails.tempo.native.dex.exchange import StablecoinDex

__all__ = ["StablecoinDex"]
