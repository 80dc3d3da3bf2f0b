"""Who paid how much for a transaction, whatever a node's receipt leaves out (facts, tempo 4.2)."""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo.addresses import ALPHA_USD, BETA_USD
from sandbox.chain import ChainError, broadcast, co_sign
from sandbox.chain.receipts import read_receipt
from tests.unit.sandbox.chain.support import ChainDesk, transfer

SHOP = b"\x51" * 20


async def receipt_of_a_sponsored_payment(desk: ChainDesk) -> dict[str, Any]:
    """As the node writes it."""
    handed = await desk.payer.sign([transfer(SHOP, 3)], sponsored=True)
    paid = await broadcast(desk.rpc, co_sign(handed, desk.sponsor.wallet, BETA_USD).raw)
    answer = await desk.rpc.call("eth_getTransactionReceipt", "0x" + paid.hash.hex())
    assert isinstance(answer, dict)
    return answer


async def test_the_fee_is_read_from_its_log_where_the_receipt_does_not_name_it() -> None:
    """anvil's receipts name no fee token, and the sender as the payer of what was sponsored."""
    async with ChainDesk() as desk:
        full = await receipt_of_a_sponsored_payment(desk)
        bare = {**full, "feePayer": full["from"]}
        del bare["feeToken"]
        assert read_receipt(bare) == read_receipt(full)
        assert read_receipt(bare).fee_payer == desk.sponsor.address


async def test_without_a_log_the_fee_is_gas_times_price_rounded_up() -> None:
    async with ChainDesk() as desk:
        full = await receipt_of_a_sponsored_payment(desk)
        assert read_receipt({**full, "logs": []}).fee == read_receipt(full).fee
        free = {**full, "logs": [], "effectiveGasPrice": "0x0"}
        assert read_receipt(free).fee == 0


async def test_the_last_log_is_not_taken_for_a_fee_when_it_is_a_payment() -> None:
    async with ChainDesk() as desk:
        full = await receipt_of_a_sponsored_payment(desk)
        other = {**full, "logs": full["logs"][:1], "feeToken": "0x" + ALPHA_USD.hex()}
        assert read_receipt(other).fee_token == ALPHA_USD


@pytest.mark.parametrize("name", ["transactionHash", "status", "blockNumber", "gasUsed", "from"])
async def test_a_receipt_without_what_matters_is_unreadable(name: str) -> None:
    async with ChainDesk() as desk:
        full = await receipt_of_a_sponsored_payment(desk)
        del full[name]
        with pytest.raises(ChainError, match=name):
            read_receipt(full)
