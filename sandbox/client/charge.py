"""Pays `tempo/charge`: pympp signs, and what became of the transaction is looked up on the chain.

Pull mode (draft-tempo-charge-00): the credential is a signed transfer that the server broadcasts,
with the challenge's memo in it, and with a fee payer's place left open where the server sponsors
the fee (facts, protocol 1.1, rows 33, 35, 39). Whoever holds it can make the payment until
`validBefore`, a minute after it was signed. So money that was reserved for a credential that went
out is free again only when the chain's time has passed that without the transfer: a server's word
that it was refused is not enough, though another attempt may be made meanwhile.

Nothing at all is paid with a proof of who asks, as mppx does it, and to servers that do not take
one, such as pympp's, with a transfer of nothing (protocol 1.1, row 31).

The fee of an unsponsored transaction is not counted by the budget, for no challenge names it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from mpp.client.transport import _is_zero_tempo_charge

from mock_rails.core.errors import BadInput
from sandbox.chain.errors import ChainError, TransactionReverts
from sandbox.client.budget import Payment
from sandbox.client.charge_attempt import NAME, ChargeAttempt, SignedTransfer
from sandbox.client.charge_proof import ProofAttempt
from sandbox.client.errors import (
    ChainMismatchError,
    ChallengeExpiredError,
    PaymentNotPreparedError,
    RealmNotTrustedError,
)
from sandbox.client.selection import is_expired
from sandbox.methods.tempo_session.fields import FieldError

if TYPE_CHECKING:
    from collections.abc import Collection

    from mpp import Challenge, Credential
    from mpp.runtime import ClientMethod

    from mock_rails.core.clock import Clock
    from sandbox.client.ledger import Ledger, Reservation
    from sandbox.client.nodes import Nodes
    from sandbox.client.payer import Attempt, Order
    from sandbox.client.wallet import Wallet

_LONGEST_AMOUNT: Final = 78
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")


class ChargePayer:
    """Pays charges from one wallet, within one ledger.

    `trusted_realms` are realms other than the host's name that a payment of nothing may be signed
    for (protocol 1.1, row 31): whoever is shown such a credential could pass it on to that realm.
    """

    def __init__(
        self,
        wallet: Wallet,
        ledger: Ledger,
        nodes: Nodes,
        *,
        clock: Clock,
        trusted_realms: Collection[str] = (),
        patience_ms: int = 3_000,
    ) -> None:
        self._wallet = wallet
        self._ledger = ledger
        self._nodes = nodes
        self._clock = clock
        self._trusted = frozenset(trusted_realms)
        self._patience_ms = patience_ms
        self._signers: dict[str, ClientMethod] = {}
        self._open: dict[int, ChargeAttempt] = {}
        self._no_proofs: set[str] = set()
        for reservation in ledger.left_over(NAME):
            self._take_over(reservation)

    @property
    def name(self) -> str:
        """`tempo/charge`."""
        return NAME

    def can_pay(self, challenge: Challenge) -> bool:
        """Whether it is a charge on a chain that this client has a node of."""
        if f"{challenge.method}/{challenge.intent}" != NAME:
            return False
        chain_id = _chain_id(challenge)
        url = self._nodes.url(chain_id)
        if url is None or _payment(challenge, "localhost") is None:
            return False
        method = self._signer(url)
        return method.can_handle_challenge is None or method.can_handle_challenge(challenge)

    async def prepare(self, challenge: Challenge, order: Order) -> Attempt:
        """Reserve the amount, then sign the transfer."""
        url = self._nodes.url(_chain_id(challenge))
        payment = _payment(challenge, order.host)
        if url is None or payment is None:
            raise PaymentNotPreparedError("That challenge cannot be paid by a charge.")
        self._check_realm(challenge, order)
        if payment.amount == 0 and order.host not in self._no_proofs:
            return self._prove(challenge, payment)
        await self.reconcile(due_only=True)
        reservation = self._ledger.reserve(payment, {"method": NAME})
        try:
            await self._check_chain(challenge, url)
            credential = await self._sign(challenge, url)
            transfer = SignedTransfer.of(challenge, credential, payer=self._wallet.address)
            if transfer.tx_hash is None:
                transfer = replace(transfer, from_block=await self._height(url))
            self._ledger.note(reservation, transfer.evidence(_chain_id(challenge)))
        except BaseException:
            self._ledger.release(reservation)
            raise
        return self._attempt(transfer, reservation, url, credential.to_authorization())

    @property
    def unsettled(self) -> tuple[ChargeAttempt, ...]:
        """Credentials that went out, or may have, and can still be used."""
        return tuple(self._open.values())

    async def reconcile(self, *, due_only: bool = False) -> None:
        """Ask the chain about credentials that nobody has accounted for, and free what can be.

        With `due_only` those that were signed less than their lifetime ago are left alone.
        """
        now_s = self._clock.wall_s()
        for attempt in self.unsettled:
            if not due_only or attempt.transfer.valid_until_s < now_s:
                await attempt.settle_by_chain()
                attempt.doubt()

    async def close(self) -> None:
        """Look a last time at what is open."""
        await self.reconcile()

    # -- inside -----------------------------------------------------------------------------------

    def _prove(self, challenge: Challenge, payment: Payment) -> ProofAttempt:
        """Prove whose wallet asks; hosts that want a transfer of nothing instead are remembered."""
        try:
            return ProofAttempt(
                challenge,
                self._wallet,
                self._ledger,
                self._ledger.reserve(payment, {"method": NAME}),
                refused_by=self._no_proofs.add,
            )
        except FieldError as error:
            raise PaymentNotPreparedError(f"Nothing can be proven: {error}.") from error

    def _attempt(
        self, transfer: SignedTransfer, reservation: Reservation, url: str, authorization: str
    ) -> ChargeAttempt:
        attempt = ChargeAttempt(
            transfer,
            reservation,
            authorization=authorization,
            ledger=self._ledger,
            rpc=self._nodes.at(url),
            clock=self._clock,
            patience_ms=self._patience_ms,
            closed=self._forget,
        )
        self._open[reservation.number] = attempt
        return attempt

    def _take_over(self, reservation: Reservation) -> None:
        """Go on looking for what an earlier run has signed; its credential is not sent again."""
        evidence = reservation.evidence
        if "memo" not in evidence:
            self._ledger.release(reservation)  # that run ended before it had signed
            return
        try:
            transfer = SignedTransfer.from_evidence(evidence)
        except FieldError:
            return  # it stays aside, and among the ledger's unknown
        url = self._nodes.url(evidence.get("chainId"))
        if url is not None:
            self._attempt(transfer, reservation, url, "")

    def _forget(self, attempt: ChargeAttempt) -> None:
        self._open.pop(attempt.reservation.number, None)

    def _signer(self, url: str) -> ClientMethod:
        signer = self._signers.get(url)
        if signer is None:
            from mpp.methods.tempo.client import _client_method

            from sandbox.client.charge_signer import NodeMethod

            method = NodeMethod(self._wallet, self._nodes.at(url), self._clock)
            signer = self._signers[url] = _client_method(method)
        return signer

    async def _sign(self, challenge: Challenge, url: str) -> Credential:
        from mpp import Credential
        from mpp.errors import PaymentExpiredError
        from mpp.runtime import CredentialParams

        if is_expired(challenge, self._clock.utc()):
            raise ChallengeExpiredError("The challenge expired before it could be paid.")
        try:
            params = CredentialParams(challenge=challenge)
            signed = await self._signer(url).create_credential(params)
            return Credential.from_authorization(signed)
        except PaymentExpiredError as error:
            raise ChallengeExpiredError(str(error)) from error
        except TransactionReverts as error:
            raise PaymentNotPreparedError(
                f"The transfer would revert: {error.words}.", hint=error.hint
            ) from error
        except ChainError as error:
            raise PaymentNotPreparedError(error.detail, hint=error.hint) from error
        except Exception as error:
            raise PaymentNotPreparedError(f"The transfer could not be signed: {error}") from error

    async def _height(self, url: str) -> int:
        try:
            return await self._nodes.at(url).block_number()
        except ChainError as error:
            raise PaymentNotPreparedError(error.detail, hint=error.hint) from error

    async def _check_chain(self, challenge: Challenge, url: str) -> None:
        node, asked = self._nodes.at(url), _chain_id(challenge)
        try:
            chain_id = await node.chain_id()
        except ChainError as error:
            raise PaymentNotPreparedError(error.detail, hint=error.hint) from error
        if asked is not None and asked != chain_id:
            raise ChainMismatchError(
                f"The challenge is of chain {asked}, and the node at {node.host} of {chain_id}.",
                details={"asked": asked, "chain_id": chain_id},
            )

    def _check_realm(self, challenge: Challenge, order: Order) -> None:
        if not _is_zero_tempo_charge(challenge) or challenge.realm in self._trusted:
            return
        host = order.host.rpartition(":")[0] or order.host
        if challenge.realm.lower() not in {host, order.host}:
            raise RealmNotTrustedError(
                f"{order.host} asks for a signature for the realm {challenge.realm!r}.",
                hint="Name the realm in trusted_realms if that server is known to use it.",
                details={"realm": challenge.realm, "host": order.host},
            )


def _payment(challenge: Challenge, host: str) -> Payment | None:
    """What a budget is asked; None for a request that no charge can pay."""
    request = challenge.request
    amount = _amount(request.get("amount"))
    currency, recipient = request.get("currency"), request.get("recipient")
    if amount is None or not (_is_address(currency) and _is_address(recipient)):
        return None
    details = request.get("methodDetails", {})
    if not isinstance(details, dict) or type(details.get("chainId", 0)) is not int:
        return None
    shares = details.get("splits") or []
    if not isinstance(shares, list):
        return None
    splits: list[tuple[str, int]] = []
    for share in shares:
        part = _amount(share.get("amount")) if isinstance(share, dict) else None
        if part is None or not _is_address(share.get("recipient")):
            return None
        splits.append((share["recipient"], part))
    try:
        return Payment(
            amount, currency=currency, host=host, recipient=recipient, splits=tuple(splits)
        )
    except BadInput:
        return None


def _amount(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value) if len(value) <= _LONGEST_AMOUNT else None
    return None


def _is_address(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None


def _chain_id(challenge: Challenge) -> int | None:
    details = challenge.request.get("methodDetails")
    chain_id = details.get("chainId") if isinstance(details, dict) else None
    return chain_id if type(chain_id) is int else None
