"""Each fault of the chain does what its summary says, to the client and to the state."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import orjson
import pytest

from mock_rails.core import FaultError
from mock_rails.core.snapshot import canonical_bytes
from mock_rails.tempo import faults, snapshots
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.errors import ResponseLostError, RpcError
from mock_rails.tempo.execution.fees import MAX_BASE_FEE
from tests.integration.tempo.desk import MAX_FEE, SHOP, Desk, make_chain


@pytest.fixture
def desk() -> Desk:
    return Desk(make_chain())


def arm(desk: Desk, at: str, do: str, **rest: Any) -> str:
    return desk.chain.context.faults.arm({"at": at, "do": do, **rest})


def payment(desk: Desk, who: int = 1, amount: int = 5) -> bytes:
    return desk.sign(who, desk.transfer(PATH_USD, SHOP, amount)).raw


async def ask(desk: Desk, name: str, *params: Any) -> Any:
    """The result of a request; an error answer is raised."""
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": name, "params": params})
    answer = orjson.loads(await TempoApi(desk.chain).dispatcher.answer(body) or b"")
    if "error" in answer:
        raise RpcError(answer["error"]["message"], code=answer["error"]["code"])
    return answer["result"]


def world(desk: Desk) -> bytes:
    return canonical_bytes(snapshots.dump_world(desk.chain.world))


# -- where a transaction arrives ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["eth_sendRawTransaction", "eth_sendRawTransactionSync"])
@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        ({"do": "reject", "args": {"message": "no, thanks"}}, -32000, "no, thanks"),
        ({"do": "reject"}, -32000, "rejected by an armed fault"),
        ({"do": "rate_limit"}, -32005, "rate limit exceeded"),
    ],
)
async def test_a_refused_submission_changes_nothing_and_may_be_repeated(
    desk: Desk, name: str, fault: dict[str, Any], code: int, message: str
) -> None:
    arm(desk, faults.SUBMIT, **fault, when="nth=1")
    digest, raw = desk.chain.digest(), f"0x{payment(desk).hex()}"
    with pytest.raises(RpcError, match=message) as caught:
        await ask(desk, name, raw)
    assert caught.value.code == code
    assert desk.chain.digest() == digest
    assert await ask(desk, name, raw)
    assert desk.balance(SHOP) == 5


async def test_a_dropped_transaction_is_answered_and_never_mined(desk: Desk) -> None:
    arm(desk, faults.SUBMIT, "drop", when="nth=1")
    before, raw = world(desk), payment(desk)
    tx_hash = await ask(desk, "eth_sendRawTransaction", f"0x{raw.hex()}")
    desk.chain.mine(3)
    assert await ask(desk, "eth_getTransactionReceipt", tx_hash) is None
    assert world(desk) == before
    assert len(desk.chain.pool) == 0
    assert await ask(desk, "eth_sendRawTransaction", f"0x{raw.hex()}") == tx_hash
    assert desk.balance(SHOP) == 5


async def test_who_waits_for_a_dropped_transaction_times_out(desk: Desk) -> None:
    arm(desk, faults.SUBMIT, "drop")
    with pytest.raises(RpcError, match="wasn't confirmed within 10ms") as caught:
        await ask(desk, "eth_sendRawTransactionSync", f"0x{payment(desk).hex()}", 10)
    assert caught.value.code == 4
    assert desk.balance(SHOP) == 0


async def test_a_lost_response_is_a_settled_payment(desk: Desk) -> None:
    """Whatever the way in; asking for the receipt is how a client finds out."""
    arm(desk, faults.SUBMIT, "lose_response")
    for amount, way in (
        (1, desk.chain.submit),
        (2, desk.chain.submit_and_wait),
    ):
        with pytest.raises(ResponseLostError):
            await way(payment(desk, amount=amount))
    with pytest.raises(ResponseLostError):
        desk.chain.send(payment(desk, amount=4))
    assert desk.balance(SHOP) == 7
    sent = desk.chain.head.receipts[0].submission.hash
    assert await ask(desk, "eth_getTransactionReceipt", f"0x{sent.hex()}") is not None


async def test_a_fault_may_single_out_a_sender(desk: Desk) -> None:
    arm(desk, faults.SUBMIT, "rate_limit", where={"sender": f"0x{desk.people[2].hex()}"})
    for who in (1, 2, 3):
        if who == 2:
            with pytest.raises(RpcError, match="rate limit"):
                desk.chain.send(payment(desk, who))
        else:
            assert desk.chain.send(payment(desk, who)) is not None
    assert desk.balance(SHOP) == 10


async def test_the_faucet_is_no_submission(desk: Desk) -> None:
    """It answers for itself; faults are for what clients send."""
    arm(desk, faults.SUBMIT, "reject")
    assert len(await ask(desk, "tempo_fundAddress", f"0x{SHOP.hex()}")) == 4
    assert desk.balance(SHOP) == desk.chain.settings.faucet_base_units


# -- where a block is made ------------------------------------------------------------------------


async def test_a_halted_chain_goes_on_by_itself_when_it_is_healed(desk: Desk) -> None:
    fault = arm(desk, faults.SEAL, "halt")
    waits = asyncio.create_task(desk.chain.submit_and_wait(payment(desk, 1)))
    submission = await desk.chain.submit(payment(desk, 2))
    assert desk.chain.send(payment(desk, 3)) is None
    desk.chain.mine(2)
    assert (desk.chain.head.number, len(desk.chain.pool)) == (0, 3)
    assert not waits.done()
    desk.chain.context.faults.disarm(fault)
    receipt = await waits  # no one sends another transaction to wake it
    assert receipt.block is desk.chain.head.header
    assert len(desk.chain.head.receipts) == 3
    assert desk.chain.receipt(submission.hash) is not None
    assert desk.balance(SHOP) == 15


async def test_a_halted_chain_heals_without_anyone_waiting(desk: Desk) -> None:
    fault = arm(desk, faults.SEAL, "halt")
    await desk.chain.submit(payment(desk))
    desk.chain.context.faults.disarm(fault)
    for _ in range(200):
        if desk.chain.head.number:
            break
        await asyncio.sleep(0.005)
    assert desk.balance(SHOP) == 5


async def test_a_fee_spike_lasts_for_its_block(desk: Desk) -> None:
    """Who offered enough pays it, who did not is refused, and the next block is cheap again."""
    usual = desk.send(1, desk.transfer(PATH_USD, SHOP, 1)).block.base_fee
    spike = 5 * MAX_BASE_FEE
    arm(desk, faults.SEAL, "fee_spike", args={"base_fee": spike}, when="times=2")
    with pytest.raises(RpcError, match="max fee per gas less than block base fee"):
        desk.chain.send(payment(desk))
    assert spike > MAX_FEE
    rich = desk.send(1, desk.transfer(PATH_USD, SHOP, 1), max_fee_per_gas=2 * spike)
    assert rich.block.base_fee == spike == rich.outcome.effective_gas_price
    after = desk.send(1, desk.transfer(PATH_USD, SHOP, 1))
    assert after.block.base_fee <= usual
    desk.chain.check_conservation()


async def test_a_fee_spike_without_a_number_is_the_highest_fee(desk: Desk) -> None:
    for _ in range(30):
        desk.chain.mine()
    arm(desk, faults.SEAL, "fee_spike")
    assert desk.send(1, desk.transfer(PATH_USD, SHOP, 1)).block.base_fee == MAX_BASE_FEE


@pytest.mark.parametrize("base_fee", ["much", -1, 1.5, None, True, 1 << 64])
def test_a_fee_that_no_block_can_have_is_refused_when_it_is_armed(
    desk: Desk, base_fee: object
) -> None:
    with pytest.raises(FaultError, match="`base_fee` of 'fee_spike' is a whole number"):
        arm(desk, faults.SEAL, "fee_spike", args={"base_fee": base_fee})
    assert desk.chain.context.faults.list() == []


# -- where a receipt is asked for -----------------------------------------------------------------


async def test_a_hidden_receipt_looks_like_a_late_one(desk: Desk) -> None:
    sent = desk.send(1, desk.transfer(PATH_USD, SHOP, 5)).submission.hash
    arm(desk, faults.RECEIPT, "hide", when="times=2", where={"hash": f"0x{sent.hex()}"})
    answers = [await ask(desk, "eth_getTransactionReceipt", f"0x{sent.hex()}") for _ in range(3)]
    assert answers[:2] == [None, None]
    assert answers[2]["status"] == "0x1"
    assert desk.balance(SHOP) == 5


# -- all of them ----------------------------------------------------------------------------------


async def test_every_fault_leaves_the_money_alone(desk: Desk) -> None:
    """Armed with a chance each, over many payments: what arrived is what was taken."""
    names = [(point.name, action.name) for point in faults.FAULT_POINTS for action in point.actions]
    assert len(names) == 7
    for point, action in names:
        arm(desk, point, action, when="probability=1/6")
    for at in range(120):
        raw = desk.sign(1 + at % 9, desk.transfer(PATH_USD, SHOP, 1), max_fee_per_gas=10**11).raw
        with contextlib.suppress(RpcError, ResponseLostError):
            await desk.chain.submit_and_wait(raw, 60)
    desk.chain.context.faults.clear()
    desk.chain.drop_pool()
    mined = [
        receipt
        for number in range(desk.chain.head.number + 1)
        for receipt in desk.chain.history.by_number(number).receipts  # type: ignore[union-attr]
    ]
    assert 20 < len(mined) < 120
    assert desk.balance(SHOP) == sum(receipt.status for receipt in mined) == len(mined)
    desk.chain.check_conservation()
