"""A channel: what it is, which never changes, and where it stands (facts 2.8)."""

from __future__ import annotations

from typing import Final, NamedTuple

from mock_rails.tempo.addresses import CHANNEL_RESERVE, ZERO_ADDRESS

MAX_AMOUNT: Final = (1 << 96) - 1

DESCRIPTOR: Final = (
    "(address payer, address payee, address operator, address token, bytes32 salt,"
    " address authorizedSigner, bytes32 expiringNonceHash)"
)
STATE: Final = "(uint96 settled, uint96 deposit, uint32 closeRequestedAt)"
"""How the two look in ABI signatures."""

_GAP: Final = bytes(12)


class Descriptor(NamedTuple):
    """The ingredients of a channel's id."""

    payer: bytes
    payee: bytes
    operator: bytes
    token: bytes
    salt: bytes
    authorized_signer: bytes
    expiring_nonce_hash: bytes

    @property
    def signer(self) -> bytes:
        """Whose vouchers count."""
        return self.payer if self.authorized_signer == ZERO_ADDRESS else self.authorized_signer

    def preimage(self, chain_id: int) -> bytes:
        """What the channel's id is the hash of: it holds on one chain and at one reserve."""
        return b"".join(
            (
                _GAP + self.payer,
                _GAP + self.payee,
                _GAP + self.operator,
                _GAP + self.token,
                self.salt,
                _GAP + self.authorized_signer,
                self.expiring_nonce_hash,
                _GAP + CHANNEL_RESERVE,
                chain_id.to_bytes(32),
            )
        )


class State(NamedTuple):
    """A channel's storage word. It exists while it holds a deposit."""

    settled: int
    deposit: int
    close_requested_at_s: int = 0
