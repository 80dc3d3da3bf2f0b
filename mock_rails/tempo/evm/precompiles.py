"""Ethereum's precompiled contracts, as of Osaka.

py-evm has those up to Prague. Osaka bounds and reprices MODEXP (EIP-7823, EIP-7883) and adds
P256VERIFY (EIP-7951), which passkey wallets call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from eth.exceptions import VMError
from eth.vm.forks.prague.computation import PRAGUE_PRECOMPILES

from mock_rails.tempo.crypto import p256
from mock_rails.tempo.crypto.errors import SignatureError

if TYPE_CHECKING:
    from collections.abc import Callable

_MODEXP_MAX_BYTES: Final = 1024
_MODEXP_MIN_GAS: Final = 500
_P256VERIFY_GAS: Final = 6_900
_P256VERIFY_INPUT: Final = 160


def modexp(computation: Any) -> None:
    """base ** exponent % modulus; the input is three lengths and the three numbers (EIP-198)."""
    data = computation.msg.data_as_bytes
    lengths = [int.from_bytes(data[at : at + 32].ljust(32, b"\0")) for at in (0, 32, 64)]
    if max(lengths) > _MODEXP_MAX_BYTES:
        raise VMError("MODEXP operands are limited to 1024 bytes (EIP-7823)")
    base_size, exponent_size, modulus_size = lengths
    body = data[96:].ljust(sum(lengths), b"\0")
    exponent_bytes = body[base_size : base_size + exponent_size]
    computation.consume_gas(
        _modexp_gas(max(base_size, modulus_size), exponent_bytes), reason="MODEXP"
    )
    modulus = int.from_bytes(body[base_size + exponent_size : sum(lengths)])
    base = int.from_bytes(body[:base_size])
    result = pow(base, int.from_bytes(exponent_bytes), modulus) if modulus else 0
    computation.output = result.to_bytes(modulus_size)


def _modexp_gas(size: int, exponent: bytes) -> int:
    """EIP-7883: by the square of the longer operand and the bits of the exponent."""
    words = (size + 7) // 8
    complexity = 16 if size <= 32 else 2 * words * words
    head_bits = max(int.from_bytes(exponent[:32]).bit_length() - 1, 0)
    iterations = max(1, 16 * max(len(exponent) - 32, 0) + head_bits)
    return max(_MODEXP_MIN_GAS, complexity * iterations)


def p256verify(computation: Any) -> None:
    """Answer 1 when (r, s) is the key's signature of the digest, nothing otherwise (EIP-7951).

    Unlike a transaction's signature, s may be high.
    """
    computation.consume_gas(_P256VERIFY_GAS, reason="P256VERIFY")
    data = computation.msg.data_as_bytes
    if len(data) != _P256VERIFY_INPUT:
        return
    digest = data[:32]
    r, s, x, y = (int.from_bytes(data[at : at + 32]) for at in range(32, 160, 32))
    try:
        p256.verify(digest, r, p256.N - s if s > p256.HALF_N else s, x, y)
    except SignatureError:
        return
    computation.output = (1).to_bytes(32)


PRECOMPILES: Final[dict[bytes, Callable[[Any], Any]]] = {
    **PRAGUE_PRECOMPILES,
    (0x05).to_bytes(20): modexp,
    (0x100).to_bytes(20): p256verify,
}
"""Address to a function of the frame: it charges gas and sets the output, or raises `VMError`."""
