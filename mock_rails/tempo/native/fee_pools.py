"""The pools of the Fee AMM: their storage, their ids, and the views of both (facts 2.4).

A pool is one-way: fees enter as its user token and leave as its validator token.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mock_rails.tempo.addresses import is_tip20
from mock_rails.tempo.native.contract import Error, NativeContract, view
from mock_rails.tempo.native.storage import Mapping, Packed
from mock_rails.tempo.native.tip20 import Tip20

FEE_RATE: Final = 9_970
REBALANCE_RATE: Final = 9_985
SCALE: Final = 10_000
MIN_LIQUIDITY: Final = 1_000
"""Shares that the first mint locks for ever, so that a pool's supply never returns to zero."""

_POOL: Final = "(uint128 reserveUserToken, uint128 reserveValidatorToken)"


class Pool(NamedTuple):
    """A pool's reserves."""

    user: int
    validator: int


class FeePools(NativeContract):
    """What there is; the AMM moves it."""

    title = "TIP fee AMM error"

    pools = Mapping(3, Packed(128, 128))
    supplies = Mapping(4)
    shares = Mapping(5)

    IdenticalAddresses = Error("IdenticalAddresses()")
    InvalidToken = Error("InvalidToken()")
    InsufficientLiquidity = Error("InsufficientLiquidity()")
    InsufficientReserves = Error("InsufficientReserves()")
    InvalidAmount = Error("InvalidAmount()")
    DivisionByZero = Error("DivisionByZero()")
    InvalidSwapCalculation = Error("InvalidSwapCalculation()")
    Panic = Error("Panic(uint256 code)")

    @view("M() returns (uint256)")
    def fee_rate(self) -> int:
        """What a fee swap pays out, in parts of SCALE."""
        return FEE_RATE

    @view("N() returns (uint256)")
    def rebalance_rate(self) -> int:
        """What a rebalancer pays in, in parts of SCALE."""
        return REBALANCE_RATE

    @view("SCALE() returns (uint256)")
    def scale(self) -> int:
        """The whole that the rates are parts of."""
        return SCALE

    @view("MIN_LIQUIDITY() returns (uint256)")
    def min_liquidity(self) -> int:
        """The shares locked by the first mint."""
        return MIN_LIQUIDITY

    @view("getPoolId(address userToken, address validatorToken) returns (bytes32)")
    def pool_id(self, user_token: bytes, validator_token: bytes) -> bytes:
        """A pool's id; the other way round is another pool."""
        return self.keccak(bytes(12) + user_token + bytes(12) + validator_token)

    @view(f"getPool(address userToken, address validatorToken) returns ({_POOL})")
    def pool(self, user_token: bytes, validator_token: bytes) -> Pool:
        """A pool's reserves by its tokens."""
        return self.pool_by_id(self.pool_id(user_token, validator_token))

    @view(f"pools(bytes32 poolId) returns ({_POOL})")
    def pool_by_id(self, pool_id: bytes) -> Pool:
        """A pool's reserves."""
        return Pool(*self.pools[pool_id])

    @view("totalSupply(bytes32 poolId) returns (uint256)")
    def total_supply(self, pool_id: bytes) -> int:
        """A pool's shares, the locked ones included."""
        return int(self.supplies[pool_id])

    @view("liquidityBalances(bytes32 poolId, address user) returns (uint256)")
    def liquidity_of(self, pool_id: bytes, user: bytes) -> int:
        """A provider's shares of a pool."""
        return int(self.shares[pool_id, user])

    def require_usd(self, token: bytes) -> None:
        """Only dollars are exchanged at a fixed price."""
        if not is_tip20(token):
            raise self.InvalidToken()
        if self.token(token).currency() != "USD":
            raise Tip20.InvalidCurrency()

    def token(self, token: bytes) -> Tip20:
        """A token, as this contract calls it."""
        return self.contract(Tip20, token)
