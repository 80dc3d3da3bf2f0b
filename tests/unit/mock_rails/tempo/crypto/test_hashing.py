"""Keccak-256, and the selectors of facts 8.4 that hang on it."""

from __future__ import annotations

import os

import pytest

from mock_rails.tempo.crypto.hashing import keccak256


def test_the_empty_string_hashes_as_ethereum_expects() -> None:
    """The code hash of an account without code, known to every client."""
    expected = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"").hex() == expected


@pytest.mark.parametrize(
    ("signature", "selector"),
    [
        ("transfer(address,uint256)", "a9059cbb"),
        ("transferWithMemo(address,uint256,bytes32)", "95777d59"),
        ("approve(address,uint256)", "095ea7b3"),
        ("balanceOf(address)", "70a08231"),
        ("getKey(address,address)", "bc298553"),
        ("open(address,address,address,uint96,bytes32,address)", "edc53b00"),
        ("swapExactAmountOut(address,address,uint128,uint128)", "f0122b75"),
    ],
)
def test_selectors_of_the_check_list(signature: str, selector: str) -> None:
    """Facts 8.4, selector check list."""
    assert keccak256(signature.encode())[:4].hex() == selector


def test_py_evm_is_told_to_hash_with_the_same_library() -> None:
    """Left alone, eth-hash takes pycryptodome, which is slower."""
    assert os.environ["ETH_HASH_BACKEND"] == "pysha3"
