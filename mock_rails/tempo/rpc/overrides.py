"""State and block overrides, as in geth: what a simulation shall pretend."""

from __future__ import annotations

from typing import Any, Final

from mock_rails.tempo.errors import InvalidParams
from mock_rails.tempo.native.registry import native_at
from mock_rails.tempo.simulation import AccountOverride, Overrides
from mock_rails.tempo.tx.json_values import (
    read_address,
    read_data,
    read_object,
    read_optional,
    read_quantity,
    read_u64,
)

_BLOCK_FIELDS: Final = {
    "number": ("number", read_u64),
    "time": ("timestamp_s", read_u64),
    "gasLimit": ("gas_limit", read_u64),
    "baseFeePerGas": ("base_fee", read_u64),
    "feeRecipient": ("beneficiary", read_address),
    "coinbase": ("beneficiary", read_address),
}

_WITHOUT_MEANING: Final = frozenset(
    {"prevRandao", "random", "difficulty", "withdrawals", "blobBaseFee", "beaconRoot"}
)
"""Members that no contract of this chain can observe; they are accepted and change nothing."""


def parse_block_overrides(value: Any) -> dict[str, Any]:
    """Fields of the block context, by our names."""
    members = {} if value is None else read_object(value, "blockOverrides")
    fields: dict[str, Any] = {}
    for name, given in members.items():
        if name in _BLOCK_FIELDS:
            field, read = _BLOCK_FIELDS[name]
            if given is not None:
                fields[field] = read(given, f"blockOverrides.{name}")
        elif name not in _WITHOUT_MEANING:
            raise InvalidParams(f"invalid params: blockOverrides.{name} is not known")
    return fields


def parse_state_overrides(value: Any) -> Overrides:
    """Changed accounts by address. A balance is accepted and ignored: there is no native coin."""
    accounts = {} if value is None else read_object(value, "stateOverrides")
    overrides: Overrides = {}
    for key, given in accounts.items():
        address = read_address(key, "stateOverrides")
        overrides[address] = _account(address, read_object(given, f"stateOverrides.{key}"))
    return overrides


def _account(address: bytes, members: dict[str, Any]) -> AccountOverride:
    if members.get("movePrecompileToAddress") is not None:
        raise InvalidParams("invalid params: movePrecompileToAddress is not emulated")
    state, diff = members.get("state"), members.get("stateDiff")
    if state is not None and diff is not None:
        raise InvalidParams("invalid params: an override has either state or stateDiff, not both")
    code = read_optional(members, "code", read_data)
    if native_at(address) is not None and (code, state, diff) != (None, None, None):
        raise InvalidParams(
            f"invalid params: 0x{address.hex()} is a native contract: "
            "its code and storage cannot be overridden"
        )
    return AccountOverride(
        nonce=read_optional(members, "nonce", read_u64),
        code=code,
        storage=None if state is None else _slots(state, "state"),
        storage_diff={} if diff is None else _slots(diff, "stateDiff"),
    )


def _slots(value: Any, name: str) -> dict[int, int]:
    return {
        read_quantity(slot, name): read_quantity(word, f"{name}.{slot}")
        for slot, word in read_object(value, name).items()
    }
