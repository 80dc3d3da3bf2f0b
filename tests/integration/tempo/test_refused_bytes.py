"""Bytes that are no transaction, or carry a signature that is none (facts 1.1 to 1.4, 8.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mock_rails.tempo.crypto.secp256k1 import N
from mock_rails.tempo.tx import rlp
from mock_rails.tempo.tx.handoff import hand_off
from mock_rails.tempo.tx.hashes import sender_hash
from mock_rails.tempo.tx.model import TYPE_DYNAMIC_FEE, TYPE_LEGACY
from mock_rails.tempo.tx.sign import sign_transaction
from mock_rails.tempo.tx.signers import P256Signer, Secp256k1Signer, WebAuthnSigner
from tests.integration.tempo.refusals import (
    ACCESS,
    BAD_PARAMS,
    OTHER,
    STRANGER,
    Bench,
    Case,
    assert_refused,
    payment,
)

UNDECODABLE = "failed to decode signed transaction"
BAD_SIGNATURE = "invalid transaction signature"
UNRECOVERABLE = "fee payer signature recovery failed"
CALL = list(payment())
CREATE: list[Any] = [b"", 0, b"\x00"]
SIGNATURE = -1
AUTHORIZATION: list[Any] = [1337, STRANGER, 0, Secp256k1Signer(OTHER.key).sign(bytes(32)).encode()]


def malformed(what: str, raw: bytes, text: str = UNDECODABLE) -> Case:
    """Bytes that need no chain to be wrong."""
    return Case(what, lambda _: raw, text, BAD_PARAMS)


def item(what: str, index: int, value: object, text: str = UNDECODABLE) -> Case:
    """A payment with one item of its list replaced."""
    return Case(what, lambda bench: bench.rewritten(index, value), text, BAD_PARAMS)


def sponsor_item(what: str, value: object) -> Case:
    """A payment whose slot 11 says something of a fee payer who does not exist."""
    return Case(what, lambda bench: bench.rewritten(11, value), UNRECOVERABLE)


def high_s(bench: Bench) -> bytes:
    """The other signature of the same key over the same digest, which nobody may use."""
    signature = Secp256k1Signer(bench.payer.key).sign(sender_hash(bench.transaction()))
    twin = replace(signature, s=N - signature.s, y_parity=1 - signature.y_parity)
    return bench.rewritten(SIGNATURE, twin.encode())


def over_nothing(signer: P256Signer | WebAuthnSigner) -> bytes:
    """A P-256 signature that is right, but of something else."""
    return signer.sign(bytes(32)).encode()


def ethereum_with_signature(kind: int, r: int) -> bytes:
    """A type 2 or legacy transaction whose signature cannot be one."""
    bench = Bench()
    raw = sign_transaction(bench.transaction(type=kind), bench.payer.key).raw
    start = 0 if kind == TYPE_LEGACY else 1
    items = rlp.decode_list(raw, start)
    items[-2] = r.to_bytes((r.bit_length() + 7) // 8)
    return raw[:start] + rlp.encode(items)


def authorized_creation(bench: Bench) -> bytes:
    """A creation that also asks to run an account with code."""
    items = rlp.decode_list(bench.signed(), 1)
    items[4], items[12] = [CREATE], [AUTHORIZATION]
    return b"\x76" + rlp.encode(items)


CASES = [
    Case("nothing", lambda _: b"", "empty transaction data", BAD_PARAMS),
    malformed("a type alone", b"\x76"),
    malformed("an empty list", b"\x76\xc0"),
    malformed("no RLP", b"\x76\xff\xff"),
    malformed("text", b"hello"),
    malformed("a blob transaction", b"\x03\xc0"),
    malformed("an unknown type", b"\x05\xc0"),
    Case("a byte too many", lambda bench: bench.signed() + b"\0", UNDECODABLE, BAD_PARAMS),
    Case("a byte too few", lambda bench: bench.signed()[:-1], UNDECODABLE, BAD_PARAMS),
    item("a leading zero", 3, b"\0\x01"),
    item("a chain id of nine bytes", 0, b"\x01" * 9),
    item("a fee of seventeen bytes", 2, b"\x01" * 17),
    item("a list for a number", 7, []),
    item("a token of nineteen bytes", 10, b"\x20" * 19),
    item("no calls", 4, [], "empty calls list"),
    item("a call of two items", 4, [CALL[:2]]),
    item("a creation after a call", 4, [CALL, CREATE]),
    item("a window that ends before it begins", 9, 2_000_000_000),
    item("an authorization of three items", 12, [AUTHORIZATION[:3]]),
    item("a parity of 2 in the fee payer's signature", 11, [2, 1, 1]),
    item("a fee payer's signature of two items", 11, [1, 1]),
    item("a signature of 64 bytes", SIGNATURE, b"\x01" * 64),
    item("a signature with v 29", SIGNATURE, b"\x01" * 64 + b"\x1d"),
    item("a multisig signature", SIGNATURE, b"\x05" + b"\x01" * 84),
    item("a keychain signature inside another", SIGNATURE, b"\x04" + STRANGER + b"\x04" * 86),
    item("a signature of zeros", SIGNATURE, bytes(64) + b"\x1b", BAD_SIGNATURE),
    item("a signature above the curve", SIGNATURE, b"\xff" * 64 + b"\x1b", BAD_SIGNATURE),
    item(
        "P256 over something else", SIGNATURE, over_nothing(P256Signer(ACCESS.key)), BAD_SIGNATURE
    ),
    item(
        "WebAuthn over something else",
        SIGNATURE,
        over_nothing(WebAuthnSigner(ACCESS.key)),
        BAD_SIGNATURE,
    ),
    Case("a high s", high_s, BAD_SIGNATURE, BAD_PARAMS),
    Case(
        "a keychain signature of version 1",
        lambda bench: bench.rewritten(SIGNATURE, b"\x03" + STRANGER + b"\x01" * 65),
        "legacy V1 keychain signature is no longer accepted, use V2 (type 0x04)",
    ),
    malformed("type 2 with r 0", ethereum_with_signature(TYPE_DYNAMIC_FEE, 0), BAD_SIGNATURE),
    malformed(
        "legacy with r above the curve", ethereum_with_signature(TYPE_LEGACY, N), BAD_SIGNATURE
    ),
    Case(
        "the envelope for a fee payer (0x78)",
        lambda bench: hand_off(bench.transaction(), Secp256k1Signer(bench.payer.key)).encode(),
        UNDECODABLE,
        BAD_PARAMS,
    ),
    Case(
        "mpp-go's suffix for a fee payer",
        lambda bench: bench.signed() + bench.payer.address + bytes.fromhex("feefeefeefee"),
        UNDECODABLE,
        BAD_PARAMS,
    ),
    sponsor_item("the placeholder for a fee payer's signature", b"\x00"),
    sponsor_item("the node's own marker for one", [0, 0, 0]),
    sponsor_item("a fee payer's signature above the curve", [0, N, 1]),
    Case("a creation with account authorizations", authorized_creation, UNDECODABLE, BAD_PARAMS),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_what_does_not_decode_is_refused(case: Case) -> None:
    await assert_refused(case)
