"""Vouchers: signed statements of how much a channel's payee may take in all.

EIP-712 typed data `Voucher(bytes32 channelId,uintN cumulativeAmount)`, with N and the domain by
generation: 96 and the channel reserve's (the chain's own code, facts, tempo 2.8), 128 and the
escrow contract's (2.9).

A server checks one for every paid request, so this is the session's hottest code: two hashes and
one recovery by libsecp256k1. Plain verification against the signer's known public key would save a
fifth, and would be wrong: it does not look at the signature's last byte, while the chain does. A
payer could flip that byte, be served, and leave the payee with vouchers that never settle.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.native import voucher as reserve
from mock_rails.tempo.tx.signatures import parse_primitive
from sandbox.methods.tempo_session.problems import InvalidSignatureError
from sandbox.methods.tempo_session.protocol import SessionProtocol

if TYPE_CHECKING:
    from mock_rails.tempo.tx.signers import PrimitiveSigner

V1_DOMAIN_NAME: Final = "Tempo Stream Channel"
V1_VOUCHER_TYPEHASH: Final = keccak256(b"Voucher(bytes32 channelId,uint128 cumulativeAmount)")

_DOMAIN_TYPEHASH: Final = keccak256(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_SECP256K1_BYTES: Final = 65
_Y_PARITIES: Final = {27: 0, 28: 1}


class Book(NamedTuple):
    """Where vouchers of one kind count: a generation's escrow on one chain."""

    protocol: SessionProtocol
    chain_id: int
    escrow: bytes


def voucher_digest(book: Book, channel_id: bytes, cumulative: int) -> bytes:
    """What the signer signs."""
    if book.protocol is SessionProtocol.V2:
        return reserve.voucher_digest(book.chain_id, channel_id, cumulative)
    struct = keccak256(V1_VOUCHER_TYPEHASH + channel_id + cumulative.to_bytes(32))
    return keccak256(b"\x19\x01" + v1_domain_separator(book.chain_id, book.escrow) + struct)


@lru_cache(maxsize=64)
def v1_domain_separator(chain_id: int, escrow: bytes) -> bytes:
    """The EIP-712 domain of an escrow contract."""
    return keccak256(
        _DOMAIN_TYPEHASH
        + keccak256(V1_DOMAIN_NAME.encode())
        + keccak256(b"1")
        + chain_id.to_bytes(32)
        + bytes(12)
        + escrow
    )


def sign_voucher(book: Book, channel_id: bytes, cumulative: int, signer: PrimitiveSigner) -> bytes:
    """Sign in canonical form; the escrow of v1 takes no other keys than secp256k1."""
    signature = signer.sign(voucher_digest(book, channel_id, cumulative)).encode()
    if book.protocol is SessionProtocol.V1 and len(signature) != _SECP256K1_BYTES:
        raise ValueError("the session escrow (v1) accepts secp256k1 vouchers only")
    return signature


def verify_voucher(
    book: Book, channel_id: bytes, cumulative: int, signature: bytes, signer: bytes
) -> None:
    """Raise `InvalidSignatureError` unless the chain would take the voucher as `signer`'s.

    As in mppx, a signature must come as the chain would write it: v is 27 or 28, s is low, and
    access keys sign for themselves (they are the channel's authorized signer), never wrapped.
    """
    digest = voucher_digest(book, channel_id, cumulative)
    try:
        if len(signature) == _SECP256K1_BYTES:
            found = _recover(digest, signature)
        elif book.protocol is SessionProtocol.V1:
            raise SignatureError("session v1 takes secp256k1 signatures of 65 bytes only")
        else:
            found = parse_primitive(signature).recover(digest)
    except SignatureError as error:
        raise InvalidSignatureError(str(error)) from error
    if found != signer:
        raise InvalidSignatureError("the voucher is not signed by the channel's signer")


def _recover(digest: bytes, signature: bytes) -> bytes:
    parity = _Y_PARITIES.get(signature[64])
    if parity is None:
        raise SignatureError(f"signature v must be 27 or 28, got {signature[64]}")
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    return secp256k1.recover(digest, parity, r, s)
