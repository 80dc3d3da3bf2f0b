"""What must hold in every world, at every step and at its end (DESIGN 2.5, issue 6).

At every step: money is conserved on each rail; a charge is delivered for at most once, and only if
the rail's own books say that it was paid; a channel's delivered <= spent <= accepted <= deposit; no
voucher that a receipt has acknowledged is lost, and nothing ever falls, whatever crashes.
At the end: what was delivered is captured, what is left of a deposit went back once, and every
payer's ledger says what left its account.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from mock_rails.lightning.bolt11 import decode
from mock_rails.lightning.model import InvoiceState, PaymentStatus
from mock_rails.lightning.topology import MERCHANT
from mock_rails.lightning.topology import PAYER as PAYER_NODE
from mock_rails.tempo.addresses import CHANNEL_RESERVE, PATH_USD
from mock_rails.tempo.crypto.hashing import keccak256
from sandbox.methods.lightning_session import Refund, SessionCodec
from sandbox.methods.lightning_session import Status as SessionStatus
from sandbox.methods.tempo_session import Status
from sandbox.server.session.book import ChannelCodec
from tests.simulation.world.world import PAYEE

if TYPE_CHECKING:
    from sandbox.methods.lightning_session import Session
    from sandbox.methods.tempo_session import Channel
    from sandbox.server.stores import Store
    from tests.simulation.world.world import World

_TRANSFER: Final = keccak256(b"Transfer(address,address,uint256)")
_CARD_CENTS: Final = 50
_MSAT: Final = 1_000


class BrokenError(Exception):
    """An invariant did not hold."""

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant = invariant


def need(holds: object, invariant: str, what: str) -> None:
    """Raise unless it holds."""
    if not holds:
        raise BrokenError(invariant, what)


class Invariants:
    """The invariants of one world, and what was seen before."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._highest: dict[tuple[str, str], int] = {}
        self._settled: set[tuple[str, str]] = set()

    # -- at every step ----------------------------------------------------------------------------

    async def check(self, store: Store) -> None:
        """What holds at any time; `store` is what the merchants keep now."""
        for rail in (self._world.chain, self._world.stripe, self._world.lightning):
            rail.check_conservation()
        self._check_charges()
        channels = {f"0x{one.id.hex()}": one for one in await _channels(store)}
        for channel_id, channel in channels.items():
            self._check_channel(channel_id, channel)
        for channel_id, promised in self._world.deliveries.promised.items():
            kept = channels.get(channel_id)
            need(
                kept is not None and kept.accepted >= promised,
                "no lost voucher",
                f"{channel_id} promised {promised}, kept {kept and kept.accepted}",
            )
        sessions = {one.id.hex(): one for one in await _sessions(store)}
        for session_id, session in sessions.items():
            self._check_session(session_id, session)
        for method, reference in self._world.deliveries.sessions:
            known = channels if method == "tempo" else sessions
            need(reference in known, "no delivery without payment", f"{reference} is unknown")

    def _check_charges(self) -> None:
        for reference in self._world.deliveries.tickets:
            paid = self._lightning_paid(reference)
            need(paid, "no delivery without payment", f"the ticket {reference} was never paid")
        for (method, reference), count in self._world.deliveries.charges.items():
            need(
                count <= 1,
                "at most one delivery per settlement",
                f"{method} {reference} was delivered {count} times",
            )
            if (method, reference) not in self._settled:
                paid = getattr(self, f"_{method}_paid")(reference)
                need(paid, "no delivery without payment", f"{method} {reference} was never paid")
                self._settled.add((method, reference))

    def _tempo_paid(self, reference: str) -> bool:
        receipt = self._world.chain.history.receipt(bytes.fromhex(reference.removeprefix("0x")))
        return receipt is not None and receipt.status

    def _stripe_paid(self, reference: str) -> bool:
        intent = self._world.stripe.state.find("payment_intents", reference)
        return intent is not None and intent["status"] == "succeeded"

    def _lightning_paid(self, reference: str) -> bool:
        invoice = self._world.lightning.invoices.find(MERCHANT, bytes.fromhex(reference))
        return invoice is not None and invoice.state is InvoiceState.SETTLED

    def _check_channel(self, channel_id: str, channel: Channel) -> None:
        delivered = self._world.deliveries.sessions["tempo", channel_id]
        need(
            delivered <= channel.spent <= channel.accepted <= channel.deposit,
            "no delivery without payment",
            f"{channel_id}: delivered {delivered}, spent {channel.spent}, "
            f"accepted {channel.accepted}, deposit {channel.deposit}",
        )
        for name in ("accepted", "spent", "settled"):
            self._check_grows(f"{name} of", channel_id, getattr(channel, name))

    def _check_session(self, session_id: str, session: Session) -> None:
        delivered = self._world.deliveries.sessions["lightning", session_id]
        need(
            delivered <= session.spent_sat <= session.deposit_sat,
            "no delivery without payment",
            f"{session_id}: delivered {delivered}, spent {session.spent_sat}, "
            f"deposit {session.deposit_sat}",
        )
        self._check_grows("spent of", session_id, session.spent_sat)
        find = self._world.lightning.invoices.find
        deposits = [find(MERCHANT, one) for one in (session.id, *session.top_ups)]
        paid = sum(one.paid_msat for one in deposits if one is not None) // _MSAT
        need(
            paid == session.deposit_sat and len(set(session.top_ups)) == len(session.top_ups),
            "no delivery without payment",
            f"{session_id} says {session.deposit_sat} sat were paid in, the node {paid}",
        )
        back = find(PAYER_NODE, decode(session.return_invoice).payment_hash)
        came = 0 if back is None else back.paid_msat // _MSAT
        need(
            came <= session.refund_sat and came + session.spent_sat <= session.deposit_sat,
            "each refund once",
            f"{session_id}: {came} sat came back of {session.deposit_sat}, "
            f"of which {session.spent_sat} were spent",
        )

    def _check_grows(self, what: str, name: str, value: int) -> None:
        before = self._highest.get((what, name), 0)
        need(value >= before, "no lost voucher", f"{what} {name} fell from {before} to {value}")
        self._highest[what, name] = value

    # -- at the end -------------------------------------------------------------------------------

    async def check_closed(self, store: Store) -> None:
        """What holds once everything is closed."""
        await self.check(store)
        flows = self._flows()
        captured = 0
        for channel in await _channels(store):
            name = f"0x{channel.id.hex()}"
            need(channel.status is Status.CLOSED, "all is closed", f"{name} is {channel.status}")
            need(
                channel.spent <= channel.settled <= channel.accepted,
                "what is delivered is captured",
                f"{name}: spent {channel.spent}, captured {channel.settled}",
            )
            captured += channel.settled
        real = flows[CHANNEL_RESERVE, PAYEE.address]
        need(captured == real, "what is delivered is captured", f"{captured} in the books, {real}")
        for session in await _sessions(store):
            done = session.status is SessionStatus.CLOSED and session.refund is not Refund.PENDING
            need(done, "all is closed", f"the session {session.id.hex()} is {session.refund}")
            back = self._came_back(session)
            wanted = session.deposit_sat - session.spent_sat
            need(
                back == (wanted if session.refund is Refund.SUCCEEDED else 0),
                "each refund once",
                f"{session.id.hex()}: {back} of {wanted} sat came back ({session.refund})",
            )

    def _came_back(self, session: Session) -> int:
        back = self._world.lightning.invoices.find(
            PAYER_NODE, decode(session.return_invoice).payment_hash
        )
        return 0 if back is None else back.paid_msat // _MSAT

    def check_ledgers(self) -> None:
        """What holds once every outcome is known: each payer's ledger says what left."""
        world, flows = self._world, self._flows()
        for payer in world.payers:
            own = payer.wallet.address
            charged = flows[own, PAYEE.address]
            captured = flows[own, CHANNEL_RESERVE] - flows[CHANNEL_RESERVE, own]
            signed = sum(one.signed for one in payer.client.sessions.channels())
            spent = payer.client.ledger.tally().spent
            # What a stream signs for counts as spent at once, and so does what a server says is
            # used up: a payer may count too much, as far as it has signed, but never too little.
            need(
                charged + captured <= spent <= charged + signed,
                "a ledger says what left",
                f"{payer.name}: {spent}, not {charged} by charges and {captured} of {signed}",
            )
        cards = sum(one.client.card_ledger.tally().spent for one in world.payers)
        intents = world.stripe.state.all("payment_intents")
        charged = sum(one["amount"] for one in intents if one["status"] == "succeeded")
        need(cards == charged, "a ledger says what left", f"by card {cards}, not {charged}")
        spent = sum(one.client.lightning_ledger.tally().spent for one in world.payers)
        tickets = {paid for one in world.payers for paid in one.tickets.paid}
        paid = [
            one
            for one in world.lightning.payments.of_node(PAYER_NODE)
            if one.status is PaymentStatus.SUCCEEDED and one.payment_hash not in tickets
        ]
        out = sum(one.amount_msat + one.fee_msat for one in paid)
        back = sum(one.paid_msat for one in world.lightning.invoices.of_node(PAYER_NODE))
        slack = _MSAT * len(paid)  # fees are counted in whole satoshis
        need(
            out - back <= spent * _MSAT <= out - back + slack,
            "a ledger says what left",
            f"over Lightning {spent} sat, not {out - back} msat",
        )

    def _flows(self) -> Counter[tuple[bytes, bytes]]:
        """How much of the token went from whom to whom, by the chain's events."""
        chain = self._world.chain
        flows: Counter[tuple[bytes, bytes]] = Counter()
        wanted: Any = (frozenset({_TRANSFER}),)
        for _, _, log in chain.history.logs(0, chain.head.number, frozenset({PATH_USD}), wanted):
            payer, payee = log.topics[1][-20:], log.topics[2][-20:]
            flows[payer, payee] += int.from_bytes(log.data[:32])
        return flows


async def _channels(store: Store) -> list[Channel]:
    return [one async for _, one in store.records("channels", ChannelCodec()).scan()]


async def _sessions(store: Store) -> list[Session]:
    return [one async for _, one in store.records("lightning-sessions", SessionCodec()).scan()]
