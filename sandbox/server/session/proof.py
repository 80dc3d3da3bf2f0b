"""Checks a zero-amount proof: whoever signed the challenge must be the source that it names.

Facts: protocol 1.7 and D3; the two versions that are about are in `sandbox.methods.tempo_proof`.
"""

from __future__ import annotations

import re
from typing import Final

from mpp.errors import VerificationFailedError

from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.tx.signatures import parse_primitive
from sandbox.methods.tempo_proof import VERSIONS, proof_digest

_SOURCE: Final = re.compile(r"did:pkh:eip155:(0|[1-9]\d{0,19}):0x([0-9a-fA-F]{40})")


def verify_proof(
    source: str | None, signature: bytes, *, chain_id: int, challenge_id: str, realm: str
) -> bytes:
    """The payer's address, or `VerificationFailedError`."""
    named = None if source is None else _SOURCE.fullmatch(source)
    if named is None or int(named[1]) != chain_id:
        raise VerificationFailedError("proof credential source is invalid")
    account = bytes.fromhex(named[2])
    for version in VERSIONS:
        digest = proof_digest(chain_id, account, challenge_id, realm, version=version)
        try:
            if parse_primitive(signature).recover(digest) == account:
                return account
        except SignatureError:
            continue
    raise VerificationFailedError("proof signature does not match source")
