"""A shop is killed while Stripe charges a card for it; the next process delivers, once.

Facts: protocol 1.1, row 17; stripe 0.2. The shop is a process with a store on disk, Stripe lives in
the test, and what kills the shop is SIGKILL.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from mpp import Challenge, Credential

from mock_rails.core.rail import RailContext
from mock_rails.server import Host
from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.faults import REQUEST
from mock_rails.stripe.rail import Stripe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[3]
CHARGES = {"verb": "POST", "route": "/v1/payment_intents"}
TOKENS = "/v1/test_helpers/shared_payment/granted_tokens"
AGE_S = 61
"""After so long a mark was left behind by somebody who died."""

Shop = tuple[asyncio.subprocess.Process, str]


@asynccontextmanager
async def shop(stripe_url: str, store: Path, ahead_s: int = 0) -> AsyncIterator[Shop]:
    """A process of the shop, and its URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.sandbox.card_shop",
        stripe_url, str(store), str(ahead_s), cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process, (await process.stdout.readline()).decode().strip() + "/goods"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def credential(http: httpx.AsyncClient, stripe_url: str, goods: str) -> dict[str, str]:
    """The header that pays for the goods."""
    asked = await http.get(goods)
    challenge = Challenge.from_www_authenticate(asked.headers["www-authenticate"])
    form = {
        "payment_method": "pm_card_visa",
        "usage_limits[currency]": "usd",
        "usage_limits[max_amount]": "50",
    }
    made = await http.post(f"{stripe_url}{TOKENS}", data=form, auth=("sk_test_payer", ""))
    shown = Credential(challenge.to_echo(), {"spt": made.json()["id"]})
    return {"Authorization": shown.to_authorization()}


@pytest.mark.parametrize("do", ["hold", "delay"])
async def test_a_shop_that_is_killed_while_stripe_works_delivers_once(
    do: str, tmp_path: Path
) -> None:
    """Held, the charge is made after the shop died; delayed, its answer comes after that."""
    rail = Stripe(RailContext.create("kills"))
    fault = {"at": REQUEST, "do": do, "when": "nth=1", "where": CHARGES, "args": {"ms": 700}}
    rail.context.faults.arm(fault)
    struck = asyncio.Event()
    rail.context.journal.watch("fault.fired", struck.set)
    store = tmp_path / "marks.db"
    async with Host(StripeApi(rail), name="Stripe") as stripe, httpx.AsyncClient() as http:
        async with shop(stripe.url, store) as (process, goods):
            headers = await credential(http, stripe.url, goods)
            buying = asyncio.create_task(http.get(goods, headers=headers))
            await struck.wait()
            process.kill()
            with pytest.raises(httpx.TransportError):
                await buying
        async with shop(stripe.url, store) as (_, goods):
            early = await http.get(goods, headers=headers)
            assert early.status_code == 409  # the first process may still be at it
        async with shop(stripe.url, store, AGE_S) as (process, goods):
            found = await asyncio.gather(*(http.get(goods, headers=headers) for _ in range(8)))
            assert [one.status_code for one in found].count(200) == 1
            assert (await http.get(goods, headers=headers)).status_code == 402
            process.kill()
            assert process.stdout is not None
            assert await process.stdout.read() == b"delivered\n"
        assert [one["status"] for one in rail.state.all("payment_intents")] == ["succeeded"]
        rail.check_conservation()
