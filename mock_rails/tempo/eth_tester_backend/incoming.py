"""From eth-tester's transaction dictionaries to what the chain runs.

A dictionary becomes the request object that `eth_sendTransaction` and `eth_call` read, so that both
doors fill in the same nonces, gas limits and prices, and refuse the same nonsense.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.rpc import requests
from mock_rails.tempo.tx.encode import encode_transaction
from mock_rails.tempo.tx.json_values import to_data, to_quantity, to_word
from mock_rails.tempo.tx.model import TYPE_ACCESS_LIST, TYPE_LEGACY
from mock_rails.tempo.tx.sign import sign_transaction
from mock_rails.tempo.tx.signatures import Secp256k1Signature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.tx.model import Submission

DEFAULT_TIP: Final = 10**9
"""What eth-tester offers for gas when the caller does not say: one gwei, as price and as tip."""

_QUANTITIES: Final = {
    "gas": "gas",
    "gas_price": "gasPrice",
    "max_fee_per_gas": "maxFeePerGas",
    "max_priority_fee_per_gas": "maxPriorityFeePerGas",
    "nonce": "nonce",
    "chain_id": "chainId",
}
_DATA: Final = {"from": "from", "to": "to", "data": "input"}
_PRICES: Final = ("gas_price", "max_fee_per_gas", "max_priority_fee_per_gas")
_FIRST_EIP155_V: Final = 35
_FIRST_V: Final = 27


def to_request(transaction: Mapping[str, Any]) -> dict[str, Any]:
    """The request object of JSON-RPC; the type is inferred, as eth-tester has it."""
    if transaction.get("value"):
        raise InvalidTransaction("value transfer not allowed")
    request: dict[str, Any] = {
        name: to_quantity(transaction[key])
        for key, name in _QUANTITIES.items()
        if key in transaction
    }
    # An empty `to` creates a contract; in JSON it is absent.
    request |= {
        name: to_data(transaction[key]) for key, name in _DATA.items() if transaction.get(key)
    }
    if "access_list" in transaction:
        request["accessList"] = [
            {"address": to_data(address), "storageKeys": [to_word(slot) for slot in slots]}
            for address, slots in transaction["access_list"]
        ]
        if "gas_price" in transaction:
            request["type"] = to_quantity(TYPE_ACCESS_LIST)
    if "authorization_list" in transaction:
        request["authorizationList"] = [
            {
                "chainId": to_quantity(one["chain_id"]),
                "address": to_data(one["address"]),
                "nonce": to_quantity(one["nonce"]),
                "yParity": to_quantity(one["y_parity"]),
                "r": to_quantity(one["r"]),
                "s": to_quantity(one["s"]),
            }
            for one in transaction["authorization_list"]
        ]
    return request


def sign(chain: Chain, transaction: Mapping[str, Any], key: bytes) -> Submission:
    """The transaction made whole and signed.

    Without a price it offers eth-tester's gwei, or the base fee where that is higher. A legacy one
    without a chain id stays without (EIP-155 allows it): eth-tester takes no `v` above 255 back.
    """
    if not any(name in transaction for name in _PRICES):
        price = max(DEFAULT_TIP, chain.head.base_fee, chain.engine.next_base_fee())
        transaction = {
            **transaction,
            "max_fee_per_gas": price,
            "max_priority_fee_per_gas": DEFAULT_TIP,
        }
    request = requests.parse(chain, to_request(transaction))
    tx = requests.to_transaction(chain, request, transaction["from"])
    if tx.type == TYPE_LEGACY and "chain_id" not in transaction:
        tx = replace(tx, chain_id=None)
    return sign_transaction(tx, key)


def assemble(chain: Chain, transaction: Mapping[str, Any]) -> Submission:
    """A transaction of type 0, 1, 2 or 4 that comes with its signature."""
    request = requests.parse(chain, to_request(transaction))
    if request.missing:
        lacking = ", ".join(sorted(request.missing))
        raise InvalidTransaction(f"a signed transaction must be whole; this one lacks {lacking}")
    tx, v = request.tx, transaction["v"]
    if tx.type == TYPE_LEGACY:
        chain_id, y_parity = None, v - _FIRST_V
        if v >= _FIRST_EIP155_V:
            chain_id, y_parity = divmod(v - _FIRST_EIP155_V, 2)
        tx = replace(tx, chain_id=chain_id)
    else:
        y_parity = v
    signature = Secp256k1Signature(y_parity, transaction["r"], transaction["s"])
    submission = chain.engine.decode(encode_transaction(tx, signature))
    if submission.sender != transaction["from"]:
        raise InvalidTransaction(
            f"the signature is by {to_data(submission.sender)}, "
            f"not by the sender {to_data(transaction['from'])}"
        )
    return submission
