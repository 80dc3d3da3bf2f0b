"""Fees in stablecoins: which token pays, the silent pre-debit, the settlement (facts 4.1-4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mock_rails.tempo.abi import AbiError
from mock_rails.tempo.addresses import (
    ACCOUNT_KEYCHAIN,
    FEE_MANAGER,
    PATH_USD,
    STABLECOIN_DEX,
    ZERO_ADDRESS,
    is_tip20,
)
from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.execution.reverts import error_name, error_text
from mock_rails.tempo.native.contract import Revert
from mock_rails.tempo.native.dex import StablecoinDex
from mock_rails.tempo.native.fee_manager import FeeManager
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.keychain import AccountKeychain
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.tx.model import TYPE_TEMPO

if TYPE_CHECKING:
    from mock_rails.tempo.scope import Scope
    from mock_rails.tempo.tx.model import Submission

ATTO_PER_BASE_UNIT: Final = 10**12
"""Gas is priced in 1e-18 USD, tokens count 1e-6 USD."""

MIN_BASE_FEE: Final = 600_000_000
MAX_BASE_FEE: Final = 12_000_000_000
GENESIS_BASE_FEE: Final = 20_000_000_000
_TARGET_GAS: Final = 10_000_000
_DENOMINATOR: Final = 8

_REFUSED: Final = -32003
_TRANSFERS: Final = frozenset({"transfer", "transferWithMemo"})
_SWAPS: Final = frozenset({"swapExactAmountIn", "swapExactAmountOut"})


def next_base_fee(base_fee: int, gas_used: int) -> int:
    """EIP-1559 with a target of ten million gas, clamped (TIP-1067)."""
    if gas_used > _TARGET_GAS:
        change = max(1, base_fee * (gas_used - _TARGET_GAS) // _TARGET_GAS // _DENOMINATOR)
    else:
        change = -(base_fee * (_TARGET_GAS - gas_used) // _TARGET_GAS // _DENOMINATOR)
    return min(max(base_fee + change, MIN_BASE_FEE), MAX_BASE_FEE)


def fee_amount(gas: int, price: int) -> int:
    """Base units for an amount of gas, rounded up."""
    return -(-gas * price // ATTO_PER_BASE_UNIT)


@dataclass(frozen=True, slots=True)
class Fee:
    """A collected pre-payment, to be settled when the gas is known."""

    token: bytes
    payer: bytes
    collected: int
    price: int


def effective_price(submission: Submission, base_fee: int) -> int:
    """What the transaction pays for a unit of gas."""
    tx = submission.tx
    return min(tx.max_fee_per_gas, base_fee + tx.max_priority_fee_per_gas)


# -- which token ----------------------------------------------------------------------------------


def choose_fee_token(scope: Scope, submission: Submission) -> bytes:
    """The transaction's, else the call's, the payer's, the called token, pathUSD (facts 4.3)."""
    tx = submission.tx
    if tx.fee_token is not None:
        return tx.fee_token
    if tx.type != TYPE_TEMPO and tx.calls[0].to == FEE_MANAGER:
        chosen = _argument(FeeManager, tx.calls[0].data, frozenset({"setUserToken"}))
        if chosen is not None:
            return chosen
    stored = _fee_manager(scope).user_token(submission.fee_payer)
    if stored != ZERO_ADDRESS:
        return stored
    inferred = _called_token(submission)
    if inferred is not None and _is_usd(scope, inferred):
        return inferred
    return PATH_USD


def _called_token(submission: Submission) -> bytes | None:
    calls = submission.tx.calls
    target = calls[0].to
    if target is None:
        return None
    if is_tip20(target):
        if submission.tx.type == TYPE_TEMPO and submission.fee_payer != submission.sender:
            return None
        selectors = Tip20.methods
        for call in calls:
            method = selectors.get(call.data[:4])
            if call.to != target or method is None or method.abi.name not in _TRANSFERS:
                return None
        return target
    if target == STABLECOIN_DEX and len(calls) == 1:
        return _argument(StablecoinDex, calls[0].data, _SWAPS)
    return None


def _argument(
    contract: type[FeeManager | StablecoinDex], data: bytes, names: frozenset[str]
) -> bytes | None:
    """The first argument, an address, when `data` calls one of the functions."""
    method = contract.methods.get(data[:4])
    if method is None or method.abi.name not in names:
        return None
    try:
        token: bytes = method.abi.inputs.decode(data, 4)[0]
    except AbiError:
        return None
    return token


