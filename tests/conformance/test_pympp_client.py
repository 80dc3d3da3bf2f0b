"""A pympp client pays a pympp server in this process, over a chain on a free port.

The short form of `make conformance`, for every test run: the released package as it is installed,
told nothing but the chain's address. Spec: draft-tempo-charge-00; facts 7, pympp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mpp import Challenge, Credential, Receipt
from mpp.client.transport import PaymentTransport
from mpp.methods.tempo import TempoAccount
from mpp.methods.tempo import client as tempo_client
from mpp.methods.tempo import server as tempo_server
from mpp.server.decorator import pay
from mpp.server.mpp import Mpp
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from mock_rails.server import Host
from mock_rails.tempo.abi import Event, Function
from mock_rails.tempo.addresses import ALPHA_USD, FEE_MANAGER, PATH_USD
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.crypto.wallet import derive_accounts
from mock_rails.tempo.genesis import MNEMONIC
from mock_rails.tempo.rail import Chain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from mock_rails.tempo.blocks import Receipt as MinedReceipt

BALANCE_OF = Function("balanceOf(address account) returns (uint256)")
TRANSFER = Event("Transfer(address indexed from, address indexed to, uint256 amount)")
WITH_MEMO = Event(
    "TransferWithMemo(address indexed from, address indexed to, uint256 amount,"
    " bytes32 indexed memo)"
)

_KEYS = [account.key for account in derive_accounts(MNEMONIC, 4, path="m/44'/60'/3'/0")]
PAYER, SHOP, PARTNER, SPONSOR = (TempoAccount.from_key(f"0x{key.hex()}") for key in _KEYS)


@dataclass(frozen=True, slots=True)
class Market:
    """A chain with a paid API and somebody who pays it."""

    chain: Chain
    rpc_url: str
    http: httpx.AsyncClient
    """The server's, and the tests', connection to the chain."""

    async def balance(self, account: TempoAccount, token: bytes = PATH_USD) -> int:
        """What an account holds of a token."""
        data = BALANCE_OF.call(bytes.fromhex(account.address[2:]))
        call = {"to": f"0x{token.hex()}", "data": f"0x{data.hex()}"}
        return int(await self.rpc("eth_call", call, "latest"), 16)

    async def rpc(self, method: str, *params: Any) -> Any:
        """One JSON-RPC call."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return (await self.http.post(self.rpc_url, json=request)).json()["result"]

    def shop(self, price: str, token: bytes = PATH_USD, **route: Any) -> httpx.ASGITransport:
        """An API that charges for `/paid`."""
        mpp = Mpp(
            methods=tempo_server.charge(
                recipient=SHOP.address,
                chain_id=self.chain.chain_id,
                rpc_url=self.rpc_url,
                currencies=[f"0x{token.hex()}"],
                fee_payer=SPONSOR if route.get("fee_payer") else None,
                http_client=self.http,
            ),
            realm="shop.example",
            secret_key="only for tests",
        )

        @pay(mpp.charge(amount=price, **route))
        async def paid(request: Request, credential: Credential, receipt: Receipt) -> JSONResponse:
            return JSONResponse(
                {"sent": request.headers["Authorization"]},
                headers={"Payment-Receipt": receipt.to_payment_receipt()},
            )

        app = Starlette(routes=[Route("/paid", paid)])
        return httpx.ASGITransport(app, raise_app_exceptions=False)

    async def buy(self, shop: httpx.ASGITransport) -> httpx.Response:
        """Pay for one request."""
        method = tempo_client.charge(account=PAYER, rpc_url=self.rpc_url)
        transport = PaymentTransport(methods=[method], inner=shop)
        async with httpx.AsyncClient(transport=transport, base_url="https://shop.example") as http:
            return await http.get("/paid")

    def mined(self, response: httpx.Response) -> MinedReceipt:
        """The transaction that a response's receipt refers to."""
        assert response.status_code == 200, response.text
        receipt = Receipt.from_payment_receipt(response.headers["Payment-Receipt"])
        assert (receipt.status, receipt.method) == ("success", "tempo")
        mined = self.chain.receipt(bytes.fromhex(receipt.reference[2:]))
        assert mined is not None
        assert mined.outcome.status
        return mined


