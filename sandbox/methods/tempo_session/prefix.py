"""What may stand before a session's own call in a payer's transaction, and nothing else may.

In v1, the approval that the escrow needs. In v2, mppx's auto-swap: a payer without the channel's
token approves the exchange for another one and buys exactly the deposit. A sponsor pays for all of
the batch, so a batch with anything more is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mpp.errors import VerificationFailedError

from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import STABLECOIN_DEX
from sandbox.methods.tempo_session.calls import APPROVE, decode
from sandbox.methods.tempo_session.protocol import SessionProtocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_rails.tempo.tx.model import Call
    from sandbox.methods.tempo_session.voucher import Book

BUY: Final = Function("swapExactAmountOut(address,address,uint128,uint128)")


def check_prefix(book: Book, prefix: Sequence[Call], token: bytes, deposit: int) -> None:
    """Raise `VerificationFailedError` unless these calls only make `deposit` of `token` payable."""
    if not prefix:
        return
    if any(call.value for call in prefix):
        raise VerificationFailedError("calls must not transfer native value")
    if book.protocol is SessionProtocol.V1:
        _check_approval(book, prefix, token, deposit)
    else:
        _check_swap(prefix, token, deposit)


def _check_approval(book: Book, prefix: Sequence[Call], token: bytes, deposit: int) -> None:
    approval = decode(APPROVE, prefix[0].data) if len(prefix) == 1 else None
    if approval is None or prefix[0].to != token:
        raise VerificationFailedError("only an approval of the channel's token may come first")
    spender, amount = approval
    if spender != book.escrow:
        raise VerificationFailedError("approval spender is not the escrow")
    if amount < deposit:
        raise VerificationFailedError("approval does not cover the deposit")


def _check_swap(prefix: Sequence[Call], token: bytes, deposit: int) -> None:
    approval, swap = (
        (decode(APPROVE, prefix[0].data), decode(BUY, prefix[1].data))
        if len(prefix) == 2
        else (None, None)
    )
    if approval is None or swap is None or prefix[1].to != STABLECOIN_DEX:
        raise VerificationFailedError(
            "only an auto-swap (approve, then swapExactAmountOut on the exchange) may come first"
        )
    spender, approved = approval
    token_in, token_out, amount_out, max_amount_in = swap
    if prefix[0].to != token_in:
        raise VerificationFailedError("auto-swap approval token does not match swap input")
    if spender != STABLECOIN_DEX:
        raise VerificationFailedError("auto-swap approval spender is not the exchange")
    if approved != max_amount_in:
        raise VerificationFailedError("auto-swap approval amount does not match its maximum input")
    if token_out != token or token_in == token_out:
        raise VerificationFailedError("auto-swap output is not the channel's token")
    if amount_out != deposit:
        raise VerificationFailedError("auto-swap output amount is not the deposit")
