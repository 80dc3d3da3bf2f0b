"""Ethereum's own precompiles, called by code and at the top level."""

from __future__ import annotations

import hashlib

import pytest

from mock_rails.tempo import calls
from mock_rails.tempo.crypto import p256, secp256k1
from mock_rails.tempo.crypto.hashing import keccak256
from tests.unit.mock_rails.tempo.evm.support import (
    EOA,
    RETURN_ALL,
    RETURN_WORD,
    forward,
    make_scope,
    run,
)

PLENTY = 1_000_000
KEY = bytes(31) + b"\x07"
DIGEST = keccak256(b"message")


def call(number: int, data: bytes, gas: int = PLENTY) -> calls.CallResult:
    return calls.call(make_scope(), EOA, number.to_bytes(20), data, gas)


def test_ecrecover() -> None:
    v, r, s = secp256k1.sign(DIGEST, KEY)
    data = DIGEST + (27 + v).to_bytes(32) + r.to_bytes(32) + s.to_bytes(32)
    result = call(1, data)
    assert result.output[12:] == secp256k1.address_of(KEY)
    assert result.gas_left == PLENTY - 3_000
    assert call(1, bytes(128)).output == b""


def test_sha256_ripemd_and_identity() -> None:
    assert call(2, b"abc").output == hashlib.sha256(b"abc").digest()
    assert call(3, b"").output.hex().endswith("9c1185a5c5e9fc54612808977ee8f548b2258d31")
    assert call(4, b"abc").output == b"abc"


def test_a_precompile_without_enough_gas() -> None:
    result = call(1, b"", gas=2_999)
    assert (result.success, result.error, result.gas_left) == (False, "out of gas", 0)


def test_precompiles_answer_code_and_are_always_warm() -> None:
    scope = make_scope()
    result = run(scope, f"{forward((4).to_bytes(20))} POP {RETURN_ALL}", b"echo")
    assert result.output == b"echo"
    flag = run(scope, f"{forward((4).to_bytes(20), 'DELEGATECALL')} {RETURN_WORD}", b"echo")
    assert flag.output == (1).to_bytes(32)
    assert (4).to_bytes(20) not in scope.warm


def modexp_input(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    lengths = b"".join(len(part).to_bytes(32) for part in (base, exponent, modulus))
    return lengths + base + exponent + modulus


@pytest.mark.parametrize(
    ("base", "exponent", "modulus", "expected", "gas"),
    [
        # Small operands: the least gas.
        (b"\x03", b"\x05", b"\x64", b"\x2b", 500),
        # Nothing to the power of nothing is 1 (EIP-198).
        (b"", b"", b"\x02", b"\x01", 500),
        (b"\x02", b"\x02", b"\x00", b"\x00", 500),
        # Up to 32 bytes: 16 for each of the 255 bits after the first of the exponent.
        (b"\x02" * 32, b"\xff" * 32, b"\x03" * 32, None, 16 * 255),
        # 64 bytes are 8 words: 2 * 8 * 8 for each bit.
        (b"\x02" * 64, b"\x80" + bytes(31), b"\x03" * 64, None, 2 * 8 * 8 * 255),
        # 16 for each exponent byte after the 32nd, and the 3 bits after the first.
        (b"\x02", bytes(31) + b"\x0f" + bytes(8), b"\x05", None, 16 * (16 * 8 + 3)),
    ],
)
def test_modexp_as_osaka_prices_it(
    base: bytes, exponent: bytes, modulus: bytes, expected: bytes | None, gas: int
) -> None:
    """EIP-7883."""
    if expected is None:
        value = pow(int.from_bytes(base), int.from_bytes(exponent), int.from_bytes(modulus))
        expected = value.to_bytes(len(modulus))
    result = call(5, modexp_input(base, exponent, modulus))
    assert (result.output, PLENTY - result.gas_left) == (expected, gas)


def test_modexp_refuses_operands_over_1024_bytes() -> None:
    """EIP-7823; a length alone is enough, its bytes are never made."""
    for at in range(3):
        lengths = [b"\x01".rjust(32, b"\0")] * 3
        lengths[at] = (1025).to_bytes(32)
        result = call(5, b"".join(lengths))
        assert (result.success, result.gas_left) == (False, 0)
    assert not call(5, b"\xff" * 96).success
    assert call(5, modexp_input(b"\x01" * 1024, b"\x01", b"\x02" * 1024)).success


def p256_input(s_flip: bool = False) -> bytes:
    r, s = p256.sign(DIGEST, KEY)
    x, y = p256.public_key_of(KEY)
    s = p256.N - s if s_flip else s
    return DIGEST + b"".join(part.to_bytes(32) for part in (r, s, x, y))


def test_p256verify_accepts_a_signature_with_either_s() -> None:
    """EIP-7951."""
    for flip in (False, True):
        result = call(0x100, p256_input(flip))
        assert result.output == (1).to_bytes(32)
        assert result.gas_left == PLENTY - 6_900


@pytest.mark.parametrize("at", [0, 40, 70, 100, 140])
def test_p256verify_answers_nothing_to_what_does_not_verify(at: int) -> None:
    data = bytearray(p256_input())
    data[at] ^= 1
    result = call(0x100, bytes(data))
    assert (result.success, result.output, result.gas_left) == (True, b"", PLENTY - 6_900)


@pytest.mark.parametrize("data", [b"", p256_input()[:-1], p256_input() + b"\0", bytes(160)])
def test_p256verify_answers_nothing_to_malformed_input(data: bytes) -> None:
    assert call(0x100, data).output == b""
