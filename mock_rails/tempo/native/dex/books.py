"""Pairs: which books exist, how they are named, and where each side's best price stands.

A token trades against its quote token only, so a pair is named by its base; the book keeps the
quote it was created with, because a token's quote token may change later. Spec: facts 2.10.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mock_rails.tempo.abi import Event
from mock_rails.tempo.addresses import ZERO_ADDRESS
from mock_rails.tempo.native.contract import Error, function, view
from mock_rails.tempo.native.dex.tokens import Tokens
from mock_rails.tempo.native.storage import ADDRESS, BYTES32, Mapping, Value
from mock_rails.tempo.native.tip20.quote import is_created

NO_BID: Final = -(1 << 15)
NO_ASK: Final = (1 << 15) - 1
"""What stands for the best tick of an empty side: worse than any."""

_ADDRESS_BITS: Final = 160
_WORD16: Final = 0xFFFF


class BestTicks(NamedTuple):
    """The highest bid and the lowest ask of a book."""

    bid: int
    ask: int


class _BestTicks:
    """Both ticks share a word, in two's complement; an unwritten word is two zeros."""

    def load(self, raw: int) -> BestTicks:
        return BestTicks(signed16(raw & _WORD16), signed16(raw >> 16 & _WORD16))

    def store(self, value: BestTicks) -> int:
        return (value.bid & _WORD16) | (value.ask & _WORD16) << 16


class _Base:
    """A base token, and in the same word the book's index: None when there is no such book."""

    def load(self, raw: int) -> tuple[bytes, int] | None:
        if not raw:
            return None
        return (raw & (1 << _ADDRESS_BITS) - 1).to_bytes(20), raw >> _ADDRESS_BITS

    def store(self, value: tuple[bytes, int]) -> int:
        base, index = value
        return int.from_bytes(base) | index << _ADDRESS_BITS


def signed16(word: int) -> int:
    """The signed value of 16 bits."""
    return (word ^ 0x8000) - 0x8000


class Books(Tokens):
    """The pairs that can be traded."""

    bases = Mapping(0, _Base())
    quotes = Mapping(1, ADDRESS)
    best_ticks = Mapping(2, _BestTicks())
    book_count = Value(3)
    book_keys = Mapping(4, BYTES32)
    """By index: orders name their book by it, which takes a word less than the key."""

    PairCreated = Event(
        "PairCreated(bytes32 indexed key, address indexed base, address indexed quote)"
    )

    PairAlreadyExists = Error("PairAlreadyExists()")
    PairDoesNotExist = Error("PairDoesNotExist()")
    InvalidBaseToken = Error("InvalidBaseToken()")
    IndexAlreadySet = Error("IndexAlreadySet()")

    @function("createPair(address base) returns (bytes32 key)")
    def create_pair(self, base: bytes) -> bytes:
        """Open the book of a token against its quote token; anyone may."""
        if not is_created(self, base):
            raise self.InvalidBaseToken()
        quote = self.quote_of(base)
        self.require_tip20(quote)
        self.require_dollars(base)
        self.require_dollars(quote)
        key = self.book_key(base, quote)
        if self.bases[key] is not None:
            raise self.PairAlreadyExists()
        index = self.book_count
        self.bases[key] = (base, index)
        self.quotes[key] = quote
        self.best_ticks[key] = BestTicks(NO_BID, NO_ASK)
        self.book_keys[index] = key
        self.book_count = index + 1
        self.emit(self.PairCreated, key, base, quote)
        return key

    @view("pairKey(address tokenA, address tokenB) returns (bytes32)")
    def book_key(self, base: bytes, quote: bytes) -> bytes:
        """A book's name. The order of the tokens matters: base first."""
        return self.keccak(base + quote)

    def sides(self, key: bytes, base: bytes, *, is_bid: bool) -> tuple[bytes, bytes]:
        """The token a maker escrows and the token the maker gets for it."""
        quote: bytes = self.quotes[key]
        return (quote, base) if is_bid else (base, quote)

    @view(
        "books(bytes32 pairKey) returns"
        " ((address base, address quote, int16 bestBidTick, int16 bestAskTick))"
    )
    def get_book(self, key: bytes) -> tuple[bytes, bytes, int, int]:
        """A book as it stands; all zeros when there is none."""
        entry = self.bases[key]
        base = ZERO_ADDRESS if entry is None else entry[0]
        return (base, self.quotes[key], *self.best_ticks[key])

    @view("bookIndexForKey(bytes32 bookKey) returns (bool set, uint32 index)")
    def book_index(self, key: bytes) -> tuple[bool, int]:
        """The number of a book, in order of creation."""
        entry = self.bases[key]
        return (False, 0) if entry is None else (True, entry[1])

    @view("bookKeyForIndex(uint32 index) returns (bytes32 bookKey)")
    def book_key_at(self, index: int) -> bytes:
        """The key of a book by its number."""
        if index >= self.book_count:
            raise self.PairDoesNotExist()
        key: bytes = self.book_keys[index]
        return key

    @function("setBookIndex(uint32 index)")
    def set_book_index(self, index: int) -> None:
        """On the public chain this numbers books older than fork T5; here all are born numbered."""
        self.book_key_at(index)
        raise self.IndexAlreadySet()
