"""The genesis state of a Tempo localnet (facts 6): tokens, balances, pools, contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo import addresses
from mock_rails.tempo.blocks import GENESIS_PARENT, Block
from mock_rails.tempo.contracts import runtime_code
from mock_rails.tempo.crypto.wallet import Account, derive_accounts
from mock_rails.tempo.execution.fees import GENESIS_BASE_FEE
from mock_rails.tempo.native.dex import StablecoinDex
from mock_rails.tempo.native.fee_manager import FeeManager
from mock_rails.tempo.native.fee_pools import MIN_LIQUIDITY
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.registry import FIXED
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.native.tip20.roles import ISSUER_ROLE
from mock_rails.tempo.scope import BlockContext, Scope

if TYPE_CHECKING:
    from mock_rails.tempo.world import World

MNEMONIC: Final = "test test test test test test test test test test test junk"
ACCOUNT_COUNT: Final = 10
GAS_LIMIT: Final = 500_000_000

_WHALE: Final = (1 << 64) - 1
"""What every development account holds of every token."""

_POOL: Final = 10_000_000_000
_LIQUIDITY: Final = 1_000_000_000
_ORDER: Final = 100_000_000_000

TOKENS: Final = {
    addresses.PATH_USD: "pathUSD",
    addresses.ALPHA_USD: "AlphaUSD",
    addresses.BETA_USD: "BetaUSD",
    addresses.THETA_USD: "ThetaUSD",
}


def dev_accounts(mnemonic: str = MNEMONIC) -> tuple[Account, ...]:
    """The ten funded accounts; the first is admin, issuer and faucet."""
    return derive_accounts(mnemonic, ACCOUNT_COUNT)


def build_genesis(
    world: World, chain_id: int, accounts: tuple[Account, ...], *, bare: bool = False
) -> Block:
    """Write the genesis state and return block 0.

    Unless `bare`, the liquidity that `tempo-localnet` adds after its start is there from the start:
    the fee pools towards pathUSD and one bid and one ask on each book.
    """
    context = BlockContext(
        chain_id=chain_id, number=0, timestamp_s=0, base_fee=GENESIS_BASE_FEE, gas_limit=GAS_LIMIT
    )
    admin = accounts[0].address
    scope = Scope(world, context, origin=admin)
    for address in FIXED:
        world.set_code(address, addresses.NATIVE_CODE)
    world.set_code(addresses.MULTICALL3, runtime_code("Multicall3"))
    world.set_code(addresses.SESSION_ESCROW, runtime_code("SessionEscrow"))
    _tokens(scope, accounts)
    _fee_pools(scope, accounts)
    if not bare:
        _bootstrap(scope, admin)
    block = Block(
        number=0,
        parent_hash=GENESIS_PARENT,
        timestamp_ms=0,
        base_fee=GENESIS_BASE_FEE,
        gas_limit=GAS_LIMIT,
    )
    world.prune(world.mark())
    block.seal(world.mark())
    return block


def _tokens(scope: Scope, accounts: tuple[Account, ...]) -> None:
    admin = accounts[0].address
    for token, name in TOKENS.items():
        quote = addresses.ZERO_ADDRESS if token == addresses.PATH_USD else addresses.PATH_USD
        contract = Tip20.create(
            Frame(scope, token, admin), name=name, symbol=name, currency="USD",
            quote_token=quote, admin=admin,
        )  # fmt: skip
        contract.set_role(admin, ISSUER_ROLE, True)
        balances = {account.address: _WHALE for account in accounts}
        supply = len(accounts) * _WHALE
        if token != addresses.PATH_USD:
            balances[admin] += _WHALE
            supply += _WHALE
        if token in (addresses.BETA_USD, addresses.THETA_USD):
            balances[admin] -= _POOL
        if token != addresses.ALPHA_USD:
            # pathUSD's supply omits this pool: so does the node's own genesis file.
            balances[addresses.FEE_MANAGER] = _POOL
        contract.total_supply = supply
        for holder, amount in balances.items():
            contract.balances[holder] = amount


def _fee_pools(scope: Scope, accounts: tuple[Account, ...]) -> None:
    manager = FeeManager(Frame(scope, addresses.FEE_MANAGER, addresses.ZERO_ADDRESS))
    manager.validator_tokens[addresses.ZERO_ADDRESS] = addresses.PATH_USD
    for account in accounts:
        manager.user_tokens[account.address] = addresses.ALPHA_USD
    for validator_token in (addresses.PATH_USD, addresses.BETA_USD, addresses.THETA_USD):
        pool = manager.pool_id(addresses.ALPHA_USD, validator_token)
        manager.pools[pool] = (0, _POOL)
        manager.supplies[pool] = _POOL // 2
        manager.shares[pool, accounts[0].address] = _POOL // 2 - MIN_LIQUIDITY


def _bootstrap(scope: Scope, admin: bytes) -> None:
    manager = FeeManager(Frame(scope, addresses.FEE_MANAGER, admin))
    dex = StablecoinDex(Frame(scope, addresses.STABLECOIN_DEX, admin))
    for token in (addresses.ALPHA_USD, addresses.BETA_USD, addresses.THETA_USD):
        if token != addresses.ALPHA_USD:
            manager.mint(token, addresses.PATH_USD, _LIQUIDITY, admin)
        dex.place(token, _ORDER, True, 0)
        dex.place(token, _ORDER, False, 0)
