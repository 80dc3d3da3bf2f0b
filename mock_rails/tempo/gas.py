"""The gas schedule of Tempo's T7 to T12 forks (facts 4.5) and the meter that applies it."""

from __future__ import annotations

from typing import Final

WARM_LOAD: Final = 100
COLD_LOAD: Final = 2_100
COLD_STORE: Final = 2_000
COLD_ACCOUNT: Final = 2_600
STORE_SET: Final = 5_000
STORE_RESET: Final = 2_800
STATE_CREATION: Final = 245_000
"""What a new slot costs on top: it is given back when a storage credit of its owner is burnt."""

LOG: Final = 375
LOG_TOPIC: Final = 375
LOG_BYTE: Final = 8
KECCAK: Final = 30
KECCAK_WORD: Final = 6
TRANSIENT: Final = 100
PRECOMPILE_WORD: Final = 6

TX_BASE: Final = 21_000
TX_ZERO_BYTE: Final = 4
TX_NONZERO_BYTE: Final = 16
TX_FLOOR_TOKEN: Final = 10
TX_CALL: Final = 2_600
TX_CREATE: Final = 500_000
TX_NEW_ACCOUNT: Final = 250_000
"""Paid by a transaction whose nonce is 0, protocol or two-dimensional."""

TX_NONCE_KEY: Final = 5_200
TX_EXPIRING_NONCE: Final = 13_000
TX_P256: Final = 5_000
TX_KEYCHAIN: Final = 3_000
TX_ACCESS_ADDRESS: Final = 2_400
TX_ACCESS_SLOT: Final = 1_900
TX_DELEGATION: Final = 12_500
CODE_DEPOSIT_BYTE: Final = 1_000
INITCODE_WORD: Final = 2


class OutOfGasError(Exception):
    """A frame used more gas than it was given; it reverts and everything it was given is spent."""


class Meter:
    """The gas left to a frame."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def charge(self, amount: int) -> None:
        """Spend gas, or end the frame."""
        self.left -= amount
        if self.left < 0:
            raise OutOfGasError


class FreeMeter(Meter):
    """For what the protocol does outside a transaction's gas: fee collection, genesis, reads."""

    def __init__(self) -> None:
        super().__init__(0)

    def charge(self, amount: int) -> None:
        """Cost nothing."""


FREE: Final = FreeMeter()


def words(size: int) -> int:
    """Started 32-byte words."""
    return (size + 31) // 32


def calldata_gas(data: bytes) -> int:
    """What transaction data costs (the floor of EIP-7623 is `calldata_floor`)."""
    zeros = data.count(0)
    return zeros * TX_ZERO_BYTE + (len(data) - zeros) * TX_NONZERO_BYTE


def calldata_tokens(data: bytes) -> int:
    """The tokens of EIP-7623: one for a zero byte, four for another."""
    zeros = data.count(0)
    return zeros + (len(data) - zeros) * 4
