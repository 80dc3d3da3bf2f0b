"""Invoices: made, paid, held, settled, canceled, forgotten when nobody paid (facts 4.3, 5.4)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from mock_rails.lightning.bolt11 import Bolt11, Bolt11Error, encode
from mock_rails.lightning.bolt11.invoice import Hop
from mock_rails.lightning.errors import NOT_FOUND, UNAVAILABLE, LightningError
from mock_rails.lightning.model import HeldHtlc, HeldState, HtlcFailure, InvoiceRecord, InvoiceState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mock_rails.core.journal import Journal
    from mock_rails.core.seeds import Seeds
    from mock_rails.lightning.agenda import Agenda, Entry
    from mock_rails.lightning.model import Attempt, NodeState
    from mock_rails.lightning.network import Network
    from mock_rails.lightning.news import News
    from mock_rails.lightning.settings import LightningSettings

EXPIRE: Final = "invoice.expire"
FORGET: Final = "invoice.forget"
PARTS_LATE: Final = "invoice.parts_late"

LONGEST_EXPIRY_S: Final = 31_536_000
LONGEST_MEMO: Final = 1_024
LARGEST_MSAT: Final = 100_000 * 100_000_000 * 1_000
PARTS_WAIT_US: Final = 60_000_000
"""How long a payee waits for the other parts of a payment (BOLT 4)."""

_LEAST_CLTV: Final = {"0.20": 18, "0.21": 24}
_MOST_HINTS: Final = 20
_SWEEP: Final = 4_096
"""So many invoices, made or settled, may wait on the agenda for an end that they no longer have."""
_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class InvoiceRequest:
    """What somebody asks a node to make an invoice of."""

    amount_msat: int | None = None
    """None lets the payer choose."""
    description: str | None = None
    description_hash: bytes | None = None
    expiry_s: int = 86_400
    preimage: bytes | None = None
    """None for one that nobody can guess."""
    payment_hash: bytes | None = None
    """Makes it a hold invoice: whoever has the preimage settles it."""
    min_final_cltv: int = 80
    private: bool = False
    """Names the private channels that lead to the node."""
    external_id: str | None = None
    webhook_url: str | None = None


class Invoices:
    """The invoices of all nodes, by node and payment hash."""

    def __init__(
        self,
        network: Network,
        agenda: Agenda,
        seeds: Seeds,
        journal: Journal,
        news: News,
        settings: LightningSettings,
    ) -> None:
        self.records: dict[tuple[str, bytes], InvoiceRecord] = {}
        self._network = network
        self._agenda = agenda
        self._random = seeds.stream("lightning.invoices")
        self._journal = journal
        self._news = news
        self._settings = settings
        self._settled: deque[tuple[str, bytes]] = deque()
        self._canceled: deque[tuple[str, bytes]] = deque()
        self.settle: Callable[[Attempt, bytes], None]
        """Takes a held HTLC for good; the travel of HTLCs sets it, and the next."""
        self.send_back: Callable[[Attempt, HtlcFailure], None]
        self.attempt: Callable[[int], Attempt]

    # -- making -----------------------------------------------------------------------------------

    def create(self, node_name: str, request: InvoiceRequest) -> InvoiceRecord:
        """A new invoice. With a hash and no preimage it is a hold invoice."""
        _check(request)
        least = _LEAST_CLTV[self._settings.lnd_version]
        if request.min_final_cltv < least:
            raise LightningError(
                f"CLTV delta of {request.min_final_cltv} must be greater than {least}"
            )
        node = self._network.node(node_name)
        if not node.online:
            raise LightningError(f"the node {node_name} is down", UNAVAILABLE)
        preimage, payment_hash = request.preimage, request.payment_hash
        if payment_hash is None:
            preimage = preimage or self._random.bytes(32)
            payment_hash = sha256(preimage).digest()
        if (node_name, payment_hash) in self.records:
            raise LightningError("invoice with payment hash already exists")
        secret = self._random.bytes(32)
        created_s = self._agenda.now_s()
        text = self._write(node, request, payment_hash, secret, created_s)
        node.add_index += 1
        record = InvoiceRecord(
            node=node_name,
            payment_hash=payment_hash,
            preimage=preimage,
            payment_secret=secret,
            text=text,
            amount_msat=request.amount_msat,
            description=request.description,
            description_hash=request.description_hash,
            created_s=created_s,
            expiry_s=request.expiry_s,
            min_final_cltv=request.min_final_cltv,
            add_index=node.add_index,
            is_hold=preimage is None,
            private=request.private,
            external_id=request.external_id,
            webhook_url=request.webhook_url,
        )
        self.records[node_name, payment_hash] = record
        if node.add_index % _SWEEP == 0:
            self._agenda.drop(self._is_void)
        self._agenda.add(record.expires_at_s * _US, EXPIRE, node_name, payment_hash.hex())
        self._tell("invoice.created", record)
        return record

    def _write(
        self,
        node: NodeState,
        request: InvoiceRequest,
        payment_hash: bytes,
        secret: bytes,
        now_s: int,
    ) -> str:
        hashed = request.description_hash
        invoice = Bolt11(
            network=self._settings.network,
            payment_hash=payment_hash,
            payment_secret=secret,
            timestamp_s=now_s,
            amount_msat=request.amount_msat,
            description=None if hashed is not None else request.description or "",
            description_hash=hashed,
            expiry_s=request.expiry_s,
            min_final_cltv=request.min_final_cltv,
            route_hints=self._hints(node.name) if request.private else (),
        )
        try:
            return encode(invoice, node.key)
        except Bolt11Error as error:
            raise LightningError(error.detail) from None

    def _hints(self, node: str) -> tuple[tuple[Hop, ...], ...]:
        """The last hop over each private channel, which payers could not know of otherwise."""
        hints = []
        for channel in self._network.of_node[node]:
            peer = channel.peer(node)
            policy, node_there = peer.policy, self._network.node(peer.node)
            if channel.private and node_there.online and not policy.disabled:
                hop = Hop(
                    node_there.pubkey,
                    channel.scid,
                    policy.base_msat,
                    policy.ppm,
                    policy.cltv_delta,
                )
                hints.append((hop,))
        return tuple(hints[:_MOST_HINTS])

    # -- looking ----------------------------------------------------------------------------------

    def find(self, node: str, payment_hash: bytes) -> InvoiceRecord | None:
        """The invoice of that hash at a node."""
        return self.records.get((node, payment_hash))

    def of_node(self, node: str) -> Iterator[InvoiceRecord]:
        """A node's invoices, in the order they were made."""
        return (one for (name, _), one in self.records.items() if name == node)

    # -- being paid -------------------------------------------------------------------------------

    def receive(self, attempt: Attempt) -> HtlcFailure | None:
        """An HTLC has arrived: take it, hold it, wait for its other parts, or send it back.

        Whatever is not exactly as the invoice says gets one and the same answer, so that nobody
        learns about invoices by probing (BOLT 4).
        """
        record = self.find(attempt.hops[-1].receiver, attempt.payment_hash)
        if record is None or record.state is not InvoiceState.OPEN:
            return HtlcFailure.INCORRECT_DETAILS
        if self._agenda.now_s() >= record.expires_at_s:
            return HtlcFailure.INCORRECT_DETAILS
        if attempt.payment_secret != record.payment_secret:
            return HtlcFailure.INCORRECT_DETAILS
        wanted = record.amount_msat
        if wanted is not None and not wanted <= attempt.total_msat <= 2 * wanted:
            return HtlcFailure.INCORRECT_DETAILS
        if record.attempts and self.attempt(record.attempts[0]).total_msat != attempt.total_msat:
            return HtlcFailure.INCORRECT_DETAILS
        record.attempts.append(attempt.id)
        record.htlcs.append(self._held(attempt))
        held = sum(self.attempt(one).amount_msat for one in record.attempts)
        if held < attempt.total_msat:
            if len(record.attempts) == 1:
                late_us = self._agenda.now_us() + PARTS_WAIT_US
                named = (record.node, record.payment_hash.hex(), attempt.id)
                self._agenda.add(late_us, PARTS_LATE, *named)
            return None
        record.paid_msat = held
        if record.preimage is None:
            record.state = InvoiceState.ACCEPTED
            self._tell("invoice.accepted", record)
        else:
            self._settle(record, record.preimage)
        return None

    def settle_hold(self, node: str, preimage: bytes) -> InvoiceRecord:
        """Take what a hold invoice holds."""
        record = self.find(node, sha256(preimage).digest())
        if record is None:
            raise LightningError("unable to locate invoice", NOT_FOUND)
        if record.state is InvoiceState.SETTLED:
            raise LightningError("invoice already settled")
        if record.state is InvoiceState.CANCELED:
            raise LightningError("invoice already canceled")
        if record.state is InvoiceState.OPEN:
            raise LightningError("invoice still open")
        record.preimage = preimage
        self._settle(record, preimage)
        return record

    def cancel(self, node: str, payment_hash: bytes) -> InvoiceRecord:
        """Take an invoice back, and send back what it holds."""
        record = self.find(node, payment_hash)
        if record is None:
            raise LightningError("unable to locate invoice", NOT_FOUND)
        if record.state is InvoiceState.SETTLED:
            raise LightningError("invoice already settled")
        if record.state is not InvoiceState.CANCELED:
            self._cancel(record)
        return record

    def _settle(self, record: InvoiceRecord, preimage: bytes) -> None:
        node = self._network.node(record.node)
        node.settle_index += 1
        record.settle_index = node.settle_index
        record.state = InvoiceState.SETTLED
        record.settled_s = self._agenda.now_s()
        self._resolve(record, HeldState.SETTLED)
        self._tell("invoice.settled", record)
        for attempt_id in record.attempts:
            self.settle(self.attempt(attempt_id), preimage)
        if node.settle_index % _SWEEP == 0:
            self._agenda.drop(self._is_void)
        self._settled.append((record.node, record.payment_hash))
        if len(self._settled) > self._settings.payments_kept:
            self.records.pop(self._settled.popleft(), None)

    def _is_void(self, entry: Entry) -> bool:
        if entry.what not in {EXPIRE, FORGET}:
            return False
        record = self.find(entry.args[0], bytes.fromhex(entry.args[1]))
        is_over = record is None or record.state in {InvoiceState.SETTLED, InvoiceState.CANCELED}
        return is_over if entry.what == EXPIRE else record is None

    def _cancel(self, record: InvoiceRecord) -> None:
        record.state = InvoiceState.CANCELED
        self._release(record, HtlcFailure.INCORRECT_DETAILS)
        ended_s = max(record.expires_at_s, self._agenda.now_s())
        forget_us = (ended_s + self._settings.expired_kept_s) * _US
        self._agenda.add(forget_us, FORGET, record.node, record.payment_hash.hex())
        self._tell("invoice.canceled", record)
        self._canceled.append((record.node, record.payment_hash))
        if len(self._canceled) > self._settings.payments_kept:
            node, payment_hash = self._canceled.popleft()
            self.forget(node, payment_hash.hex())

    def _release(self, record: InvoiceRecord, failure: HtlcFailure) -> None:
        self._resolve(record, HeldState.CANCELED)
        held, record.attempts, record.paid_msat = record.attempts, [], 0
        for attempt_id in held:
            self.send_back(self.attempt(attempt_id), failure)

    def _held(self, attempt: Attempt) -> HeldHtlc:
        last = attempt.hops[-1]
        return HeldHtlc(
            attempt.id,
            last.scid,
            attempt.amount_msat,
            attempt.total_msat,
            last.expiry,
            self._agenda.now_s(),
        )

    def _resolve(self, record: InvoiceRecord, state: HeldState) -> None:
        for one in record.htlcs:
            if one.state is HeldState.ACCEPTED:
                one.state, one.resolved_s = state, self._agenda.now_s()

    # -- the agenda -------------------------------------------------------------------------------

    def expire(self, node: str, payment_hash: str) -> None:
        """An invoice's time is over: nobody can pay it, and later nobody remembers it."""
        record = self.find(node, bytes.fromhex(payment_hash))
        if record is not None and record.state is InvoiceState.OPEN:
            if record.attempts:
                self._release(record, HtlcFailure.MPP_TIMEOUT)
            self._cancel(record)

    def forget(self, node: str, payment_hash: str) -> None:
        """Let go of an invoice that was never paid."""
        record = self.find(node, bytes.fromhex(payment_hash))
        if record is not None and record.state is InvoiceState.CANCELED:
            del self.records[node, record.payment_hash]

    def parts_late(self, node: str, payment_hash: str, first: int) -> None:
        """The other parts of a payment did not come in time after the first."""
        record = self.find(node, bytes.fromhex(payment_hash))
        if record is None or record.state is not InvoiceState.OPEN:
            return
        if record.attempts[:1] == [first]:
            self._release(record, HtlcFailure.MPP_TIMEOUT)

    def replace(self, records: Iterable[InvoiceRecord]) -> None:
        """Become the invoices of a snapshot."""
        self.records = {(one.node, one.payment_hash): one for one in records}
        settled = [one for one in self.records.values() if one.state is InvoiceState.SETTLED]
        settled.sort(key=lambda one: (one.settled_s, one.node, one.settle_index))
        self._settled = deque((one.node, one.payment_hash) for one in settled)
        canceled = (one for one in self.records.values() if one.state is InvoiceState.CANCELED)
        self._canceled = deque((one.node, one.payment_hash) for one in canceled)

    def _tell(self, kind: str, record: InvoiceRecord) -> None:
        data: dict[str, Any] = {
            "node": record.node,
            "payment_hash": record.payment_hash,
            "amount_msat": record.amount_msat,
            "description": record.description,
        }
        if record.paid_msat:
            data["paid_msat"] = record.paid_msat
        self._journal.append("lightning", kind, data)
        self._news.tell(("invoices", record.node), record)
        self._news.tell(("invoice", record.node, record.payment_hash), record)


def _check(request: InvoiceRequest) -> None:
    """Refuse what LND's AddInvoice refuses."""
    amount_msat, expiry_s = request.amount_msat, request.expiry_s
    if amount_msat is not None and amount_msat <= 0:
        raise LightningError(
            f"payments of negative value or of nothing are not allowed, value is {amount_msat}"
        )
    if amount_msat is not None and amount_msat > LARGEST_MSAT:
        raise LightningError(f"invoice amount {amount_msat} is too large, max is {LARGEST_MSAT}")
    if request.description is not None and len(request.description.encode()) > LONGEST_MEMO:
        raise LightningError(f"memo too large: at most {LONGEST_MEMO} bytes")
    if not 0 < expiry_s <= LONGEST_EXPIRY_S:
        raise LightningError(f"expiry must lie in 1 to {LONGEST_EXPIRY_S} seconds, not {expiry_s}")
    for value, what in ((request.preimage, "preimage"), (request.payment_hash, "payment hash")):
        if value is not None and len(value) != 32:
            raise LightningError(f"a {what} has 32 bytes, not {len(value)}")
    if request.preimage is not None and request.payment_hash is not None:
        raise LightningError("preimage and payment hash cannot both be given")
