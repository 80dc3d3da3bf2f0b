"""Keys are not shown: whatever is printed ends up in a log one day."""

from __future__ import annotations

import pytest

from mock_rails.tempo.crypto.wallet import Account
from mock_rails.tempo.tx.signers import (
    KeychainSigner,
    P256Signer,
    Secp256k1Signer,
    WebAuthnSigner,
)

KEY = bytes(range(32))


@pytest.mark.parametrize(
    "holder",
    [
        Account(KEY, bytes(20)),
        Secp256k1Signer(KEY),
        P256Signer(KEY),
        WebAuthnSigner(KEY),
        KeychainSigner(bytes(20), Secp256k1Signer(KEY)),
    ],
)
def test_no_key_is_shown(holder: object) -> None:
    for shown in (repr(holder), str(holder), f"{holder}"):
        assert KEY.hex() not in shown
        assert repr(KEY)[2:20] not in shown
