"""The proof of a payment of nothing: a signature that says whose wallet asks.

mppx's bootstrap is a HEAD whose challenge is a tempo/charge of zero; the proof is EIP-712 typed
data `Proof(address account,string challengeId,string realm)` in the domain MPP, version 3 (facts,
protocol 2.6 and D3; mppx 0.11). It moves no money and opens nothing but the payer's own snapshot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mpp import Credential

from mock_rails.tempo.crypto.hashing import keccak256
from sandbox.methods.tempo_session.fields import FieldError, read_count, read_object, to_hex

if TYPE_CHECKING:
    from mpp import Challenge

    from sandbox.client.wallet import Wallet

_DOMAIN: Final = keccak256(b"EIP712Domain(string name,string version,uint256 chainId)")
_PROOF: Final = keccak256(b"Proof(address account,string challengeId,string realm)")
_NAME: Final = keccak256(b"MPP")
_VERSION: Final = keccak256(b"3")


def proof_digest(chain_id: int, account: bytes, challenge_id: str, realm: str) -> bytes:
    """What the payer signs."""
    domain = keccak256(_DOMAIN + _NAME + _VERSION + chain_id.to_bytes(32))
    message = keccak256(
        _PROOF + bytes(12) + account + keccak256(challenge_id.encode()) + keccak256(realm.encode())
    )
    return keccak256(b"\x19\x01" + domain + message)


def asks_for_proof(challenge: Challenge) -> bool:
    """Whether the challenge is a tempo/charge of exactly nothing."""
    kind = (challenge.method, challenge.intent)
    return kind == ("tempo", "charge") and challenge.request.get("amount") == "0"


def proof_chain(challenge: Challenge) -> int:
    """The chain that the challenge names; `FieldError` if it names none."""
    details = read_object(challenge.request.get("methodDetails"), "methodDetails")
    return read_count(details.get("chainId"), "methodDetails.chainId", least=1)


def prove(challenge: Challenge, wallet: Wallet) -> str:
    """The credential that answers a challenge of nothing."""
    if not asks_for_proof(challenge):
        raise FieldError("only a tempo/charge of 0 is answered with a proof")
    chain_id = proof_chain(challenge)
    digest = proof_digest(chain_id, wallet.address, challenge.id, challenge.realm)
    payload = {"signature": to_hex(wallet.sign(digest).encode()), "type": "proof"}
    source = f"did:pkh:eip155:{chain_id}:{to_hex(wallet.address)}"
    return Credential(challenge.to_echo(), payload, source).to_authorization()
