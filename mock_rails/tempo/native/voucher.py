"""Vouchers of the channel reserve: what a payer signs to hand over a session's next amount.

Facts 2.8: EIP-712 typed data `Voucher(bytes32 channelId,uint96 cumulativeAmount)`. Pure functions,
so that servers and clients hash off the chain with the code the chain verifies with.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from mock_rails.tempo import gas
from mock_rails.tempo.addresses import CHANNEL_RESERVE
from mock_rails.tempo.crypto.hashing import keccak256

DOMAIN_NAME: Final = "TIP20 Channel Reserve"
DOMAIN_VERSION: Final = "1"
VOUCHER_TYPEHASH: Final = keccak256(b"Voucher(bytes32 channelId,uint96 cumulativeAmount)")

DIGEST_GAS: Final = 2 * (gas.KECCAK + 3 * gas.KECCAK_WORD)
"""Two hashes of three words; the domain separator is known for as long as the chain id is."""

_DOMAIN_TYPEHASH: Final = keccak256(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)


@cache
def domain_separator(chain_id: int) -> bytes:
    """The EIP-712 domain of the channel reserve on a chain."""
    return keccak256(
        _DOMAIN_TYPEHASH
        + keccak256(DOMAIN_NAME.encode())
        + keccak256(DOMAIN_VERSION.encode())
        + chain_id.to_bytes(32)
        + bytes(12)
        + CHANNEL_RESERVE
    )


def voucher_digest(chain_id: int, channel_id: bytes, cumulative_amount: int) -> bytes:
    """What the signer of a voucher signs."""
    voucher = keccak256(VOUCHER_TYPEHASH + channel_id + cumulative_amount.to_bytes(32))
    return keccak256(b"\x19\x01" + domain_separator(chain_id) + voucher)
