"""Multicall3 over native contracts and code, as viem calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.tempo.abi import Function, RevertError
from mock_rails.tempo.addresses import MULTICALL3, PATH_USD
from mock_rails.tempo.contracts import artifact, runtime_code
from mock_rails.tempo.native.tip20 import Tip20
from tests.unit.mock_rails.tempo.evm.support import (
    EOA,
    OTHER,
    Deployed,
    asm,
    make_scope,
)
from tests.unit.mock_rails.tempo.native.support import make_token

if TYPE_CHECKING:
    from mock_rails.tempo.scope import Scope

RESULTS = "(bool success, bytes returnData)[] returnData"
AGGREGATE = "aggregate((address target, bytes callData)[] calls) returns (uint256, bytes[])"
AGGREGATE3 = (
    f"aggregate3((address target, bool allowFailure, bytes callData)[] calls) returns ({RESULTS})"
)
AGGREGATE3_VALUE = (
    "aggregate3Value((address target, bool allowFailure, uint256 value, bytes callData)[] calls)"
    f" returns ({RESULTS})"
)
TRY_AGGREGATE = (
    "tryAggregate(bool requireSuccess, (address target, bytes callData)[] calls)"
    f" returns ({RESULTS})"
)
BLOCK_AND_AGGREGATE = (
    "blockAndAggregate((address target, bytes callData)[] calls)"
    f" returns (uint256, bytes32, {RESULTS})"
)
TRY_BLOCK_AND_AGGREGATE = (
    "tryBlockAndAggregate(bool requireSuccess, (address target, bytes callData)[] calls)"
    f" returns (uint256, bytes32, {RESULTS})"
)

BALANCE = Function("balanceOf(address account) returns (uint256)")
NAME = Function("name() returns (string)")
TRANSFER = Function("transfer(address to, uint256 amount) returns (bool)")
TOKEN = f"0x{PATH_USD.hex()}"
ECHO = f"0x{OTHER.hex()}"


@pytest.fixture
def scope() -> Scope:
    """Multicall3 at its address; pathUSD; and a contract that returns as much as it is asked."""
    scope = make_scope()
    make_token(scope, PATH_USD, balances={EOA: 70, MULTICALL3: 5})
    scope.world.set_code(MULTICALL3, runtime_code("Multicall3"))
    scope.world.set_code(OTHER, asm("0 CALLDATALOAD 0 RETURN"))
    return scope


@pytest.fixture
def multicall(scope: Scope) -> Deployed:
    return Deployed(scope, MULTICALL3)


def word(value: int) -> bytes:
    return value.to_bytes(32)


def failure(text: str) -> bytes:
    return RevertError("Error(string message)").encode(text)


# -- results --------------------------------------------------------------------------------------


def test_aggregate3_collects_results_and_failures(multicall: Deployed) -> None:
    results = multicall.call(
        AGGREGATE3,
        [
            (TOKEN, False, BALANCE.call(EOA)),
            (TOKEN, True, TRANSFER.call(EOA, 6)),
            (TOKEN, False, NAME.call()),
            (TOKEN, False, TRANSFER.call(EOA, 5)),
            (f"0x{'99' * 20}", True, b""),
        ],
    )
    poor = Tip20.InsufficientBalance.abi.encode(5, 6, PATH_USD)
    assert [success for success, _ in results] == [True, False, True, True, True]
    assert [data for _, data in results[:2]] == [word(70), poor]
    assert NAME.result(results[2][1]) == "pathUSD"
    assert results[4][1] == b""
    assert multicall.scope.world.load(Tip20.balances.key(PATH_USD, EOA)) == 75


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (AGGREGATE, ()),
        (BLOCK_AND_AGGREGATE, ()),
        (TRY_AGGREGATE, (True,)),
        (TRY_BLOCK_AND_AGGREGATE, (True,)),
    ],
)
def test_a_required_call_that_fails_undoes_all(
    multicall: Deployed, function: str, arguments: tuple[Any, ...]
) -> None:
    good = (TOKEN, TRANSFER.call(EOA, 5))
    result = multicall.raw(function, *arguments, [good, (TOKEN, TRANSFER.call(EOA, 6))])
    assert (result.success, result.output) == (False, failure("Multicall3: call failed"))
    assert multicall.scope.logs == []
    assert multicall.raw(function, *arguments, [good]).success


def test_aggregate3_refuses_what_may_not_fail(multicall: Deployed) -> None:
    result = multicall.raw(AGGREGATE3, [(TOKEN, False, TRANSFER.call(EOA, 6))])
    assert result.output == failure("Multicall3: call failed")


def test_aggregate_answers_the_block_number(multicall: Deployed) -> None:
    number, returned = multicall.call(AGGREGATE, [(TOKEN, BALANCE.call(EOA))])
    assert (number, returned) == (7, (word(70),))


def test_try_aggregate_lets_calls_fail(multicall: Deployed) -> None:
    calls = [(TOKEN, TRANSFER.call(EOA, 6)), (TOKEN, BALANCE.call(EOA))]
    results = multicall.call(TRY_AGGREGATE, False, calls)
    assert [success for success, _ in results] == [False, True]
    number, block_hash, same = multicall.call(TRY_BLOCK_AND_AGGREGATE, False, calls)
    assert (number, block_hash, same) == (7, bytes(32), results)


def test_block_and_aggregate_requires_success(multicall: Deployed) -> None:
    number, block_hash, results = multicall.call(BLOCK_AND_AGGREGATE, [(TOKEN, BALANCE.call(EOA))])
    assert (number, block_hash, results) == (7, bytes(32), ((True, word(70)),))


def test_value_is_checked_and_cannot_be_sent(multicall: Deployed) -> None:
    free = (TOKEN, False, 0, BALANCE.call(EOA))
    assert multicall.call(AGGREGATE3_VALUE, [free]) == ((True, word(70)),)
    paid = multicall.raw(AGGREGATE3_VALUE, [(TOKEN, True, 1, BALANCE.call(EOA))])
    assert paid.output == failure("Multicall3: value mismatch")


def test_an_empty_batch(multicall: Deployed) -> None:
    assert multicall.call(AGGREGATE3, []) == ()


# -- bounds ---------------------------------------------------------------------------------------


def test_a_full_batch_of_viems_size(multicall: Deployed) -> None:
    """viem closes a batch at 1,024 bytes of calldata: at most 256 bare selectors."""
    results = multicall.call(AGGREGATE3, [(TOKEN, False, NAME.call())] * 256)
    assert len(results) == 256
    assert {NAME.result(data) for _, data in results} == {"pathUSD"}
    assert not multicall.raw(AGGREGATE3, [(TOKEN, False, NAME.call())] * 257).success


def test_return_data_arrives_whole_or_not_at_all(multicall: Deployed) -> None:
    for size in (0, 1, 31, 32, 33, 2_047, 2_048):
        ((success, data),) = multicall.call(AGGREGATE3, [(ECHO, True, word(size))])
        assert (success, len(data)) == (True, size)
    result = multicall.raw(AGGREGATE3, [(ECHO, True, word(2_049))])
    assert (result.success, result.output) == (
        False,
        failure("Multicall3: return data too long"),
    )


def test_calldata_arrives_whole_or_not_at_all(multicall: Deployed) -> None:
    multicall.scope.world.set_code(OTHER, asm("CALLDATASIZE 0 MSTORE 32 0 RETURN"))
    ((_, data),) = multicall.call(AGGREGATE3, [(ECHO, False, b"\x07" * 1_024)])
    assert data == word(1_024)
    assert not multicall.raw(AGGREGATE3, [(ECHO, True, b"\x07" * 1_025)]).success


# -- what a batch may ask for ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("getBlockNumber() returns (uint256)", (), 7),
        ("getCurrentBlockTimestamp() returns (uint256)", (), 1_700_000_000),
        ("getCurrentBlockGasLimit() returns (uint256)", (), 500_000_000),
        ("getCurrentBlockCoinbase() returns (address)", (), b"\xbe" * 20),
        ("getEthBalance(address addr) returns (uint256)", (EOA,), 0),
        ("getBasefee() returns (uint256)", (), 600_000_000),
        ("getChainId() returns (uint256)", (), 1337),
        ("getLastBlockHash() returns (bytes32)", (), b"\x06" * 32),
        ("getBlockHash(uint256 blockNumber) returns (bytes32)", (5,), b"\x05" * 32),
        ("getBlockHash(uint256 blockNumber) returns (bytes32)", (7,), bytes(32)),
        ("getBlockHash(uint256 blockNumber) returns (bytes32)", (2**255,), bytes(32)),
    ],
)
def test_reads(multicall: Deployed, text: str, arguments: tuple[Any, ...], expected: Any) -> None:
    assert multicall.call(text, *arguments) == expected


def test_the_difficulty_is_prevrandao(multicall: Deployed) -> None:
    assert multicall.call("getCurrentBlockDifficulty() returns (uint256)") != 0


SELECTORS = {
    "aggregate": "252dba42",
    "aggregate3": "82ad56cb",
    "aggregate3Value": "174dea71",
    "blockAndAggregate": "c3077fa9",
    "tryAggregate": "bce38bd7",
    "tryBlockAndAggregate": "399542e9",
    "getBasefee": "3e64a696",
    "getBlockHash": "ee82ac5e",
    "getBlockNumber": "42cbb15c",
    "getChainId": "3408e470",
    "getCurrentBlockCoinbase": "a8b0574e",
    "getCurrentBlockDifficulty": "72425d9d",
    "getCurrentBlockGasLimit": "86d516e8",
    "getCurrentBlockTimestamp": "0f28c97d",
    "getEthBalance": "4d2301cc",
    "getLastBlockHash": "27e86d6e",
}
"""The published interface."""


def test_the_interface_is_the_published_one() -> None:
    functions = {item["name"]: item for item in artifact("Multicall3").abi}
    assert {name: selector_of(item) for name, item in functions.items()} == SELECTORS


def selector_of(item: dict[str, Any]) -> str:
    inputs = ",".join(_canonical(part) for part in item["inputs"])
    return Function(f"{item['name']}({inputs})").selector.hex()


def _canonical(part: dict[str, Any]) -> str:
    if "components" not in part:
        return str(part["type"])
    inner = ",".join(_canonical(component) for component in part["components"])
    return f"({inner}){part['type'].removeprefix('tuple')}"
