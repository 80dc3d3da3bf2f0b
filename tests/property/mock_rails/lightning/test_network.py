"""Whatever is paid, held, stuck, canceled or saved in the middle: no millisatoshi is made or lost,
an invoice is settled at most once, and its payer loses what it says (facts: lightning 5.1, 5.3)."""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256
from itertools import pairwise
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mock_rails.core.clock import Clock
from mock_rails.core.rail import RailContext
from mock_rails.lightning.errors import LightningError
from mock_rails.lightning.invoices import InvoiceRequest
from mock_rails.lightning.model import InvoiceState, PaymentStatus
from mock_rails.lightning.payments import PaymentRequest
from mock_rails.lightning.rail import Lightning
from mock_rails.lightning.settings import LightningSettings
from mock_rails.lightning.topology import Topology

NODES = ("merchant", "payer", "router1", "router2")
AMOUNTS_MSAT = st.one_of(
    st.integers(1, 5_000), st.integers(1_000, 10**9), st.integers(3 * 10**9, 10**10)
)
LIMITS_MSAT = st.sampled_from([None, None, None, 0, 1_999, 10_000])
PURCHASES = st.tuples(
    st.permutations(NODES),
    AMOUNTS_MSAT,
    st.booleans(),
    st.sampled_from([False, False, True]),
    LIMITS_MSAT,
)
FAULTS = st.sampled_from(
    [
        {"at": "lightning.htlc", "do": "stuck_then_settle", "args": {"s": 30}},
        {"at": "lightning.htlc", "do": "stuck_then_fail", "args": {"s": 30}},
        {"at": "lightning.htlc", "do": "settle_late", "args": {"s": 90}},
        {"at": "lightning.htlc", "do": "incorrect_details"},
        {"at": "lightning.forward", "do": "fail"},
        {"at": "lightning.forward", "do": "unknown_next_peer"},
        {"at": "lightning.pay", "do": "no_route"},
    ]
)


