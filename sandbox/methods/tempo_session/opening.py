"""Opening: everything that can be checked of an `open` credential without asking the chain.

Order and words are mppx's: the descriptor against the offer, the transaction against both, the
amounts, and last the signature, which costs most. Spec: facts, protocol 2.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpp.errors import VerificationFailedError

from mock_rails.tempo.native.channel_reserve import Descriptor
from sandbox.methods.disclosure import shown
from sandbox.methods.tempo_session.calls import OpenTerms, read_open
from sandbox.methods.tempo_session.identity import check_descriptor
from sandbox.methods.tempo_session.prefix import check_prefix
from sandbox.methods.tempo_session.problems import AmountExceedsDepositError
from sandbox.methods.tempo_session.protocol import SessionProtocol
from sandbox.methods.tempo_session.transaction import PayerTransaction, read_transaction
from sandbox.methods.tempo_session.voucher import Book, verify_voucher

if TYPE_CHECKING:
    from sandbox.methods.tempo_session.payload import Open
    from sandbox.methods.tempo_session.request import SessionRequest


class Opening(NamedTuple):
    """A channel that its payer has signed for and that the chain has not seen yet."""

    channel_id: bytes
    book: Book
    descriptor: Descriptor
    deposit: int
    cumulative: int
    signature: bytes
    transaction: PayerTransaction

    def __repr__(self) -> str:
        """Without what proves it."""
        return shown(self, self._fields, hidden={"signature", "transaction"})


def check_opening(request: SessionRequest, payload: Open) -> Opening:
    """Raise the problem of an `open` credential, or say what it opens."""
    claimed = payload.descriptor
    if claimed is not None:
        check_descriptor(request, claimed, payload.channel_id)
    transaction = read_transaction(request, payload.transaction)
    terms = read_open(request.protocol, transaction.call.data)
    if terms is None:
        raise VerificationFailedError("transaction must end in one call of the escrow's open")
    descriptor = _descriptor(request, transaction, terms)
    if claimed is not None and claimed.expiring_nonce_hash != descriptor.expiring_nonce_hash:
        raise VerificationFailedError("credential expiringNonceHash does not match transaction")
    check_descriptor(request, descriptor, payload.channel_id)
    if payload.authorized_signer not in {None, terms.authorized_signer}:
        raise VerificationFailedError("credential authorizedSigner does not match descriptor")
    check_prefix(request.book, transaction.prefix, request.currency, terms.deposit)

    if terms.deposit < request.amount:
        raise VerificationFailedError("open deposit is less than request amount")
    if payload.cumulative < request.amount:
        raise VerificationFailedError("voucher amount is less than request amount")
    if payload.cumulative > terms.deposit:
        raise AmountExceedsDepositError("voucher amount exceeds open deposit")
    book, channel_id = request.book, payload.channel_id
    verify_voucher(book, channel_id, payload.cumulative, payload.signature, descriptor.signer)
    return Opening(
        channel_id,
        book,
        descriptor,
        terms.deposit,
        payload.cumulative,
        payload.signature,
        transaction,
    )


def _descriptor(
    request: SessionRequest, transaction: PayerTransaction, terms: OpenTerms
) -> Descriptor:
    """The descriptor that the chain will compute; v1 channels are not bound to a transaction."""
    is_bound = request.protocol is SessionProtocol.V2
    return Descriptor(
        payer=transaction.sender,
        payee=terms.payee,
        operator=terms.operator,
        token=terms.token,
        salt=terms.salt,
        authorized_signer=terms.authorized_signer,
        expiring_nonce_hash=transaction.context_hash if is_bound else bytes(32),
    )
