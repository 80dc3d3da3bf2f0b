"""An offer, a payer, and channels of both generations, for the tests of tempo sessions.

offer = make_request(amount=100)
channel = make_channel(offer, deposit=1_000, accepted=100)
accept_voucher(channel, 200, sign(channel, 200))
"""

from __future__ import annotations

from typing import Any, Final

from mock_rails.tempo.addresses import CHANNEL_RESERVE, PATH_USD, SESSION_ESCROW, ZERO_ADDRESS
from mock_rails.tempo.native.channel_reserve import Descriptor
from mock_rails.tempo.tx.handoff import hand_off
from mock_rails.tempo.tx.hashes import context_hash
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY, TYPE_TEMPO, Call, Transaction
from mock_rails.tempo.tx.sign import sign_transaction
from mock_rails.tempo.tx.signers import Secp256k1Signer
from sandbox.methods.tempo_session import (
    Book,
    Channel,
    Open,
    SessionProtocol,
    SessionRequest,
    Status,
    channel_id,
    sign_voucher,
)
from sandbox.methods.tempo_session.calls import OpenTerms, open_calls

V1, V2 = SessionProtocol.V1, SessionProtocol.V2

CHAIN_ID: Final = 1337
NOW_S: Final = 1_767_225_600

# The first two development accounts of every local chain.
PAYER: Final = Secp256k1Signer(
    bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")  # dev key
)
OTHER: Final = Secp256k1Signer(
    bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d")  # dev key
)
PAYEE: Final = b"\x22" * 20
OPERATOR: Final = b"\x44" * 20
STRANGER: Final = b"\x55" * 20
SALT: Final = (1).to_bytes(32)
TX: Final = b"\xaa" * 32

BOOKS: Final = {
    V1: Book(V1, CHAIN_ID, SESSION_ESCROW),
    V2: Book(V2, CHAIN_ID, CHANNEL_RESERVE),
}


def make_request(protocol: SessionProtocol = V2, **changes: Any) -> SessionRequest:
    """An offer of 100 base units a request."""
    fields: dict[str, Any] = {
        "amount": 100,
        "unit_type": "request",
        "currency": PATH_USD,
        "recipient": PAYEE,
        "chain_id": CHAIN_ID,
        "protocol": protocol,
        "escrow": BOOKS[protocol].escrow,
    }
    return SessionRequest(**(fields | changes))


def make_transaction(*calls: Call, **changes: Any) -> Transaction:
    """An unsigned 0x76 with an expiring nonce, as clients make them."""
    fields: dict[str, Any] = {
        "type": TYPE_TEMPO,
        "chain_id": CHAIN_ID,
        "nonce": 0,
        "nonce_key": EXPIRING_NONCE_KEY,
        "valid_before": NOW_S + 25,
        "gas_limit": 1_000_000,
        "max_fee_per_gas": 24_000_000_000,
        "max_priority_fee_per_gas": 0,
        "calls": calls,
        "fee_token": PATH_USD,
    }
    return Transaction(**(fields | changes))


def make_open(
    request: SessionRequest,
    *,
    deposit: int = 1_000,
    cumulative: int | None = None,
    terms: dict[str, Any] | None = None,
    prefix: tuple[Call, ...] = (),
    sponsored: bool = False,
    signer: Secp256k1Signer = PAYER,
    voucher_signer: Secp256k1Signer | None = None,
    **changes: Any,
) -> Open:
    """An `open` payload with a real signed transaction; `terms` change what its call says."""
    fields: dict[str, Any] = {
        "payee": request.recipient,
        "token": request.currency,
        "deposit": deposit,
        "salt": SALT,
        "authorized_signer": ZERO_ADDRESS,
        "operator": request.expected_operator,
    }
    chosen = OpenTerms(**(fields | (terms or {})))
    tx = make_transaction(*prefix, *open_calls(request.book, chosen), **changes)
    if sponsored:
        handoff = hand_off(tx, signer)
        raw, bound_to = handoff.encode(), context_hash(handoff.tx, handoff.sender)
    else:
        submission = sign_transaction(tx, signer)
        raw, bound_to = submission.raw, submission.context_hash
    is_v2 = request.protocol is V2
    descriptor = Descriptor(
        signer.address, chosen.payee, chosen.operator, chosen.token, chosen.salt,
        chosen.authorized_signer, bound_to if is_v2 else bytes(32),
    )  # fmt: skip
    this_id = channel_id(request.protocol, descriptor, request.chain_id, request.escrow)
    amount = request.amount if cumulative is None else cumulative
    signature = sign_voucher(request.book, this_id, amount, voucher_signer or signer)
    shown = descriptor if is_v2 else None
    return Open(this_id, shown, raw, amount, signature, chosen.authorized_signer)


def make_channel(
    request: SessionRequest | None = None,
    *,
    accepted: int = 100,
    signer: Secp256k1Signer = PAYER,
    authorized_signer: bytes = ZERO_ADDRESS,
    **changes: Any,
) -> Channel:
    """An open channel with a deposit of 1,000 and a signed voucher."""
    request = request or make_request()
    is_v2 = request.protocol is V2
    descriptor = Descriptor(
        PAYER.address, request.recipient, request.expected_operator, request.currency, SALT,
        authorized_signer, b"\x33" * 32 if is_v2 else bytes(32),
    )  # fmt: skip
    this_id = channel_id(request.protocol, descriptor, request.chain_id, request.escrow)
    fields: dict[str, Any] = {
        "deposit": 1_000,
        "status": Status.OPEN,
        "opened_at_s": NOW_S,
        "settled_at_s": NOW_S,
        "opened_tx": TX,
    }
    return Channel(
        id=this_id,
        protocol=request.protocol,
        descriptor=descriptor,
        chain_id=request.chain_id,
        escrow=request.escrow,
        accepted=accepted,
        signature=sign_voucher(request.book, this_id, accepted, signer),
        **(fields | changes),
    )


def sign(channel: Channel, amount: int, signer: Any = PAYER) -> bytes:
    """A voucher's signature."""
    return sign_voucher(channel.book, channel.id, amount, signer)
