"""What a rail knows of a charge whose server died, or lost the rail, before it saw the end.

A `Finder` is one rail's way to look; an offer that has one is asked when a credential comes again
(`single_use`). Stripe's is `sandbox.methods.stripe_charge`; the chain's is here.

A pull-mode charge is a signed transaction, and its hash commits to every call in it. So when pympp
has found the calls to be the payment of this very challenge (the memo names it), a receipt says
all: mined and successful, it paid; mined and reverted, or out of its window and not mined, it did
not and never will. Anything else is not known yet. Facts: protocol 1.5; tempo 1.2 (`validBefore`).

pympp calls whatever fails after its send an internal error, and that stands for "unknown" here. But
a node that refuses a transaction by what it is, and does not have it, has told the end as well: the
client may sign another one (`refusal`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from mpp import Receipt
from mpp.errors import VerificationError, VerificationFailedError
from mpp.server.method import ValidateContext

from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.tx.decode import decode_transaction
from sandbox.chain import ChainError, receipt
from sandbox.chain.refusals import is_definite
from sandbox.chain.reverts import hint_for
from sandbox.chain.values import read_object, read_quantity, to_hex

if TYPE_CHECKING:
    from mpp._validation import Validation
    from mpp.errors import InternalPaymentError, PaymentError
    from mpp.server.method import ServerMethod, VerifyContext

    from mock_rails.tempo.tx.model import Submission
    from sandbox.chain import TempoRpc, TxResult

_SURELY_S: Final = 30
"""How long after its window a transaction is given up: of two nodes behind one address, one may be
a few blocks behind."""

_REFUSED: Final = "Transaction submission failed: "
"""What pympp puts before a node's words."""

_LONGEST_WORDS: Final = 300


class Finder(Protocol):
    """Looks up what came of a charge whose end nobody saw."""

    async def __call__(self, method: ServerMethod, context: VerifyContext) -> Receipt | None:
        """Its receipt; None while nobody can tell. Raises the PaymentError that refuses it if it
        surely moved nothing and cannot any more."""


class OnChain:
    """Looks at the node of pympp's tempo charges."""

    def __init__(self, rpc: TempoRpc) -> None:
        self._rpc = rpc

    async def __call__(self, method: ServerMethod, context: VerifyContext) -> Receipt | None:
        """As a Finder: what came of it, by its receipt."""
        if method.validate is None:
            return None
        try:
            found = await method.validate(
                ValidateContext(
                    credential=context.credential,
                    request=context.request,
                    challenge=context.challenge,
                )
            )
        except Exception:
            return None  # whatever is wrong with it now, it may have paid before
        transaction = _pulled(found)
        mined = None if transaction is None else await look_up(self._rpc, transaction)
        if mined is None:
            return None
        paid = Receipt.success(f"0x{mined.hash.hex()}", method=method.name)
        return replace(paid, payer=found.payer)

    async def refusal(
        self, found: Validation, failure: InternalPaymentError
    ) -> PaymentError | None:
        """Why a charge surely paid nothing that pympp could not confirm just now; None if it is not
        sure. Nobody else had the transaction, or the node would have it."""
        said, transaction = failure.__cause__, _pulled(found)
        if transaction is None or not isinstance(said, VerificationError):
            return None  # what no node has answered is not known
        words = str(said).partition(_REFUSED)[2][:_LONGEST_WORDS]
        if is_definite(words) and not await self._may_have(transaction):
            error = VerificationFailedError(
                f"the node refused the transaction ({words}); nothing was paid"
            )
            error.hint = hint_for(words)
            return error
        try:
            await look_up(self._rpc, transaction)
        except VerificationFailedError as error:
            return error
        return None

    async def _may_have(self, transaction: str) -> bool:
        """Whether the node has the transaction, waiting or mined, as far as it can be asked."""
        try:
            signed = decode_transaction(bytes.fromhex(transaction.removeprefix("0x")))
            held = await self._rpc.call("eth_getTransactionByHash", to_hex(signed.hash))
        except (InvalidTransaction, ValueError, ChainError):
            return True
        return held is not None


def on_chain(rpc: TempoRpc) -> OnChain:
    """Looks at the node of pympp's tempo charges."""
    return OnChain(rpc)


def _pulled(found: Validation) -> str | None:
    """The signed transaction that the server is to send, if that is how this payment is made."""
    details = found.details
    if not isinstance(details, dict) or details.get("mode") != "pull":
        return None
    transaction: str = details["serialized_transaction"]
    return transaction


async def look_up(rpc: TempoRpc, transaction: str) -> TxResult | None:
    """The successful result of a signed transaction; None if nobody can tell yet.

    Raises `VerificationFailedError` if it surely moved nothing and cannot any more.
    """
    try:
        signed = decode_transaction(bytes.fromhex(transaction.removeprefix("0x")))
    except (InvalidTransaction, ValueError):
        return None  # a hand-off: what was sent for it has another hash
    try:
        now_s = await _chain_time(rpc)  # first, so that what is missing was missing by then
        mined = await receipt(rpc, signed.hash)
    except ChainError:
        return None
    if mined is None:
        if _is_over(signed, now_s):
            raise VerificationFailedError("the transaction was not mined in time; nothing was paid")
        return None
    if not mined.success:
        raise VerificationFailedError("the transaction reverted; nothing was paid")
    return mined


async def _chain_time(rpc: TempoRpc) -> int:
    head = read_object(await rpc.call("eth_getBlockByNumber", "latest", False), "block")
    return read_quantity(head.get("timestamp"), "block's timestamp")


def _is_over(signed: Submission, now_s: int) -> bool:
    end_s = signed.tx.valid_before
    return end_s is not None and now_s >= end_s + _SURELY_S
