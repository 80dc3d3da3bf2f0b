"""Coming back to a channel: by the payer's own book, or by what the server says of it.

A server's snapshot travels in a challenge or in the answer to a HEAD (facts, protocol 2.6). It is
believed as far as it is proven: the voucher must be the payer's own, nothing may contradict the
payer's book, and the deposit is what the chain says. A server that names too little as spent gives
its payer credit; one that names too much gets no more than was signed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mpp import AUTHORIZATION_HEADER
from mpp.errors import PaymentError

from sandbox.client.selection import read_challenges
from sandbox.client.session.account import Account
from sandbox.client.session.channel import ChannelState, PayerChannel
from sandbox.client.session.errors import SnapshotRefusedError
from sandbox.client.session.proof import asks_for_proof, prove
from sandbox.methods.tempo_session import FieldError, SessionProtocol, Snapshot
from sandbox.methods.tempo_session.fields import to_hex

if TYPE_CHECKING:
    import httpx

    from sandbox.client.session.account import Lane
    from sandbox.client.session.services import Services


async def fetch_snapshot(services: Services, url: str, hint: bytes | None) -> Snapshot | None:
    """Ask a server for its side of the payer's channel; None if it has none, or does not tell."""
    headers = {} if hint is None else {"Payment-Session": to_hex(hint)}
    response = await services.wire.head(url, headers)
    if response.status_code == 402:
        proof = next(filter(asks_for_proof, read_challenges(response).challenges), None)
        if proof is None:
            return None
        header = proof.credential_header or AUTHORIZATION_HEADER
        headers = {**headers, header: prove(proof, services.wallet)}
        response = await services.wire.head(url, headers)
    return _read(response)


def _read(response: httpx.Response) -> Snapshot | None:
    value = response.headers.get("payment-session-snapshot")
    if value is None or not response.is_success:
        return None
    try:
        return Snapshot.from_header(value)
    except FieldError as error:
        raise SnapshotRefusedError(f"The server's snapshot cannot be read: {error}.") from error


async def check_snapshot(
    services: Services, snapshot: Snapshot, known: PayerChannel | None
) -> int | None:
    """Raise `SnapshotRefusedError` if it is not so; the chain's deposit, or None if the channel
    cannot be used any more."""
    wallet = services.wallet
    descriptor = snapshot.descriptor
    try:
        if known is None:
            snapshot.verify()
        else:
            snapshot.verify_against(known.as_channel())
    except PaymentError as error:
        raise SnapshotRefusedError(str(error)) from error
    if (descriptor.payer, descriptor.signer) != (wallet.address, wallet.address):
        raise SnapshotRefusedError("The server's snapshot is of another payer's channel.")
    record = known or record_of(snapshot, host="", url="")
    found = await services.look(record)
    if found is None or found.close_requested_at_s:
        return None
    if snapshot.accepted > found.deposit or found.settled > snapshot.accepted:
        raise SnapshotRefusedError("The server's snapshot contradicts the chain.")
    return found.deposit


def record_of(snapshot: Snapshot, *, host: str, url: str) -> PayerChannel:
    """The record of a channel that the book does not know."""
    return PayerChannel(
        id=snapshot.channel_id,
        protocol=SessionProtocol.V2,
        descriptor=snapshot.descriptor,
        chain_id=snapshot.chain_id,
        escrow=snapshot.escrow,
        host=host,
        url=url,
        deposit=snapshot.deposit,
        signed=snapshot.accepted,
        claimed=max(snapshot.spent, snapshot.settled),
        spent=snapshot.spent,
        state=ChannelState.OPEN,
    )


def tells_news(account: Account, snapshot: Snapshot) -> bool:
    """Whether a snapshot of the account's channel says what its record does not.

    While requests are under way it says nothing: it is older than they are. The deposit is asked of
    the chain when it matters.
    """
    if account.in_flight or account.queued or account.record.state is not ChannelState.OPEN:
        return False
    record = account.record
    used = min(max(record.spent, snapshot.spent, snapshot.settled), record.signed)
    return used != record.claimed


def reconcile(account: Account, snapshot: Snapshot) -> None:
    """Take over what the server counts as spent, unless requests are under way that change it.

    What the payee has captured is used as well: an equal voucher would be refused for it.
    """
    record = account.record
    if account.in_flight or account.queued or snapshot.channel_id != record.id:
        return
    spent = min(max(record.spent, snapshot.spent), record.signed)
    used = min(max(spent, snapshot.settled), record.signed)
    if (spent, used) != (record.spent, record.claimed):
        account.note(spent=spent, claimed=used)
        account.fit_purse()


async def adopt(
    services: Services, lane: Lane, snapshot: Snapshot, deposit: int, url: str
) -> Account:
    """Make a channel that only the server remembered the lane's own."""
    record = record_of(snapshot, host=lane.scope.host, url=url)
    record = replace(record, deposit=deposit, opened_at_s=services.clock.now_s())
    account = Account(services, lane, record)
    services.book.save(account.record)
    lane.current = account
    return account
