"""Deposit mode: what the buyer is shown, and which transfers settle it (facts: stripe 1.7 a)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.mock_rails.stripe.crypto.conftest import CRYPTO, INTENTS, Merchant, address_of
from tests.unit.mock_rails.stripe.crypto.paper import BUYER, PATH_USD, PaperChain

if TYPE_CHECKING:
    from mock_rails.stripe.rail import Stripe

PARTS = {f"{CRYPTO}[amount_reconciliation][type]": "accept_partial_funding"}


def unmatched(rail: Stripe) -> list[str]:
    """Why deposits were left alone."""
    return [event.data["reason"] for event in rail.context.journal.read(kind="deposit.unmatched")]


def told(rail: Stripe) -> list[str]:
    """The events about payments, the oldest first."""
    kinds = [event["type"] for event in rail.state.all("events")]
    return [kind for kind in kinds if kind.startswith(("payment_intent.", "charge."))]


async def test_the_buyer_is_shown_an_address_on_each_network(merchant: Merchant) -> None:
    """1.7 a: requires_action with crypto_display_details."""
    names = ["base", "ethereum", "polygon", "solana", "tempo"]
    more = {f"{CRYPTO}[deposit_options][networks][{at}]": name for at, name in enumerate(names)}
    intent = await merchant.asked(**more)
    action = intent["next_action"]
    assert action["type"] == "crypto_display_details"
    shown = action["crypto_display_details"]["deposit_addresses"]
    assert list(shown) == names
    for name in names:
        address = shown[name]["address"]
        assert len(address) in ((43, 44) if name == "solana" else (42,))
        assert shown[name]["refund_address"] is None
        assert shown[name]["supported_tokens"][0]["token_currency"] == "usdc"
    assert len({one["address"] for one in shown.values()}) == len(names)
    assert shown["tempo"]["supported_tokens"][0]["token_contract_address"] == PATH_USD


async def test_live_buyers_pay_on_tempo_with_usdc(merchant: Merchant) -> None:
    """1.7 a: the token contracts."""
    merchant.http.headers["authorization"] = "Bearer sk_" + "live_x"
    intent = await merchant.asked()
    shown = intent["next_action"]["crypto_display_details"]["deposit_addresses"]["tempo"]
    assert shown["supported_tokens"] == [
        {
            "token_contract_address": "0x20c000000000000000000000b9537d11c60e8b50",
            "token_currency": "usdc",
        }
    ]


async def test_a_transfer_of_the_exact_amount_settles_it(
    merchant: Merchant, chain: PaperChain, rail: Stripe
) -> None:
    """1.7 a: 1.01 USD = 1010000 units; 4: the order of events; 3: 1.5 %, no fixed part."""
    intent = await merchant.asked(101)
    tx_hash = chain.send((address_of(intent), 1_010_000))
    paid = await merchant.intent(intent["id"])
    assert paid["status"] == "succeeded"
    assert paid["amount_received"] == 101
    assert paid["next_action"] is None
    charge = paid["latest_charge"]
    assert charge["id"].startswith("py_")
    assert charge["payment_method_details"]["type"] == "crypto"
    assert charge["payment_method_details"]["crypto"] == {
        "amount_received": 101,
        "amount_requested": 101,
        "buyer_address": BUYER,
        "network": "tempo",
        "token_currency": "usdc",
        "transaction_hash": tx_hash,
    }
    booked = charge["balance_transaction"]
    assert (booked["type"], booked["amount"], booked["fee"]) == ("payment", 101, 2)
    assert told(rail)[:5] == [
        "payment_intent.created",
        "payment_intent.requires_action",
        "payment_intent.processing",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    rail.check_conservation()


@pytest.mark.parametrize(
    ("units", "token", "reason"),
    [
        (1_009_999, PATH_USD, "wrong amount"),
        (1_010_001, PATH_USD, "wrong amount"),
        (1_010_000, "0x20c0" + "f" * 36, "wrong token"),
    ],
)
async def test_what_does_not_fit_is_left_alone(
    merchant: Merchant, chain: PaperChain, rail: Stripe, units: int, token: str, reason: str
) -> None:
    """1.7 a: `over- or under-paid deposits are not matched`."""
    intent = await merchant.asked(101)
    chain.send((address_of(intent), units), token=token)
    assert (await merchant.intent(intent["id"]))["status"] == "requires_action"
    assert unmatched(rail) == [reason]
    chain.send((address_of(intent), 1_010_000))
    assert (await merchant.intent(intent["id"]))["status"] == "succeeded"


async def test_a_late_deposit_is_left_alone(
    merchant: Merchant, chain: PaperChain, rail: Stripe
) -> None:
    """1.7 a: `late … deposits are not matched`."""
    canceled, paid = await merchant.asked(), await merchant.asked()
    await merchant.http.post(f"{INTENTS}/{canceled['id']}/cancel")
    chain.send((address_of(canceled), 1_010_000))
    chain.send((address_of(paid), 1_010_000))
    chain.send((address_of(paid), 1_010_000))
    assert (await merchant.intent(canceled["id"]))["status"] == "canceled"
    assert (await merchant.intent(paid["id"]))["amount_received"] == 101
    assert unmatched(rail) == ["not awaited", "not awaited"]


async def test_a_deposit_for_another_network_is_left_alone(
    merchant: Merchant, chain: PaperChain, rail: Stripe
) -> None:
    """1.7 a: `wrong network`: an address is known on its own network only."""
    intent = await merchant.asked(**{f"{CRYPTO}[deposit_options][networks][0]": "base"})
    chain.send((address_of(intent, "base"), 1_010_000))
    assert (await merchant.intent(intent["id"]))["status"] == "requires_action"


@pytest.mark.parametrize("where", ["amount_reconciliation", "deposit_options"])
async def test_parts_add_up_where_they_may(
    merchant: Merchant, chain: PaperChain, rail: Stripe, where: str
) -> None:
    """1.7 a: accept_partial_funding, in both places where documentation puts it."""
    name = "[deposit_options]" if where == "deposit_options" else ""
    option = {f"{CRYPTO}{name}[amount_reconciliation][type]": "accept_partial_funding"}
    intent = await merchant.asked(101, **option)
    chain.send((address_of(intent), 400_000))
    part = await merchant.intent(intent["id"])
    assert (part["status"], part["amount_received"]) == ("requires_action", 40)
    assert told(rail)[-1] == "payment_intent.partially_funded"
    chain.send((address_of(intent), 700_000))
    assert unmatched(rail) == ["wrong amount"]
    chain.send((address_of(intent), 610_000))
    assert (await merchant.intent(intent["id"]))["status"] == "succeeded"
    rail.check_conservation()


async def test_two_buyers_may_share_a_transaction(merchant: Merchant, chain: PaperChain) -> None:
    """Tempo transactions hold several calls: each transfer is a deposit."""
    one, two = await merchant.asked(101), await merchant.asked(202)
    chain.send((address_of(one), 1_010_000), (address_of(two), 2_020_000))
    for intent in (one, two):
        assert (await merchant.intent(intent["id"]))["status"] == "succeeded"


async def test_a_customer_keeps_a_static_address(merchant: Merchant, chain: PaperChain) -> None:
    """1.7 a: `[deposit_options][static_address]`."""
    customer = (await merchant.http.post("/v1/customers")).json()["id"]
    static = {f"{CRYPTO}[deposit_options][static_address]": "true"}
    alone = (await merchant.ask(**static)).json()["error"]
    assert alone["param"] == "customer"
    one = await merchant.asked(101, customer=customer, **static)
    two = await merchant.asked(202, customer=customer, **static)
    assert address_of(one) == address_of(two)
    chain.send((address_of(one), 2_020_000))
    assert (await merchant.intent(one["id"]))["status"] == "requires_action"
    assert (await merchant.intent(two["id"]))["status"] == "succeeded"


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"currency": "eur"}, "currency"),
        ({"amount": "0"}, "amount"),
        ({"capture_method": "manual"}, "capture_method"),
        (
            {f"{CRYPTO}[deposit_options][networks][0]": None},
            f"{CRYPTO}[deposit_options][networks]",
        ),
        (
            {f"{CRYPTO}[deposit_options][networks][0]": "bitcoin"},
            f"{CRYPTO}[deposit_options][networks][0]",
        ),
        ({f"{CRYPTO}[mode]": "magic"}, f"{CRYPTO}[mode]"),
    ],
)
async def test_a_wrong_parameter_is_named(
    merchant: Merchant, form: dict[str, Any], param: str
) -> None:
    """2.4: `param` is exact; 2.9: at least one cent."""
    answer = await merchant.ask(**form)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


async def test_the_hosted_page_is_refused_by_name(merchant: Merchant) -> None:
    """1.1: what is not emulated is never answered from a fixture."""
    refused = await merchant.ask(**{f"{CRYPTO}[mode]": "default"})
    assert refused.status_code == 501
    assert refused.json()["error"]["code"] == "sandbox_not_emulated"


async def test_the_refund_address_can_be_told(merchant: Merchant) -> None:
    """1.5: update_crypto_refund_address."""
    intent = await merchant.asked()
    path = f"{INTENTS}/{intent['id']}/update_crypto_refund_address"
    wrong = await merchant.http.post(path, data={"network": "base", "refund_address": BUYER})
    assert wrong.json()["error"]["param"] == "network"
    right = await merchant.http.post(path, data={"network": "tempo", "refund_address": BUYER})
    shown = right.json()["next_action"]["crypto_display_details"]["deposit_addresses"]
    assert shown["tempo"]["refund_address"] == BUYER
    assert shown["tempo"]["address"] == address_of(intent)


async def test_a_stablecoin_payment_is_refunded_to_the_wallet(
    merchant: Merchant, chain: PaperChain, rail: Stripe
) -> None:
    """1.6: `Crypto: pending, then sent to the paying wallet`, with the transaction's hash."""
    intent = await merchant.asked()
    chain.send((address_of(intent), 1_010_000))
    refund = (await merchant.http.post("/v1/refunds", data={"payment_intent": intent["id"]})).json()
    assert refund["status"] == "pending"
    rail.context.clock.advance(10 * 86_400)
    done = (await merchant.http.get(f"/v1/refunds/{refund['id']}")).json()
    assert done["status"] == "succeeded"
    assert len(done["destination_details"]["crypto"]["reference"]) == 66
    rail.check_conservation()
