"""The shop sells what is paid, and nothing else. No port is opened, and nothing to start."""

from collections.abc import AsyncIterator

import httpx
import pytest
from weather_shop.server import make_shop

SHOP = "http://weather.test"
PAYEE = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"
SECRET = "at least thirty-two characters, kept from everybody"


@pytest.fixture(autouse=True)
async def shop(devnet, clock) -> AsyncIterator[None]:
    """Our shop at an address of its own, with the chain and the time of the test's devnet."""
    async with httpx.AsyncClient(transport=devnet.transport) as http:
        app = make_shop(
            rpc_url=devnet.rpc_url,
            chain_id=1337,
            payee=PAYEE,
            secret=SECRET,
            now=lambda: clock.now,
            http=http,
        )
        devnet.mount(SHOP, app)
        yield


async def test_a_reading_costs_a_cent(payer, chain):
    before = chain.balance(PAYEE)
    response = await payer.get(f"{SHOP}/reading")
    assert response.json() == {"celsius": 21}
    assert payer.spent == 10_000  # base units: six decimals
    assert chain.balance(PAYEE) - before == 10_000


def test_who_does_not_pay_gets_nothing(devnet):
    with httpx.Client(transport=devnet.transport) as stranger:
        response = stranger.get(f"{SHOP}/reading")
    assert response.status_code == 402
    assert "celsius" not in response.text


@pytest.mark.mpp(faults=[{"at": "tempo.submit", "do": "lose_response", "when": "nth=1"}])
async def test_a_lost_answer_of_the_chain_is_not_paid_twice(payer, chain, faults):
    before = chain.balance(PAYEE)
    response = await payer.get(f"{SHOP}/reading")
    assert faults.fired() == 1
    assert response.status_code == 200
    assert chain.balance(PAYEE) - before == 10_000


def test_a_pass_lasts_a_day(devnet, payer, clock):
    name = payer.sync.post(f"{SHOP}/pass").json()["pass"]
    with httpx.Client(transport=devnet.transport, headers={"x-pass": name}) as holder:
        assert holder.get(f"{SHOP}/archive").status_code == 200
        clock.advance(hours=23)
        assert holder.get(f"{SHOP}/archive").status_code == 200
        clock.advance(hours=2)
        assert holder.get(f"{SHOP}/archive").status_code == 403
