"""pympp's charge methods behind the gate: a real tempo charge on a chain, end to end.

Facts: protocol 2.2, and 1.5 for what is refused. The client is pympp's own transport.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mpp import Credential, Receipt
from mpp._validation import Validation
from mpp.client.transport import PaymentTransport
from mpp.errors import InternalPaymentError
from mpp.methods import Method
from mpp.methods.stripe import server as stripe_server
from mpp.methods.tempo import TempoAccount
from mpp.methods.tempo import client as tempo_client
from mpp.methods.tempo import server as tempo_server
from mpp.server.method import ServerMethod, ValidateContext, VerifyContext
from pydantic import BaseModel, RootModel

from mock_rails.core import Clock
from mock_rails.core.errors import BadInput
from mock_rails.server import Host
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.crypto.wallet import derive_accounts
from mock_rails.tempo.genesis import MNEMONIC
from mock_rails.tempo.rail import Chain
from sandbox.server.charge import charge_offers
from sandbox.server.stores import MemoryStore
from tests.unit.sandbox.server.support import Shop, challenge_of, paid, problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_KEYS = [account.key for account in derive_accounts(MNEMONIC, 2, path="m/44'/60'/5'/0")]
PAYER, SHOP = (TempoAccount.from_key(f"0x{key.hex()}") for key in _KEYS)
NODE = "http://chain.test"


@dataclass
class World:
    """A shop that takes a quarter dollar, a chain, and a payer with money on it."""

    shop: Shop
    client: httpx.AsyncClient
    node: httpx.AsyncClient

    async def call(self, method: str, *params: Any) -> Any:
        """Ask the chain."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return (await self.node.post(NODE, json=request)).json()["result"]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """All of it in one process; only the payer's own client needs the chain on a port."""
    async with AsyncExitStack() as stack:
        api = TempoApi(Chain())
        host = await stack.enter_async_context(Host(api))
        node = httpx.AsyncClient(transport=httpx.ASGITransport(api))
        await stack.enter_async_context(node)
        clock = Clock()
        store = MemoryStore(clock)
        methods = tempo_server.charge(
            recipient=SHOP.address,
            chain_id=1337,
            rpc_url=NODE,
            http_client=node,
            store=store.replays(),
        )
        offers = charge_offers(methods, amount="0.25", description="one look")
        shop = await stack.enter_async_context(Shop(*offers, clock=clock, store=store))
        wallet = tempo_client.charge(account=PAYER, rpc_url=host.url)
        transport = PaymentTransport(methods=[wallet], inner=httpx.ASGITransport(shop.gate))
        client = httpx.AsyncClient(transport=transport, base_url="https://shop.test")
        await stack.enter_async_context(client)
        world = World(shop, client, node)
        await world.call("tempo_fundAddress", PAYER.address)
        yield world


async def test_pympps_client_pays_a_charge_and_gets_the_goods(world: World) -> None:
    answer = await world.client.get("/goods?q=cats")
    assert (answer.status_code, answer.text) == (200, "the goods")
    receipt = Receipt.from_payment_receipt(answer.headers["payment-receipt"])
    found = await world.call("eth_getTransactionReceipt", receipt.reference)
    assert found["status"] == "0x1"
    settlement = world.shop.app.scopes[0]["mpp"]
    assert settlement.amount == 250_000
    assert settlement.currency == world.shop.offers[0].request["currency"]
    assert settlement.payer == PAYER.address.lower()
    assert settlement.tx_hash == receipt.reference
    assert answer.headers["cache-control"] == "private"
    assert world.shop.kinds() == ["exchange.challenged", "exchange.paid", "exchange.delivered"]


async def test_a_transaction_that_paid_pays_no_second_time(world: World) -> None:
    first = await world.client.get("/goods")
    (header,) = (v for n, v in world.shop.app.scopes[0]["headers"] if n == b"authorization")
    again = await world.shop.get(headers={"Authorization": header.decode()})
    assert first.status_code == 200
    assert (again.status_code, problem(again)) == (402, "invalid-challenge")
    # Without our mark, pympp's own on the transaction still stands in the way.
    challenge_id = Credential.from_authorization(header.decode()).challenge.id
    await world.shop.store.replays().delete(f"mpp:credential:{challenge_id}")
    again = await world.shop.get(headers={"Authorization": header.decode()})
    assert again.status_code in {402, 403}
    assert problem(again) == "verification-failed"
    assert len(world.shop.app.scopes) == 1


async def test_a_key_with_a_new_credential_of_the_same_account_charges_once(world: World) -> None:
    """The payer is proven by the signed transaction, before it is broadcast."""
    key = {"Idempotency-Key": "order-1"}
    first = await world.client.get("/goods", headers=key)
    again = await world.client.get("/goods", headers=key)
    assert first.headers == again.headers
    assert world.shop.kinds().count("exchange.paid") == 1


