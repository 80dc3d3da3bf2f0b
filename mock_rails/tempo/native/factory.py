"""The TIP-20 factory: creates tokens at addresses that follow from creator and salt (facts 2.3)."""

from __future__ import annotations

from typing import Final, NamedTuple

from mock_rails.tempo.abi import Codec, Event, parse_signature
from mock_rails.tempo.addresses import TIP20_PREFIX, TIP403_REGISTRY
from mock_rails.tempo.native.contract import Error, NativeContract, function, view
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.native.tip20.quote import is_created
from mock_rails.tempo.native.tip403 import Tip403Registry
from mock_rails.tempo.native.tip403.policies import ALLOW_ALL

RESERVED: Final = 1024
"""Addresses below this number are for tokens of the protocol's own, such as those of genesis."""

_SEED: Final = Codec(parse_signature("seed(address, bytes32)").inputs)


class Terms(NamedTuple):
    """What the creator of a token decides."""

    name: str
    symbol: str
    currency: str
    quote_token: bytes
    admin: bytes
    salt: bytes


class Tip20Factory(NativeContract):
    """Anyone may create a token."""

    title = "TIP20 factory error"

    TokenCreated = Event(
        "TokenCreated(address indexed token, string name, string symbol, string currency,"
        " address quoteToken, address admin, bytes32 salt)"
    )

    AddressReserved = Error("AddressReserved()")
    AddressNotReserved = Error("AddressNotReserved()")
    InvalidQuoteToken = Error("InvalidQuoteToken()")
    TokenAlreadyExists = Error("TokenAlreadyExists(address token)")

    @view("isTIP20(address token) returns (bool)")
    def is_tip20(self, token: bytes) -> bool:
        """Whether a token was created at this address."""
        return is_created(self, token)

    @view("getTokenAddress(address sender, bytes32 salt) returns (address)")
    def token_address(self, sender: bytes, salt: bytes) -> bytes:
        """Where a sender's token with this salt is created."""
        token = self._derive(sender, salt)
        if is_reserved(token):
            raise self.AddressReserved()
        return token

    @function(
        "createToken(string name, string symbol, string currency, address quoteToken,"
        " address admin, bytes32 salt) returns (address)"
    )
    def create_token(
        self,
        name: str,
        symbol: str,
        currency: str,
        quote_token: bytes,
        admin: bytes,
        salt: bytes,
    ) -> bytes:
        """Create a token under the built-in policy that allows everyone."""
        return self._create(Terms(name, symbol, currency, quote_token, admin, salt), None)

    @function(
        "createToken(string name, string symbol, string currency, address quoteToken,"
        " address admin, bytes32 salt, string logoURI) returns (address)"
    )
    def create_token_with_logo(
        self,
        name: str,
        symbol: str,
        currency: str,
        quote_token: bytes,
        admin: bytes,
        salt: bytes,
        logo_uri: str,
    ) -> bytes:
        """`createToken` for a token with a logo."""
        return self._create(Terms(name, symbol, currency, quote_token, admin, salt), logo_uri)

    def _create(self, terms: Terms, logo_uri: str | None) -> bytes:
        address = self._derive(self.sender, terms.salt)
        self._require_valid(address, terms)
        # The token logs who was made admin by whom, so it must see who called the factory.
        outer = self.frame
        frame = Frame(outer.scope, address, self.sender, outer.meter, outer.static)
        token = Tip20.create(frame, *terms[:-1])
        self.contract(Tip403Registry, TIP403_REGISTRY).set_token_policy(address, ALLOW_ALL)
        if logo_uri is not None:
            token.write_logo_uri(logo_uri)
        self.emit(self.TokenCreated, address, *terms)
        return address

    def _require_valid(self, address: bytes, terms: Terms) -> None:
        if is_created(self, address):
            raise self.TokenAlreadyExists(address)
        if not is_created(self, terms.quote_token):
            raise self.InvalidQuoteToken()
        if terms.currency == "USD" and self.contract(Tip20, terms.quote_token).currency() != "USD":
            raise self.InvalidQuoteToken()
        if is_reserved(address):
            raise self.AddressReserved()

    def _derive(self, sender: bytes, salt: bytes) -> bytes:
        return TIP20_PREFIX + self.keccak(_SEED.encode((sender, salt)))[:8]


def is_reserved(token: bytes) -> bool:
    """Whether a token's address is in the reserved range."""
    return int.from_bytes(token[12:]) < RESERVED