@pytest.fixture
async def market() -> AsyncIterator[Market]:
    """A chain where the payer and the sponsor have used the faucet."""
    chain = Chain()
    async with Host(TempoApi(chain)) as host, httpx.AsyncClient() as http:
        market = Market(chain, host.url, http)
        for account in (PAYER, SPONSOR):
            await market.rpc("tempo_fundAddress", account.address)
        yield market


async def test_a_charge_moves_the_price_and_the_fee(market: Market) -> None:
    before = await market.balance(PAYER)
    mined = market.mined(await market.buy(market.shop("0.25")))
    fee = TRANSFER.decode(mined.outcome.logs[-1].topics, mined.outcome.logs[-1].data)
    assert fee["to"] == FEE_MANAGER
    assert await market.balance(SHOP) == 250_000
    assert await market.balance(PAYER) == before - 250_000 - fee["amount"]


async def test_the_transfer_carries_the_memo_that_binds_it_to_its_challenge(market: Market) -> None:
    transport = market.shop("0.25")
    async with httpx.AsyncClient(transport=transport, base_url="https://shop.example") as http:
        unpaid = await http.get("/paid")
    assert unpaid.status_code == 402
    offered = Challenge.from_www_authenticate(unpaid.headers["WWW-Authenticate"])
    assert (offered.method, offered.intent) == ("tempo", "charge")
    assert offered.request["amount"] == "250000"

    first = market.mined(await market.buy(transport))
    second = market.mined(await market.buy(transport))
    memos = []
    for mined in (first, second):
        log = mined.outcome.logs[1]
        transfer = WITH_MEMO.decode(log.topics, log.data)
        assert transfer["amount"] == 250_000
        memos.append(transfer["memo"])
    assert memos[0] != memos[1]


async def test_a_sponsored_charge_costs_the_payer_the_price_alone(market: Market) -> None:
    payer, sponsor = await market.balance(PAYER), await market.balance(SPONSOR)
    mined = market.mined(await market.buy(market.shop("0.5", fee_payer=True)))
    assert f"0x{mined.submission.fee_payer.hex()}" == SPONSOR.address.lower()
    assert await market.balance(PAYER) == payer - 500_000
    assert await market.balance(SPONSOR) < sponsor


async def test_a_split_charge_pays_everybody_in_one_transaction(market: Market) -> None:
    splits = [{"amount": "150000", "recipient": PARTNER.address}]
    mined = market.mined(await market.buy(market.shop("1", splits=splits)))
    assert len(mined.submission.tx.calls) == 2
    assert await market.balance(SHOP) == 850_000
    assert await market.balance(PARTNER) == 150_000


async def test_another_currency_also_pays_the_fee(market: Market) -> None:
    before = await market.balance(PAYER)
    mined = market.mined(await market.buy(market.shop("0.1", ALPHA_USD)))
    assert mined.outcome.fee_token == ALPHA_USD
    assert await market.balance(SHOP, ALPHA_USD) == 100_000
    assert await market.balance(PAYER) == before


async def test_a_credential_is_good_for_one_request(market: Market) -> None:
    shop = market.shop("0.25")
    paid = await market.buy(shop)
    market.mined(paid)
    headers = {"Authorization": paid.json()["sent"]}
    async with httpx.AsyncClient(transport=shop, base_url="https://shop.example") as http:
        again = await http.get("/paid", headers=headers)
    assert again.status_code == 403
    assert await market.balance(SHOP) == 250_000


async def test_a_transfer_beyond_the_balance_reverts_and_costs_its_fee(market: Market) -> None:
    # pympp broadcasts without a rehearsal; the revert reaches the shop, which cannot answer 402
    # any more, for the transaction is on the chain.
    before = await market.balance(PAYER)
    refused = await market.buy(market.shop("2000000000"))
    assert refused.status_code == 500
    [mined] = market.chain.head.receipts
    assert not mined.outcome.status
    [fee] = mined.outcome.logs
    assert await market.balance(SHOP) == 0
    paid = TRANSFER.decode(fee.topics, fee.data)["amount"]
    assert await market.balance(PAYER) == before - paid


async def test_a_sponsor_does_not_pay_for_a_transfer_that_would_revert(market: Market) -> None:
    # Before it signs, pympp's server asks tempo_simulateV1 (facts 5.8).
    height = market.chain.head.number
    refused = await market.buy(market.shop("2000000000", fee_payer=True))
    assert refused.status_code == 402
    assert "InsufficientBalance" in refused.text
    assert market.chain.head.number == height
