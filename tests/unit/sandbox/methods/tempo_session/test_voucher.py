"""Vouchers: published digests, and signatures that the chain would not take."""

from __future__ import annotations

import pytest

from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.tx.signers import KeychainSigner, P256Signer, WebAuthnSigner
from sandbox.methods.tempo_session import Book, sign_voucher, verify_voucher
from sandbox.methods.tempo_session.problems import InvalidSignatureError
from sandbox.methods.tempo_session.protocol import SessionProtocol
from sandbox.methods.tempo_session.voucher import (
    V1_VOUCHER_TYPEHASH,
    v1_domain_separator,
    voucher_digest,
)
from tests.unit.sandbox.methods.tempo_session.support import BOOKS, CHAIN_ID, OTHER, PAYER, V1, V2

CHANNEL = bytes.fromhex("0b56e84a2cd3b596b256c20fce94104f4520c3aeb5294025b87bd5b0135ca051")
PROTOCOLS = tuple(SessionProtocol)


def test_the_digests_are_the_published_ones() -> None:
    """Facts, tempo 2.9 and 8.4."""
    expected = "fab1422cbebd4d562c29507b06b7762e2f417ef4daa6c1166244ffea96e8b14b"
    assert voucher_digest(BOOKS[V2], CHANNEL, 1_000).hex() == expected
    typehash = "e97c93f01d3ef8eaba1586553df13308f236815bf4ea49c7b696895d8f5ea68a"
    assert V1_VOUCHER_TYPEHASH.hex() == typehash
    domain = "549555c84d5d8d5d0d0ad9591f33b2826cd151e6d40690faacfe3a9d1e226ef8"
    assert v1_domain_separator(CHAIN_ID, b"\xee" * 20).hex() == domain
    struct = keccak256(bytes.fromhex(typehash) + CHANNEL + (1_000).to_bytes(32))
    book = Book(V1, CHAIN_ID, b"\xee" * 20)
    assert voucher_digest(book, CHANNEL, 1_000) == keccak256(
        b"\x19\x01" + bytes.fromhex(domain) + struct
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_voucher_counts_for_its_amount_channel_and_book_only(protocol: SessionProtocol) -> None:
    book = BOOKS[protocol]
    signature = sign_voucher(book, CHANNEL, 500, PAYER)
    verify_voucher(book, CHANNEL, 500, signature, PAYER.address)
    elsewhere = book._replace(chain_id=42_431)
    for where, channel, amount, signer in (
        (book, CHANNEL, 501, PAYER.address),
        (book, bytes(32), 500, PAYER.address),
        (elsewhere, CHANNEL, 500, PAYER.address),
        (BOOKS[V1 if protocol is V2 else V2], CHANNEL, 500, PAYER.address),
        (book, CHANNEL, 500, OTHER.address),
    ):
        with pytest.raises(InvalidSignatureError):
            verify_voucher(where, channel, amount, signature, signer)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_signature_the_chain_would_refuse_or_rewrite_is_refused(
    protocol: SessionProtocol,
) -> None:
    book = BOOKS[protocol]
    good = sign_voucher(book, CHANNEL, 500, PAYER)
    s = int.from_bytes(good[32:64])
    flipped = bytes([55 - good[64]])
    for bad, why in (
        (good[:64] + flipped, "not signed by"),
        (good[:64] + bytes([good[64] - 27]), "v must be 27 or 28"),
        (good[:64] + b"\x1d", "v must be 27 or 28"),
        (good[:32] + (secp256k1.N - s).to_bytes(32) + flipped, "malleable"),
        (bytes(64) + b"\x1b", "between 1 and the order"),
        (good[:64], "signature"),
        (good + b"\x00", "signature"),
        (b"", "signature"),
        (b"\x04" + PAYER.address + good, "signature"),
        (b"\x05" + good, "signature"),
    ):
        with pytest.raises(InvalidSignatureError, match=why):
            verify_voucher(book, CHANNEL, 500, bad, PAYER.address)


@pytest.mark.parametrize("kind", [P256Signer, WebAuthnSigner])
def test_passkeys_sign_v2_vouchers_and_no_others(kind: type) -> None:
    signer = kind(bytes(31) + b"\x07")
    signature = sign_voucher(BOOKS[V2], CHANNEL, 500, signer)
    verify_voucher(BOOKS[V2], CHANNEL, 500, signature, signer.address)
    for amount, changed in (
        (501, signature),
        (500, signature[:-1] + bytes([signature[-1] ^ 1])),
        (500, signature[:40]),
    ):
        with pytest.raises(InvalidSignatureError):
            verify_voucher(BOOKS[V2], CHANNEL, amount, changed, signer.address)
    with pytest.raises(InvalidSignatureError, match="65 bytes"):
        verify_voucher(BOOKS[V1], CHANNEL, 500, signature, signer.address)
    with pytest.raises(ValueError, match="secp256k1"):
        sign_voucher(BOOKS[V1], CHANNEL, 500, signer)


def test_an_access_key_signs_for_itself_and_not_for_its_account() -> None:
    wrapped = KeychainSigner(PAYER.address, OTHER).sign(voucher_digest(BOOKS[V2], CHANNEL, 500))
    for signer in (PAYER.address, OTHER.address):
        with pytest.raises(InvalidSignatureError, match="keychain"):
            verify_voucher(BOOKS[V2], CHANNEL, 500, wrapped.encode(), signer)
    own = sign_voucher(BOOKS[V2], CHANNEL, 500, OTHER)
    verify_voucher(BOOKS[V2], CHANNEL, 500, own, OTHER.address)
