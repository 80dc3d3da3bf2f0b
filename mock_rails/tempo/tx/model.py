"""What a transaction is, once its bytes are out of the way: the seam between codec and chain.

One class for all types (0, 1, 2, 4 and Tempo's 0x76), so that the executor has one path: an
Ethereum transaction is a batch of one call. Addresses are 20 raw bytes, storage keys and
signature scalars are ints, an absent optional is None. Spec: facts 1.1, 1.10.

`Transaction` and `Submission` are values: never assign to one, use `dataclasses.replace`. They
are not frozen because Python builds a frozen class of this size nine times slower (4 us).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from mock_rails.tempo.tx.key_authorization import SignedKeyAuthorization
    from mock_rails.tempo.tx.signatures import Signature

TYPE_LEGACY: Final = 0x00
TYPE_ACCESS_LIST: Final = 0x01
TYPE_DYNAMIC_FEE: Final = 0x02
TYPE_BLOB: Final = 0x03
TYPE_SET_CODE: Final = 0x04
TYPE_TEMPO: Final = 0x76
TYPE_FEE_PAYER_HANDOFF: Final = 0x78
"""Prefix of the fee payer's hash, and of the envelope that carries a transaction to a sponsor."""

EXPIRING_NONCE_KEY: Final = 2**256 - 1
"""The nonce key whose transactions are told apart by hash instead of by number (facts 1.7)."""

AccessList = tuple[tuple[bytes, tuple[int, ...]], ...]
"""EIP-2930: addresses, each with its storage slots."""


class Call(NamedTuple):
    """One call of a batch. `to` None creates a contract; `value` must be 0 (facts 1.1)."""

    to: bytes | None
    value: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Authorization:
    """A request to run an account with a contract's code (EIP-7702; facts 1.6).

    `signature` is (y parity, r, s) in a type 4 transaction, encoded signature bytes of any
    primitive kind in a 0x76. Who signed is found by `authorization.authority_of`.
    """

    chain_id: int
    address: bytes
    nonce: int
    signature: tuple[int, int, int] | bytes


@dataclass(slots=True)
class Transaction:
    """An unsigned transaction of any type, its fields as the sender chose them.

    `chain_id` is None only for a legacy transaction from before EIP-155. Types 0 and 1 have their
    gas price in both fee fields. A sponsored 0x76 has its fee payer's signature (y parity, r, s);
    until that exists, `awaiting_fee_payer` says that there will be one, for the sender signs
    different bytes then.
    """

    type: int
    chain_id: int | None
    nonce: int
    gas_limit: int
    max_fee_per_gas: int
    max_priority_fee_per_gas: int
    calls: tuple[Call, ...]
    access_list: AccessList = ()
    nonce_key: int = 0
    valid_before: int | None = None
    valid_after: int | None = None
    fee_token: bytes | None = None
    fee_payer_signature: tuple[int, int, int] | None = None
    authorizations: tuple[Authorization, ...] = ()
    key_authorization: SignedKeyAuthorization | None = None
    awaiting_fee_payer: bool = False

    @property
    def is_sponsored(self) -> bool:
        """Whether someone else than the sender pays, or is to pay, the fee."""
        return self.fee_payer_signature is not None or self.awaiting_fee_payer

    @property
    def is_expiring(self) -> bool:
        """Whether the transaction has an expiring nonce instead of a counted one."""
        return self.nonce_key == EXPIRING_NONCE_KEY

    @property
    def to(self) -> bytes | None:
        """The target of the first call; None if it creates a contract."""
        return self.calls[0].to


@dataclass(slots=True)
class Submission:
    """A transaction together with who stands behind it.

    `fee_payer` is the sender unless someone sponsors. `key_id` is the access key's address if one
    signed for the sender, else None. `signature` is None only where nobody signed: a simulated
    call, or an impersonated sender. `raw` is the canonical encoding and `hash` its Keccak-256;
    `context_hash` identifies the sender's intent whoever pays for it (facts 1.2).
    """

    tx: Transaction
    sender: bytes
    fee_payer: bytes
    key_id: bytes | None
    signature: Signature | None
    hash: bytes
    context_hash: bytes
    raw: bytes
