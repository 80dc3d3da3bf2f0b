"""Revert data as the node words it (facts 1.9): matchers and humans look for these texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.abi import AbiError, RevertError
from mock_rails.tempo.native.registry import FIXED, native_at
from mock_rails.tempo.native.tip20 import Tip20

if TYPE_CHECKING:
    from mock_rails.tempo.native.contract import NativeContract

_REVERTED: Final = "execution reverted"
_ERROR_STRING: Final = RevertError("Error(string message)")
_SELECTOR_SIZE: Final = 4


def _catalogue() -> dict[bytes, tuple[str, RevertError]]:
    """Every native error by selector; where two contracts share one, the first keeps it."""
    found: dict[bytes, tuple[str, RevertError]] = {}
    contracts: tuple[type[NativeContract], ...] = (Tip20, *FIXED.values())
    for contract in contracts:
        for selector, error in contract.errors.items():
            found.setdefault(selector, (contract.titles[selector], error))
    return found


_CATALOGUE: Final = _catalogue()


def describe_revert(data: bytes, to: bytes | None = None) -> str:
    """`execution reverted: TIP20 token error: InsufficientBalance(...)`, or as much as is known.

    `to` is the contract called: an error of that name in its own interface is preferred.
    """
    selector = data[:_SELECTOR_SIZE]
    if len(selector) < _SELECTOR_SIZE:
        return _REVERTED
    try:
        if selector == _ERROR_STRING.selector:
            return f"{_REVERTED}: {_ERROR_STRING.inputs.decode(data, _SELECTOR_SIZE)[0]}"
        title, error = _lookup(selector, to)
        if error is not None:
            return f"{_REVERTED}: {title}: {error.describe(data)}"
    except AbiError:
        pass
    return _REVERTED


def error_name(data: bytes) -> str:
    """The bare name of a native error: `KeyNotFound`."""
    _, error = _lookup(data[:_SELECTOR_SIZE], None)
    return error.name if error is not None else _REVERTED


def error_text(data: bytes) -> str:
    """The subsystem and the decoded error, without the leading words."""
    return describe_revert(data).removeprefix(f"{_REVERTED}: ")


def _lookup(selector: bytes, to: bytes | None) -> tuple[str, RevertError | None]:
    contract: type[NativeContract] | None = native_at(to) if to else None
    if contract is not None and selector in contract.errors:
        return contract.titles[selector], contract.errors[selector]
    return _CATALOGUE.get(selector, ("", None))
