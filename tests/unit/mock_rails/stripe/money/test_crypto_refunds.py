"""Refunds of stablecoin payments: pending, then sent to the paying wallet (facts: stripe 1.6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mock_rails.stripe import ledger
from tests.unit.mock_rails.stripe.money.support import get, later, post

if TYPE_CHECKING:
    import httpx

    from mock_rails.stripe.rail import Stripe

SUCCEEDS = f"0x{'testsuccess':0>64}"


async def test_a_refund_on_a_chain_names_its_transaction(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    intent = await post(
        http,
        "/v1/payment_intents",
        **{
            "amount": 1_000,
            "currency": "usd",
            "confirm": "true",
            "payment_method_types[]": "crypto",
            "payment_method_data[type]": "crypto",
            "payment_method_options[crypto][mode]": "deposit",
            "payment_method_options[crypto][deposit_options][networks][]": "tempo",
        },
    )
    path = f"/v1/test_helpers/payment_intents/{intent['id']}/simulate_crypto_deposit"
    await post(
        http,
        path,
        buyer_wallet="0x" + "ab" * 20,
        network="tempo",
        token_currency="usdc",
        transaction_hash=SUCCEEDS,
    )
    later(rail, 15)
    charge = (await get(http, "/v1/charges", payment_intent=intent["id"]))["data"][0]
    booked = await get(http, f"/v1/balance_transactions/{charge['balance_transaction']}")
    assert (booked["type"], booked["fee"], booked["net"]) == ("payment", 15, 985)

    refund = await post(http, "/v1/refunds", payment_intent=intent["id"], amount=600)
    assert refund["status"] == "pending"
    assert refund["id"].startswith("pyr_")
    assert refund["destination_details"] == {"crypto": {"reference": None}, "type": "crypto"}
    booked = await get(http, f"/v1/balance_transactions/{refund['balance_transaction']}")
    assert (booked["type"], booked["net"]) == ("payment_refund", -600)
    later(rail, 60)
    refund = await get(http, f"/v1/refunds/{refund['id']}")
    assert refund["status"] == "succeeded"
    assert re.fullmatch("0x[0-9a-f]{64}", refund["destination_details"]["crypto"]["reference"])
    chain = rail.state.find(ledger.TABLE, "test/usd/world/chains")
    assert chain is not None
    assert chain["amount"] == -400
