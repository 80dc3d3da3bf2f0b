"""Redis goes away under running merchants, and comes back with all that it had acknowledged.

Issue 3, the stores: nothing is delivered that is not written down, nobody is asked to pay again,
and the same credentials are good when the store is there again.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx

from sandbox.chain import TempoRpc, token_balance
from sandbox.devnet import CURRENCY, Devnet
from sandbox.settings import DevnetSettings
from tests.conformance.session.payer import Payer, encode
from tests.integration.sandbox.test_crashes import free_port
from tests.integration.sandbox.test_full_disk import (
    QUOTE,
    SEARCH,
    check_not_taken,
    signed_charge,
)
from tests.unit.sandbox.server.stores.redis_server import running_redis

if TYPE_CHECKING:
    from pathlib import Path


async def test_merchants_wait_for_their_redis_and_go_on_with_it(tmp_path: Path) -> None:
    port = free_port()
    async with AsyncExitStack() as stack:
        with running_redis(port, tmp_path) as redis:
            settings = replace(DevnetSettings().with_free_ports(), store=redis.url)
            devnet = await stack.enter_async_context(Devnet(settings))
            assert devnet.merchants is not None
            sessions = devnet.merchants.sessions
            http = await stack.enter_async_context(httpx.AsyncClient(timeout=30))
            rpc = await stack.enter_async_context(TempoRpc(devnet.rpc_url))
            search, quote = f"{devnet.api_url}/search", f"{devnet.api_url}/quote"
            regular, newcomer = (Payer(search, http, rpc, f"redis {n}") for n in range(2))
            for payer in (regular, newcomer):
                await payer.start()
            opened = await regular.step({"do": "open", "deposit": 90, "cumulative": 1})
            assert opened is not None
            assert opened.status_code == 200
            opening = encode(await newcomer.members({"do": "open", "deposit": 90, "cumulative": 1}))
            charge = await signed_charge(http, rpc, quote)
            earned = await token_balance(rpc, CURRENCY, sessions.address)

        credentials = {search: [opening], quote: [charge, charge]}
        for _ in range(2):
            answer = await regular.step({"do": "voucher", "cumulative": 2})
            assert answer is not None
            check_not_taken(answer)
        for url, ones in credentials.items():
            for one in ones:
                check_not_taken(await http.get(url, headers={"authorization": one}))
        assert regular.channel is not None
        hint = {"payment-session": f"0x{regular.channel.id.hex()}"}
        assert (await http.get(search, headers=hint)).status_code == 402
        told = await http.get(f"{devnet.control_url}/_sandbox/channels")
        assert told.status_code == 503
        assert told.json()["title"] == "The store is unavailable"

        stack.enter_context(running_redis(port, tmp_path))
        answer = await regular.step({"do": "voucher", "cumulative": 2})
        assert answer is not None
        assert answer.status_code == 200
        statuses = [
            (await http.get(url, headers={"authorization": one})).status_code
            for url, ones in credentials.items()
            for one in ones
        ]
        assert statuses == [200, 200, 402], "the same credentials, once each"
        assert await token_balance(rpc, CURRENCY, sessions.address) - earned == QUOTE
        spent = sorted(one.spent for one in await sessions.channels())
        assert spent == [SEARCH, 2 * SEARCH]
        await devnet.stop()
    assert sorted(one.captured for one in devnet.captures) == spent
