"""The checks on a passkey's assertion, each broken once. Spec: facts 1.4."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from mock_rails.tempo.crypto import webauthn
from mock_rails.tempo.crypto.errors import SignatureError

CHALLENGE = bytes(range(32))
GOOD = webauthn.assertion_data(CHALLENGE)


def with_flags(flags: int) -> bytes:
    """The good data with other authenticator flags."""
    return GOOD[:32] + bytes([flags]) + GOOD[33:]


def with_client_data(**changes: Any) -> bytes:
    """The good data with other members in clientDataJSON."""
    return GOOD[:37] + json.dumps(json.loads(GOOD[37:]) | changes).encode()


def test_good_data_gives_what_the_key_signed() -> None:
    """sha256(authenticatorData || sha256(clientDataJSON))."""
    expected = sha256(GOOD[:37] + sha256(GOOD[37:]).digest()).digest()
    assert webauthn.signed_digest(GOOD, CHALLENGE) == expected


@pytest.mark.parametrize("flags", [0x01, 0x04, 0x05, 0x1D])
def test_presence_or_verification_is_enough(flags: int) -> None:
    """Backup bits (0x08, 0x10) are a passkey's normal state."""
    webauthn.signed_digest(with_flags(flags), CHALLENGE)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (GOOD[:68], "needs 69 bytes"),
        (with_flags(0x00), "no user"),
        (with_flags(0x18), "no user"),
        (with_flags(0x41), "attested"),
        (with_flags(0x81), "extensions"),
        (with_client_data(type="webauthn.create"), "webauthn.get"),
        (with_client_data(challenge="AAAA"), "not the signed hash"),
        (with_client_data(challenge=None), "not the signed hash"),
        (with_client_data(challenge=json.loads(GOOD[37:])["challenge"] + "="), "signed hash"),
        (GOOD[:37] + b"[" + GOOD[37:] + b"]", "not an object"),
        (GOOD[:-1], "not JSON"),
        (GOOD[:37] + b"\xff" + GOOD[37:], "not JSON"),
        (GOOD[:37] + b"[" * 1900, "not JSON"),
    ],
)
def test_bad_data_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    """Too short, nobody there, extras, wrong type, wrong challenge, not JSON, a nesting bomb."""
    with pytest.raises(SignatureError, match=reason):
        webauthn.signed_digest(data, CHALLENGE)


def test_the_assertion_of_another_challenge_is_refused() -> None:
    """Or one signature would authorize any transaction."""
    with pytest.raises(SignatureError, match="not the signed hash"):
        webauthn.signed_digest(GOOD, bytes(32))
