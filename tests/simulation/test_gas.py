"""What the scenarios think an operation costs is what the chain's receipt says it costs.

Issue: the fee of every simulated operation equals the devnet's receipt for that operation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.lightning.invoices import InvoiceRequest
from mock_rails.lightning.model import PaymentStatus
from mock_rails.lightning.payments import PaymentRequest
from mock_rails.lightning.rail import Lightning
from mock_rails.lightning.topology import Topology
from mock_rails.stripe.fees import PRICES
from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import CHANNEL_RESERVE, PATH_USD, ZERO_ADDRESS
from mock_rails.tempo.execution.fees import MIN_BASE_FEE, fee_amount
from mock_rails.tempo.native.channel_reserve.channels import CLOSE_GRACE_PERIOD_S
from scenarios.facts import cards, lightning, tempo
from scenarios.model.chain import Chain
from tests.integration.tempo.gas_chain import (
    CLOSE,
    DEPOSIT,
    OPEN,
    REQUEST_CLOSE,
    VOUCHER,
    Descriptor,
    GasChain,
)
from tests.integration.tempo.gas_rows import ROWS

if TYPE_CHECKING:
    from mock_rails.core import RailContext
    from mock_rails.tempo.crypto.wallet import Account

WITHDRAW_CHANNEL = Function("withdraw((address,address,address,address,bytes32,address,bytes32))")
MEASURE = {row.operation: row.measure for row in ROWS}


class Street(GasChain):
    """The chain as clients and shops use it: expiring nonces, salts without order, a channel that
    names who signs its vouchers; others have channels too."""

    def __init__(self) -> None:
        super().__init__()
        self.open(self.other)

    def open(
        self, by: Account | None = None, *, payee: bytes | None = None, **how: Any
    ) -> tuple[int, Descriptor]:
        payer, payee = by or self.payer, payee or self.payee.address
        self._salt += 1
        salt = bytes([self._salt]) * 32
        data = OPEN.call(payee, ZERO_ADDRESS, PATH_USD, DEPOSIT, salt, payer.address)
        receipt = self.send(payer, CHANNEL_RESERVE, data, expiring=True, **how)
        context = receipt.submission.context_hash
        return receipt.outcome.gas_used, Descriptor(
            payer.address, payee, ZERO_ADDRESS, PATH_USD, salt, payer.address, context
        )

    def reserve(self, by: Account, function: Function, *values: Any, **how: Any) -> int:
        soon_s = self.chain.context.clock.now_s() + 60
        return super().reserve(by, function, *values, expiring=True, valid_before=soon_s, **how)


@pytest.mark.parametrize(
    ("gas", "operation"),
    [
        (tempo.CHARGE, "transferWithMemo, expiring nonce"),
        (tempo.CHARGE_NEW_PAYEE, "transferWithMemo, expiring, new recipient"),
        (tempo.TOP_UP, "channel topUp"),
        (tempo.SETTLE, "channel settle"),
        (tempo.CLOSE, "channel close, capture = voucher"),
        (tempo.REQUEST_CLOSE, "channel requestClose"),
    ],
)
def test_gas_is_the_receipts(gas: int, operation: str) -> None:
    assert MEASURE[operation](Street()) == gas


def test_a_payers_first_channel_and_the_next_on_its_slot() -> None:
    """Facts: tempo 4.5: closing frees a slot, and its credit pays for the payer's next."""
    chain = Street()
    used, channel = chain.open()
    assert used == tempo.OPEN
    chain.reserve(chain.payee, CLOSE, channel, VOUCHER, VOUCHER, chain.voucher(channel))
    assert chain.open()[0] == tempo.OPEN_AGAIN


def test_a_withdrawals_gas_is_the_receipts() -> None:
    """After the grace period of a forced close, without the payee."""
    chain = Street()
    _, channel = chain.open()
    chain.reserve(chain.payer, REQUEST_CLOSE, channel)
    chain.chain.context.clock.advance(CLOSE_GRACE_PERIOD_S)
    assert chain.reserve(chain.payer, WITHDRAW_CHANNEL, channel) == tempo.WITHDRAW


def test_a_charges_fee_is_the_receipts() -> None:
    """The model's chain and the rail's, at the price of the block: the same base units."""
    chain = GasChain()
    used = chain.transfer_with_memo(expiring=True)
    paid = chain.chain.head.receipts[0].outcome
    model = Chain(1.0, base_fee=paid.effective_gas_price)
    assert model.fee(0, used) == int.from_bytes(paid.logs[-1].data)


def test_the_models_chain_follows_the_rails_base_fee() -> None:
    """A block of twice the target raises the price by an eighth; empty ones let it fall again."""
    chain = Chain(1.0)
    chain.submit(0.5, 20_000_000)
    assert chain.fee(2, 10**6) == fee_amount(10**6, MIN_BASE_FEE * 9 // 8)
    assert chain.fee(5, 10**6) == fee_amount(10**6, MIN_BASE_FEE)


def test_a_full_block_sends_what_does_not_fit_to_the_next() -> None:
    chain = Chain(0.5, block_gas=100_000)
    assert [chain.submit(0.1, 46_807) for _ in range(5)] == [1, 1, 2, 2, 3]
    assert chain.wait_s(0.1, 3) == pytest.approx(1.4)
    assert chain.wait_s(1.5000000001, 3) == 0


def test_cards_cost_what_the_price_list_says() -> None:
    """Facts: stripe 3, the computed table, rounded to cents half up."""
    dollar = 100 * cards.CENT
    assert cards.card_fee(dollar) == 33 * cards.CENT
    assert cards.card_fee(10 * dollar) == 59 * cards.CENT
    assert cards.deposit_fee(dollar) == 2 * cards.CENT
    assert cards.deposit_fee(cards.CENT) == 0
    assert (cards.LEAST, cards.TOKEN) == (50 * cards.CENT, 15 * cards.CENT)
    assert PRICES["card"].read_on == cards.READ_ON


@pytest.mark.parametrize(("topology", "hops"), [("pair", 1), ("hub", 2), ("line", 3)])
def test_routing_fees_are_those_of_the_network(
    topology: str, hops: int, context: RailContext
) -> None:
    """A payment over the rail takes what the model says, to the millisatoshi."""
    rail = Lightning(context, topology=Topology.preset(topology))
    invoice = rail.node("merchant").create_invoice(InvoiceRequest(1_234_567))
    payment = rail.node("payer").start_payment(PaymentRequest(invoice.text))
    assert payment.status is PaymentStatus.SUCCEEDED
    assert lightning.routing_fee(1_234_567, hops) == payment.fee_msat
