"""Whatever is paid, held, stuck, canceled or saved in the middle: no millisatoshi is made or lost,
an invoice is settled at most once, and its payer loses what it says (facts: lightning 5.1, 5.3)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

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
    st.integers(1, 5_000), st.integers(1_000, 10**9), st.integers(10**9, 12 * 10**9)
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

    @initialize(
        shape=st.sampled_from(["default", "line", "drained"]),
        latency=st.sampled_from(["instant", "realistic"]),
    )
    def begin(self, shape: str, latency: str) -> None:
        context = RailContext.create("property", Clock.frozen(1_767_225_600))
        self.rail = Lightning(context, LightningSettings(latency=latency), Topology.preset(shape))
        self.start_msat = {name: self.rail.network.balance_msat(name) for name in NODES}

    @rule(node=st.sampled_from(NODES), amount=st.none() | AMOUNTS_MSAT, hold=st.booleans())
    def ask(self, node: str, amount: int | None, hold: bool) -> None:
        preimage = sha256(str(len(self.invoices)).encode()).digest()
        hashed = sha256(preimage).digest()
        request = InvoiceRequest(
            amount_msat=amount,
            expiry_s=600,
            preimage=None if hold else preimage,
            payment_hash=hashed if hold else None,
        )
        record = self.rail.node(node).create_invoice(request)
        self.preimages[hashed] = preimage
        self.invoices.append((node, record.payment_hash))

    @rule(
        data=st.data(),
        node=st.sampled_from(NODES),
        limit=st.none() | st.integers(0, 10_000),
        chosen=AMOUNTS_MSAT,
    )
    def pay(self, data: st.DataObject, node: str, limit: int | None, chosen: int) -> None:
        if not self.invoices:
            return
        payee, hashed = data.draw(st.sampled_from(self.invoices))
        record = self.rail.node(payee).invoice(hashed)
        if record is None:
            return
        amount = chosen if record.amount_msat is None else None
        try:
            self.rail.node(node).start_payment(
                PaymentRequest(record.text, amount, fee_limit_msat=limit)
            )
        except LightningError:
            return

    @rule(data=st.data(), settle=st.booleans())
    def decide(self, data: st.DataObject, settle: bool) -> None:
        if not self.invoices:
            return
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

    @rule(node=st.sampled_from(NODES), online=st.booleans())
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
    def each_invoice_is_settled_once(self) -> None:
        for payee, hashed in self.invoices:
            record = self.rail.invoices.find(payee, hashed)
            if record is None or record.state is not InvoiceState.SETTLED:
                assert hashed not in self.settled
                continue
            assert self.settled.setdefault(hashed, record.settle_index) == record.settle_index

    @invariant()
    def a_success_has_its_preimage_and_a_settled_invoice(self) -> None:
        for payment in self.rail.payments.records.values():
            if payment.status is PaymentStatus.SUCCEEDED:
                assert payment.preimage is not None
                assert sha256(payment.preimage).digest() == payment.payment_hash
                assert payment.payment_hash in self.settled

    def teardown(self) -> None:
        """When everything has come to its end, everyone has what the payments say."""
        for node in self.rail.network.nodes.values():
            node.online = True
        self.rail.context.faults.clear()
        self.rail.context.clock.advance(7 * 86_400)
        self.rail.catch_up()
        expected = dict(self.start_msat)
        for payment in self.rail.payments.records.values():
            held = self.rail.invoices.records
            if payment.status is PaymentStatus.IN_FLIGHT:
                states = [
                    one.state for one in held.values() if one.payment_hash == payment.payment_hash
                ]
                assert InvoiceState.ACCEPTED in states, (
                    "only what is held may be in flight for ever"
                )
                expected[payment.node] -= sum(one.hops[0].amount_msat for one in payment.in_flight)
                continue
            for attempt in payment.attempts:
                if attempt.status is not PaymentStatus.SUCCEEDED:
                    continue
                expected[payment.node] -= attempt.hops[0].amount_msat
                for hop in attempt.hops[:-1]:
                    expected[hop.receiver] += hop.fee_msat
                expected[attempt.hops[-1].receiver] += attempt.amount_msat
        assert expected == {name: self.rail.network.balance_msat(name) for name in NODES}


NetworkMachine.TestCase.settings = settings(max_examples=10, stateful_step_count=40, deadline=None)
TestNetwork = NetworkMachine.TestCase
