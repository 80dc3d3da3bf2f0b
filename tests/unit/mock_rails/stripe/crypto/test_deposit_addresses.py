"""Deposit addresses by themselves (facts: stripe 1.7 b)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.mock_rails.stripe.crypto.paper import PATH_USD, PaperChain

if TYPE_CHECKING:
    from mock_rails.stripe.rail import Stripe
    from tests.unit.mock_rails.stripe.crypto.conftest import Merchant

PATH = "/v1/crypto/deposit_addresses"


async def test_found_or_created_as_mppx_does_it(merchant: Merchant) -> None:
    """1.7 b [MEAS]: GET with network and limit, `data[0].address`; else POST, `.address`."""
    query = {"network": "tempo", "limit": "1"}
    first = (await merchant.http.get(PATH, params=query)).json()
    assert (first["object"], first["data"], first["has_more"]) == ("list", [], False)
    made = await merchant.address()
    assert made["object"] == "crypto.deposit_address"
    assert made["network"] == "tempo"
    assert made["supported_tokens"][0]["token_contract_address"] == PATH_USD
    await merchant.address("base")
    found = (await merchant.http.get(PATH, params=query)).json()
    assert found["data"] == [made]
    assert (await merchant.http.get(f"{PATH}/{made['id']}")).json() == made


async def test_the_list_can_be_filtered(merchant: Merchant) -> None:
    """1.7 b: `address, customer, customer_account, network`."""
    customer = (await merchant.http.post("/v1/customers")).json()["id"]
    plain = await merchant.address()
    own = await merchant.address("solana", customer=customer, **{"metadata[order]": "7"})
    assert own["metadata"] == {"order": "7"}
    for query, expected in (
        ({"customer": customer}, own),
        ({"address": plain["address"]}, plain),
        ({"network": "solana"}, own),
    ):
        found = (await merchant.http.get(PATH, params=query)).json()["data"]
        assert found == [expected]


async def test_wrong_parameters_are_named(merchant: Merchant) -> None:
    """2.4: `param` is exact."""
    for form, param in (
        ({}, "network"),
        ({"network": "polygon"}, "network"),
        ({"network": "tempo", "customer": "cus_nobody"}, "customer"),
    ):
        error = (await merchant.http.post(PATH, data=form)).json()["error"]
        assert error["param"] == param
    assert (await merchant.http.get(f"{PATH}/cda_nobody")).status_code == 404


async def test_money_at_a_plain_address_waits_to_be_recorded(
    merchant: Merchant, chain: PaperChain, rail: Stripe
) -> None:
    """1.7 c: nothing is charged until the seller says for what."""
    address = (await merchant.address())["address"]
    chain.send((address, 1_010_000))
    assert (await merchant.http.get("/v1/charges")).json()["data"] == []
    assert len(rail.context.journal.read(kind="deposit.unmatched")) == 1
