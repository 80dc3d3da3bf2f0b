"""The zero-amount proof of mppx 0.11: MPP version 3, with the account (facts, protocol D3)."""

from __future__ import annotations

import pytest
from mpp import Challenge, Credential

from sandbox.client.session.proof import prove
from sandbox.client.wallet import Wallet
from sandbox.methods.tempo_session import FieldError
from sandbox.methods.tempo_session.fields import read_bytes
from sandbox.server.session.proof import verify_proof


def challenge(amount: str) -> Challenge:
    """A charge."""
    return Challenge.create(
        secret_key="a secret of a server",
        realm="shop.test",
        method="tempo",
        intent="charge",
        request={"amount": amount, "methodDetails": {"chainId": 1337}},
    )


def test_a_server_knows_the_payer_by_it() -> None:
    asked, wallet = challenge("0"), Wallet.dev(1)
    credential = Credential.from_authorization(prove(asked, wallet))
    signature = read_bytes(credential.payload["signature"], "signature")
    payer = verify_proof(
        credential.source, signature, chain_id=1337, challenge_id=asked.id, realm="shop.test"
    )
    assert payer == wallet.address


def test_a_charge_of_something_is_not_proven() -> None:
    with pytest.raises(FieldError):
        prove(challenge("1"), Wallet.dev(1))