async def test_a_payload_that_is_none_is_refused_without_repeating_it(world: World) -> None:
    for payload in ({"type": "transaction", "signature": "s3cret"}, {"type": "?"}, [], "s3cret"):
        headers = paid(challenge_of(await world.shop.get()), payload=payload)
        answer = await world.shop.get(headers=headers)
        assert (answer.status_code, problem(answer)) == (402, "invalid-payload")
        assert "s3cret" not in answer.text
        assert challenge_of(answer).id


async def test_a_transaction_that_is_none_is_refused(world: World) -> None:
    payload = {"type": "transaction", "signature": "0x76c0"}
    headers = paid(challenge_of(await world.shop.get()), payload=payload)
    answer = await world.shop.get(headers=headers)
    assert (answer.status_code, problem(answer)) == (402, "verification-failed")


async def test_a_lost_node_before_the_broadcast_charges_nothing_and_frees_the_credential() -> None:
    """`validate` only looks: what it cannot see was not charged, and the same proof may return."""
    async with Shop(*charge_offers(broken(validating=True), amount="1")) as shop:
        challenge = challenge_of(await shop.get())
        for _ in range(2):
            answer = await shop.get(headers=paid(challenge))
            assert (answer.status_code, problem(answer)) == (503, "internal-payment-error")
            assert "Nothing was charged" in answer.text
            assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("error", [InternalPaymentError(), RuntimeError("of a store")])
async def test_whatever_breaks_before_the_broadcast_charged_nothing(error: Exception) -> None:
    async with Shop(*charge_offers(broken(validating=True, error=error), amount="1")) as shop:
        answer = await shop.get(headers=paid(challenge_of(await shop.get())))
        assert (answer.status_code, problem(answer)) == (503, "internal-payment-error")


@pytest.mark.parametrize("given", ["0x12", "0x123", "0x" + "ab" * 4_000])
async def test_a_hash_that_can_be_no_transactions_is_no_trouble_of_ours(
    world: World, given: str
) -> None:
    """pympp takes hex of any length, and neither its store nor the node takes that."""
    challenge = challenge_of(await world.shop.get())
    answer = await world.shop.get(headers=paid(challenge, payload={"type": "hash", "hash": given}))
    assert (answer.status_code, problem(answer)) == (402, "invalid-payload")


async def test_a_lost_node_at_the_broadcast_is_an_unknown_outcome() -> None:
    async with Shop(*charge_offers(broken(validating=False), amount="1")) as shop:
        challenge = challenge_of(await shop.get())
        for _ in range(2):
            answer = await shop.get(headers=paid(challenge))
            assert (answer.status_code, problem(answer)) == (500, "internal-payment-error")
            assert "Do not pay again" in answer.text


def test_an_offer_is_what_pympp_would_ask_for() -> None:
    (offer,) = charge_offers(
        stripe_server.charge(network_id="profile_x", secret_key="sk_test_x", currency="usd"),
        amount="1.50",
    )
    assert (offer.method, offer.intent) == ("stripe", "charge")
    assert (offer.request["amount"], offer.request["currency"]) == ("150", "usd")
    assert offer.request["methodDetails"]["networkId"] == "profile_x"


def test_a_route_that_names_a_currency_offers_only_that_one() -> None:
    one, two = f"0x20c0{1:036x}", f"0x20c0{2:036x}"
    methods = tempo_server.charge(recipient=SHOP.address, currencies=[one, two])
    assert [o.request["currency"] for o in charge_offers(methods, amount="1")] == [one, two]
    assert [o.request["currency"] for o in charge_offers(methods, amount="1", currency=two)] == [
        two
    ]
    with pytest.raises(BadInput, match="takes the currency"):
        charge_offers(methods, amount="1", currency=f"0x20c0{3:036x}")


class Anything(RootModel[Any]):
    """A payload of any kind."""


class Price(BaseModel):
    """A request with nothing but an amount."""

    amount: str


def broken(*, validating: bool, error: Exception | None = None) -> ServerMethod:
    """A method whose processor is lost in one of its two halves."""

    async def validate(context: ValidateContext) -> Validation:
        if validating:
            raise error or InternalPaymentError
        return Validation(context.credential, None, "charge", context.request)

    async def broadcast(context: VerifyContext) -> Receipt:
        raise InternalPaymentError

    method = Method(name="fake", intent="charge", request_model=Price, payload_model=Anything)
    return ServerMethod(method=method, validate=validate, broadcast=broadcast)
