"""From a request object to something that runs: a simulated submission, or a whole transaction.

A simulation needs no nonce, gas or price and gets harmless ones; a transaction that is to be signed
gets those that will be accepted (facts 5.3, 5.7).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from mock_rails.tempo.addresses import ZERO_ADDRESS
from mock_rails.tempo.crypto.webauthn import MAX_SIGNATURE_BYTES
from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.execution.validation import MAX_GAS_LIMIT
from mock_rails.tempo.simulation import CALL_GAS_CAP, CONTEXT_HASH, as_call_error
from mock_rails.tempo.tx.request import transaction_from_request
from mock_rails.tempo.tx.sign import unsigned_submission
from mock_rails.tempo.tx.signatures import (
    KEY_TYPE_P256,
    KEY_TYPE_WEBAUTHN,
    KeychainSignature,
    P256Signature,
    Secp256k1Signature,
    WebAuthnSignature,
)

if TYPE_CHECKING:
    from mock_rails.tempo.blocks import Block
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.tx.model import Submission, Transaction
    from mock_rails.tempo.tx.request import TransactionRequest
    from mock_rails.tempo.tx.signatures import PrimitiveSignature, Signature


class Simulation(NamedTuple):
    """A submission that nobody signed; `priced` when its sender named a price and so pays fees."""

    submission: Submission
    priced: bool


def parse(chain: Chain, value: Any) -> TransactionRequest:
    """Read a request object; a foreign chain id is refused as it would be in a transaction."""
    request = transaction_from_request(value, chain_id=chain.chain_id)
    if request.tx.chain_id != chain.chain_id:
        raise InvalidTransaction("invalid chain ID")
    for call in request.tx.calls:
        if call.value:
            raise as_call_error(InvalidTransaction("value transfer not allowed"))
    return request


def to_simulation(chain: Chain, value: Any) -> Simulation:
    """What eth_call, eth_estimateGas and the simulate methods run."""
    request = parse(chain, value)
    sender = request.sender or ZERO_ADDRESS
    priced = request.tx.max_fee_per_gas > 0
    tx = request.fill(
        nonce=_next_nonce(chain, request.tx, sender, pending=False),
        gas_limit=MAX_GAS_LIMIT if priced else CALL_GAS_CAP,
    )
    return Simulation(_pretend(request, tx, sender), priced)


def to_transaction(chain: Chain, request: TransactionRequest, sender: bytes) -> Transaction:
    """The request with everything filled in that its author left out.

    The gas limit is an estimate, so a call that would revert is refused here (code 3).
    """
    # Without a margin: the base fee of a quiet chain only falls, and sponsors cap it (facts 4.6).
    price = max(chain.head.base_fee, chain.engine.next_base_fee())
    tip = request.tx.max_priority_fee_per_gas
    tx = request.fill(
        nonce=_next_nonce(chain, request.tx, sender, pending=True),
        max_fee_per_gas=price + tip,
    )
    if "gas_limit" in request.missing:
        tx = replace(tx, gas_limit=_estimate(chain, request, tx, sender))
    return tx


def estimate(chain: Chain, simulation: Simulation, at: Block | None, **options: Any) -> int:
    """The least gas limit with which the call works."""
    submission, priced = simulation
    try:
        return chain.simulator.estimate(submission, priced=priced, at=at, **options)
    except InvalidTransaction as error:
        raise as_call_error(error) from error


def _estimate(chain: Chain, request: TransactionRequest, tx: Transaction, sender: bytes) -> int:
    # Nonces and prices may be ahead of the state here, and neither changes what the calls use.
    nonce = tx.nonce and max(1, _next_nonce(chain, tx, sender, pending=False))
    trial = replace(
        tx, nonce=nonce, gas_limit=MAX_GAS_LIMIT, max_fee_per_gas=0, max_priority_fee_per_gas=0
    )
    # The fee payer's signature covers the gas limit, so it cannot be there before the estimate.
    trial = replace(trial, fee_payer_signature=None, awaiting_fee_payer=False)
    return estimate(chain, Simulation(_pretend(request, trial, sender), False), None)


def _next_nonce(chain: Chain, tx: Transaction, sender: bytes, *, pending: bool) -> int:
    return 0 if tx.is_expiring else chain.nonce(sender, tx.nonce_key, pending=pending)


def _pretend(request: TransactionRequest, tx: Transaction, sender: bytes) -> Submission:
    """The submission, with signatures of the kind that are to come: they decide on gas and fee."""
    submission = unsigned_submission(tx, sender, key_id=request.hints.key_id)
    fee_payer = submission.fee_payer
    if request.hints.fee_payer and tx.fee_payer_signature is None:
        fee_payer = request.hints.fee_payer
    return replace(
        submission,
        signature=_expected_signature(request, sender),
        fee_payer=fee_payer,
        context_hash=CONTEXT_HASH,
    )


def _expected_signature(request: TransactionRequest, sender: bytes) -> Signature:
    hints = request.hints
    inner: PrimitiveSignature = Secp256k1Signature(0, 0, 0)
    if hints.key_type == KEY_TYPE_P256:
        inner = P256Signature(0, 0, 0, 0, pre_hash=False)
    elif hints.key_type == KEY_TYPE_WEBAUTHN:
        size = min(hints.webauthn_bytes, MAX_SIGNATURE_BYTES)
        inner = WebAuthnSignature(b"\xff" * size, 0, 0, 0, 0)
    return inner if hints.key_id is None else KeychainSignature(sender, inner)
