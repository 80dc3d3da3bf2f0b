"""The transaction inside an open or topUp credential, decoded and held against the offer.

It comes ready to broadcast (0x76, or an Ethereum type), or, where the server sponsors fees, as the
0x78 hand-off that a fee payer still has to co-sign. Both commit to the same calls and have the same
context hash, which is what a v2 channel's id is bound to. Spec: facts, tempo 1.2, 1.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpp.errors import VerificationFailedError

from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.tx.decode import decode_transaction
from mock_rails.tempo.tx.handoff import Handoff, decode_handoff
from mock_rails.tempo.tx.hashes import context_hash
from mock_rails.tempo.tx.model import TYPE_FEE_PAYER_HANDOFF, Submission
from sandbox.methods.disclosure import shown

if TYPE_CHECKING:
    from mock_rails.tempo.tx.model import Call
    from sandbox.methods.tempo_session.request import SessionRequest


class PayerTransaction(NamedTuple):
    """A payer's signed transaction; `call` is its last call, `prefix` what comes before."""

    signed: Submission | Handoff
    sender: bytes
    context_hash: bytes
    prefix: tuple[Call, ...]
    call: Call

    def __repr__(self) -> str:
        """Without the signed bytes."""
        return shown(self, self._fields, hidden={"signed"})


def read_transaction(request: SessionRequest, raw: bytes) -> PayerTransaction:
    """Decode and recover the sender; `VerificationFailedError` if it is no use for the offer."""
    try:
        signed: Submission | Handoff
        if raw.startswith(bytes([TYPE_FEE_PAYER_HANDOFF])):
            signed = decode_handoff(raw)
            bound_to = context_hash(signed.tx, signed.sender)
        else:
            signed = decode_transaction(raw)
            bound_to = signed.context_hash
    except InvalidTransaction as error:
        raise VerificationFailedError(f"transaction: {error}") from error
    if isinstance(signed, Handoff) and not request.fee_payer:
        raise VerificationFailedError("transaction waits for a fee payer and the offer has none")
    if signed.tx.chain_id != request.chain_id:
        raise VerificationFailedError(
            f"transaction is for chain {signed.tx.chain_id}, not {request.chain_id}"
        )
    *prefix, call = signed.tx.calls
    if call.to != request.escrow:
        raise VerificationFailedError("transaction targets the wrong address")
    if call.value:
        raise VerificationFailedError("calls must not transfer native value")
    return PayerTransaction(signed, signed.sender, bound_to, tuple(prefix), call)
