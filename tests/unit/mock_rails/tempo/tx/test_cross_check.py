"""Random transactions against encoders that are not ours: pytempo (0x76) and eth-account.

They share the specification with us and no code, so agreement on bytes, hashes and signatures is
evidence that both are right.
"""

from __future__ import annotations

from typing import Any

import pytempo
from eth_account import Account
from eth_utils import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.tx.decode import decode_transaction
from mock_rails.tempo.tx.encode import signing_preimage, unsigned_raw
from mock_rails.tempo.tx.hashes import fee_payer_hash, sender_hash
from mock_rails.tempo.tx.key_authorization import KeyAuthorization, TokenLimit
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
from mock_rails.tempo.tx.sign import (
    sign_authorization,
    sign_key_authorization,
    sign_transaction,
    sponsor,
)
from mock_rails.tempo.tx.signers import KeychainSigner, Secp256k1Signer
from tests.unit.mock_rails.tempo.tx.samples import ACCOUNT_0, ACCOUNT_1, KEY_0, KEY_1

addresses = st.binary(min_size=20, max_size=20)
u64 = st.integers(0, 2**64 - 1)
calls = st.builds(Call, addresses, st.just(0), st.binary(max_size=100))
slots = st.lists(st.integers(0, 2**256 - 1), max_size=3).map(tuple)
access_lists = st.lists(st.tuples(addresses, slots), max_size=3).map(tuple)
key_authorizations = st.builds(
    KeyAuthorization,
    chain_id=u64,
    key_type=st.integers(0, 2),
    key_id=addresses.filter(any),
    expiry_s=st.none() | st.integers(1, 2**64 - 1),
    limits=st.none()
    | st.lists(
        st.builds(TokenLimit, addresses.filter(any), st.integers(0, 2**256 - 1)), max_size=2
    ).map(tuple),
    witness=st.none() | st.binary(min_size=32, max_size=32),
    account=st.none() | addresses.filter(any),
)


@st.composite
def tempo_transactions(draw: st.DrawFn) -> Transaction:
    """Any 0x76 that both can express."""
    tip, fee = sorted(draw(st.tuples(st.integers(1, 2**128 - 1), st.integers(1, 2**128 - 1))))
    after = draw(st.none() | st.integers(1, 2**64 - 2))
    before = draw(st.none() | st.integers((after or 0) + 1, 2**64 - 1))
    granted = draw(st.none() | key_authorizations)
    return Transaction(
        type=TYPE_TEMPO,
        chain_id=draw(st.integers(1, 2**64 - 1)),
        nonce=draw(u64),
        gas_limit=draw(st.integers(1, 2**64 - 1)),
        max_fee_per_gas=fee,
        max_priority_fee_per_gas=tip,
        calls=tuple(draw(st.lists(calls, min_size=1, max_size=4))),
        access_list=draw(access_lists),
        nonce_key=draw(st.sampled_from([0, 1, EXPIRING_NONCE_KEY]) | st.integers(0, 2**256 - 1)),
        valid_before=before,
        valid_after=after,
        fee_token=draw(st.none() | addresses.filter(any)),
        key_authorization=None if granted is None else sign_key_authorization(granted, KEY_1),
    )


def pytempo_of(tx: Transaction) -> pytempo.TempoTransaction:
    """The same transaction as pytempo sees it."""
    return pytempo.TempoTransaction.create(
        chain_id=tx.chain_id or 0,
        gas_limit=tx.gas_limit,
        max_fee_per_gas=tx.max_fee_per_gas,
        max_priority_fee_per_gas=tx.max_priority_fee_per_gas,
        nonce=tx.nonce,
        nonce_key=tx.nonce_key,
        valid_before=tx.valid_before,
        valid_after=tx.valid_after,
        fee_token=tx.fee_token,
        calls=tuple(
            pytempo.Call.create(to=call.to or b"", value=call.value, data=call.data)
            for call in tx.calls
        ),
        access_list=tuple(
            pytempo.AccessListItem.create(address, tuple(slot.to_bytes(32) for slot in keys))
            for address, keys in tx.access_list
        ),
        key_authorization=(
            None
            if tx.key_authorization is None
            else pytempo.SignedKeyAuthorization.decode(tx.key_authorization.encode())
        ),
    )


@given(tempo_transactions())
def test_plain_transactions_are_pytempos(tx: Transaction) -> None:
    """Preimage, hash, signature, raw bytes; and decoding gives the transaction back."""
    theirs = pytempo_of(tx)
    ours = sign_transaction(tx, KEY_0)

    assert signing_preimage(tx) == theirs.encode_for_signing()
    assert ours.raw == theirs.sign("0x" + KEY_0.hex()).encode()
    assert decode_transaction(ours.raw) == ours
    assert ours.sender == ACCOUNT_0


