"""Gas before the first call: nonces, calls, data, signatures (facts 4.5).

What authorizations of keys and accounts cost is measured on the chain, by the gas table's tests.
"""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo.execution.intrinsic import calldata_floor, intrinsic_gas, signature_gas
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY, TYPE_DYNAMIC_FEE, Call
from mock_rails.tempo.tx.signatures import (
    KeychainSignature,
    P256Signature,
    Secp256k1Signature,
    WebAuthnSignature,
)
from mock_rails.tempo.world import World
from tests.unit.mock_rails.tempo.execution.support import ALICE, make_tx, submit

BASE = 21_000
CALL = Call(b"\x61" * 20, 0, b"\x00\x01")
DATA = 4 + 16
CREATE = Call(None, 0, b"\x01" * 33)
CREATION = 500_000 + 33 * 16 + 2 * 2
SECP = Secp256k1Signature(0, 1, 1)
P256 = P256Signature(1, 1, 1, 1, pre_hash=False)
WEBAUTHN = WebAuthnSignature(b"\x00\x01\x01", 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"nonce": 1}, BASE + DATA),
        ({"nonce": 0}, BASE + DATA + 250_000),
        ({"nonce": 1, "type": TYPE_DYNAMIC_FEE}, BASE + DATA),
        ({"nonce": 0, "type": TYPE_DYNAMIC_FEE}, BASE + DATA + 250_000),
        ({"nonce": 1, "calls": (CALL,) * 3}, BASE + 3 * DATA + 2 * 2_600),
        ({"nonce": 0, "nonce_key": 9}, BASE + DATA + 250_000),
        ({"nonce": 1, "nonce_key": 9}, BASE + DATA + 5_200),
        ({"nonce": 0, "nonce_key": EXPIRING_NONCE_KEY}, BASE + DATA + 13_000),
        ({"nonce": 1, "calls": (CREATE,)}, BASE + CREATION),
        ({"nonce": 0, "calls": (CREATE,)}, BASE + CREATION + 250_000),
        ({"nonce": 1, "nonce_key": 9, "calls": (CREATE,)}, BASE + CREATION + 5_200 + 250_000),
        (
            {"nonce": 0, "nonce_key": EXPIRING_NONCE_KEY, "calls": (CREATE,)},
            BASE + CREATION + 13_000 + 250_000,
        ),
        ({"nonce": 1, "access_list": ((ALICE, (1, 2)),)}, BASE + DATA + 2_400 + 2 * 1_900),
    ],
)
def test_intrinsic_gas(changes: dict[str, Any], expected: int) -> None:
    submission = submit(**({"calls": (CALL,)} | changes))
    assert intrinsic_gas(submission, World()) == expected


def test_a_creation_by_an_account_that_has_sent_before_pays_no_account() -> None:
    world = World()
    world.set_nonce(ALICE, 1)
    submission = submit(nonce=1, nonce_key=9, calls=(CREATE,))
    assert intrinsic_gas(submission, world) == BASE + CREATION + 5_200


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        (SECP, 0),
        (P256, 5_000),
        (WEBAUTHN, 5_000 + 4 + 2 * 16),
        (KeychainSignature(ALICE, SECP), 3_000),
        (KeychainSignature(ALICE, P256), 8_000),
        (KeychainSignature(ALICE, WEBAUTHN), 8_036),
    ],
)
def test_signatures(signature: Any, expected: int) -> None:
    assert signature_gas(signature) == expected


def test_the_floor_counts_the_data_of_all_calls() -> None:
    """Ten for a token: one for a zero byte, four for another (EIP-7623)."""
    assert calldata_floor(make_tx(calls=(CALL, CALL))) == BASE + 10 * (1 + 4) * 2
