"""The rules that need no state (facts 1.7 to 1.9). All texts: tests/integration/tempo."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.execution import validation
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY, TYPE_LEGACY, Call
from tests.unit.mock_rails.tempo.execution.support import STRANGER, make_tx, pay, submit

NOW_S = 1_700_000_000
EXPIRING = {"nonce_key": EXPIRING_NONCE_KEY, "valid_before": NOW_S + 60}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"calls": (pay(),) * 32},
        {"calls": (Call(STRANGER, 0, bytes(128 * 1024)),)},
        {"calls": (Call(None, 0, bytes(49_152)),)},
        {"access_list": ((STRANGER, ()),) * 256},
        {"gas_limit": 30_000_000},
        {"max_priority_fee_per_gas": 20_000_000_000},
        {"type": TYPE_LEGACY, "chain_id": None},
        {"nonce_key": 0x5A << 248},
        {"nonce_key": 0x5B << 240},
        {"nonce_key": EXPIRING_NONCE_KEY - 1, "nonce": 3},
        EXPIRING,
    ],
)
def test_the_limits_themselves_are_allowed(changes: dict[str, Any]) -> None:
    validation.validate_static(submit(**changes), 1337)


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"chain_id": 1338}, -32000, "invalid chain ID"),
        ({"calls": (pay(),) * 33}, -32000, "too many calls"),
        ({"calls": (Call(None, 0, bytes(49_153)),)}, -32000, "max initcode size exceeded"),
        ({"gas_limit": 30_000_001}, -32000, "greater than the cap"),
        ({"max_priority_fee_per_gas": 20_000_000_001}, -32003, "max priority fee per gas higher"),
        ({"nonce_key": 0x5B << 248}, -32000, "reserved for sub-blocks"),
        ({"nonce_key": (0x5C << 248) - 1}, -32000, "reserved for sub-blocks"),
        (EXPIRING | {"nonce": 1}, -32000, "must have nonce 0"),
        (EXPIRING | {"valid_before": None}, -32000, "must have 'valid_before' set"),
    ],
)
def test_beyond_them_is_refused(changes: dict[str, Any], code: int, text: str) -> None:
    with pytest.raises(InvalidTransaction, match=text) as caught:
        validation.validate_static(submit(**changes), 1337)
    assert caught.value.code == code


def test_an_access_key_cannot_create() -> None:
    creation = submit(calls=(Call(None, 0, b""), pay()))
    validation.validate_static(creation, 1337)
    with pytest.raises(InvalidTransaction, match="cannot use CREATE as the first call"):
        validation.validate_static(replace(creation, key_id=STRANGER), 1337)


@pytest.mark.parametrize(
    ("window", "text"),
    [
        ({"valid_before": NOW_S + 3}, rf"min allowed: {NOW_S + 4}"),
        ({"valid_before": NOW_S + 4}, None),
        ({"valid_after": NOW_S + 120}, None),
        ({"valid_after": NOW_S + 121}, rf"max allowed: {NOW_S + 120}"),
        ({}, None),
    ],
)
def test_the_pools_margins(window: dict[str, int], text: str | None) -> None:
    if text is None:
        validation.validate_window_at_pool(make_tx(**window), NOW_S)
    else:
        with pytest.raises(InvalidTransaction, match=text):
            validation.validate_window_at_pool(make_tx(**window), NOW_S)
