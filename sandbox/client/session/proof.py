"""The proof of a payment of nothing: a signature that says whose wallet asks.

mppx's bootstrap is a HEAD whose challenge is a tempo/charge of zero; what is signed is in
`sandbox.methods.tempo_proof` (facts, protocol 2.6 and D3; mppx 0.11). It moves no money and opens
nothing but the payer's own snapshot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp import Credential

from sandbox.methods.tempo_proof import proof_digest
from sandbox.methods.tempo_session.fields import FieldError, read_count, read_object, to_hex

if TYPE_CHECKING:
    from mpp import Challenge

    from sandbox.client.wallet import Wallet


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
