"""Recording payments that were made on the chain already (facts: stripe 1.7 c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.settings import StripeSettings
from tests.unit.mock_rails.stripe.crypto.conftest import CRYPTO, Merchant, address_of
from tests.unit.mock_rails.stripe.crypto.paper import PaperChain

if TYPE_CHECKING:
    from mock_rails.core.rail import RailContext

OPTIONS = f"{CRYPTO}[transaction_verification_options]"
HASH = f"{OPTIONS}[transaction_hash]"


async def test_a_payment_to_a_deposit_address_is_recorded(
    merchant: Merchant, chain: PaperChain, rail: Stripe
) -> None:
    """1.7 c: `result succeeded, charge crypto details filled, fee 1.5 %`; cents are floored."""
    address = (await merchant.address())["address"]
    tx_hash = chain.send((address, 1_019_999))
    recorded = (await merchant.verify(tx_hash, **{"metadata[mpp_sdk]": "mppx/0.11.0"})).json()
    assert recorded["status"] == "succeeded"
    paid = await merchant.intent(recorded["id"])
    details = paid["latest_charge"]["payment_method_details"]["crypto"]
    assert (details["network"], details["transaction_hash"]) == ("tempo", tx_hash)
    assert (details["amount_requested"], details["amount_received"]) == (101, 101)
    booked = paid["latest_charge"]["balance_transaction"]
    assert (booked["type"], booked["fee"], booked["net"]) == ("payment", 2, 99)
    rail.check_conservation()


async def test_a_transaction_pays_once(merchant: Merchant, chain: PaperChain) -> None:
    """1.7 c: `hash not recorded before`, in any spelling of it."""
    address = (await merchant.address())["address"]
    tx_hash = chain.send((address, 1_010_000))
    first = (await merchant.verify(tx_hash)).json()
    for again in (tx_hash, "0x" + tx_hash[2:].upper()):
        refused = (await merchant.verify(again)).json()["error"]
        assert refused["param"] == HASH
        assert first["id"] in refused["message"]


async def test_a_deposit_that_settled_is_not_recorded_too(
    merchant: Merchant, chain: PaperChain
) -> None:
    """1.7: one payment, one charge, whichever mode."""
    intent = await merchant.asked()
    tx_hash = chain.send((address_of(intent), 1_010_000))
    assert (await merchant.verify(tx_hash)).json()["error"]["param"] == HASH


async def test_a_recorded_transaction_settles_no_deposit_too(
    merchant: Merchant, chain: PaperChain, rail: Stripe
) -> None:
    """1.7: the same the other way round, when the chain is slow to tell."""
    intent = await merchant.asked()
    tx_hash = chain.send((address_of(intent), 1_010_000), quietly=True)
    assert (await merchant.verify(tx_hash)).json()["status"] == "succeeded"
    for transfer in chain.transfers(tx_hash) or ():
        for seen in chain._watchers:
            seen(transfer)
    assert (await merchant.intent(intent["id"]))["status"] == "requires_action"


async def test_what_the_transaction_must_be(merchant: Merchant, chain: PaperChain) -> None:
    """1.7 c: `tx exists …, pays a deposit address of this account`, in a token that is taken."""
    address = (await merchant.address())["address"]
    elsewhere = chain.send(("0x" + "1" * 40, 1_010_000))
    worthless = chain.send((address, 1_010_000), token="0x" + "2" * 40)
    for tx_hash in ("0x" + "9" * 64, "nonsense", elsewhere, worthless):
        refused = await merchant.verify(tx_hash)
        assert refused.status_code == 400
        assert refused.json()["error"]["param"] == HASH


async def test_it_must_pay_enough(merchant: Merchant, chain: PaperChain) -> None:
    """1.7 c: `amount at least equal`; several transfers of one transaction add up."""
    address = (await merchant.address())["address"]
    small = chain.send((address, 1_009_999))
    refused = (await merchant.verify(small)).json()["error"]
    assert refused["param"] == "amount"
    two = chain.send((address, 500_000), (address, 510_000))
    assert (await merchant.verify(two)).json()["status"] == "succeeded"


async def test_a_refusal_leaves_no_payment_intent(merchant: Merchant, chain: PaperChain) -> None:
    """1.7 c: MPP servers try again with another key."""
    await merchant.verify("0x" + "9" * 64)
    assert (await merchant.http.get("/v1/payment_intents")).json()["data"] == []


async def test_an_optional_parameter_is_blamed_first(merchant: Merchant, chain: PaperChain) -> None:
    """1.7 c: pympp drops customer, receipt_email, metadata or hooks when `param` names them."""
    address = (await merchant.address())["address"]
    tx_hash = chain.send((address, 1_010_000))
    refused = (await merchant.verify(tx_hash, customer="cus_nobody")).json()["error"]
    assert refused["param"] == "customer"
    long = (await merchant.verify(tx_hash, **{"metadata[order]": "x" * 501})).json()["error"]
    assert long["param"] == "metadata[order]"
    assert (await merchant.verify(tx_hash)).json()["status"] == "succeeded"


@pytest.mark.parametrize("network", ["base", "solana"])
async def test_a_chain_that_is_not_there_is_refused_by_name(
    merchant: Merchant, chain: PaperChain, network: str
) -> None:
    """1.1: loud, with the parameter that asks for it."""
    refused = await merchant.verify("0x" + "1" * 64, **{f"{OPTIONS}[network]": network})
    assert refused.status_code == 501
    assert refused.json()["error"]["param"] == f"{OPTIONS}[network]"


async def test_without_a_chain_nothing_can_be_verified(merchant: Merchant) -> None:
    """The same where no chain is attached."""
    assert (await merchant.verify("0x" + "1" * 64)).status_code == 501


async def test_an_address_of_another_account_does_not_count(context: RailContext) -> None:
    """1.7 c: `pays a deposit address of this account`."""
    settings = StripeSettings(accounts={"sk_test_a": "acct_a", "sk_test_b": "acct_b"})
    rail = Stripe(context, settings)
    chain = PaperChain()
    rail.attach_chain(chain)
    api = StripeApi(rail)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api), base_url="http://stripe", auth=("sk_test_a", "")
    ) as http:
        merchant = Merchant(http)
        tx_hash = chain.send(((await merchant.address())["address"], 1_010_000))
        http.auth = httpx.BasicAuth("sk_test_b", "")
        assert (await merchant.verify(tx_hash)).json()["error"]["param"] == HASH
        http.auth = httpx.BasicAuth("sk_test_a", "")
        assert (await merchant.verify(tx_hash)).json()["status"] == "succeeded"
