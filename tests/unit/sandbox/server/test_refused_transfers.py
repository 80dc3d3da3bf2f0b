"""A node refuses a signed transfer: what surely paid nothing may be paid for anew, all else not.

Facts: tempo 1.9 (the node's words), protocol 1.5 (a 402 invites to pay, a 500 does not). pympp
calls every failure after its send an internal error; the shop's node is asked what is certain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from mpp import Credential

from mock_rails.core import Seeds
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.tx.model import Call
from sandbox.chain import Sender, token_balance
from sandbox.chain.refusals import is_definite
from sandbox.client.wallet import Wallet
from tests.unit.sandbox.server.charging import PAYER, PRICE, World, opened
from tests.unit.sandbox.server.support import challenge_of, problem

if TYPE_CHECKING:
    import httpx

KEY = {"Idempotency-Key": "order-1"}
SPIKE = {"base_fee": 300_000_000_000}


def refused(answer: httpx.Response, words: str) -> None:
    """It is a plain refusal in the node's words, and another payment is asked for."""
    assert (answer.status_code, problem(answer)) == (402, "verification-failed"), answer.text
    assert words in answer.json()["detail"]
    assert "nothing was paid" in answer.json()["detail"]
    assert challenge_of(answer).id


def unknown(answer: httpx.Response) -> None:
    """Nobody is asked to pay again."""
    assert (answer.status_code, problem(answer)) == (500, "internal-payment-error"), answer.text
    assert "www-authenticate" not in answer.headers


async def leave(world: World, amount: int) -> None:
    """The payer gives away what it has, but for so much."""
    sender = Sender(world.rpc, PAYER, clock=world.shop.clock, seeds=Seeds("payer"))
    gift = await token_balance(world.rpc, PATH_USD, PAYER.address) - amount
    to = Wallet.dev(3).address.rjust(32, b"\0") + gift.to_bytes(32)
    await sender.send([Call(PATH_USD, 0, bytes.fromhex("a9059cbb") + to)])


async def test_a_fee_above_what_was_signed_is_a_refusal_and_the_credential_may_come_again() -> None:
    async with opened() as world:
        before, sent = await world.income(), await world.credential()
        spike = world.arm("tempo.seal", "fee_spike", args=SPIKE)
        for headers in (KEY, KEY, {}):
            answer = await world.show(sent, **headers)
            refused(answer, "max fee per gas less than block base fee")
            assert "sign again with a higher price" in answer.json()["hint"]
        assert await world.income() == before
        world.disarm(spike)
        await world.rpc.call("evm_mine")
        answer = await world.show(sent, **KEY)
        assert (answer.status_code, answer.text) == (200, "the goods")
        assert (await world.show(sent, **KEY)).status_code == 200
        assert (len(world.shop.app.scopes), await world.income()) == (1, before + PRICE)


async def test_a_transfer_that_came_after_its_end_is_a_refusal() -> None:
    async with opened() as world:
        before, sent = await world.income(), await world.credential()
        world.chain.context.clock.advance(60)
        refused(await world.show(sent), "'valid_before'")
        assert await world.income() == before
        assert world.shop.app.scopes == []


async def test_a_client_whose_clock_is_slow_is_told_so() -> None:
    """It signs by its own time, which for the chain is ten minutes ago."""
    async with opened() as world:
        world.chain.context.clock.advance(600)
        await world.rpc.call("evm_mine")
        answer = await world.show(await world.credential())
        refused(answer, "'valid_before'")
        assert "clock" in answer.json()["hint"]


async def test_who_has_less_than_the_fee_is_refused() -> None:
    async with opened() as world:
        sent = await world.credential()
        await leave(world, 0)
        refused(await world.show(sent), "insufficient")


