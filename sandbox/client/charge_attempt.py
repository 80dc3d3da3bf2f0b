"""One charge credential that went out: what became of it, and what that means for the ledger.

A signed transfer has four fates. It is on the chain and moved the money; it is there and reverted;
it is not there and the chain's time has passed its `validBefore`, so that it never will be; or none
of these yet, and the money stays aside. The chain is asked, not the server (DESIGN 2.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.tx.decode import decode_transaction
from mock_rails.tempo.tx.handoff import decode_handoff
from mock_rails.tempo.tx.model import TYPE_FEE_PAYER_HANDOFF
from sandbox.chain.broadcast import head_time_s
from sandbox.chain.errors import ChainError
from sandbox.chain.logs import latest_log
from sandbox.chain.receipts import receipt
from sandbox.chain.values import read_data, to_hex
from sandbox.client.errors import OutcomeUnknownError
from sandbox.client.exchange import NEVER_SENT, RESENDS
from sandbox.methods.tempo_session.fields import (
    read_address,
    read_count,
    read_hash,
    read_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx
    from mpp import Challenge, Credential

    from mock_rails.core.clock import Clock
    from sandbox.chain.rpc import TempoRpc
    from sandbox.client.ledger import Ledger, Reservation

NAME: Final = "tempo/charge"

_WITH_MEMO: Final = keccak256(b"TransferWithMemo(address,address,uint256,bytes32)")
_STEP_MS: Final = 100
_NEVER_S: Final = 1 << 64


class Fate(Enum):
    """What became of a signed transfer."""

    MOVED = "moved"
    REVERTED = "reverted"
    DEAD = "dead"
    """It is not on the chain and cannot get there any more."""
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class SignedTransfer:
    """How a credential's transfer is found on the chain."""

    challenge_id: str
    token: str
    payer: bytes
    memo: bytes
    """Bound to the challenge (protocol 1.1, row 39)."""
    tx_hash: bytes | None
    """None where a sponsor signs last: then the memo finds it."""
    valid_until_s: int
    """Its `validBefore`: from this time of the chain on, no block takes it."""
    from_block: int = 0
    """No block before this one holds it; of use where the memo has to find it."""

    @classmethod
    def of(cls, challenge: Challenge, credential: Credential, *, payer: bytes) -> SignedTransfer:
        """The transfer that was signed for a challenge."""
        from mpp.methods.tempo import attribution

        raw = bytes.fromhex(credential.payload["signature"][2:])
        tx_hash: bytes | None = None
        if raw[0] == TYPE_FEE_PAYER_HANDOFF:
            tx = decode_handoff(raw).tx
        else:
            signed = decode_transaction(raw)
            tx, tx_hash = signed.tx, signed.hash
        return cls(
            challenge_id=challenge.id,
            token=challenge.request["currency"],
            payer=payer,
            memo=bytes.fromhex(attribution.encode(challenge.id, challenge.realm)[2:]),
            tx_hash=tx_hash,
            valid_until_s=tx.valid_before or _NEVER_S,
        )

    def evidence(self, chain_id: int | None) -> dict[str, Any]:
        """What a later run needs to look up what became of it."""
        return {
            "method": NAME,
            "chainId": chain_id,
            "challengeId": self.challenge_id,
            "token": self.token,
            "payer": to_hex(self.payer),
            "memo": to_hex(self.memo),
            "txHash": None if self.tx_hash is None else to_hex(self.tx_hash),
            "fromBlock": self.from_block,
            "validUntil": None if self.valid_until_s == _NEVER_S else self.valid_until_s,
        }

    @classmethod
    def from_evidence(cls, evidence: Mapping[str, Any]) -> SignedTransfer:
        """Read it back; `FieldError` if it is none."""
        tx_hash, end = evidence.get("txHash"), evidence.get("validUntil")
        return cls(
            challenge_id=read_text(evidence.get("challengeId"), "challengeId"),
            token=to_hex(read_address(evidence.get("token"), "token")),
            payer=read_address(evidence.get("payer"), "payer"),
            memo=read_hash(evidence.get("memo"), "memo"),
            tx_hash=None if tx_hash is None else read_hash(tx_hash, "txHash"),
            valid_until_s=_NEVER_S if end is None else read_count(end, "validUntil"),
            from_block=read_count(evidence.get("fromBlock", 0), "fromBlock"),
        )


