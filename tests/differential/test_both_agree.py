"""One case at a time, what random flows reach only by chance: each rule, named, on both chains."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import pytest

from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import ALPHA_USD, BETA_USD, PATH_USD, THETA_USD, TIP20_PREFIX
from mock_rails.tempo.errors import ExecutionReverted
from tests.differential.chains import RefusedError, to_hex
from tests.differential.flaws import FLAWS
from tests.differential.outcomes import REFUSED
from tests.differential.payments import (
    PAYERS,
    PEOPLE,
    TRANSFER,
    TRANSFER_FROM,
    TRANSFER_WITH_MEMO,
    Approve,
    Payment,
    Transfer,
)

if TYPE_CHECKING:
    from tests.differential.chains import JsonRpc
    from tests.differential.twins import Twins

pytestmark = pytest.mark.node

PAYMENT = Payment("alice", (Transfer("pathUSD", "shop", 5),))
NO_TOKEN = TIP20_PREFIX + b"\x77" * 8


@pytest.mark.parametrize("sender", PAYERS)
def test_every_kind_of_signature_pays_on_every_lane(twins: Twins, sender: str) -> None:
    parts = (Transfer("pathUSD", "shop", 5, memo=b"\x4d" * 32), Approve("AlphaUSD", "shop", 9))
    lanes: tuple[int | str, ...] = ("expiring", 0, 7)
    for lane, sponsored in product(lanes, (False, True)):
        paid = twins.pay(Payment(sender, parts, lane, "BetaUSD", sponsored=sponsored))
        assert paid.status == "succeeded"
        assert paid.sender == to_hex(PEOPLE[sender])
        assert paid.fee_payer == to_hex(PEOPLE["sponsor" if sponsored else sender])
        assert paid.fee_token == to_hex(BETA_USD)
        assert len(paid.logs) == (4 if lane == 7 else 3)
    twins.compare()


@pytest.mark.parametrize("sponsored", [False, True], ids=["plain", "sponsored"])
@pytest.mark.parametrize("flaw", FLAWS)
def test_both_refuse_a_payment(twins: Twins, flaw: str, sponsored: bool) -> None:
    payment = replace(PAYMENT, lane=0, sponsored=sponsored)
    twins.refuse(payment, flaw)
    twins.compare()
    assert twins.pay(payment).status == "succeeded", "the payment without its flaw"
    twins.refuse(payment, flaw)
    twins.compare()


@pytest.mark.parametrize("sponsored", [False, True], ids=["plain", "sponsored"])
@pytest.mark.parametrize("lane", [0, 7])
def test_a_nonce_is_used_once(twins: Twins, lane: int, sponsored: bool) -> None:
    payment = replace(PAYMENT, lane=lane, sponsored=sponsored)
    first = twins.attempt(payment)
    assert twins.pay(payment).status == "succeeded"
    assert twins.send(first.signed()) == REFUSED, "the same bytes"
    assert twins.send(first.signed(gas_limit=2_000_000)) == REFUSED, "another payment"
    twins.compare()


def test_an_expiring_payment_is_made_once_whoever_pays_for_it(twins: Twins) -> None:
    # Facts 1.2: the replay id of a sponsored payment leaves the fee payer's choices out.
    attempt = twins.attempt(replace(PAYMENT, sponsored=True))
    raw = attempt.signed()
    assert twins.send(raw).status == "succeeded"
    assert twins.send(raw) == REFUSED
    assert twins.send(attempt.signed(fee_token=ALPHA_USD)) == REFUSED
    assert twins.send(attempt.signed(gas_limit=2_000_000)).status == "succeeded"
    twins.compare()


def test_an_unfunded_payment_does_not_wait_for_its_nonce(twins: Twins) -> None:
    ahead = replace(twins.attempt(replace(PAYMENT, lane=0)), nonce=1)
    assert twins.send(ahead.signed(fee_token=THETA_USD)) == REFUSED


def test_a_payment_may_become_valid_this_second(twins: Twins) -> None:
    attempt = twins.attempt(PAYMENT)
    assert twins.send(attempt.signed(valid_after=attempt.now_s - 1)).status == "succeeded"
    twins.compare()


def test_a_payment_that_runs_out_of_gas_costs_its_fee(twins: Twins) -> None:
    # A first balance costs 250,000 on both forks, so neither gets there with 100,000.
    starved = replace(PAYMENT, gas_limit=100_000)
    outcome = twins.pay(starved)
    assert (outcome.status, outcome.logs) == ("reverted", ())
    twins.compare()


def test_one_failing_call_undoes_the_batch(twins: Twins) -> None:
    parts = (Transfer("pathUSD", "shop", 5), Transfer("pathUSD", "shop", 10**15))
    outcome = twins.pay(replace(PAYMENT, parts=parts))
    assert (outcome.status, outcome.logs) == ("reverted", ())
    twins.compare()


def test_all_of_a_balance_cannot_be_paid_in_the_fee_token(twins: Twins) -> None:
    everything = Transfer("AlphaUSD", "shop", 1_000_000_000)
    assert twins.pay(Payment("bob", (everything,), 0, "AlphaUSD")).status == "reverted"
    assert twins.pay(Payment("wanda", (everything,), 0, "pathUSD")).status == "succeeded"
    assert twins.pay(Payment("wanda", (everything,), 0, "AlphaUSD")) == REFUSED
    twins.compare()


@pytest.mark.parametrize(
    ("parts", "sponsored", "token"),
    [
        ((Transfer("AlphaUSD", "shop", 1),), False, ALPHA_USD),
        ((Transfer("AlphaUSD", "shop", 1),), True, PATH_USD),
        ((Transfer("AlphaUSD", "shop", 1), Transfer("BetaUSD", "shop", 1)), False, PATH_USD),
        ((Approve("AlphaUSD", "shop", 1),), False, PATH_USD),
    ],
    ids=["the token called", "not for sponsors", "no two tokens", "no approval"],
)
def test_the_fee_token_that_nobody_chose(
    twins: Twins, parts: tuple[Transfer | Approve, ...], sponsored: bool, token: bytes
) -> None:
    # Facts 4.3, rules 4 and 6.
    paid = twins.pay(replace(PAYMENT, parts=parts, fee_token=None, sponsored=sponsored))
    assert paid.fee_token == to_hex(token)
    twins.compare()


SHOP = PEOPLE["shop"]
VIEWS = {
    "an overdraft": (PATH_USD, TRANSFER.call(SHOP, 10**15)),
    "to nobody": (PATH_USD, TRANSFER.call(bytes(20), 1)),
    "to a token": (PATH_USD, TRANSFER.call(ALPHA_USD, 1)),
    "without allowance": (PATH_USD, TRANSFER_FROM.call(PEOPLE["bob"], SHOP, 1)),
    "an overdraft with a memo": (PATH_USD, TRANSFER_WITH_MEMO.call(SHOP, 10**15, bytes(32))),
    "minting": (PATH_USD, Function("mint(address to, uint256 amount)").call(SHOP, 1)),
    "pausing": (PATH_USD, Function("pause()").call()),
    "an unknown function": (PATH_USD, b"\x01\x02\x03\x04"),
    "half a selector": (PATH_USD, b"\xa9\x05"),
    "half an argument": (PATH_USD, TRANSFER.call(SHOP, 1)[:-3]),
    "bytes to spare": (PATH_USD, TRANSFER.call(SHOP, 1) + b"\x01"),
    "an address with a thirteenth byte": (
        PATH_USD,
        TRANSFER.selector + b"\x01" * 12 + SHOP + bytes(31) + b"\x01",
    ),
    "no token there": (NO_TOKEN, TRANSFER.call(SHOP, 1)),
    "a transfer": (PATH_USD, TRANSFER.call(SHOP, 1)),
    "a transfer with a memo": (PATH_USD, TRANSFER_WITH_MEMO.call(SHOP, 1, b"\x4d" * 32)),
    "a name": (BETA_USD, Function("name()").call()),
    "a currency": (BETA_USD, Function("currency()").call()),
    "a quote token": (BETA_USD, Function("quoteToken()").call()),
    "a supply cap": (BETA_USD, Function("supplyCap()").call()),
    "a policy": (BETA_USD, Function("transferPolicyId()").call()),
    "a domain": (BETA_USD, Function("DOMAIN_SEPARATOR()").call()),
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_call_answers_the_same_bytes(twins: Twins, view: str) -> None:
    contract, data = VIEWS[view]
    answers = [_call(ledger.rpc, contract, data) for ledger in (twins.ours, twins.anvil)]
    assert answers[0] == answers[1]


def _call(rpc: JsonRpc, contract: bytes, data: bytes) -> tuple[str, str]:
    """What eth_call answers to Alice: the result, or the revert data."""
    request = {"from": to_hex(PEOPLE["alice"]), "to": to_hex(contract), "data": to_hex(data)}
    try:
        return "result", rpc("eth_call", request, "latest")
    except RefusedError as refusal:
        if refusal.code != ExecutionReverted.code:
            raise
        return "reverted", refusal.data
