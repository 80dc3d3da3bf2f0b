"""Calls that name who will pay their fee, before that account has signed anything (facts 5.3).

mppx simulates a sponsored payment with its sponsor's address in `feePayer` and no signature yet.
"""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo.errors import InvalidParams
from mock_rails.tempo.tx.request import transaction_from_request
from tests.unit.mock_rails.tempo.rpc.support import PATH, STRANGER, TRANSFER, Rpc, refused, to_hex

ALL = 5_000_000


@pytest.fixture
async def rpc() -> Rpc:
    """A chain on which the stranger owns just what it is about to pay."""
    made = Rpc()
    assert (await made.pay(ALL))["status"] == "0x1"
    return made


def spend_all(**members: Any) -> dict[str, Any]:
    call = {"to": PATH, "data": to_hex(TRANSFER.call(b"\x52" * 20, ALL))}
    fee = {"feeToken": PATH, "gas": "0xaae60", "maxFeePerGas": "0x4a817c800"}
    return {"from": to_hex(STRANGER), "calls": [call], **fee, **members}


async def test_the_named_fee_payer_is_charged_instead_of_the_sender(rpc: Rpc) -> None:
    with refused(3, "InsufficientBalance"):
        await rpc("eth_call", spend_all())
    for payer in (rpc.account(1), {"address": rpc.account(1), "type": "local"}):
        named = spend_all(feePayer=payer)
        await rpc("eth_call", named)
        assert int(await rpc("eth_estimateGas", named), 16) > 21_000


async def test_a_named_fee_payer_needs_the_money(rpc: Rpc) -> None:
    with refused(-32000, "insufficient fee token balance", "only have 0"):
        await rpc("eth_call", spend_all(feePayer="0x" + "53" * 20))


@pytest.mark.parametrize("asked", [True, False, None, {}, {"address": None}, 7])
def test_asking_a_relay_names_nobody(asked: object) -> None:
    request = transaction_from_request({"to": PATH, "feePayer": asked}, chain_id=1337)
    assert request.hints.fee_payer is None


def test_a_fee_payer_that_is_no_address_is_refused_by_name() -> None:
    with pytest.raises(InvalidParams, match="feePayer: expected"):
        transaction_from_request({"to": PATH, "feePayer": "0x12"}, chain_id=1337)
