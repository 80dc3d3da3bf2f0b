"""What a rail knows of a charge whose server died, or lost the rail, before it saw the end.

A `Finder` is one rail's way to look; an offer that has one is asked when a credential comes again
(`single_use`). Stripe's is `sandbox.methods.stripe_charge`; the chain's is here.

A pull-mode charge is a signed transaction, and its hash commits to every call in it. So when pympp
has found the calls to be the payment of this very challenge (the memo names it), a receipt says
all: mined and successful, it paid; mined and reverted, or out of its window and not mined, it did
not and never will. Anything else is not known yet. Facts: protocol 1.5; tempo 1.2 (`validBefore`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from mpp import Receipt
from mpp.errors import VerificationFailedError
from mpp.server.method import ValidateContext

from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.tx.decode import decode_transaction
from sandbox.chain import ChainError, receipt
from sandbox.chain.values import read_object, read_quantity

if TYPE_CHECKING:
    from mpp.server.method import ServerMethod, VerifyContext

    from mock_rails.tempo.tx.model import Submission
    from sandbox.chain import TempoRpc, TxResult

_SURELY_S: Final = 30
"""How long after its window a transaction is given up: of two nodes behind one address, one may be
a few blocks behind."""


class Finder(Protocol):
    """Looks up what came of a charge whose end nobody saw."""

    async def __call__(self, method: ServerMethod, context: VerifyContext) -> Receipt | None:
        """Its receipt; None while nobody can tell. Raises the PaymentError that refuses it if it
        surely moved nothing and cannot any more."""


def on_chain(rpc: TempoRpc) -> Finder:
    """Looks at the node of pympp's tempo charges."""

    async def find(method: ServerMethod, context: VerifyContext) -> Receipt | None:
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
        details = found.details
        if not isinstance(details, dict) or details.get("mode") != "pull":
            return None
        mined = await look_up(rpc, details["serialized_transaction"])
        if mined is None:
            return None
        paid = Receipt.success(f"0x{mined.hash.hex()}", method=method.name)
        return replace(paid, payer=found.payer)

    return find


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
