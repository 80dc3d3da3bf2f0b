"""The operations of the gas table: what the node charges, why, and how to do it here.

Spec: facts 4.6. `S` is a node's own snapshot, taken on the fork it names; what later forks changed
until T12 is added where the row says so. `D` was derived for T12 from the rules of facts 4.5. Left
out are the rows that only repeat another on an older fork, the transfer to a virtual address (their
registry is not shipped) and the memo transfer of fork T0, which knew none of today's prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mock_rails.tempo import gas
from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import ALPHA_USD, BETA_USD, PATH_USD, THETA_USD, TIP403_REGISTRY
from mock_rails.tempo.contracts import artifact
from tests.integration.tempo.gas_chain import (
    CANCEL,
    CLOSE,
    CREATE_PAIR,
    DEPOSIT,
    NEW_HOLDER,
    PLACE,
    REQUEST_CLOSE,
    SETTLE,
    SWAP_IN,
    SWAP_OUT,
    TOP_UP,
    USD,
    VOUCHER,
    WITHDRAW,
    GasChain,
)

if TYPE_CHECKING:
    from collections.abc import Callable

REGISTRY: Final = gas.COLD_LOAD
"""T9: the policy of a token is looked up in the registry first; cold once for each token."""
HUNDRED: Final = 100 * USD
"""The smallest order of the exchange."""
UNLIMITED: Final = (1 << 128) - 1


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `measure` does the operation on a chain of its own."""

    operation: str
    expected: int
    why: str
    measure: Callable[[GasChain], int]


ROWS: Final[list[Row]] = []


def row(
    operation: str, expected: int, why: str
) -> Callable[[Callable[[GasChain], int]], Callable[[GasChain], int]]:
    """Put a measurement into the table."""

    def enter(measure: Callable[[GasChain], int]) -> Callable[[GasChain], int]:
        ROWS.append(Row(operation, expected, why, measure))
        return measure

    return enter


# -- transfers whose fee is paid in another token --------------------------------------------------


@row("transfer, existing holder, other fee token", 41_958, "D; 39,858 S T8 + registry")
def _other_fee_token(chain: GasChain) -> int:
    return chain.transfer(fee_token=ALPHA_USD)


@row("same, sender nonce 0", 289_858 + REGISTRY, "S T8 + registry")
def _first_nonce(chain: GasChain) -> int:
    return chain.transfer(by=chain.beginner, fee_token=ALPHA_USD)


@row("same, full balance", 44_746 + REGISTRY, "S T8 + registry")
def _full_balance(chain: GasChain) -> int:
    balance = int(chain.chain.world.load((PATH_USD, 9, chain.payer.address)))
    return chain.transfer(amount=balance, fee_token=ALPHA_USD)


@row("same, zero amount", 34_234 + REGISTRY, "S T8 + registry")
def _zero_amount(chain: GasChain) -> int:
    return chain.transfer(amount=0, fee_token=ALPHA_USD)


@row("same, custom whitelist policy", 46_258, "S T8; the registry's read replaces the token's")
def _whitelist(chain: GasChain) -> int:
    create = Function("createPolicyWithAccounts(address,uint8,address[])")
    listed = (chain.payer.address, chain.payee.address)
    chain.send(chain.admin, TIP403_REGISTRY, create.call(chain.admin.address, 0, listed))
    change = Function("changeTransferPolicyId(uint64)")
    chain.send(chain.admin, PATH_USD, change.call(2), fee_token=ALPHA_USD)
    return chain.transfer(fee_token=ALPHA_USD)


# -- payments: the token that is paid also pays the fee --------------------------------------------


@row("transfer, same fee token", 31_158, "D")
def _transfer(chain: GasChain) -> int:
    return chain.transfer()


@row("transfer, same fee token, new recipient", 280_458, "D")
def _transfer_to_new(chain: GasChain) -> int:
    return chain.transfer(to=NEW_HOLDER)


@row("transferWithMemo", 33_807, "D")
def _memo(chain: GasChain) -> int:
    return chain.transfer_with_memo()


