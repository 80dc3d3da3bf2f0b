"""What an offer asks of everyone, and what it tells one client (facts: protocol 2.4, 2.6)."""

from __future__ import annotations

import pytest
from mpp.errors import InvalidPayloadError, VerificationFailedError

from mock_rails.tempo.addresses import ALPHA_USD, CHANNEL_RESERVE, PATH_USD
from sandbox.client.wallet import Wallet
from sandbox.methods.tempo_session import Snapshot, Status, parse_request
from tests.unit.sandbox.server.session.support import (
    GET,
    PAYEE,
    V1,
    V2,
    make_request,
    make_world,
    receipt_of,
)


async def test_the_request_of_an_offer() -> None:
    async with make_world() as world:
        offer = world.offer(unit_type="token", min_voucher_delta=10)
        assert dict(offer.request) == {
            "amount": "100",
            "unitType": "token",
            "currency": "0x" + PATH_USD.hex(),
            "recipient": "0x" + PAYEE.address.hex(),
            "suggestedDeposit": "1000",
            "methodDetails": {
                "escrowContract": "0x" + CHANNEL_RESERVE.hex(),
                "chainId": world.chain.chain_id,
                "minVoucherDelta": "10",
                "sessionProtocol": "v2",
            },
        }
        assert offer.request is offer.request
        assert (offer.method, offer.intent, offer.is_single_use) == ("tempo", "session", False)
        assert parse_request(dict(offer.request)) == offer.terms


async def test_a_client_with_a_channel_is_told_where_it_stands() -> None:
    async with make_world() as world:
        offer = world.offer()
        payer = world.payer(offer)
        await payer.open()
        hint = "0x" + payer.id.hex()
        told = await offer.personal_request(make_request(payment_session=hint))
        assert told is not None
        assert told["methodDetails"]["channelId"] == hint
        snapshot = Snapshot.from_json(told["methodDetails"]["sessionSnapshot"])
        snapshot.verify()
        assert (snapshot.spent, snapshot.required) == (100, 200)
        assert offer.matches(told)

        told = await offer.personal_request(make_request("POST", payment_session=hint))
        assert told is not None
        assert told["methodDetails"]["sessionSnapshot"]["requiredCumulative"] == "100"


async def test_a_hint_that_leads_nowhere_is_no_reason_to_refuse() -> None:
    async with make_world() as world:
        offer = world.offer()
        payer = world.payer(offer)
        await payer.open()
        for hint in ("", "0x12", "not hex", "0x" + "00" * 32):
            assert await offer.personal_request(make_request(payment_session=hint)) is None
        assert await offer.personal_request(GET) is None
        own = make_request(payment_session="0x" + payer.id.hex())
        assert await world.offer(currency=ALPHA_USD).personal_request(own) is None
        assert await world.offer(protocol=V1).personal_request(own) is None
        await payer.close(100)
        assert await offer.personal_request(own) is None


async def test_an_offer_knows_its_own_challenges() -> None:
    async with make_world() as world:
        offer = world.offer()
        request = dict(offer.request)
        assert offer.matches(request)
        for name, other in {
            "amount": "99",
            "currency": "0x" + ALPHA_USD.hex(),
            "recipient": "0x" + "11" * 20,
            "unitType": "token",
            "suggestedDeposit": "5",
            "more": "than was said",
        }.items():
            assert not offer.matches({**request, name: other})
        details = request["methodDetails"]
        for name, other in {"chainId": 1, "sessionProtocol": "v1", "feePayer": True}.items():
            assert not offer.matches({**request, "methodDetails": {**details, name: other}})
        assert not offer.matches({**request, "methodDetails": "v2"})
        assert not offer.matches({})


@pytest.mark.parametrize("protocol", [V1, V2])
async def test_a_payload_that_is_none_is_refused(protocol: object) -> None:
    async with make_world() as world:
        offer = world.offer(protocol=protocol)
        payer = world.payer(offer)
        sent = payer.credential(payer.make_voucher(1))
        for payload in ({}, {"action": "steal"}, {**sent.payload, "cumulativeAmount": "-1"}):
            sent.payload.clear()
            sent.payload.update(payload)
            with pytest.raises(InvalidPayloadError):
                await offer.settle(sent, GET)


async def test_an_operator_closes_for_the_payee() -> None:
    async with make_world() as world:
        shop = Wallet.dev(5).address
        offer = world.offer(recipient=shop)
        assert offer.request["methodDetails"]["operator"] == "0x" + PAYEE.address.hex()
        payer = world.payer(offer)
        theirs = await world.balance(shop)
        await payer.open()
        hint = make_request(payment_session="0x" + payer.id.hex())
        assert await offer.personal_request(hint) is not None
        await payer.close(100)
        assert await world.balance(shop) == theirs + 100


async def test_the_server_pays_the_fee_of_a_client_that_hands_over() -> None:
    sponsor = Wallet.dev(6)
    async with make_world(fee_payer=sponsor) as world:
        offer = world.offer()
        assert offer.request["methodDetails"]["feePayer"] is True
        assert offer.request["methodDetails"]["feeToken"] == "0x" + ALPHA_USD.hex()
        payer = world.payer(offer)
        from sandbox.chain import receipt, token_balance

        before = await token_balance(world.rpc, ALPHA_USD, payer.wallet.address)
        paid = await payer.send(await payer.make_open(sponsored=True))
        mined = await receipt(world.rpc, receipt_of(paid).tx_hash)
        assert mined is not None
        assert (mined.fee_payer, mined.fee_token) == (sponsor.address, ALPHA_USD)
        assert await token_balance(world.rpc, ALPHA_USD, payer.wallet.address) == before
        assert (await payer.record()).status is Status.OPEN


async def test_without_a_sponsor_a_handed_over_transaction_is_refused() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        with pytest.raises(VerificationFailedError, match="fee payer"):
            await payer.send(await payer.make_open(sponsored=True))
