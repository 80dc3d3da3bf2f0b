"""Transactions as JSON-RPC answers them. Spec: facts 5.5 for 0x76, execution-apis for the others.

Where the transaction stands in a block is the chain's to add.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.tempo.tx.authorization import parsed_signature
from mock_rails.tempo.tx.json_values import to_data, to_quantity, to_word
from mock_rails.tempo.tx.key_authorization_json import key_authorization_to_json
from mock_rails.tempo.tx.model import (
    TYPE_ACCESS_LIST,
    TYPE_LEGACY,
    TYPE_SET_CODE,
    TYPE_TEMPO,
)
from mock_rails.tempo.tx.signature_json import scalars_to_json, signature_to_json
from mock_rails.tempo.tx.signatures import Secp256k1Signature

if TYPE_CHECKING:
    from mock_rails.tempo.tx.model import AccessList, Authorization, Submission, Transaction


def submission_to_json(
    submission: Submission, *, effective_gas_price: int | None = None
) -> dict[str, Any]:
    """A signed transaction. Its gas price is the most it may pay until it is known what it paid."""
    tx = submission.tx
    price = tx.max_fee_per_gas if effective_gas_price is None else effective_gas_price
    return {
        **transaction_to_json(tx),
        **_signature_members(submission),
        "gasPrice": to_quantity(price),
        "hash": to_data(submission.hash),
        "from": to_data(submission.sender),
    }


def transaction_to_json(tx: Transaction) -> dict[str, Any]:
    """An unsigned transaction, as eth_fillTransaction answers it (the caller adds `from`)."""
    answer: dict[str, Any] = {
        "type": to_quantity(tx.type),
        "nonce": to_quantity(tx.nonce),
        "gas": to_quantity(tx.gas_limit),
    }
    if tx.chain_id is not None:
        answer["chainId"] = to_quantity(tx.chain_id)
    if tx.type in {TYPE_LEGACY, TYPE_ACCESS_LIST}:
        answer["gasPrice"] = to_quantity(tx.max_fee_per_gas)
    else:
        answer["maxFeePerGas"] = to_quantity(tx.max_fee_per_gas)
        answer["maxPriorityFeePerGas"] = to_quantity(tx.max_priority_fee_per_gas)
    if tx.type != TYPE_LEGACY:
        answer["accessList"] = _access_list_to_json(tx.access_list)
    if tx.type == TYPE_TEMPO:
        return answer | _tempo_members(tx)
    if tx.type == TYPE_SET_CODE:
        answer["authorizationList"] = [_set_code_to_json(entry) for entry in tx.authorizations]
    to, value, data = tx.calls[0]
    answer["to"] = None if to is None else to_data(to)
    answer["value"] = to_quantity(value)
    answer["input"] = to_data(data)
    return answer


def _tempo_members(tx: Transaction) -> dict[str, Any]:
    sponsored = tx.fee_payer_signature
    key_authorization = tx.key_authorization
    return {
        "feeToken": None if tx.fee_token is None else to_data(tx.fee_token),
        "calls": [
            {
                "to": None if call.to is None else to_data(call.to),
                "value": to_quantity(call.value),
                "input": to_data(call.data),
                "data": None,
            }
            for call in tx.calls
        ],
        "nonceKey": to_quantity(tx.nonce_key),
        "validBefore": None if tx.valid_before is None else to_quantity(tx.valid_before),
        "validAfter": None if tx.valid_after is None else to_quantity(tx.valid_after),
        "feePayerSignature": None if sponsored is None else scalars_to_json(sponsored),
        "keyAuthorization": (
            None if key_authorization is None else key_authorization_to_json(key_authorization)
        ),
        "aaAuthorizationList": [_tempo_authorization_to_json(entry) for entry in tx.authorizations],
    }


def _signature_members(submission: Submission) -> dict[str, Any]:
    tx, signature = submission.tx, submission.signature
    if tx.type == TYPE_TEMPO:
        if signature is None:
            return {"signature": None}
        return {"signature": signature_to_json(signature, key_id=submission.key_id)}
    # Nobody signed for an impersonated sender; clients still expect the three members.
    scalars = (0, 0, 0)
    if isinstance(signature, Secp256k1Signature):
        scalars = (signature.y_parity, signature.r, signature.s)
    members = scalars_to_json(scalars)
    if tx.type == TYPE_LEGACY:
        v = 27 + scalars[0] if tx.chain_id is None else 35 + 2 * tx.chain_id + scalars[0]
        members = {"r": members["r"], "s": members["s"], "v": to_quantity(v)}
    return members


def _authorization_members(authorization: Authorization) -> dict[str, Any]:
    return {
        "chainId": to_quantity(authorization.chain_id),
        "address": to_data(authorization.address),
        "nonce": to_quantity(authorization.nonce),
    }


def _set_code_to_json(authorization: Authorization) -> dict[str, Any]:
    scalars = authorization.signature
    if isinstance(scalars, bytes):
        raise TypeError("a type 4 authorization has its signature as scalars")
    y_parity, r, s = scalars
    signature = {"yParity": to_quantity(y_parity), "r": to_quantity(r), "s": to_quantity(s)}
    return _authorization_members(authorization) | signature


def _tempo_authorization_to_json(authorization: Authorization) -> dict[str, Any]:
    signature = signature_to_json(parsed_signature(authorization))
    return _authorization_members(authorization) | {"signature": signature}


def _access_list_to_json(access_list: AccessList) -> list[dict[str, Any]]:
    return [
        {"address": to_data(address), "storageKeys": [to_word(slot) for slot in slots]}
        for address, slots in access_list
    ]
