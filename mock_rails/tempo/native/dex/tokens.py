"""The tokens as the exchange sees them: what they are, what they quote, who may move them."""

from __future__ import annotations

from mock_rails.tempo.addresses import TIP403_REGISTRY, is_tip20
from mock_rails.tempo.native.contract import Error
from mock_rails.tempo.native.dex.prices import Prices
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.native.tip403 import Tip403Registry


class Tokens(Prices):
    """The exchange's dealings with TIP-20."""

    InvalidToken = Error("InvalidToken()")

    def tip20(self, address: bytes) -> Tip20:
        """A token, called by the exchange."""
        return self.contract(Tip20, address)

    def require_tip20(self, address: bytes) -> None:
        """The address must be one of a token; whether it was created shows when it is used."""
        if not is_tip20(address):
            raise self.InvalidToken()

    def quote_of(self, token: bytes) -> bytes:
        """A token's quote token; zero for the root of the tree, pathUSD."""
        self.require_tip20(token)
        return self.tip20(token).quote_token()

    def require_dollars(self, token: bytes) -> None:
        """Only dollars are traded here, so that a price near one makes sense."""
        tip20 = self.tip20(token)
        if tip20.currency() != "USD":
            raise tip20.InvalidCurrency()

    def require_deposit(self, token: bytes, account: bytes) -> None:
        """The token's policy must let the account pay the exchange, even out of its balance."""
        self.tip20(token).require_policy(account, self.address)

    def require_payout(self, token: bytes, account: bytes) -> None:
        """The exchange must be able to pay the account, or its proceeds would be stuck here."""
        tip20 = self.tip20(token)
        tip20.require_policy(self.address, account)
        tip20.require_unpaused()

    def may_send(self, token: bytes, account: bytes) -> bool:
        """Whether the token's policy lets the account send."""
        return self._registry.authorized_sender(self.tip20(token).policy_id(), account)

    def may_receive(self, token: bytes, account: bytes) -> bool:
        """Whether the token's policy lets the account receive."""
        return self._registry.authorized_recipient(self.tip20(token).policy_id(), account)

    @property
    def _registry(self) -> Tip403Registry:
        return self.contract(Tip403Registry, TIP403_REGISTRY)
