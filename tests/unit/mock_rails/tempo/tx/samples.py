"""Keys, addresses and transactions that the codec's tests share; the keys are the public ones."""

from __future__ import annotations

from mock_rails.tempo.crypto.secp256k1 import address_of
from mock_rails.tempo.tx.model import (
    EXPIRING_NONCE_KEY,
    TYPE_ACCESS_LIST,
    TYPE_DYNAMIC_FEE,
    TYPE_LEGACY,
    TYPE_SET_CODE,
    TYPE_TEMPO,
    Call,
    Transaction,
)
from mock_rails.tempo.tx.sign import sign_authorization

CHAIN_ID = 1337
KEY_0 = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
KEY_1 = bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d")
ACCOUNT_0 = address_of(KEY_0)
ACCOUNT_1 = address_of(KEY_1)
PATH_USD = bytes.fromhex("20c0000000000000000000000000000000000000")

TRANSFER = Call(
    PATH_USD,
    0,
    bytes.fromhex("a9059cbb") + ACCOUNT_1.rjust(32, b"\0") + (10_000).to_bytes(32),
)


def plain(**changes: object) -> Transaction:
    """The plain 0x76 of facts 8.4."""
    fields: dict[str, object] = {
        "type": TYPE_TEMPO,
        "chain_id": CHAIN_ID,
        "nonce": 5,
        "gas_limit": 100_000,
        "max_fee_per_gas": 20_000_000_000,
        "max_priority_fee_per_gas": 0,
        "calls": (TRANSFER,),
        "fee_token": PATH_USD,
    }
    return Transaction(**(fields | changes))  # type: ignore[arg-type]


def expiring(**changes: object) -> Transaction:
    """The expiring 0x76 of facts 8.4, which someone sponsors."""
    fields: dict[str, object] = {
        "nonce": 0,
        "nonce_key": EXPIRING_NONCE_KEY,
        "valid_before": 1_700_000_060,
        "gas_limit": 1_000_000,
    }
    return plain(**(fields | changes))


def ethereum(kind: int, **changes: object) -> Transaction:
    """A transfer of one of Ethereum's own types."""
    has_one_price = kind in {TYPE_LEGACY, TYPE_ACCESS_LIST}
    fields: dict[str, object] = {
        "type": kind,
        "fee_token": None,
        "max_fee_per_gas": 30_000_000_000,
        "max_priority_fee_per_gas": 30_000_000_000 if has_one_price else 7,
        "access_list": ((PATH_USD, (0, 2**256 - 1)), (ACCOUNT_0, ())) if kind else (),
    }
    if kind == TYPE_SET_CODE:
        fields["authorizations"] = (sign_authorization(CHAIN_ID, PATH_USD, 3, KEY_1),)
    return plain(**(fields | changes))


ETHEREUM_TYPES = (TYPE_LEGACY, TYPE_ACCESS_LIST, TYPE_DYNAMIC_FEE, TYPE_SET_CODE)
