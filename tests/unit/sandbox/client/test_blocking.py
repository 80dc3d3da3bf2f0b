"""The client for scripts: the same payments, without `await`."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from mock_rails.core.errors import BadInput
from sandbox.client import Budget, PaidClientSync
from sandbox.client.errors import BudgetExceededError
from sandbox.client.ledger import Tally
from tests.unit.sandbox.client.bazaar import PRICE
from tests.unit.sandbox.client.market import PAYER, TOKEN, paid_by

if TYPE_CHECKING:
    from tests.unit.sandbox.client.bazaar import Bazaar


async def test_a_script_pays_within_its_budget(bazaar: Bazaar) -> None:
    def script() -> Tally:
        budget = Budget(total=4 * PRICE, allowed_currencies=[TOKEN])
        client = PaidClientSync(PAYER, budget, rpc_url=bazaar.rpc_url, prefer=["tempo/session"])
        with client:
            paid_by(client.get(f"{bazaar.url}/search"))
            paid_by(client.post(f"{bazaar.url}/search", content=b"text"))
            with ThreadPoolExecutor(2) as threads:  # threads may share it
                list(map(paid_by, threads.map(client.get, [f"{bazaar.url}/search"] * 2)))
            with pytest.raises(BudgetExceededError):
                client.get(f"{bazaar.url}/search")
            assert client.reconcile() == ()
        with pytest.raises(BadInput):
            client.get(f"{bazaar.url}/search")
        return client.ledger.tally()

    assert await asyncio.to_thread(script) == Tally(4 * PRICE, 0)
    assert len(bazaar.served) == 4
