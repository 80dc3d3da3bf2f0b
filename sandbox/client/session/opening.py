"""Opening a channel: how much to lock up, and the transaction that does it (facts, 2.5 and 2.10).

The deposit is what the server suggests, at least the first price, and never more than the settings
and the budget's limits leave. A v2 channel's id is bound to the signed transaction, so it is known
only when that is made; the voucher for the first request goes along with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_rails.tempo.tx.handoff import Handoff
from mock_rails.tempo.tx.hashes import context_hash
from sandbox.client.budget import Limit
from sandbox.client.session.channel import ChannelState, PayerChannel, Pending
from sandbox.client.session.errors import DepositLimitError
from sandbox.methods.tempo_session import (
    Descriptor,
    Open,
    SessionProtocol,
    channel_id,
    sign_voucher,
)
from sandbox.methods.tempo_session.calls import OpenTerms, open_calls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.tempo.tx.model import Submission
    from sandbox.client.session.services import Services
    from sandbox.client.session.settings import SessionSettings
    from sandbox.client.wallet import Wallet
    from sandbox.methods.tempo_session import SessionRequest


def opening_deposit(
    request: SessionRequest, settings: SessionSettings, left: Mapping[Limit, int]
) -> int:
    """How much to open with. `left` is the ledger's, after the first price was reserved."""
    wanted = settings.deposit if settings.deposit is not None else request.suggested_deposit
    cap = min([request.protocol.max_amount, *_caps(settings, left, request.amount)])
    if cap < request.amount:
        raise DepositLimitError(
            f"A request costs {request.amount} base units; a channel may hold {cap}.",
            hint="Raise max_deposit if that is meant to be paid.",
            details={"amount": request.amount, "limit": cap},
        )
    return min(max(wanted or 0, request.amount), cap)


def _caps(settings: SessionSettings, left: Mapping[Limit, int], reserved: int) -> list[int]:
    caps = [reserved + amount for limit, amount in left.items() if limit is not Limit.PER_REQUEST]
    return caps if settings.max_deposit is None else [*caps, settings.max_deposit]


def pending_of(signed: Submission | Handoff, amount: int) -> Pending:
    """A signed transaction as the book keeps it."""
    raw = signed.encode() if isinstance(signed, Handoff) else signed.raw
    return Pending(raw, amount, signed.tx.valid_before or 0)


async def sign_opening(
    services: Services, request: SessionRequest, deposit: int, *, salt: bytes, host: str, url: str
) -> PayerChannel:
    """Sign the opening transaction; the record holds it, and nothing was sent.

    Where the server sponsors fees it is the 0x78 hand-off, else a transaction that pays its fee in
    the channel's token unless the server names another.
    """
    wallet = services.wallet
    terms = OpenTerms(
        payee=request.recipient,
        token=request.currency,
        deposit=deposit,
        salt=salt,
        authorized_signer=wallet.address,  # named outright, as mppx does
        operator=request.expected_operator,
    )
    sender = services.sender(request.chain_id, request.currency)
    from_block = await services.head_block(request.chain_id)
    signed = await sender.sign(
        open_calls(request.book, terms),
        sponsored=bool(request.fee_payer),
        fee_token=request.fee_token or request.currency,
    )
    if isinstance(signed, Handoff):
        bound_to = context_hash(signed.tx, signed.sender)
    else:
        bound_to = signed.context_hash
    is_bound = request.protocol is SessionProtocol.V2
    descriptor = Descriptor(
        payer=wallet.address,
        payee=terms.payee,
        operator=terms.operator,
        token=terms.token,
        salt=salt,
        authorized_signer=terms.authorized_signer,
        expiring_nonce_hash=bound_to if is_bound else bytes(32),
    )
    return PayerChannel(
        id=channel_id(request.protocol, descriptor, request.chain_id, request.escrow),
        protocol=request.protocol,
        descriptor=descriptor,
        chain_id=request.chain_id,
        escrow=request.escrow,
        host=host,
        url=url,
        deposit=deposit,
        state=ChannelState.OPENING,
        pending=pending_of(signed, deposit),
        opened_at_s=services.clock.now_s(),
        from_block=from_block,
    )


def open_payload(channel: PayerChannel, pending: Pending, cumulative: int, wallet: Wallet) -> Open:
    """The credential's payload: the transaction, and a voucher for the first request."""
    return Open(
        channel.id,
        channel.shown_descriptor,
        pending.transaction,
        cumulative,
        sign_voucher(channel.book, channel.id, cumulative, wallet),
        channel.descriptor.authorized_signer,
    )
