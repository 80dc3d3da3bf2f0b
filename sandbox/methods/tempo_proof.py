"""The digest of a zero-amount proof: what a payer signs to show who it is, and pays nothing.

EIP-712 over domain {MPP, version, chainId}, of a challenge's id and realm. Two versions are about:

    "2"   Proof(string challengeId, string realm): the draft and the conformance vectors (facts:
          protocol 1.7)
    "3"   Proof(address account, string challengeId, string realm): the released mppx 0.11 and
          mpp-go (D3)

Clients here sign "3", which says whose proof it is; servers take either.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from mock_rails.tempo.crypto.hashing import keccak256

NEWEST: Final = "3"
VERSIONS: Final = (NEWEST, "2")
"""In the order in which a server tries them."""

_DOMAIN: Final = keccak256(b"EIP712Domain(string name,string version,uint256 chainId)")
_NAME: Final = keccak256(b"MPP")
_TYPE_2: Final = keccak256(b"Proof(string challengeId,string realm)")
_TYPE_3: Final = keccak256(b"Proof(address account,string challengeId,string realm)")


def proof_digest(
    chain_id: int, account: bytes, challenge_id: str, realm: str, *, version: str = NEWEST
) -> bytes:
    """What is signed, in one of the `VERSIONS`; version "2" leaves the account out."""
    said = keccak256(challenge_id.encode()) + keccak256(realm.encode())
    struct = keccak256(_TYPE_2 + said if version == "2" else _TYPE_3 + bytes(12) + account + said)
    return keccak256(b"\x19\x01" + _separator(version, chain_id) + struct)


@lru_cache(maxsize=64)
def _separator(version: str, chain_id: int) -> bytes:
    return keccak256(_DOMAIN + _NAME + keccak256(version.encode()) + chain_id.to_bytes(32))
