"""A payment as a test writes it down, and the signed bytes that both chains are sent.

    Payment("alice", (Transfer(PATH_USD, "shop", 5),), lane="expiring", sponsored=True)

People are named, so that a failing example can be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import ALPHA_USD, BETA_USD, PATH_USD, ZERO_ADDRESS
from mock_rails.tempo.crypto.wallet import derive_accounts
from mock_rails.tempo.genesis import MNEMONIC
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY, TYPE_TEMPO, Call, Transaction
from mock_rails.tempo.tx.sign import sign_transaction, sponsor
from mock_rails.tempo.tx.signers import P256Signer, Secp256k1Signer, WebAuthnSigner
from tests.differential.chains import CHAIN_ID

if TYPE_CHECKING:
    from mock_rails.tempo.tx.signers import AnySigner

TRANSFER: Final = Function("transfer(address to, uint256 amount)")
TRANSFER_WITH_MEMO: Final = Function("transferWithMemo(address to, uint256 amount, bytes32 memo)")
TRANSFER_FROM: Final = Function("transferFrom(address from, address to, uint256 amount)")
APPROVE: Final = Function("approve(address spender, uint256 amount)")

GAS_LIMIT: Final = 3_000_000
MAX_FEE: Final = 100_000_000_000
VALID_FOR_S: Final = 25
"""Within the 30 seconds that fork T4 allows an expiring nonce; ours allows 300."""

_KEYS: Final = [account.key for account in derive_accounts(MNEMONIC, 6, path="m/44'/60'/2'/0")]
SPONSOR_KEY: Final = _KEYS[5]

SIGNERS: Final[dict[str, AnySigner]] = {
    "alice": Secp256k1Signer(_KEYS[0]),
    "bob": Secp256k1Signer(_KEYS[1]),
    "petra": P256Signer(_KEYS[2]),
    "pavel": P256Signer(_KEYS[3], pre_hash=True),
    "wanda": WebAuthnSigner(_KEYS[4]),
    "sponsor": Secp256k1Signer(SPONSOR_KEY),
}
"""Who has money; one account for each kind of signature."""

PAYERS: Final = tuple(name for name in SIGNERS if name != "sponsor")
PEOPLE: Final = {name: signer.address for name, signer in SIGNERS.items()} | {
    "shop": b"\x51" * 20,
    "partner": b"\x52" * 20,
}
NOWHERE: Final = {"zero": ZERO_ADDRESS, "a token": ALPHA_USD}
"""Whom no TIP-20 can be sent to."""

TOKENS: Final = {"pathUSD": PATH_USD, "AlphaUSD": ALPHA_USD, "BetaUSD": BETA_USD}


@dataclass(frozen=True, slots=True)
class Transfer:
    """A TIP-20 transfer; with `owner` it spends an allowance."""

    token: str
    to: str
    amount: int
    memo: bytes | None = None
    owner: str | None = None

    def call(self) -> Call:
        """The call that makes it."""
        to = (PEOPLE | NOWHERE)[self.to]
        if self.owner is not None:
            data = TRANSFER_FROM.call(PEOPLE[self.owner], to, self.amount)
        elif self.memo is not None:
            data = TRANSFER_WITH_MEMO.call(to, self.amount, self.memo)
        else:
            data = TRANSFER.call(to, self.amount)
        return Call(TOKENS[self.token], 0, data)


@dataclass(frozen=True, slots=True)
class Approve:
    """An allowance."""

    token: str
    to: str
    amount: int

    def call(self) -> Call:
        """The call that gives it."""
        return Call(TOKENS[self.token], 0, APPROVE.call(PEOPLE[self.to], self.amount))


@dataclass(frozen=True, slots=True)
class Payment:
    """One 0x76 transaction.

    `lane` is "expiring" or a nonce key, 0 being the protocol's; `fee_token` None lets the chain
    choose; `gas_limit` is lowered to have the payment run out of gas.
    """

    sender: str
    parts: tuple[Transfer | Approve, ...]
    lane: int | str = "expiring"
    fee_token: str | None = "pathUSD"
    sponsored: bool = False
    gas_limit: int = GAS_LIMIT

    @property
    def nonce_key(self) -> int:
        """The lane as a number."""
        return EXPIRING_NONCE_KEY if isinstance(self.lane, str) else self.lane

    def transaction(self, nonce: int, now_s: int, /, **changes: Any) -> Transaction:
        """The unsigned transaction; `changes` replace fields of it."""
        expiring = self.nonce_key == EXPIRING_NONCE_KEY
        fields: dict[str, Any] = {
            "type": TYPE_TEMPO,
            "chain_id": CHAIN_ID,
            "nonce": 0 if expiring else nonce,
            "nonce_key": self.nonce_key,
            "gas_limit": self.gas_limit,
            "max_fee_per_gas": MAX_FEE,
            "max_priority_fee_per_gas": 0,
            "calls": tuple(part.call() for part in self.parts),
            "valid_before": now_s + VALID_FOR_S if expiring else None,
            "fee_token": None if self.fee_token is None else TOKENS[self.fee_token],
            "awaiting_fee_payer": self.sponsored,
        }
        return Transaction(**(fields | changes))

    def sign(self, tx: Transaction) -> bytes:
        """The signed bytes of a transaction like this payment's."""
        signer = SIGNERS[self.sender]
        if not self.sponsored:
            return sign_transaction(tx, signer).raw
        return sponsor(tx, signer, SPONSOR_KEY).raw
