"""Ways to spoil a payment that every chain must refuse, whatever its fork (facts 1.1 to 1.9)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mock_rails.tempo.addresses import THETA_USD
from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.tx.encode import encode_transaction, signing_preimage
from mock_rails.tempo.tx.hashes import fee_payer_hash
from mock_rails.tempo.tx.model import Call, Transaction
from tests.differential.payments import MAX_FEE, SIGNERS, SPONSOR_KEY, Payment

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Attempt:
    """A payment about to be spoiled, with the nonce and the time that would be right for it."""

    payment: Payment
    nonce: int
    now_s: int

    def signed(self, **changes: object) -> bytes:
        """The payment with some fields changed, signed by all who have to."""
        return self.payment.sign(self.transaction(**changes))

    def transaction(self, **changes: object) -> Transaction:
        """The unsigned payment with some fields changed."""
        return self.payment.transaction(self.nonce, self.now_s, **changes)


def expiring(attempt: Attempt, **changes: object) -> bytes:
    """The payment on the expiring lane, with some fields changed."""
    return replace(attempt, payment=replace(attempt.payment, lane="expiring")).signed(**changes)


def carrying_value(attempt: Attempt) -> bytes:
    """A call that sends a native coin, which does not exist."""
    first, *rest = attempt.transaction().calls
    return attempt.signed(calls=(first._replace(value=1), *rest))


def creating_late(attempt: Attempt) -> bytes:
    """A contract creation that is not the first call."""
    return attempt.signed(calls=(*attempt.transaction().calls, Call(None, 0, b"")))


def forged(attempt: Attempt) -> bytes:
    """A signature that is not the sender's: one bit of it is wrong."""
    raw = bytearray(attempt.signed())
    raw[-5] ^= 1
    return bytes(raw)


def awaiting_sponsor(attempt: Attempt) -> bytes:
    """A transaction whose fee payer has not signed yet, submitted all the same."""
    payment = replace(attempt.payment, sponsored=True)
    tx = replace(attempt, payment=payment).transaction()
    return encode_transaction(tx, SIGNERS[payment.sender].sign(keccak256(signing_preimage(tx))))


def sponsoring_oneself(attempt: Attempt) -> bytes:
    """A sender that signs as the fee payer too."""
    sponsor = SIGNERS["sponsor"]
    tx = attempt.transaction(awaiting_fee_payer=False)
    signature = secp256k1.sign(fee_payer_hash(tx, sponsor.address), SPONSOR_KEY)
    tx = replace(tx, fee_payer_signature=signature)
    return encode_transaction(tx, sponsor.sign(keccak256(signing_preimage(tx))))


FLAWS: Final[dict[str, Callable[[Attempt], bytes]]] = {
    "of another chain": lambda attempt: attempt.signed(chain_id=1),
    "expired": lambda attempt: attempt.signed(valid_before=attempt.now_s - 1),
    "ending before it begins": lambda attempt: attempt.signed(
        valid_after=attempt.now_s + 9, valid_before=attempt.now_s + 8
    ),
    "expiring at no time": lambda attempt: expiring(attempt, valid_before=None),
    "expiring too late": lambda attempt: expiring(attempt, valid_before=attempt.now_s + 400),
    "expiring with a counted nonce": lambda attempt: expiring(attempt, nonce=1),
    "carrying value": carrying_value,
    "without a call": lambda attempt: attempt.signed(calls=()),
    "creating late": creating_late,
    "tipping above its cap": lambda attempt: attempt.signed(max_priority_fee_per_gas=MAX_FEE + 1),
    "priced below the base fee": lambda attempt: attempt.signed(max_fee_per_gas=1),
    "without gas to begin": lambda attempt: attempt.signed(gas_limit=20_000),
    "above the gas cap": lambda attempt: attempt.signed(gas_limit=30_000_001),
    "paying its fee in no token": lambda attempt: attempt.signed(fee_token=b"\x99" * 20),
    "paying its fee in a token it lacks": lambda attempt: attempt.signed(fee_token=THETA_USD),
    "forged": forged,
    "awaiting its sponsor": awaiting_sponsor,
    "sponsoring oneself": sponsoring_oneself,
    "cut short": lambda attempt: attempt.signed()[:-1],
    "in the sponsor's envelope": lambda attempt: b"\x78" + attempt.signed()[1:],
}
