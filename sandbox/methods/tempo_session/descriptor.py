"""A channel's descriptor: what it is made of, and so what its id is the hash of.

The class is the chain's own. A v2 descriptor has seven fields and travels in every credential; of a
v1 channel, which has no operator and is not bound to a transaction, those two are zero and the rest
is known to the server only from the opening transaction. Spec: facts, protocol 2.4; tempo 2.8, 2.9.

A payer sends the same descriptor thousands of times, so parsing and hashing remember recent ones.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from mock_rails.tempo.addresses import CHANNEL_RESERVE
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.native.channel_reserve import Descriptor
from sandbox.methods.tempo_session.fields import (
    FieldError,
    read_address,
    read_hash,
    read_object,
    to_hex,
)
from sandbox.methods.tempo_session.protocol import SessionProtocol

__all__ = ["Descriptor", "channel_id", "descriptor_from_json", "descriptor_to_json"]

_REMEMBERED: Final = 4096
_GAP: Final = bytes(12)

_NAMES: Final = (
    "payer",
    "payee",
    "operator",
    "token",
    "salt",
    "authorizedSigner",
    "expiringNonceHash",
)


@lru_cache(maxsize=_REMEMBERED)
def channel_id(
    protocol: SessionProtocol, descriptor: Descriptor, chain_id: int, escrow: bytes
) -> bytes:
    """The channel's id, which holds on one chain and in one escrow.

    The reserve of v2 has the same address on every chain; another `escrow` is a caller's mistake.
    """
    if protocol is SessionProtocol.V2:
        if escrow != CHANNEL_RESERVE:
            raise ValueError("v2 channels live in the channel reserve and nowhere else")
        return keccak256(descriptor.preimage(chain_id))
    words = (
        _GAP + descriptor.payer,
        _GAP + descriptor.payee,
        _GAP + descriptor.token,
        descriptor.salt,
        _GAP + descriptor.authorized_signer,
        _GAP + escrow,
        chain_id.to_bytes(32),
    )
    return keccak256(b"".join(words))


def descriptor_from_json(value: object) -> Descriptor:
    """Read mppx's JSON form; `FieldError` names what is wrong."""
    members = read_object(value, "descriptor")
    texts = [members.get(name) for name in _NAMES]
    for name, text in zip(_NAMES, texts, strict=True):
        if not isinstance(text, str):
            raise FieldError(f"descriptor.{name} must be a string")
    return _parse(*texts)


def descriptor_to_json(descriptor: Descriptor) -> dict[str, Any]:
    """The JSON form, in lower-case hex."""
    return {name: to_hex(part) for name, part in zip(_NAMES, descriptor, strict=True)}


@lru_cache(maxsize=_REMEMBERED)
def _parse(*texts: str) -> Descriptor:
    parts = []
    for name, text in zip(_NAMES, texts, strict=True):
        read = read_hash if name in {"salt", "expiringNonceHash"} else read_address
        parts.append(read(text, f"descriptor.{name}"))
    return Descriptor(*parts)
