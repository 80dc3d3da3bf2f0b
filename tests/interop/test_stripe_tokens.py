"""stripe-python and pympp, as released, with Shared Payment Tokens and stablecoins (facts: stripe
1.4, 1.7). The released client has no types for them, so they go through `raw_request`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe
from mpp import Receipt
from mpp.methods.stripe.crypto_payment_recorder import record_crypto_payment

from tests.interop.stripe_support import Served, stripe_in_thread
from tests.unit.mock_rails.stripe.crypto.paper import BUYER, PaperChain

if TYPE_CHECKING:
    from collections.abc import Iterator

GRANT = "/v1/test_helpers/shared_payment/granted_tokens"
ADDRESSES = "/v1/crypto/deposit_addresses"
SUCCEEDS = "0x" + "0" * 53 + "testsuccess"
CHARGE: dict[str, Any] = {
    "amount": 300,
    "currency": "usd",
    "confirm": True,
    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
}
DEPOSIT: dict[str, Any] = {
    "amount": 101,
    "currency": "usd",
    "confirm": True,
    "allowed_payment_method_types": ["crypto"],
    "payment_method_data": {"type": "crypto"},
    "payment_method_options": {
        "crypto": {"mode": "deposit", "deposit_options": {"networks": ["tempo", "base"]}}
    },
}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with stripe_in_thread() as one:
        yield one


@pytest.fixture(scope="module")
def chain(served: Served) -> PaperChain:
    """A chain that the served Stripe watches."""
    chain = PaperChain()
    served.do(lambda rail: rail.attach_chain(chain))
    return chain


def raw(client: stripe.StripeClient, verb: str, path: str, **params: Any) -> dict[str, Any]:
    """A call that the client has no method for."""
    return dict(client.raw_request(verb, path, **params).data)


def grant(client: stripe.StripeClient, card: str = "pm_card_visa") -> str:
    """A token of at most 5.00 usd."""
    limits = {"currency": "usd", "max_amount": 500}
    return str(raw(client, "post", GRANT, payment_method=card, usage_limits=limits)["id"])


def test_a_token_is_granted_charged_and_used_up(served: Served) -> None:
    client = served.client()
    token = grant(client)
    paid = client.v1.payment_intents.create({**CHARGE, "shared_payment_granted_token": token})
    assert paid.status == "succeeded"
    view = raw(client, "get", f"/v1/shared_payment/granted_tokens/{token}")
    assert view["deactivated_reason"] == "consumed"
    assert view["usage_details"]["amount_captured"] == {"currency": "usd", "value": 300}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create({**CHARGE, "shared_payment_granted_token": token})
    assert refused.value.code is None
    assert refused.value.param == "shared_payment_granted_token"
    assert "already in a deactivated state" in str(refused.value)
    kinds = [event.type for event in client.v1.events.list().data[:2]]
    assert kinds == [
        "shared_payment.granted_token.deactivated",
        "shared_payment.granted_token.used",
    ]
    served.do(lambda rail: rail.check_conservation())


def test_a_revoked_token_and_one_that_expired(served: Served) -> None:
    client = served.client()
    revoked, expired = grant(client), grant(client)
    assert raw(client, "post", f"{GRANT}/{revoked}/revoke")["deactivated_reason"] == "revoked"
    served.do(lambda rail: rail.context.clock.advance(86_400))
    view = raw(client, "get", f"/v1/shared_payment/granted_tokens/{expired}")
    assert view["deactivated_reason"] == "expired"


def test_a_token_is_issued_and_taken_back(served: Served) -> None:
    client = served.client()
    issued = raw(
        client,
        "post",
        "/v1/shared_payment/issued_tokens",
        payment_method="pm_card_mastercard",
        seller_details={"network_business_profile": "profile_test_x", "external_id": "7"},
        usage_limits={"currency": "usd", "max_amount": 500},
        shared_metadata={"order": "7"},
    )
    path = f"/v1/shared_payment/issued_tokens/{issued['id']}"
    assert raw(client, "get", path) == issued
    assert issued["status"] == "active"
    assert raw(client, "post", f"{path}/revoke")["status"] == "deactivated"
    me = raw(client, "get", "/v2/network/business_profiles/me")
    assert me["object"] == "v2.network.business_profile"


def test_a_simulated_deposit(served: Served) -> None:
    client = served.client()
    intent = client.v1.payment_intents.create(DEPOSIT)
    assert intent.status == "requires_action"
    assert intent.next_action is not None
    shown = intent.next_action.to_dict()["crypto_display_details"]["deposit_addresses"]
    assert set(shown) == {"tempo", "base"}
    path = f"/v1/test_helpers/payment_intents/{intent.id}/simulate_crypto_deposit"
    deposit = {"buyer_wallet": BUYER, "network": "base", "token_currency": "usdc"}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.raw_request("post", path, **deposit, transaction_hash="0x" + "1" * 64)
    assert refused.value.param == "transaction_hash"
    raw(client, "post", path, **deposit, transaction_hash=SUCCEEDS)
    served.do(lambda rail: rail.context.clock.advance(15))
    paid = client.v1.payment_intents.retrieve(
        intent.id, {"expand": ["latest_charge.balance_transaction"]}
    )
    assert paid.status == "succeeded"
    assert isinstance(paid.latest_charge, stripe.Charge)
    booked = paid.latest_charge.balance_transaction
    assert isinstance(booked, stripe.BalanceTransaction)
    assert (booked.type, booked.fee) == ("payment", 2)


def test_a_transfer_on_the_chain_settles_a_deposit(served: Served, chain: PaperChain) -> None:
    client = served.client()
    intent = client.v1.payment_intents.create(DEPOSIT)
    assert intent.next_action is not None
    shown = intent.next_action.to_dict()["crypto_display_details"]["deposit_addresses"]
    served.do(lambda _: chain.send((shown["tempo"]["address"], 1_010_000)))
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


@pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")  # stripe's
async def test_pympp_records_a_payment_that_was_made(served: Served, chain: PaperChain) -> None:
    """1.7 c: pympp's own recorder; when a customer is refused it tries again without."""
    client = served.client()
    transport = stripe.HTTPXClient()
    address = raw(client, "post", ADDRESSES, network="tempo")["address"]
    for options in ({}, {"customer": "cus_nobody"}):
        tx_hash = served.do(lambda _: chain.send((address, 1_019_999)))
        await record_crypto_payment(
            client=served.client(http_client=transport),
            network="tempo",
            metadata=None,
            credential=None,
            request={"amount": "1019999"},
            receipt=Receipt.success(tx_hash, method="tempo"),
            payment_intent_options=options,
        )
        intent = client.v1.payment_intents.list({"limit": 1}).data[0]
        assert (intent.status, intent.amount) == ("succeeded", 101)
        assert intent.metadata["machine_payment"] == "true"
        charge = client.v1.charges.retrieve(str(intent.latest_charge))
        assert charge.payment_method_details is not None
        details = charge.payment_method_details.to_dict()["crypto"]
        assert details["transaction_hash"] == tx_hash
    await transport.close_async()
