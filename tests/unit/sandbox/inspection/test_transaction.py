"""What a receipt's logs say was moved (facts: tempo 4.2)."""

from __future__ import annotations

from mock_rails.tempo.addresses import FEE_MANAGER
from sandbox.chain import TxResult
from sandbox.inspection import Moved, Transaction

TOKEN, PAYER, PAYEE = bytes([1]) * 20, bytes([2]) * 20, bytes([3]) * 20
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def log(sender: bytes, receiver: bytes, amount: int) -> dict[str, object]:
    topics = [TRANSFER, *(f"0x{bytes(12).hex()}{one.hex()}" for one in (sender, receiver))]
    return {"address": f"0x{TOKEN.hex()}", "topics": topics, "data": hex(amount)}


def test_the_fee_is_told_apart_from_what_was_moved() -> None:
    other = {"address": f"0x{TOKEN.hex()}", "topics": ["0x12"], "data": "0x"}
    result = TxResult(
        hash=bytes(32),
        success=True,
        block_number=7,
        gas_used=1,
        fee=561,
        fee_token=TOKEN,
        fee_payer=None,
        logs=(log(PAYER, PAYEE, 10_000), other, log(PAYER, FEE_MANAGER, 561)),
        sender=PAYER,
    )
    found = Transaction.of(result)
    token, payer, payee = (f"0x{one.hex()}" for one in (TOKEN, PAYER, PAYEE))
    assert found.moved == (Moved(token, payer, payee, 10_000),)
    assert (found.fee, found.fee_payer) == (561, payer)
    assert found.to_json()["moved"][0]["amount"] == "10000"
