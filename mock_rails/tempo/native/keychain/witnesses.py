"""Witnesses: 32 bytes a key authorization may be bound to, and its handle for recall (TIP-1053).

A server binds a signature to its challenge by them; an account that signed an authorization and
thinks better of it burns the witness, and the authorization is void.
"""

from __future__ import annotations

from mock_rails.tempo.abi import Event
from mock_rails.tempo.native.contract import Error, function, view
from mock_rails.tempo.native.keychain.keys import Keys
from mock_rails.tempo.native.storage import BOOL, Mapping


class Witnesses(Keys):
    """The burnt witnesses of each account. Any 32 bytes are a witness, zeros too."""

    burnt = Mapping(13, BOOL, credit=False)
    """account, witness -> whether it was burnt."""

    KeyAuthorizationWitness = Event(
        "KeyAuthorizationWitness(address indexed account, bytes32 indexed witness)"
    )
    KeyAuthorizationWitnessBurned = Event(
        "KeyAuthorizationWitnessBurned(address indexed account, bytes32 indexed witness)"
    )

    InvalidKeyAuthorizationWitness = Error("InvalidKeyAuthorizationWitness()")
    KeyAuthorizationWitnessAlreadyBurned = Error("KeyAuthorizationWitnessAlreadyBurned()")

    @view("isKeyAuthorizationWitnessBurned(address account, bytes32 witness) returns (bool)")
    def is_burnt(self, account: bytes, witness: bytes) -> bool:
        """Whether authorizations bound to the witness are void."""
        return bool(self.burnt[account, witness])

    @function("burnKeyAuthorizationWitness(bytes32 witness)")
    def burn(self, witness: bytes) -> None:
        """Make every authorization of the caller that is bound to the witness void."""
        self.require_manager()
        if self.burnt[self.sender, witness]:
            raise self.KeyAuthorizationWitnessAlreadyBurned()
        self.burnt[self.sender, witness] = True
        self.emit(self.KeyAuthorizationWitnessBurned, self.sender, witness)

    def require_unburnt(self, account: bytes, witness: bytes) -> None:
        """Refuse an authorization whose witness was burnt."""
        if self.burnt[account, witness]:
            raise self.InvalidKeyAuthorizationWitness()