@row("transferWithMemo, expiring nonce", 46_807, "D; the default of pympp and mppx")
def _memo_expiring(chain: GasChain) -> int:
    return chain.transfer_with_memo(expiring=True)


@row("transferWithMemo, expiring, sponsored", 51_607, "D")
def _memo_sponsored(chain: GasChain) -> int:
    return chain.transfer_with_memo(expiring=True, sponsored=True)


@row("transferWithMemo, expiring, new recipient", 296_107, "D")
def _memo_to_new(chain: GasChain) -> int:
    return chain.transfer_with_memo(to=NEW_HOLDER, expiring=True)


@row("transferWithMemo, expiring, new recipient, sponsored", 300_907, "D")
def _memo_to_new_sponsored(chain: GasChain) -> int:
    return chain.transfer_with_memo(to=NEW_HOLDER, expiring=True, sponsored=True)


@row("transferWithMemo, first transaction", 283_807, "D; as mpp-go sends it")
def _memo_first_nonce(chain: GasChain) -> int:
    return chain.transfer_with_memo(by=chain.beginner)


# -- channels --------------------------------------------------------------------------------------

SINCE_T7: Final = 292_225 - 298_825
"""What the facts' own T12 figure for an open differs by from the T7 snapshot it comes from.

The fee is paid in the channel's token, so that paused flag, policy and payer's balance are warm or
dirty (-8,800), and the registry is asked for the policy (+2,200).
"""


@row("channel open, first of the chain, nonce 0", 798_125 + SINCE_T7, "S T7 - 6,600")
def _open_first(chain: GasChain) -> int:
    return chain.open(chain.beginner)[0]


@row("channel open, reusing a storage credit", 60_225 + SINCE_T7, "S T7 - 6,600")
def _open_with_credit(chain: GasChain) -> int:
    chain.open(chain.other)
    channel = chain.open()[1]
    chain.reserve(chain.payee, CLOSE, channel, 0, 0, b"")
    return chain.open()[0]


@row("channel open", 292_225, "D; 298,825 S T7 - 6,600")
def _open(chain: GasChain) -> int:
    chain.open(chain.other)
    return chain.open()[0]


@row("channel open, expiring", 305_225, "D")
def _open_expiring(chain: GasChain) -> int:
    chain.open(chain.other)
    return chain.open(expiring=True)[0]


@row("channel open, expiring, sponsored", 310_025, "D")
def _open_sponsored(chain: GasChain) -> int:
    chain.open(chain.other)
    return chain.open(expiring=True, sponsored=True)[0]


@row("channel topUp", 40_405, "D; 47,005 S T7 - 6,600")
def _top_up(chain: GasChain) -> int:
    channel = chain.open()[1]
    return chain.reserve(chain.payer, TOP_UP, channel, DEPOSIT)


@row("channel topUp that cancels a close", 42_280, "D; 48,880 S T7 - 6,600")
def _top_up_cancels(chain: GasChain) -> int:
    channel = chain.open()[1]
    chain.reserve(chain.payer, REQUEST_CLOSE, channel)
    return chain.reserve(chain.payer, TOP_UP, channel, DEPOSIT)


@row("channel settle, payee nonce 0", 301_831 + SINCE_T7, "S T7 - 6,600")
def _settle_first(chain: GasChain) -> int:
    channel = chain.open(payee=chain.beginner.address)[1]
    return chain.reserve(chain.beginner, SETTLE, channel, VOUCHER, chain.voucher(channel))


@row("channel settle", 45_231, "D")
def _settle(chain: GasChain) -> int:
    channel = chain.open()[1]
    return chain.reserve(chain.payee, SETTLE, channel, VOUCHER, chain.voucher(channel))


@row("channel settle by operator, new payee balance", 299_571, "D")
def _settle_by_operator(chain: GasChain) -> int:
    channel = chain.open(payee=NEW_HOLDER, operator=chain.operator.address)[1]
    return chain.reserve(chain.operator, SETTLE, channel, VOUCHER, chain.voucher(channel))


@row("channel requestClose", 30_323, "S T7; touches no token")
def _request_close(chain: GasChain) -> int:
    return chain.reserve(chain.payer, REQUEST_CLOSE, chain.open()[1])


