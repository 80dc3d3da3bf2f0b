"""Revert data in the node's words (facts 1.9)."""

from __future__ import annotations

import pytest

from mock_rails.tempo.abi import RevertError
from mock_rails.tempo.addresses import PATH_USD, STABLECOIN_DEX
from mock_rails.tempo.execution.reverts import describe_revert, error_name, error_text

BALANCE = RevertError("InsufficientBalance(uint256 available, uint256 required, address token)")
SHOWN = (
    "TIP20 token error: InsufficientBalance(InsufficientBalance"
    f" {{ available: 0, required: 1, token: 0x{PATH_USD.hex()} }})"
)


def test_an_error_with_fields() -> None:
    data = BALANCE.encode(0, 1, PATH_USD)
    assert describe_revert(data) == f"execution reverted: {SHOWN}"
    assert error_text(data) == SHOWN
    assert error_name(data) == "InsufficientBalance"


def test_an_error_without_fields() -> None:
    data = bytes.fromhex("8a9e71ea")
    assert (
        error_text(data) == "Account keychain error: SpendingLimitExceeded(SpendingLimitExceeded)"
    )


def test_an_error_that_two_contracts_have_is_the_called_ones() -> None:
    """Both the fee AMM and the exchange know InsufficientLiquidity()."""
    data = bytes.fromhex("bb55fd27")
    assert "TIP fee AMM error: " in describe_revert(data)
    assert "Stablecoin DEX error: " in describe_revert(data, STABLECOIN_DEX)


def test_solidity_says_why() -> None:
    data = RevertError("Error(string message)").encode("not today")
    assert describe_revert(data) == "execution reverted: not today"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x08",
        b"\xde\xad\xbe\xef",
        BALANCE.encode(0, 1, PATH_USD)[:40],
        b"\x08\xc3\x79\xa0\xff",
    ],
    ids=["nothing", "no selector", "unknown", "cut short", "a string without end"],
)
def test_what_means_nothing_is_not_interpreted(data: bytes) -> None:
    assert describe_revert(data) == "execution reverted"
