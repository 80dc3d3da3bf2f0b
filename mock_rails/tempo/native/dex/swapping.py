"""Swaps: money in, through the books of the route, money out (facts 2.10).

Between the hops nothing moves: the exchange holds all tokens, so a swap is one transfer in and one
out, however long its route. SDKs swap for an exact output, to pay a price in a token they lack.
"""

from __future__ import annotations

from mock_rails.tempo.native.contract import Error, function
from mock_rails.tempo.native.dex.matching import Matching
from mock_rails.tempo.native.dex.routing import Routing


class Swapping(Matching, Routing):
    """What takers do."""

    InsufficientOutput = Error("InsufficientOutput()")
    MaxInputExceeded = Error("MaxInputExceeded()")

    @function(
        "swapExactAmountIn(address tokenIn, address tokenOut, uint128 amountIn,"
        " uint128 minAmountOut) returns (uint128 amountOut)"
    )
    def swap_exact_in(
        self, token_in: bytes, token_out: bytes, amount_in: int, min_amount_out: int
    ) -> int:
        """Spend an amount. It is taken before the orders are filled."""
        hops = self.route(token_in, token_out)
        self.collect(token_in, self.sender, amount_in)
        amount = amount_in
        for hop in hops:
            amount = self.swap_input(hop, amount)
        if amount < min_amount_out:
            raise self.InsufficientOutput()
        self.pay(token_out, self.sender, amount)
        return amount

    @function(
        "swapExactAmountOut(address tokenIn, address tokenOut, uint128 amountOut,"
        " uint128 maxAmountIn) returns (uint128 amountIn)"
    )
    def swap_exact_out(
        self, token_in: bytes, token_out: bytes, amount_out: int, max_amount_in: int
    ) -> int:
        """Buy an amount, from the last book to the first; what they cost is taken afterwards."""
        amount = amount_out
        for hop in reversed(self.route(token_in, token_out)):
            amount = self.swap_output(hop, amount)
        if amount > max_amount_in:
            raise self.MaxInputExceeded()
        self.collect(token_in, self.sender, amount)
        self.pay(token_out, self.sender, amount_out)
        return amount
