"""The chain's errors as the exceptions that users of eth-tester catch."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from eth.exceptions import UnrecognizedTransactionType
from eth_tester.exceptions import BlockNotFound, TransactionFailed, ValidationError
from rlp.exceptions import DecodingError

from mock_rails.core.errors import SandboxError
from mock_rails.tempo.errors import (
    ExecutionReverted,
    InvalidTransaction,
    MalformedTransaction,
    RpcError,
    UnknownBlock,
)
from mock_rails.tempo.tx.model import (
    TYPE_ACCESS_LIST,
    TYPE_DYNAMIC_FEE,
    TYPE_SET_CODE,
    TYPE_TEMPO,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPES: Final = frozenset({TYPE_ACCESS_LIST, TYPE_DYNAMIC_FEE, TYPE_SET_CODE, TYPE_TEMPO})
_FIRST_LIST: Final = 0xC0
"""A legacy transaction is an RLP list, and so starts with at least this."""

_REVERTED: Final = "execution reverted"


@contextmanager
def refusals() -> Iterator[None]:
    """What the chain refuses is a `ValidationError`, in the chain's words."""
    try:
        yield
    except UnknownBlock as error:
        raise BlockNotFound(error.message) from error
    except RpcError as error:
        raise ValidationError(error.message) from error
    except SandboxError as error:
        raise ValidationError(error.detail) from error


@contextmanager
def undecodable(raw: bytes) -> Iterator[None]:
    """Bytes that are no transaction raise what eth-tester's own backend raises for them."""
    try:
        yield
    except MalformedTransaction as error:
        if raw and raw[0] < _FIRST_LIST and raw[0] not in _TYPES:
            raise UnrecognizedTransactionType(raw[0], error.message) from error
        raise DecodingError(error.message, raw) from error


@contextmanager
def failed_calls() -> Iterator[None]:
    """A call that ran and failed is a `TransactionFailed`, with the reason as its argument."""
    try:
        yield
    except ExecutionReverted as error:
        raise TransactionFailed(_reason(error.message, error.data)) from error
    except InvalidTransaction as error:
        raise TransactionFailed(error.message) from error


def _reason(message: str, data: Any) -> str:
    """The text or the native error; unknown revert data as Python shows it.

    web3.py looks for panics and off-chain lookups (EIP-3668) in just that: `str` of the bytes.
    """
    reason = message.removeprefix(f"{_REVERTED}: ")
    revert_data = bytes.fromhex(data[2:]) if data else b""
    if reason == _REVERTED and revert_data:
        return str(revert_data)
    return reason
