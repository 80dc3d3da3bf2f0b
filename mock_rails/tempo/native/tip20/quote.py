"""The token a token is quoted in: a tree whose root is pathUSD, changed in two steps (facts 3).

The exchange routes a swap along this tree, so it must stay one.
"""

from __future__ import annotations

from mock_rails.tempo import gas
from mock_rails.tempo.abi import Event
from mock_rails.tempo.addresses import PATH_USD, ZERO_ADDRESS, is_tip20
from mock_rails.tempo.native.contract import Error, NativeContract, function, view
from mock_rails.tempo.native.storage import ADDRESS, Value
from mock_rails.tempo.native.tip20.metadata import Metadata
from mock_rails.tempo.native.tip20.roles import DEFAULT_ADMIN_ROLE


class Quote(Metadata):
    """The quote token and its successor."""

    quote = Value(6, ADDRESS)

    NextQuoteTokenSet = Event(
        "NextQuoteTokenSet(address indexed updater, address indexed nextQuoteToken)"
    )
    QuoteTokenUpdate = Event(
        "QuoteTokenUpdate(address indexed updater, address indexed newQuoteToken)"
    )

    InvalidQuoteToken = Error("InvalidQuoteToken()")

    @view("quoteToken() returns (address)")
    def quote_token(self) -> bytes:
        """What it is quoted in; nothing for pathUSD."""
        return bytes(self.quote)

    @view("nextQuoteToken() returns (address)")
    def next_quote_token(self) -> bytes:
        """What it will be quoted in once the change is completed."""
        return int(self.quote_and_policy[0]).to_bytes(20)

    @function("setNextQuoteToken(address newQuoteToken)")
    def set_next_quote_token(self, token: bytes) -> None:
        """Announce another quote token."""
        self.require_role(DEFAULT_ADMIN_ROLE)
        if self.address == PATH_USD or not self._may_be_quoted_in(token):
            raise self.InvalidQuoteToken()
        policy = self.own_policy_id()
        self.quote_and_policy = (int.from_bytes(token), policy)
        self.emit(self.NextQuoteTokenSet, self.sender, token)

    @function("completeQuoteTokenUpdate()")
    def complete_quote_token_update(self) -> None:
        """Make the announced token the quote token, unless that would close a circle."""
        self.require_role(DEFAULT_ADMIN_ROLE)
        token = self.next_quote_token()
        self._require_path_to_root(token)
        self.quote = token
        self.emit(self.QuoteTokenUpdate, self.sender, token)

    def _may_be_quoted_in(self, token: bytes) -> bool:
        """It is a created token, and a USD one if this is one."""
        if not is_created(self, token):
            return False
        if self.currency() != "USD":
            return True
        return self.contract(Metadata, token).currency() == "USD"

    def _require_path_to_root(self, token: bytes) -> None:
        while token != PATH_USD:
            if token in (self.address, ZERO_ADDRESS):
                raise self.InvalidQuoteToken()
            token = self.contract(Quote, token).quote_token()


def is_created(contract: NativeContract, token: bytes) -> bool:
    """Whether a token was created at an address; looking at the account has its price."""
    if not is_tip20(token):
        return False
    frame = contract.frame
    frame.meter.charge(gas.COLD_ACCOUNT if frame.scope.touch(token) else gas.WARM_LOAD)
    return frame.scope.world.code(token) != b""
