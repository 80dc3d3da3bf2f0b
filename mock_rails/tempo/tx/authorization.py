"""Account authorizations: who asks to be run with a contract's code, and did they sign it.

Spec: EIP-7702 (type 4), facts 1.6 (0x76). Both sign the same hash. A tuple whose signature is
wrong does not invalidate its transaction, it is skipped; hence None instead of an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.tx import rlp
from mock_rails.tempo.tx.signatures import parse_signature, verify_primitive

if TYPE_CHECKING:
    from mock_rails.tempo.tx.model import Authorization
    from mock_rails.tempo.tx.signatures import Signature

_MAGIC: Final = b"\x05"


def authorization_digest(chain_id: int, address: bytes, nonce: int) -> bytes:
    """What the account signs: keccak(0x05 || rlp([chain id, address, nonce]))."""
    return keccak256(_MAGIC + rlp.encode([chain_id, address, nonce]))


def authority_of(authorization: Authorization) -> bytes | None:
    """The account that signed the authorization; None if the tuple is to be skipped.

    An access key has no authority here: it could otherwise give away its whole root account.
    """
    digest = authorization_digest(
        authorization.chain_id, authorization.address, authorization.nonce
    )
    signature = authorization.signature
    try:
        if isinstance(signature, bytes):
            return verify_primitive(digest, signature)
        return secp256k1.recover(digest, *signature)
    except SignatureError:
        return None


def parsed_signature(authorization: Authorization) -> Signature:
    """The signature of a 0x76's authorization, as an object."""
    if not isinstance(authorization.signature, bytes):
        raise TypeError("a 0x76 authorization has its signature as bytes")
    return parse_signature(authorization.signature)
