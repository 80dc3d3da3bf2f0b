"""Keccak-256, from the fastest library there is for Python.

Also makes eth-hash (hence py-evm and eth-abi) use it: left alone, eth-hash prefers pycryptodome,
which takes five times as long for short inputs (facts/performance.md section 4).
"""

from __future__ import annotations

import os
from typing import cast

from sha3 import keccak_256

os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")


def keccak256(data: bytes | bytearray | memoryview) -> bytes:
    """The 32-byte Keccak-256 hash (not SHA3-256) of the data."""
    return cast("bytes", keccak_256(data).digest())
