"""The zero-amount proof: a payer shows who it is by signing a challenge's id and realm.

EIP-712 over domain {MPP, version, chainId}. The draft and the conformance vectors have version "2"
with Proof(challengeId, realm); the released mppx 0.11 and mpp-go sign version "3", which names the
account as well (facts: protocol 1.7, D3). Either is taken: whoever signed must be the source.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from mpp.errors import VerificationFailedError

from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.tx.signatures import parse_primitive

_DOMAIN: Final = keccak256(b"EIP712Domain(string name,string version,uint256 chainId)")
_NAME: Final = keccak256(b"MPP")
_TYPE_2: Final = keccak256(b"Proof(string challengeId,string realm)")
_TYPE_3: Final = keccak256(b"Proof(address account,string challengeId,string realm)")
_SOURCE: Final = re.compile(r"did:pkh:eip155:(0|[1-9]\d{0,19}):0x([0-9a-fA-F]{40})")

VERSIONS: Final = ("3", "2")


def proof_digest(
    version: str, chain_id: int, account: bytes, challenge_id: str, realm: str
) -> bytes:
    """What is signed, in one of the `VERSIONS`."""
    said = keccak256(challenge_id.encode()) + keccak256(realm.encode())
    struct = keccak256(_TYPE_3 + bytes(12) + account + said if version == "3" else _TYPE_2 + said)
    return keccak256(b"\x19\x01" + _separator(version, chain_id) + struct)


def verify_proof(
    source: str | None, signature: bytes, *, chain_id: int, challenge_id: str, realm: str
) -> bytes:
    """The payer's address, or `VerificationFailedError`."""
    named = None if source is None else _SOURCE.fullmatch(source)
    if named is None or int(named[1]) != chain_id:
        raise VerificationFailedError("proof credential source is invalid")
    account = bytes.fromhex(named[2])
    for version in VERSIONS:
        digest = proof_digest(version, chain_id, account, challenge_id, realm)
        try:
            if parse_primitive(signature).recover(digest) == account:
                return account
        except SignatureError:
            continue
    raise VerificationFailedError("proof signature does not match source")


@lru_cache(maxsize=64)
def _separator(version: str, chain_id: int) -> bytes:
    return keccak256(_DOMAIN + _NAME + keccak256(version.encode()) + chain_id.to_bytes(32))
