"""What a zero-amount proof signs, in both versions that are about (facts: protocol 1.7, D3)."""

from __future__ import annotations

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data

from sandbox.methods.tempo_proof import NEWEST, VERSIONS, proof_digest

ACCOUNT = b"\x11" * 20


@pytest.mark.parametrize("version", VERSIONS)
def test_digests_are_those_of_eip_712(version: str) -> None:
    """Against eth-account's encoder: domain {MPP, version, chainId}."""
    said = {"challengeId": "challenge-0", "realm": "shop.test"}
    fields = [{"name": name, "type": "string"} for name in said]
    if version == "3":
        said["account"] = "0x" + ACCOUNT.hex()
        fields.insert(0, {"name": "account", "type": "address"})
    message = encode_typed_data(
        full_message={
            "domain": {"name": "MPP", "version": version, "chainId": 42431},
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                ],
                "Proof": fields,
            },
            "primaryType": "Proof",
            "message": said,
        }
    )
    digest = proof_digest(42431, ACCOUNT, "challenge-0", "shop.test", version=version)
    assert digest == _hash_eip191_message(message)


def test_the_newest_is_mppx_s() -> None:
    """Computed by mppx 0.11.0, `tempo/internal/proof.js`."""
    assert NEWEST == VERSIONS[0] == "3"
    digest = proof_digest(1337, ACCOUNT, "abc", "shop.test")
    assert digest.hex() == "491178424431eebd9c216405286b83386b7ec88001285373809a7a7e74e9db34"


def test_only_the_newest_says_whose_it_is() -> None:
    other = b"\x22" * 20
    for version, differs in (("2", False), ("3", True)):
        digests = {proof_digest(1, one, "a", "b", version=version) for one in (ACCOUNT, other)}
        assert (len(digests) == 2) is differs