class ChargeAttempt:
    """A credential with the money that is reserved for it (`Attempt` in payer.py)."""

    def __init__(
        self,
        transfer: SignedTransfer,
        reservation: Reservation,
        *,
        authorization: str,
        ledger: Ledger,
        rpc: TempoRpc,
        clock: Clock,
        patience_ms: int,
        closed: Callable[[ChargeAttempt], None],
    ) -> None:
        self.transfer = transfer
        self.reservation = reservation
        self._authorization = authorization
        self._ledger = ledger
        self._rpc = rpc
        self._clock = clock
        self._patience_ms = patience_ms
        self._closed = closed
        self._losses = 0
        self._has_left = False
        self._fate = Fate.OPEN
        self._tx_hash = transfer.tx_hash

    @property
    def authorization(self) -> str:
        """The credential."""
        return self._authorization

    async def taken(self, response: httpx.Response) -> None:
        """Count it. What is neither a success nor has a receipt is checked on the chain."""
        if response.is_success or "payment-receipt" in response.headers:
            self._end(Fate.MOVED)
        else:
            await self.settle_by_chain()

    async def refused(self, response: httpx.Response) -> bool:
        """Whether another attempt may be made.

        The refused transfer can still be broadcast until its time is over, so that its money stays
        aside. After a lost answer a refusal may mean that the first copy was taken: then only the
        chain's word counts.
        """
        fate = await (self._watch() if self._losses else self.settle_by_chain())
        if fate is Fate.MOVED:
            raise self._unknown(
                f"The server answered HTTP {response.status_code} to a payment that was made.",
                paid=True,
            )
        if fate is Fate.OPEN and self._losses:
            self._ledger.mark_unknown(self.reservation)
            raise self._unknown(
                "The answer to a payment was lost, and its copy refused as if it had been taken.",
                paid=None,
            )
        return True

    async def lost(self, error: Exception) -> None:
        """Allow the same credential twice more, then ask the chain and say what it knows."""
        self._losses += 1
        self._has_left = self._has_left or not isinstance(error, NEVER_SENT)
        if self._losses <= RESENDS:
            return
        if not self._has_left:
            self._end(Fate.DEAD)
            return
        fate = await self._watch()
        if fate is Fate.MOVED:
            raise self._unknown("The payment was made, and the answer to it lost.", paid=True)
        if fate is Fate.REVERTED:
            raise self._unknown(
                "The transfer reverted: nothing was paid but its fee.",
                paid=False,
                details={"reverted": True, "final": True},
            )
        if fate is Fate.DEAD:
            raise self._unknown("The payment was not made, and its time is over.", paid=False)
        self._ledger.mark_unknown(self.reservation)
        raise self._unknown("The answer to a payment was lost.", paid=None)

    async def settle_by_chain(self) -> Fate:
        """Ask the chain, and tell the ledger if it knows; a node that does not answer does not."""
        if self._fate is Fate.OPEN:
            try:
                # The time first: what is not on the chain by then will not be.
                head_s = await head_time_s(self._rpc)
                fate = await self._look()
            except ChainError:
                return Fate.OPEN
            if fate is Fate.OPEN and head_s >= self.transfer.valid_until_s:
                fate = Fate.DEAD
            if fate is not Fate.OPEN:
                self._end(fate)
        return self._fate

    def doubt(self) -> None:
        """Say of one that nobody has accounted for that its outcome is not known."""
        if self._fate is Fate.OPEN:
            self._ledger.mark_unknown(self.reservation)

    def __repr__(self) -> str:
        """The challenge and the fate; the credential is not shown."""
        return f"<ChargeAttempt {self.transfer.challenge_id} {self._fate.value}>"

    # -- inside -----------------------------------------------------------------------------------

    async def _watch(self) -> Fate:
        """Ask until the chain knows, or patience ends."""
        waited_ms = 0
        while True:
            fate = await self.settle_by_chain()
            if fate is not Fate.OPEN or waited_ms >= self._patience_ms:
                return fate
            await self._clock.wall_sleep(timedelta(milliseconds=_STEP_MS))
            waited_ms += _STEP_MS

    async def _look(self) -> Fate:
        if self._tx_hash is None:
            self._tx_hash = await self._hash_by_memo()
            if self._tx_hash is None:
                return Fate.OPEN
        mined = await receipt(self._rpc, self._tx_hash)
        if mined is None:
            return Fate.OPEN
        return Fate.MOVED if mined.success else Fate.REVERTED

    async def _hash_by_memo(self) -> bytes | None:
        payer, memo = to_hex(bytes(12) + self.transfer.payer), to_hex(self.transfer.memo)
        wanted = {
            "address": self.transfer.token,
            "topics": [to_hex(_WITH_MEMO), payer, None, memo],
        }
        log = await latest_log(self._rpc, wanted, self.transfer.from_block)
        return None if log is None else read_data(log.get("transactionHash"), "transactionHash")

    def _end(self, fate: Fate) -> None:
        if self._fate is not Fate.OPEN:
            return
        self._fate = fate
        if fate is Fate.MOVED:
            self._ledger.commit(self.reservation)
        else:
            self._ledger.release(self.reservation)
        self._closed(self)

    def _unknown(
        self, detail: str, *, paid: bool | None, details: dict[str, Any] | None = None
    ) -> OutcomeUnknownError:
        payment = self.reservation.payment
        return OutcomeUnknownError(
            detail,
            paid=paid,
            tx_hash=self._tx_hash,
            hint=_HINTS[paid],
            details={
                "challenge_id": self.transfer.challenge_id,
                "host": payment.host,
                "amount": payment.amount,
                "currency": payment.currency,
                **(details or {}),
            },
        )


_HINTS: Final = {
    True: "Ask the server for what was paid for, with the transaction's hash.",
    False: "It may be paid again.",
    None: "It is not paid again: the transfer may yet be made. Ask the chain for its hash later.",
}
