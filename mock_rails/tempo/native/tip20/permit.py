"""Approval by signature: EIP-2612 (facts 3)."""

from __future__ import annotations

from typing import Final

from mock_rails.tempo.abi import Codec, parse_signature
from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.crypto.secp256k1 import recover
from mock_rails.tempo.native.contract import Error, function, view
from mock_rails.tempo.native.storage import Mapping
from mock_rails.tempo.native.tip20.metadata import Metadata
from mock_rails.tempo.native.tip20.transfers import Transfers

ECRECOVER_GAS: Final = 3_000

_DOMAIN_TYPE: Final = keccak256(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_PERMIT_TYPE: Final = keccak256(
    b"Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
)
_VERSION: Final = keccak256(b"1")
_DOMAIN: Final = Codec(
    parse_signature("domain(bytes32, bytes32, bytes32, uint256, address)").inputs
)
_PERMIT: Final = Codec(
    parse_signature("permit(bytes32, address, address, uint256, uint256, uint256)").inputs
)


class Permit(Transfers, Metadata):
    """Approving without a transaction of one's own; works while paused, as `approve` does."""

    permit_nonces = Mapping(11)

    PermitExpired = Error("PermitExpired()")
    InvalidSignature = Error("InvalidSignature()")

    @view("nonces(address owner) returns (uint256)")
    def get_permit_nonce(self, owner: bytes) -> int:
        """The nonce the owner's next permit must have."""
        return int(self.permit_nonces[owner])

    @view("DOMAIN_SEPARATOR() returns (bytes32)")
    def domain_separator(self) -> bytes:
        """The EIP-712 domain: permits are for this token on this chain only."""
        name = self.keccak(self.name().encode())
        chain_id = self.frame.scope.block.chain_id
        fields = (_DOMAIN_TYPE, name, _VERSION, chain_id, self.address)
        return self.keccak(_DOMAIN.encode(fields))

    @function(
        "permit(address owner, address spender, uint256 value, uint256 deadline,"
        " uint8 v, bytes32 r, bytes32 s)"
    )
    def permit(
        self, owner: bytes, spender: bytes, value: int, deadline: int, v: int, r: bytes, s: bytes
    ) -> None:
        """Approve on behalf of the owner who signed. The deadline itself is still in time."""
        if self.now_s > deadline:
            raise self.PermitExpired()
        nonce = self.permit_nonces[owner]
        fields = (_PERMIT_TYPE, owner, spender, value, nonce, deadline)
        struct = self.keccak(_PERMIT.encode(fields))
        digest = self.keccak(b"\x19\x01" + self.domain_separator() + struct)
        if self._signer(digest, v, r, s) != owner:
            raise self.InvalidSignature()
        self.permit_nonces[owner] = nonce + 1
        self.set_allowance(owner, spender, value)

    def _signer(self, digest: bytes, v: int, r: bytes, s: bytes) -> bytes:
        self.frame.meter.charge(ECRECOVER_GAS)
        try:
            return recover(digest, v - 27, int.from_bytes(r), int.from_bytes(s))
        except SignatureError:
            raise self.InvalidSignature() from None