def _is_usd(scope: Scope, token: bytes) -> bool:
    return bool(scope.world.code(token)) and _token(scope, token).currency() == "USD"


# -- collecting and settling ----------------------------------------------------------------------


def require_fee_token(scope: Scope, token: bytes) -> None:
    """Refuse a fee token that is not a live USD TIP-20, in the node's words and codes."""
    shown = f"0x{token.hex()}"
    if not is_tip20(token) or not scope.world.code(token):
        raise InvalidTransaction(
            f"fee token {shown} is not a TIP-20 token; fee tokens must be TIP-20 tokens",
            code=_REFUSED,
            data={"name": "FeeTokenNotTip20Error", "token": shown},
        )
    contract = _token(scope, token)
    currency = contract.currency()
    if currency != "USD":
        raise InvalidTransaction(
            f'fee token {shown} uses currency "{currency}"; '
            "fee tokens must be USD-denominated TIP-20 tokens",
            code=_REFUSED,
            data={"name": "FeeTokenNotUsdError", "token": shown, "currency": currency},
        )
    if contract.paused_flag:
        raise InvalidTransaction(
            f"fee token {shown} is paused and cannot be used for fees",
            code=_REFUSED,
            data={"name": "FeeTokenPausedError", "token": shown},
        )


def collect(scope: Scope, submission: Submission, price: int) -> Fee:
    """Take the largest fee the transaction can cost from its payer, without a log (4.2)."""
    tx = submission.tx
    token = choose_fee_token(scope, submission)
    payer = submission.fee_payer
    require_fee_token(scope, token)
    contract = _token(scope, token)
    required = fee_amount(tx.gas_limit, tx.max_fee_per_gas)
    balance = Tip20.balances.key(token, payer)
    available = scope.world.load(balance)
    if available < required:
        raise InvalidTransaction(
            f"insufficient fee token balance: required {required}, but only have {available}"
        )
    amount = fee_amount(tx.gas_limit, price)
    _require_liquidity(scope, token, amount)
    if submission.key_id is not None and payer == submission.sender:
        _spend(scope, payer, token, amount)
    try:
        contract.collect_fee(payer, FEE_MANAGER, amount)
    except Revert as revert:
        raise InvalidTransaction(error_text(revert.data)) from None
    scope.exempt_key = balance
    return Fee(token, payer, amount, price)


def _spend(scope: Scope, payer: bytes, token: bytes, amount: int) -> None:
    """Count the fee against the spending limit of the access key that signed."""
    try:
        _keychain(scope).spend(payer, token, amount)
    except Revert as revert:
        raise InvalidTransaction(f"keychain validation failed: {error_name(revert.data)}") from None


def _require_liquidity(scope: Scope, token: bytes, amount: int) -> None:
    manager = _fee_manager(scope)
    validator_token = manager.validator_token(scope.block.beneficiary)
    if token == validator_token or not amount:
        return
    if not manager.has_liquidity(token, validator_token, amount):
        raise InvalidTransaction(
            "insufficient liquidity in FeeAMM pool to swap fee tokens for pair "
            f"0x{token.hex()} -> 0x{validator_token.hex()} (required: {amount})"
        )
    manager.reserve(token, validator_token, amount)


def settle(scope: Scope, fee: Fee, gas_used: int, key_id: bytes | None) -> int:
    """Refund what was not used, swap the rest to the validator's token, and log it last."""
    actual = fee_amount(gas_used, fee.price)
    contract = _token(scope, fee.token)
    unused = fee.collected - actual
    if unused:
        contract.refund_fee(FEE_MANAGER, fee.payer, unused)
        if key_id is not None and fee.payer == scope.origin:
            _keychain(scope).restore_spend(fee.payer, fee.token, unused)
    if actual:
        _fee_manager(scope).settle_fee(fee.token, scope.block.beneficiary, actual)
        contract.emit(Tip20.Transfer, fee.payer, FEE_MANAGER, actual)
    return actual


def _token(scope: Scope, token: bytes) -> Tip20:
    return Tip20(Frame(scope, token, FEE_MANAGER))


def _fee_manager(scope: Scope) -> FeeManager:
    return FeeManager(Frame(scope, FEE_MANAGER, ZERO_ADDRESS))


def _keychain(scope: Scope) -> AccountKeychain:
    return AccountKeychain(Frame(scope, ACCOUNT_KEYCHAIN, ZERO_ADDRESS))
