"""The customer pays what is asked, up to a limit.

It opens connections of its own, so that the devnet's parts listen on free ports here.
"""

import os
from decimal import Decimal

import pytest
from mpp.methods.tempo import TempoAccount
from weather_shop.client import buy

pytestmark = pytest.mark.mpp(ports=True)


@pytest.fixture
def account(devnet) -> TempoAccount:
    """An account with some of every token."""
    account = TempoAccount.from_key("0x" + os.urandom(32).hex())
    devnet.fund(account.address)
    return account


async def test_it_pays(devnet, account, merchant):
    before = merchant.balance()
    response = await buy(
        devnet.url("/quote"), account=account, rpc_url=devnet.rpc_url, at_most=Decimal("0.01")
    )
    assert response.status_code == 200
    assert merchant.balance() - before == 10_000


async def test_what_is_too_dear_is_not_paid(devnet, account, merchant):
    before = merchant.balance()
    response = await buy(
        devnet.url("/quote"), account=account, rpc_url=devnet.rpc_url, at_most=Decimal("0.009")
    )
    assert response.status_code == 402
    assert merchant.balance() == before
