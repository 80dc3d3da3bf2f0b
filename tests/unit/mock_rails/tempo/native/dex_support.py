"""An exchange to test against: tokens in a tree, accounts with money, and calls by ABI text.

    exchange = Exchange()
    order = exchange.place(ALICE, ALPHA_USD, 100 * USD, "ask", 10)
    assert exchange.swap_out(BOB, PATH_USD, ALPHA_USD, 5) == 6

The tree: ALPHA and BETA are quoted in pathUSD, GAMMA in ALPHA, DELTA in GAMMA.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mock_rails.tempo.addresses import (
    ALPHA_USD,
    BETA_USD,
    PATH_USD,
    STABLECOIN_DEX,
    TIP20_PREFIX,
    TIP403_REGISTRY,
    ZERO_ADDRESS,
)
from mock_rails.tempo.native.dex import StablecoinDex
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.native.tip403 import Tip403Registry
from mock_rails.tempo.native.tip403.policies import BLACKLIST
from mock_rails.tempo.world import World
from tests.unit.mock_rails.tempo.native.across import named_logs
from tests.unit.mock_rails.tempo.native.support import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    Caller,
    install,
    make_scope,
    make_token,
    settle,
)

GAMMA = TIP20_PREFIX + b"\x0c" * 8
DELTA = TIP20_PREFIX + b"\x0d" * 8
NOT_CREATED = TIP20_PREFIX + b"\x99" * 8
NO_TOKEN = b"\x11" * 20
QUOTE_OF = {
    PATH_USD: ZERO_ADDRESS,
    ALPHA_USD: PATH_USD,
    BETA_USD: PATH_USD,
    GAMMA: ALPHA_USD,
    DELTA: GAMMA,
}
ACCOUNTS = (ALICE, BOB, CAROL)
USD = 1_000_000
HUNDRED = 100 * USD
"""The smallest order."""
WEALTH = 10**6 * USD
UNLIMITED = (1 << 128) - 1


class Order(NamedTuple):
    """What `getOrder` answers."""

    order_id: int
    maker: bytes
    book_key: bytes
    is_bid: bool
    tick: int
    amount: int
    remaining: int
    prev: int
    next: int
    is_flip: bool
    flip_tick: int


class Book(NamedTuple):
    """What `books` answers."""

    base: bytes
    quote: bytes
    best_bid: int
    best_ask: int


class Exchange:
    """The DEX on a world of its own, with every account equally rich in every token."""

    def __init__(self) -> None:
        self.world = World()
        self.scope = make_scope(self.world)
        install(self.scope, STABLECOIN_DEX)
        for token, quote in QUOTE_OF.items():
            wealth = dict.fromkeys(ACCOUNTS, WEALTH)
            make_token(self.scope, token, name="a dollar", quote_token=quote, balances=wealth)
        self.dex = Caller(self.scope, StablecoinDex, STABLECOIN_DEX, ALICE)

    def by(self, account: bytes) -> Caller:
        """The DEX called by an account."""
        return self.dex.by(account)

    def token(self, token: bytes, caller: bytes) -> Caller:
        """A token called by an account."""
        return Caller(self.scope, Tip20, token, caller)

    def next_transaction(self) -> None:
        """What follows is priced as in a transaction of its own."""
        settle(self.scope)

    def bar(self, token: bytes, *, sender: bytes = b"", recipient: bytes = b"") -> None:
        """Put a token under a policy that forbids an account one part in a transfer."""
        registry = Caller(self.scope, Tip403Registry, TIP403_REGISTRY, ADMIN)
        parts = [registry.call("createPolicy(address,uint8)", ADMIN, BLACKLIST) for _ in range(3)]
        for policy, account in zip(parts, (sender, recipient), strict=False):
            if account:
                registry.call("modifyPolicyBlacklist(uint64,address,bool)", policy, account, True)
        compound = registry.call("createCompoundPolicy(uint64,uint64,uint64)", *parts)
        self.token(token, ADMIN).call("changeTransferPolicyId(uint64)", compound)

    # -- makers -----------------------------------------------------------------------------------

    def place(self, maker: bytes, base: bytes, amount: int, side: str, tick: int) -> int:
        """Place an order and return its id."""
        text = "place(address,uint128,bool,int16)"
        return int(self.by(maker).call(text, base, amount, _is_bid(side), tick))

    def place_flip(
        self, maker: bytes, base: bytes, amount: int, side: str, tick: int, flip_tick: int
    ) -> int:
        """Place a flip order and return its id."""
        text = "placeFlip(address,uint128,bool,int16,int16)"
        return int(self.by(maker).call(text, base, amount, _is_bid(side), tick, flip_tick))

    def cancel(self, maker: bytes, order_id: int) -> None:
        """Cancel an order."""
        self.by(maker).call("cancel(uint128)", order_id)

    def withdraw(self, account: bytes, token: bytes, amount: int) -> None:
        """Move what is held to the wallet."""
        self.by(account).call("withdraw(address,uint128)", token, amount)

    # -- takers -----------------------------------------------------------------------------------

    def swap_in(
        self, taker: bytes, token_in: bytes, token_out: bytes, amount: int, least: int = 0
    ) -> int:
        """Spend an amount and return what came out."""
        text = "swapExactAmountIn(address,address,uint128,uint128)"
        return int(self.by(taker).call(text, token_in, token_out, amount, least))

    def swap_out(
        self, taker: bytes, token_in: bytes, token_out: bytes, amount: int, most: int = UNLIMITED
    ) -> int:
        """Buy an amount and return what it cost."""
        text = "swapExactAmountOut(address,address,uint128,uint128)"
        return int(self.by(taker).call(text, token_in, token_out, amount, most))

    def quote_in(self, token_in: bytes, token_out: bytes, amount: int) -> int:
        """What an amount would buy."""
        text = "quoteSwapExactAmountIn(address,address,uint128)"
        return int(self.dex.call(text, token_in, token_out, amount))

    def quote_out(self, token_in: bytes, token_out: bytes, amount: int) -> int:
        """What an amount would cost."""
        text = "quoteSwapExactAmountOut(address,address,uint128)"
        return int(self.dex.call(text, token_in, token_out, amount))

    # -- looking ----------------------------------------------------------------------------------

    def held(self, account: bytes, token: bytes) -> int:
        """What an account holds at the exchange."""
        return int(self.dex.call("balanceOf(address,address)", account, token))

    def wallet(self, account: bytes, token: bytes) -> int:
        """What an account holds itself."""
        return int(self.token(token, account).call("balanceOf(address)", account))

    def order(self, order_id: int) -> Order:
        """An open order."""
        return Order(*self.dex.call("getOrder(uint128)", order_id))

    def level(self, base: bytes, tick: int, side: str) -> tuple[int, int, int]:
        """Head, tail and liquidity of a level."""
        found: tuple[int, int, int] = self.dex.call(
            "getTickLevel(address,int16,bool)", base, tick, _is_bid(side)
        )
        return found

    def book(self, base: bytes) -> Book:
        """The book of a token against its quote token."""
        key = self.dex.call("pairKey(address,address)", base, QUOTE_OF[base])
        return Book(*self.dex.call("books(bytes32)", key))

    def mark(self) -> int:
        """A position in the logs, for `logs`."""
        return len(self.scope.logs)

    def logs(self, since: int) -> list[tuple[str, dict[str, Any]]]:
        """Names and values of the events since a mark, the exchange's and the tokens' alike."""
        found = named_logs(self.scope, StablecoinDex, Tip20, since=since)
        return [(name, values) for _, name, values in found]


def _is_bid(side: str) -> bool:
    return {"bid": True, "ask": False}[side]
