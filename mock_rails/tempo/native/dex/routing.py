"""Routes: which books lie between two tokens.

Quote tokens make a tree with pathUSD at its root, and a book belongs to each edge. So there is one
way from a token to another: up to their lowest common ancestor, and down. Spec: facts 2.10.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.native.contract import Error
from mock_rails.tempo.native.dex.books import Books


class Hop(NamedTuple):
    """One book of a route. Who brings base takes bids, who brings quote takes asks."""

    key: bytes
    base: bytes
    quote: bytes
    takes_bids: bool


class Routing(Books):
    """How a swap finds its books."""

    IdenticalTokens = Error("IdenticalTokens()")

    def route(self, token_in: bytes, token_out: bytes) -> list[Hop]:
        """The hops from one token to another: all books exist, and no token on the way is paused.

        The last token is not asked. On the node too, a paused token is quoted and only the swap
        fails, when the token refuses to move.
        """
        if token_in == token_out:
            raise self.IdenticalTokens()
        path = self._path(token_in, token_out)
        return [self._hop(*edge) for edge in pairwise(path)]

    def _path(self, token_in: bytes, token_out: bytes) -> list[bytes]:
        quote_in, quote_out = self.quote_of(token_in), self.quote_of(token_out)
        if token_out == quote_in or token_in == quote_out:
            return [token_in, token_out]
        up = self._ancestors(token_in)
        down = self._ancestors(token_out)
        meeting = next(token for token in up if token in down)
        return up[: up.index(meeting)] + down[down.index(meeting) :: -1]

    def _ancestors(self, token: bytes) -> list[bytes]:
        """A token, its quote token, and so on to the root."""
        chain = [token]
        while chain[-1] != PATH_USD:
            quote = self.quote_of(chain[-1])
            self.require_tip20(quote)
            chain.append(quote)
        return chain

    def _hop(self, token_in: bytes, token_out: bytes) -> Hop:
        tip20 = self.tip20(token_in)
        tip20.require_unpaused()
        takes_bids = tip20.quote_token() == token_out
        base, quote = (token_in, token_out) if takes_bids else (token_out, token_in)
        key = self.book_key(base, quote)
        if self.bases[key] is None:
            raise self.PairDoesNotExist()
        return Hop(key, base, quote, takes_bids)
