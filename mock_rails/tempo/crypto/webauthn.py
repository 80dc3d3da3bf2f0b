"""WebAuthn assertions: what a passkey signs instead of the digest it was asked to sign.

A passkey signs sha256(authenticatorData || sha256(clientDataJSON)); the digest is the challenge
inside the JSON. Spec: facts 1.4, W3C WebAuthn level 2 section 7.2. There is no relying party on a
chain, so rpIdHash, origin and signature counter are not checked.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any, Final

from mock_rails.tempo.crypto.errors import SignatureError

MIN_DATA_BYTES: Final = 37 + 32
"""authenticatorData without extensions, and the shortest JSON the node looks at."""

MAX_SIGNATURE_BYTES: Final = 2048
"""The longest WebAuthn signature (data, r, s, x, y) that is accepted."""

_AUTHENTICATOR_DATA_BYTES: Final = 37
_FLAGS_OFFSET: Final = 32
_USER_PRESENT: Final = 0x01
_USER_VERIFIED: Final = 0x04
_ATTESTED_DATA: Final = 0x40
_EXTENSIONS: Final = 0x80


def signed_digest(data: bytes, challenge: bytes) -> bytes:
    """Check authenticatorData || clientDataJSON against the challenge; what the key has signed."""
    if len(data) < MIN_DATA_BYTES:
        raise SignatureError(f"WebAuthn data needs {MIN_DATA_BYTES} bytes, got {len(data)}")
    flags = data[_FLAGS_OFFSET]
    if not flags & (_USER_PRESENT | _USER_VERIFIED):
        raise SignatureError("WebAuthn flags say that no user was present or verified")
    if flags & (_ATTESTED_DATA | _EXTENSIONS):
        raise SignatureError("WebAuthn data must not have attested credentials or extensions")
    client_data = data[_AUTHENTICATOR_DATA_BYTES:]
    fields = _parse(client_data)
    if fields.get("type") != "webauthn.get":
        raise SignatureError('WebAuthn clientDataJSON type must be "webauthn.get"')
    if fields.get("challenge") != _base64url(challenge):
        raise SignatureError("WebAuthn challenge is not the signed hash")
    return sha256(data[:_AUTHENTICATOR_DATA_BYTES] + sha256(client_data).digest()).digest()


def assertion_data(challenge: bytes, *, rp_id: str = "localhost") -> bytes:
    """authenticatorData || clientDataJSON as a browser makes them for the challenge."""
    client_data = {
        "type": "webauthn.get",
        "challenge": _base64url(challenge),
        "origin": f"https://{rp_id}",
        "crossOrigin": False,
    }
    flags = bytes([_USER_PRESENT | _USER_VERIFIED])
    authenticator_data = sha256(rp_id.encode()).digest() + flags + bytes(4)
    return authenticator_data + json.dumps(client_data, separators=(",", ":")).encode()


def _parse(client_data: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(client_data.decode())
    except (ValueError, RecursionError) as error:
        raise SignatureError("WebAuthn clientDataJSON is not JSON") from error
    if not isinstance(fields, dict):
        raise SignatureError("WebAuthn clientDataJSON is not an object")
    return fields


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