@row("channel close, capture = voucher", 67_600, "D, about; 80,913 S T7")
def _close(chain: GasChain) -> int:
    channel = chain.open()[1]
    voucher = chain.voucher(channel)
    return chain.reserve(chain.payee, CLOSE, channel, VOUCHER, VOUCHER, voucher)


# -- the exchange ----------------------------------------------------------------------------------


def _trading(chain: GasChain, *, ask: bool = False, bid: bool = False) -> None:
    """An exchange that has been used, with a book for AlphaUSD and what is asked for in it."""
    for is_bid, tick in ((True, 0), (False, 10)):
        chain.exchange(chain.other, PLACE, BETA_USD, HUNDRED, is_bid, tick)
    chain.exchange(chain.other, CREATE_PAIR, ALPHA_USD)
    for wanted, is_bid in ((ask, False), (bid, True)):
        if wanted:
            chain.exchange(chain.operator, PLACE, ALPHA_USD, HUNDRED, is_bid, 10)


@row("DEX createPair, nonce 0", 1_295_899, "S T8")
def _create_pair(chain: GasChain) -> int:
    for is_bid, tick in ((True, 0), (False, 10)):
        chain.exchange(chain.other, PLACE, BETA_USD, HUNDRED, is_bid, tick)
    return chain.exchange(chain.beginner, CREATE_PAIR, ALPHA_USD, fee_token=THETA_USD)


@row("DEX place ask from wallet", 1_583_685 + 2 * REGISTRY, "S T8 + both tokens' registry")
def _place_ask(chain: GasChain) -> int:
    _trading(chain)
    return chain.exchange(chain.payer, PLACE, ALPHA_USD, HUNDRED, False, 10, fee_token=THETA_USD)


@row("DEX place first bid from wallet", 1_830_985 + 2 * REGISTRY, "S T8 + both tokens' registry")
def _place_bid(chain: GasChain) -> int:
    chain.exchange(chain.other, CREATE_PAIR, ALPHA_USD)
    return chain.exchange(chain.payer, PLACE, ALPHA_USD, HUNDRED, True, 10, fee_token=THETA_USD)


@row("DEX swapExactOut, all of an ask, nonce 0", 381_277 + 2 * REGISTRY, "S T8 + registry")
def _swap_out(chain: GasChain) -> int:
    _trading(chain, ask=True)
    swap = (PATH_USD, ALPHA_USD, HUNDRED, UNLIMITED)
    return chain.exchange(chain.beginner, SWAP_OUT, *swap, fee_token=THETA_USD)


@row("DEX swapExactIn, a part of a bid, nonce 0", 345_385 + 2 * REGISTRY, "S T8 + registry")
def _swap_in(chain: GasChain) -> int:
    _trading(chain, bid=True)
    swap = (ALPHA_USD, PATH_USD, USD, 0)
    chain.exchange(chain.payer, SWAP_IN, *swap)
    return chain.exchange(chain.beginner, SWAP_IN, *swap, fee_token=THETA_USD)


@row("DEX withdraw", 49_754 + REGISTRY, "S T8 + registry")
def _withdraw(chain: GasChain) -> int:
    _trading(chain, ask=True)
    chain.exchange(chain.payer, PLACE, ALPHA_USD, HUNDRED, False, 10)
    chain.exchange(chain.payer, CANCEL, 4)
    return chain.exchange(chain.payer, WITHDRAW, ALPHA_USD, HUNDRED, fee_token=THETA_USD)


# -- deployment ------------------------------------------------------------------------------------

_ESCROW: Final = artifact("SessionEscrow")
_DEPLOYMENT: Final = (
    gas.TX_BASE
    + gas.TX_CREATE
    + gas.calldata_gas(_ESCROW.initcode)
    + gas.CODE_DEPOSIT_BYTE * len(_ESCROW.runtime)
)


@row("v1 escrow deploy", _DEPLOYMENT, f"D: 1,000 for each of {len(_ESCROW.runtime):,} bytes")
def _deploy(chain: GasChain) -> int:
    return chain.gas(chain.payer, None, _ESCROW.initcode)