class NetworkMachine(RuleBasedStateMachine):
    """Random calls on a network of four nodes, with and without latency."""

    def __init__(self) -> None:
        super().__init__()
        self.start_msat: dict[str, int] = {}
        self.invoices: list[tuple[str, Any]] = []
        self.preimages: dict[bytes, bytes] = {}
        self.settled: dict[bytes, int] = {}
        self.limits: dict[tuple[str, bytes], int | None] = {}
        self.seen_msat: dict[tuple[int, str], int] = {}

    @initialize(
        shape=st.sampled_from(["default", "default", "line", "drained"]),
        latency=st.sampled_from(["instant", "realistic"]),
    )
    def begin(self, shape: str, latency: str) -> None:
        context = RailContext.create("property", Clock.frozen(1_767_225_600))
        self.rail = Lightning(context, LightningSettings(latency=latency), Topology.preset(shape))
        self.start_msat = {name: self.rail.network.balance_msat(name) for name in NODES}

    @rule(purchases=st.lists(PURCHASES, min_size=1, max_size=4))
    def buy(self, purchases: list[tuple[list[str], int, bool, bool, int | None]]) -> None:
        """One node asks, another pays."""
        for (payee, payer, *_), amount, chosen, hold, limit in purchases:
            self.buy_one(payee, payer, amount, chosen, hold, limit)

    def buy_one(
        self, payee: str, payer: str, amount: int, chosen: bool, hold: bool, limit: int | None
    ) -> None:
        preimage = sha256(str(len(self.invoices)).encode()).digest()
        hashed = sha256(preimage).digest()
        request = InvoiceRequest(
            amount_msat=None if chosen else amount,
            expiry_s=600,
            preimage=None if hold else preimage,
            payment_hash=hashed if hold else None,
        )
        try:
            self.rail.node(payee).create_invoice(request)
        except LightningError:
            assert not self.rail.node(payee).state.online
            return
        self.preimages[hashed] = preimage
        self.invoices.append((payee, hashed))
        self.pay_invoice(payer, payee, hashed, amount, limit)

    @rule(amount=st.integers(5 * 10**9, 9_800_000_000), hold=st.booleans(), back=st.booleans())
    def buy_in_parts(self, amount: int, hold: bool, back: bool) -> None:
        """More than one channel can carry, in the beginning."""
        payee, payer = ("payer", "merchant") if back else ("merchant", "payer")
        self.buy_one(payee, payer, amount, False, hold, None)

    @precondition(lambda self: self.invoices)
    @rule(data=st.data(), node=st.sampled_from(NODES), amount=AMOUNTS_MSAT, limit=LIMITS_MSAT)
    def pay_again(self, data: st.DataObject, node: str, amount: int, limit: int | None) -> None:
        """Somebody, perhaps the same, perhaps its payee, pays what there is."""
        payee, hashed = data.draw(st.sampled_from(self.invoices))
        self.pay_invoice(node, payee, hashed, amount, limit)

    def pay_invoice(
        self, payer: str, payee: str, hashed: bytes, amount: int, limit: int | None
    ) -> None:
        record = self.rail.node(payee).invoice(hashed)
        if record is None:
            return
        chosen = amount if record.amount_msat is None else None
        request = PaymentRequest(record.text, chosen, limit, allow_self_payment=True)
        try:
            self.rail.node(payer).start_payment(request)
        except LightningError:
            return
        self.limits[payer, hashed] = limit

    @precondition(lambda self: self.invoices)
    @rule(data=st.data(), settle=st.booleans())
    def decide(self, data: st.DataObject, settle: bool) -> None:
        payee, hashed = data.draw(st.sampled_from(self.invoices))
        node = self.rail.node(payee)
        try:
            if settle:
                node.settle_invoice(self.preimages[hashed])
            else:
                node.cancel_invoice(hashed)
        except LightningError:
            return

    @rule(fault=FAULTS)
    def arm(self, fault: dict[str, Any]) -> None:
        self.rail.context.faults.arm({**fault, "when": "times=1"})

    @rule(node=st.sampled_from(NODES), online=st.sampled_from([True, True, False]))
    def switch(self, node: str, online: bool) -> None:
        self.rail.network.node(node).online = online

    @rule(seconds=st.integers(0, 200))
    def wait(self, seconds: int) -> None:
        self.rail.context.clock.advance(seconds)
        self.rail.catch_up()

    @rule()
    def save_and_load(self) -> None:
        document = self.rail.snapshot()
        self.rail.restore(document)
        assert self.rail.snapshot() == document

    @invariant()
    def nothing_is_made_or_lost(self) -> None:
        self.rail.check_conservation()

    @invariant()
    def what_is_in_flight_is_what_the_attempts_have_locked(self) -> None:
        held: dict[tuple[int, str], list[int]] = defaultdict(list)
        for attempt in self.rail.travel.attempts.values():
            # On its way there the first hops are locked; on its way back as well.
            for hop in attempt.hops[: attempt.locked]:
                held[hop.scid, hop.sender].append(hop.amount_msat)
        for channel in self.rail.network.channels.values():
            for end in channel.ends:
                amounts = held[channel.scid, end.node]
                assert (end.in_flight, end.in_flight_msat) == (len(amounts), sum(amounts))

    @invariant()
    def nobody_spends_the_reserve(self) -> None:
        """An end below its reserve only grows, so it was there before or came there by nobody."""
        for channel in self.rail.network.channels.values():
            for end in channel.ends:
                key = (channel.scid, end.node)
                if end.balance_msat < channel.reserve_msat:
                    assert self.seen_msat.get(key, end.balance_msat) <= end.balance_msat
                self.seen_msat[key] = end.balance_msat

    @invariant()
    def each_hop_takes_its_fee_and_nothing_else(self) -> None:
        for payment in self.rail.payments.records.values():
            for attempt in payment.attempts:
                scids = [hop.scid for hop in attempt.hops]
                assert all(one != following for one, following in pairwise(scids))
                due_msat = attempt.amount_msat
                following = None
                for hop in reversed(attempt.hops):
                    fee_msat = 0
                    if following is not None:
                        policy = self.rail.network.channels[following.scid].end(hop.receiver).policy
                        fee_msat = policy.base_msat + due_msat * policy.ppm // 1_000_000
                    due_msat += fee_msat
                    assert (hop.amount_msat, hop.fee_msat) == (due_msat, fee_msat)
                    following = hop
            limit = self.limits[payment.node, payment.payment_hash]
            spent = sum(one.hops[0].amount_msat - one.amount_msat for one in payment.alive)
            assert limit is None or spent <= limit
            assert sum(one.amount_msat for one in payment.alive) <= payment.amount_msat

    @invariant()
    def a_success_is_an_invoice_settled_once_for_what_was_paid(self) -> None:
        for payee, hashed in self.invoices:
            record = self.rail.invoices.find(payee, hashed)
            if record is None or record.state is not InvoiceState.SETTLED:
                assert hashed not in self.settled
                continue
            assert self.settled.setdefault(hashed, record.settle_index) == record.settle_index
            payments = [
                one for one in self.rail.payments.records.values() if one.payment_hash == hashed
            ]
            kept = [one for payment in payments for one in payment.attempts if one.preimage]
            assert sum(one.amount_msat for one in kept) == record.paid_msat
        for payment in self.rail.payments.records.values():
            shown = [one.preimage for one in payment.attempts if one.preimage is not None]
            assert all(sha256(one).digest() == payment.payment_hash for one in shown)
            assert not shown or payment.payment_hash in self.settled
            if payment.status is PaymentStatus.SUCCEEDED:
                assert payment.preimage in shown

    def teardown(self) -> None:
        """When everything has come to its end, everyone has what the payments say."""
        for node in self.rail.network.nodes.values():
            node.online = True
        self.rail.context.faults.clear()
        self.rail.context.clock.advance(7 * 86_400)
        self.rail.catch_up()
        expected = dict(self.start_msat)
        for payment in self.rail.payments.records.values():
            held = self.rail.invoices.records.values()
            if payment.status is PaymentStatus.IN_FLIGHT:
                states = [one.state for one in held if one.payment_hash == payment.payment_hash]
                assert InvoiceState.ACCEPTED in states, "only what is held is in flight for ever"
            for attempt in payment.alive:
                if attempt.status is PaymentStatus.IN_FLIGHT:
                    for hop in attempt.hops:
                        expected[hop.sender] -= hop.amount_msat
                    continue
                expected[payment.node] -= attempt.hops[0].amount_msat
                for hop in attempt.hops[:-1]:
                    expected[hop.receiver] += hop.fee_msat
                expected[attempt.hops[-1].receiver] += attempt.amount_msat
        assert expected == {name: self.rail.network.balance_msat(name) for name in NODES}


# Explaining a failure, and looking for a second one, would take minutes.
NetworkMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    report_multiple_bugs=False,
    phases=[Phase.reuse, Phase.generate, Phase.shrink],
)
TestNetwork = NetworkMachine.TestCase