@given(tempo_transactions())
def test_sponsored_transactions_are_pytempos(tx: Transaction) -> None:
    """Account 1 sends, account 0 pays; both hashes are pytempo's."""
    ours = sponsor(tx, KEY_1, KEY_0)
    waiting = pytempo_of(tx)
    waiting = type(waiting)(**{**_fields(waiting), "awaiting_fee_payer": True})
    theirs = waiting.sign("0x" + KEY_1.hex()).sign("0x" + KEY_0.hex(), for_fee_payer=True)

    assert sender_hash(ours.tx) == theirs.get_signing_hash()
    assert fee_payer_hash(ours.tx, ACCOUNT_1) == theirs.get_signing_hash(for_fee_payer=True)
    assert ours.raw == theirs.encode()
    assert decode_transaction(ours.raw) == ours
    assert (ours.sender, ours.fee_payer) == (ACCOUNT_1, ACCOUNT_0)


@given(tempo_transactions())
def test_access_key_transactions_are_pytempos(tx: Transaction) -> None:
    """Account 0 is an access key of account 1."""
    ours = sign_transaction(tx, KeychainSigner(ACCOUNT_1, Secp256k1Signer(KEY_0)))
    theirs = pytempo_of(tx).sign_access_key("0x" + KEY_0.hex(), "0x" + ACCOUNT_1.hex())

    assert ours.raw == theirs.encode()
    assert decode_transaction(ours.raw) == ours
    assert (ours.sender, ours.key_id) == (ACCOUNT_1, ACCOUNT_0)


@given(tempo_transactions())
def test_the_unsigned_form_is_the_signed_one_without_its_last_item(tx: Transaction) -> None:
    """eth_fillTransaction's `raw`."""
    assert unsigned_raw(tx) == signing_preimage(tx)


def _fields(transaction: Any) -> dict[str, Any]:
    names = [name for name in transaction.__slots__ if not name.startswith("__")]
    fixed = {"TRANSACTION_TYPE", "FEE_PAYER_MAGIC_BYTE"}
    return {name: getattr(transaction, name) for name in names if name not in fixed}


@st.composite
def ethereum_transactions(draw: st.DrawFn) -> Transaction:
    """Any transaction of type 0, 1, 2 or 4 that both can express."""
    kind = draw(st.sampled_from([TYPE_LEGACY, TYPE_ACCESS_LIST, TYPE_DYNAMIC_FEE, TYPE_SET_CODE]))
    tip, fee = sorted(draw(st.tuples(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))))
    chain_id = draw(st.integers(1, 2**63))
    authorizations = tuple(
        sign_authorization(chain, address, nonce, KEY_1)
        for chain, address, nonce in draw(
            st.lists(st.tuples(u64, addresses, st.integers(0, 2**64 - 2)), min_size=1, max_size=2)
        )
    )
    to = draw(addresses if kind == TYPE_SET_CODE else st.none() | addresses)
    return Transaction(
        type=kind,
        chain_id=None if kind == TYPE_LEGACY and draw(st.booleans()) else chain_id,
        nonce=draw(u64),
        gas_limit=draw(u64),
        max_fee_per_gas=fee,
        max_priority_fee_per_gas=fee if kind in {TYPE_LEGACY, TYPE_ACCESS_LIST} else tip,
        calls=(Call(to, draw(st.integers(0, 2**256 - 1)), draw(st.binary(max_size=100))),),
        access_list=() if kind == TYPE_LEGACY else draw(access_lists),
        authorizations=authorizations if kind == TYPE_SET_CODE else (),
    )


def eth_account_of(tx: Transaction) -> dict[str, Any]:
    """The same transaction as eth-account takes it."""
    (call,) = tx.calls
    fields: dict[str, Any] = {
        "nonce": tx.nonce,
        "gas": tx.gas_limit,
        "to": call.to or b"",
        "value": call.value,
        "data": call.data,
    }
    if tx.chain_id is not None:
        fields["chainId"] = tx.chain_id
    if tx.type in {TYPE_LEGACY, TYPE_ACCESS_LIST}:
        fields["gasPrice"] = tx.max_fee_per_gas
    else:
        fields["maxFeePerGas"] = tx.max_fee_per_gas
        fields["maxPriorityFeePerGas"] = tx.max_priority_fee_per_gas
    if tx.type == TYPE_LEGACY:
        return fields
    fields["type"] = tx.type
    fields["accessList"] = [
        {
            "address": to_checksum_address(address),
            "storageKeys": [f"0x{slot:064x}" for slot in keys],
        }
        for address, keys in tx.access_list
    ]
    if tx.type == TYPE_SET_CODE:
        fields["authorizationList"] = [
            {
                "chainId": entry.chain_id,
                "address": entry.address,
                "nonce": entry.nonce,
                **dict(zip(("yParity", "r", "s"), entry.signature, strict=True)),
            }
            for entry in tx.authorizations
        ]
    return fields


@settings(max_examples=200)
@given(ethereum_transactions())
def test_ethereum_transactions_are_eth_accounts(tx: Transaction) -> None:
    """All four types, creation included, with and without EIP-155."""
    ours = sign_transaction(tx, KEY_0)
    theirs = Account.sign_transaction(eth_account_of(tx), KEY_0)

    assert ours.raw == bytes(theirs.raw_transaction)
    assert ours.hash == bytes(theirs.hash)
    assert decode_transaction(ours.raw) == ours
    assert ours.sender == secp256k1.address_of(KEY_0) == ours.fee_payer