async def test_a_transfer_that_reverts_is_refused_at_once() -> None:
    async with opened() as world:
        sent = await world.credential()
        await leave(world, PRICE * 2 // 3)
        refused(await world.show(sent), "reverted")
        assert world.shop.app.scopes == []


# -- what is not certain --------------------------------------------------------------------------


async def test_an_answer_that_is_lost_is_no_refusal() -> None:
    async with opened(confirmation_timeout=1) as world:
        before, sent = await world.income(), await world.credential()
        world.arm("tempo.submit", "drop")
        for _ in range(2):
            unknown(await world.show(sent))
        assert (world.shop.app.scopes, await world.income()) == ([], before)


async def test_a_chain_that_stands_still_leaves_it_unknown_until_it_is_mined(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In the pool it can be mined until its end: to pay again now would be to pay twice."""
    async with opened(confirmation_timeout=1) as world:
        before, sent = await world.income(), await world.credential()
        halt = world.arm("tempo.seal", "halt")
        for _ in range(2):
            unknown(await world.show(sent))
        (line,) = [one for one in caplog.records if one.name == "sandbox.server"]
        assert "outcome of a payment is not known: InternalPaymentError" in line.getMessage()
        assert line.exc_info is None
        world.disarm(halt)
        await world.rpc.call("evm_mine")
        assert (await world.show(sent)).status_code == 200
        assert (len(world.shop.app.scopes), await world.income()) == (1, before + PRICE)


async def test_the_words_of_a_refusal_prove_nothing_where_the_node_has_the_transfer() -> None:
    """Somebody has sent it already, and it waits: the refused copy is not the only one."""
    async with opened(confirmation_timeout=1) as world:
        sent = await world.credential()
        raw = Credential.from_authorization(sent).payload["signature"]
        halt = world.arm("tempo.seal", "halt")
        await world.rpc.call("eth_sendRawTransaction", raw)
        says = {"message": "max fee per gas less than block base fee"}
        world.arm("tempo.submit", "reject", args=says)
        unknown(await world.show(sent))
        world.disarm(halt)
        await world.rpc.call("evm_mine")
        assert (await world.show(sent)).status_code == 200


async def test_a_node_that_cannot_be_asked_afterwards_leaves_it_unknown() -> None:
    async with opened() as world:
        sent = await world.credential()
        world.arm("tempo.seal", "fee_spike", args=SPIKE)
        world.rpc.url = "nonsense://"
        unknown(await world.show(sent))


async def test_without_a_node_to_ask_no_refusal_is_believed() -> None:
    async with opened(looks=False) as world:
        sent = await world.credential()
        world.arm("tempo.seal", "fee_spike", args=SPIKE)
        unknown(await world.show(sent))


@pytest.mark.parametrize("words", ["dropped from the pool", "nonce too low: next nonce 1"])
async def test_words_that_do_not_rule_it_out_leave_it_unknown(words: str) -> None:
    async with opened() as world:
        sent = await world.credential()
        world.arm("tempo.submit", "reject", args={"message": words})
        unknown(await world.show(sent))


@pytest.mark.parametrize(
    ("words", "definite"),
    [
        ("max fee per gas less than block base fee: maxFeePerGas 1, baseFee 2", True),
        ("'valid_before' 5 is too close to current time (min allowed: 9)", True),
        ("transaction expired: current block timestamp 9 >= validBefore 5", True),
        ("nonce manager error: expiring nonce transaction expired", True),
        ("insufficient funds for gas * price + value: have 0 want 5", True),
        ("insufficient fee token balance: required 5, but only have 0", True),
        ("invalid chain ID", True),
        ("already known", False),
        ("nonce too low: next nonce 2, tx nonce 1", False),
        ("nonce manager error: ... ExpiringNonceReplay(ExpiringNonceReplay)", False),
        ("Transaction 0x1 was added to the mempool but wasn't confirmed within 20s", False),
        ("replacement transaction underpriced", False),
        ("internal error", False),
    ],
)
def test_which_words_are_definite(words: str, definite: Any) -> None:
    assert is_definite(words) is definite
