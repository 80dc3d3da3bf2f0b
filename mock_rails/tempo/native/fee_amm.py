"""The Fee AMM: turns the token a payer pays fees in into the one a validator wants (facts 2.4).

Fees are swapped at a fixed price, and rebalancers carry them back at a slightly better one. The
difference is what liquidity providers earn. The AMM shares its address, and so its storage, with
the fee manager, which inherits it.

What the facts leave open (the order of checks, which error, the zero transfers of a burn) is as a
Tempo node of fork T4 does it: `anvil --network tempo` was asked.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mock_rails.tempo import gas
from mock_rails.tempo.abi import Event
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.native.contract import function
from mock_rails.tempo.native.fee_pools import (
    FEE_RATE,
    MIN_LIQUIDITY,
    REBALANCE_RATE,
    SCALE,
    FeePools,
    Pool,
)

_OVERFLOW: Final = 0x11
_WORD_LIMIT: Final = 1 << 256


class Hop(NamedTuple):
    """One pool on the way of a fee: what enters it and what leaves it."""

    pool: bytes
    amount_in: int
    amount_out: int


class FeeAmm(FeePools):
    """Liquidity and swaps."""

    Mint = Event(
        "Mint(address sender, address indexed to, address indexed userToken,"
        " address indexed validatorToken, uint256 amountValidatorToken, uint256 liquidity)"
    )
    Burn = Event(
        "Burn(address indexed sender, address indexed userToken, address indexed validatorToken,"
        " uint256 amountUserToken, uint256 amountValidatorToken, uint256 liquidity, address to)"
    )
    RebalanceSwap = Event(
        "RebalanceSwap(address indexed userToken, address indexed validatorToken,"
        " address indexed swapper, uint256 amountIn, uint256 amountOut)"
    )

    # -- liquidity --------------------------------------------------------------------------------

    @function(
        "mint(address userToken, address validatorToken, uint256 amountValidatorToken, address to)"
        " returns (uint256 liquidity)"
    )
    def mint(self, user_token: bytes, validator_token: bytes, amount: int, to: bytes) -> int:
        """Provide liquidity, in the validator token only; shares go to `to`."""
        self._require_pair(user_token, validator_token, amount)
        pool_id = self.pool_id(user_token, validator_token)
        pool = self.pool_by_id(pool_id)
        supply = self.total_supply(pool_id) if any(pool) else MIN_LIQUIDITY
        liquidity = self._liquidity(pool, supply, amount)
        self.token(validator_token).system_transfer_from(self.sender, self.address, amount)
        self.pools[pool_id] = (pool.user, pool.validator + amount)
        self.supplies[pool_id] = supply + liquidity
        self.shares[pool_id, to] += liquidity
        self.emit(self.Mint, self.sender, to, user_token, validator_token, amount, liquidity)
        return liquidity

    @function(
        "burn(address userToken, address validatorToken, uint256 liquidity, address to)"
        " returns (uint256 amountUserToken, uint256 amountValidatorToken)"
    )
    def burn(
        self, user_token: bytes, validator_token: bytes, liquidity: int, to: bytes
    ) -> tuple[int, int]:
        """Give up shares for their part of both reserves; parts of nothing are paid out as zero."""
        self._require_pair(user_token, validator_token, liquidity)
        pool_id = self.pool_id(user_token, validator_token)
        owned = self.liquidity_of(pool_id, self.sender)
        if owned < liquidity:
            raise self.InsufficientLiquidity()
        pool = self.pool_by_id(pool_id)
        supply = self.total_supply(pool_id)
        user, validator = (liquidity * reserve // supply for reserve in pool)
        if pool.validator - validator < self.reserved(pool_id):
            raise self.InsufficientLiquidity()
        self.shares[pool_id, self.sender] = owned - liquidity
        self.supplies[pool_id] = supply - liquidity
        self.pools[pool_id] = (pool.user - user, pool.validator - validator)
        self.token(user_token).transfer(to, user)
        self.token(validator_token).transfer(to, validator)
        self.emit(
            self.Burn, self.sender, user_token, validator_token, user, validator, liquidity, to
        )
        return user, validator

    def seed_pool(
        self, user_token: bytes, validator_token: bytes, *, reserve: int, owner: bytes
    ) -> None:
        """Write a pool into genesis: a first mint whose tokens are there already."""
        pool_id = self.pool_id(user_token, validator_token)
        liquidity = self._liquidity(Pool(0, 0), MIN_LIQUIDITY, reserve)
        self.pools[pool_id] = (0, reserve)
        self.supplies[pool_id] = MIN_LIQUIDITY + liquidity
        self.shares[pool_id, owner] = liquidity

    def _liquidity(self, pool: Pool, supply: int, amount: int) -> int:
        """The shares an amount of the validator token is worth; none is an error."""
        if not any(pool):
            liquidity = amount // 2 - MIN_LIQUIDITY
        else:
            worth = pool.validator + REBALANCE_RATE * pool.user // SCALE
            if not worth:
                raise self.DivisionByZero()
            if amount * supply >= _WORD_LIMIT:
                raise self.InvalidSwapCalculation()
            liquidity = amount * supply // worth
        if liquidity <= 0:
            raise self.InsufficientLiquidity()
        return liquidity

    def _require_pair(self, user_token: bytes, validator_token: bytes, amount: int) -> None:
        if user_token == validator_token:
            raise self.IdenticalAddresses()
        if not amount:
            raise self.InvalidAmount()
        self.require_usd(user_token)
        self.require_usd(validator_token)

    # -- swaps ------------------------------------------------------------------------------------

    @function(
        "rebalanceSwap(address userToken, address validatorToken, uint256 amountOut, address to)"
        " returns (uint256 amountIn)"
    )
    def rebalance_swap(
        self, user_token: bytes, validator_token: bytes, amount_out: int, to: bytes
    ) -> int:
        """Buy collected user tokens for validator tokens, a little below par."""
        if not amount_out:
            raise self.InvalidAmount()
        if amount_out * REBALANCE_RATE >= _WORD_LIMIT:
            raise self.Panic(_OVERFLOW)
        amount_in = amount_out * REBALANCE_RATE // SCALE + 1
        pool_id = self.pool_id(user_token, validator_token)
        pool = self.pool_by_id(pool_id)
        if pool.user < amount_out:
            raise self.InvalidAmount()
        self.token(validator_token).system_transfer_from(self.sender, self.address, amount_in)
        self.pools[pool_id] = (pool.user - amount_out, pool.validator + amount_in)
        self.token(user_token).transfer(to, amount_out)
        self.emit(
            self.RebalanceSwap, user_token, validator_token, self.sender, amount_in, amount_out
        )
        return amount_in

    def route(
        self, user_token: bytes, validator_token: bytes, amount: int
    ) -> tuple[Hop, ...] | None:
        """The pools a fee of `amount` can go through: one, or since T5 two by way of pathUSD.

        No hops when the tokens are the same; None when no way is deep enough.
        """
        for path in _paths(user_token, validator_token):
            hops = self._hops(path, amount)
            if all(self.pools[hop.pool][1] >= hop.amount_out for hop in hops):
                return hops
        return None

    def reserve(self, user_token: bytes, validator_token: bytes, amount: int) -> None:
        """Keep what the running transaction's own fee will need of its pools from being burnt."""
        scope = self.frame.scope
        for hop in self.require_route(user_token, validator_token, amount):
            scope.set(scope.transient, self._reservation(hop.pool), hop.amount_out)

    def reserved(self, pool_id: bytes) -> int:
        """What `reserve` keeps in a pool for this transaction."""
        self.frame.meter.charge(gas.TRANSIENT)
        return self.frame.scope.transient.get(self._reservation(pool_id), 0)

    def require_route(
        self, user_token: bytes, validator_token: bytes, amount: int
    ) -> tuple[Hop, ...]:
        """`route`, or `InsufficientLiquidity`."""
        hops = self.route(user_token, validator_token, amount)
        if hops is None:
            raise self.InsufficientLiquidity()
        return hops

    def swap(self, hop: Hop) -> None:
        """Let a fee through a pool: only the reserves change, the tokens stay where they are."""
        pool = self.pool_by_id(hop.pool)
        self.pools[hop.pool] = (pool.user + hop.amount_in, pool.validator - hop.amount_out)

    def _hops(self, path: tuple[bytes, ...], amount: int) -> tuple[Hop, ...]:
        hops = []
        for at in range(len(path) - 1):
            amount_out = amount * FEE_RATE // SCALE
            hops.append(Hop(self.pool_id(path[at], path[at + 1]), amount, amount_out))
            amount = amount_out
        return tuple(hops)

    def _reservation(self, pool_id: bytes) -> tuple[bytes, str, bytes]:
        return (self.address, "reserved", pool_id)


def _paths(user_token: bytes, validator_token: bytes) -> tuple[tuple[bytes, ...], ...]:
    """The ways from one token to another, the preferred one first."""
    if user_token == validator_token:
        return ((user_token,),)
    direct = (user_token, validator_token)
    if PATH_USD in direct:
        return (direct,)
    return (direct, (user_token, PATH_USD, validator_token))
