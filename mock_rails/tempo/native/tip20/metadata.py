"""What a token says about itself (facts 2.2 and 3)."""

from __future__ import annotations

from typing import Final

from mock_rails.tempo.abi import Event
from mock_rails.tempo.native.contract import Error, function, view
from mock_rails.tempo.native.storage import TEXT, Value
from mock_rails.tempo.native.tip20.ledger import Ledger
from mock_rails.tempo.native.tip20.roles import DEFAULT_ADMIN_ROLE, Roles

DECIMALS: Final = 6
"""The same for every token: an amount of 1 is a millionth."""

MAX_LOGO_URI_BYTES: Final = 256
LOGO_URI_SCHEMES: Final = ("https", "http", "ipfs", "data")


class Metadata(Ledger, Roles):
    """Name, symbol, currency and logo."""

    name_text = Value(2, TEXT)
    symbol_text = Value(3, TEXT)
    currency_text = Value(4, TEXT)
    logo_uri_text = Value(5, TEXT)

    LogoURIUpdated = Event("LogoURIUpdated(address indexed updater, string newLogoURI)")

    InvalidCurrency = Error("InvalidCurrency()")
    LogoURITooLong = Error("LogoURITooLong()")
    InvalidLogoURI = Error("InvalidLogoURI()")

    @view("name() returns (string)")
    def name(self) -> str:
        """The token's name, which also signs its permits."""
        return str(self.name_text)

    @view("symbol() returns (string)")
    def symbol(self) -> str:
        """The short name."""
        return str(self.symbol_text)

    @view("currency() returns (string)")
    def currency(self) -> str:
        """The currency it stands for; only `USD` pays fees."""
        return str(self.currency_text)

    @view("decimals() returns (uint8)")
    def decimals(self) -> int:
        """Always 6."""
        return DECIMALS

    @view("logoURI() returns (string)")
    def logo_uri(self) -> str:
        """Where its logo is, or nothing."""
        return str(self.logo_uri_text)

    @function("setLogoURI(string newLogoURI)")
    def set_logo_uri(self, uri: str) -> None:
        """Say where the logo is; empty text removes it."""
        self.require_role(DEFAULT_ADMIN_ROLE)
        self.write_logo_uri(uri)

    def write_logo_uri(self, uri: str) -> None:
        """Check, store and log a logo."""
        if len(uri.encode()) > MAX_LOGO_URI_BYTES:
            raise self.LogoURITooLong()
        scheme, colon, _ = uri.partition(":")
        if uri and not (colon and scheme.lower() in LOGO_URI_SCHEMES):
            raise self.InvalidLogoURI()
        self.logo_uri_text = uri
        self.emit(self.LogoURIUpdated, self.sender, uri)
