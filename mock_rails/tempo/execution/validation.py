"""The rules a transaction must meet to enter a block, in the node's words (facts 1.7 to 1.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY, TYPE_TEMPO

if TYPE_CHECKING:
    from mock_rails.tempo.tx.model import Submission, Transaction

MAX_GAS_LIMIT: Final = 30_000_000
_MAX_CALLS: Final = 32
_MAX_INPUT: Final = 128 * 1024
_MAX_INITCODE: Final = 49_152
"""EIP-3860: such a transaction is invalid, unlike a CREATE of a contract, which only fails."""

_MAX_AUTHORIZATIONS: Final = 16
_MAX_ACCESS_LIST: Final = 256
_MAX_TOKEN_LIMITS: Final = 256
_MAX_SCOPES: Final = 64
_EXPIRY_MARGIN_S: Final = 3
_MAX_VALID_AFTER_S: Final = 120
_SUBBLOCK_PREFIX: Final = 0x5B
_REFUSED: Final = -32003


def validate_static(submission: Submission, chain_id: int) -> None:
    """What can be checked without the state."""
    tx = submission.tx
    if tx.chain_id is not None and tx.chain_id != chain_id:
        raise InvalidTransaction("invalid chain ID")
    for call in tx.calls:
        if call.value:
            where = " in Tempo Transaction" if tx.type == TYPE_TEMPO else ""
            raise InvalidTransaction(f"value transfer{where} not allowed")
    if tx.max_priority_fee_per_gas > tx.max_fee_per_gas:
        raise InvalidTransaction(
            "max priority fee per gas higher than max fee per gas", code=_REFUSED
        )
    if tx.gas_limit > MAX_GAS_LIMIT:
        raise InvalidTransaction(
            f"transaction gas limit {tx.gas_limit} is greater than the cap {MAX_GAS_LIMIT}"
        )
    _limits(tx)
    if submission.key_id is not None and tx.calls[0].to is None:
        raise InvalidTransaction("access-key transactions cannot use CREATE as the first call")
    if submission.fee_payer == submission.sender and tx.fee_payer_signature is not None:
        raise InvalidTransaction("fee payer cannot resolve to sender")
    _nonce_form(tx)


def _limits(tx: Transaction) -> None:
    _at_most("calls", len(tx.calls), _MAX_CALLS)
    for call in tx.calls:
        _at_most("bytes of call input", len(call.data), _MAX_INPUT)
        if call.to is None and len(call.data) > _MAX_INITCODE:
            raise InvalidTransaction(
                f"max initcode size exceeded: code size {len(call.data)}, limit {_MAX_INITCODE}"
            )
    _at_most("authorizations", len(tx.authorizations), _MAX_AUTHORIZATIONS)
    _at_most("access list accounts", len(tx.access_list), _MAX_ACCESS_LIST)
    if tx.key_authorization is None:
        return
    auth = tx.key_authorization.authorization
    _at_most("token limits", len(auth.limits or ()), _MAX_TOKEN_LIMITS)
    _at_most("call scopes", len(auth.allowed_calls or ()), _MAX_SCOPES)
    for scope in auth.allowed_calls or ():
        _at_most("selector rules", len(scope.rules), _MAX_SCOPES)
        for rule in scope.rules:
            _at_most("recipients", len(rule.recipients), _MAX_SCOPES)


def _at_most(what: str, count: int, limit: int) -> None:
    if count > limit:
        raise InvalidTransaction(f"too many {what}: {count}, the limit is {limit}")


def _nonce_form(tx: Transaction) -> None:
    if tx.nonce_key == EXPIRING_NONCE_KEY:
        if tx.nonce != 0:
            raise InvalidTransaction(
                "nonce manager error: expiring nonce transaction must have nonce 0"
            )
        if tx.valid_before is None:
            raise InvalidTransaction(
                "nonce manager error: expiring nonce transaction must have 'valid_before' set"
            )
    elif tx.nonce_key >> 248 == _SUBBLOCK_PREFIX:
        raise InvalidTransaction("nonce keys that start with 0x5b are reserved for sub-blocks")


def validate_window_at_pool(tx: Transaction, now_s: int) -> None:
    """The pool's margin around the validity window."""
    if tx.valid_before is not None and tx.valid_before <= now_s + _EXPIRY_MARGIN_S:
        raise InvalidTransaction(
            f"'valid_before' {tx.valid_before} is too close to current time "
            f"(min allowed: {now_s + _EXPIRY_MARGIN_S + 1})"
        )
    if tx.valid_after is not None and tx.valid_after > now_s + _MAX_VALID_AFTER_S:
        raise InvalidTransaction(
            f"'valid_after' {tx.valid_after} is too far in the future "
            f"(max allowed: {now_s + _MAX_VALID_AFTER_S})"
        )


def validate_window_in_block(tx: Transaction, timestamp_s: int) -> None:
    """A block may hold the transaction when `valid_after <= timestamp < valid_before`."""
    if tx.valid_before is not None and timestamp_s >= tx.valid_before:
        raise InvalidTransaction(
            f"transaction expired: current block timestamp {timestamp_s} "
            f">= validBefore {tx.valid_before}"
        )
    if tx.valid_after is not None and timestamp_s < tx.valid_after:
        raise InvalidTransaction(
            f"transaction not valid yet: current block timestamp {timestamp_s} "
            f"< validAfter {tx.valid_after}"
        )


def validate_price(tx: Transaction, base_fee: int) -> None:
    """The fee cap must reach the base fee."""
    if tx.max_fee_per_gas < base_fee:
        raise InvalidTransaction(
            "max fee per gas less than block base fee: "
            f"maxFeePerGas {tx.max_fee_per_gas}, baseFee {base_fee}"
        )
