"""The fixed addresses of a Tempo chain (facts 2.1)."""

from __future__ import annotations

from typing import Final

ZERO_ADDRESS: Final = bytes(20)

TIP20_PREFIX: Final = bytes.fromhex("20c000000000000000000000")
"""Every address that starts so and has code is a TIP-20 token."""

PATH_USD: Final = TIP20_PREFIX + bytes(7) + b"\x00"
ALPHA_USD: Final = TIP20_PREFIX + bytes(7) + b"\x01"
BETA_USD: Final = TIP20_PREFIX + bytes(7) + b"\x02"
THETA_USD: Final = TIP20_PREFIX + bytes(7) + b"\x03"


def _padded(prefix: str) -> bytes:
    return bytes.fromhex(prefix).ljust(20, b"\0")


TIP20_FACTORY: Final = _padded("20fc")
TIP403_REGISTRY: Final = _padded("403c")
FEE_MANAGER: Final = _padded("feec")
STABLECOIN_DEX: Final = _padded("dec0")
NONCE_MANAGER: Final = _padded("4e4f4e4345")
ACCOUNT_KEYCHAIN: Final = _padded("aaaaaaaa")
SIGNATURE_VERIFIER: Final = _padded("516530")
CHANNEL_RESERVE: Final = _padded("4d5050")
STORAGE_CREDITS: Final = _padded("1060")
"""Where fork T7's storage credits are counted; the contract's own functions are not emulated."""

ADDRESS_REGISTRY: Final = _padded("fdc0")
RECEIVE_POLICY_GUARD: Final = _padded("b10c")
"""Two precompiles that are not emulated, but that tokens and policies single out by address."""

MULTICALL3: Final = bytes.fromhex("ca11bde05977b3631167028862be2a173976ca11")
SESSION_ESCROW: Final = bytes.fromhex("e1c4d3dce17bc111181ddf716f75bae49e61a336")
"""The session v1 escrow, where the SDKs look for it on the public testnet."""

NATIVE_CODE: Final = b"\xef"
"""The code byte that marks an address as served natively."""


def is_tip20(address: bytes) -> bool:
    """Whether the address has the token prefix; a token also has code."""
    return address[:12] == TIP20_PREFIX


def is_virtual(address: bytes) -> bool:
    """Whether it is a virtual address: a master's id, ten `fd` bytes, a user tag (TIP-1022)."""
    return address[4:14] == _VIRTUAL_MARK


_VIRTUAL_MARK = b"\xfd" * 10
