"""Unmodified programs that name no server at all: SDKs as their documentation shows them, with the
host that is fixed in them, beside the sandbox's proxy (facts: stripe 5)."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import pytest

from mock_rails.core.clock import Clock
from mock_rails.server import Host
from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.proxy import StripeProxy
from mock_rails.stripe.rail import Stripe
from tests.interop.node_support import HERE, INSTALL_TIMEOUT_S, TOPIC_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Sequence

STRIPE_PYTHON = """
import os, stripe
stripe.ca_bundle_path = os.environ["MPP_SANDBOX_STRIPE_CA"]
client = stripe.StripeClient("sk_test_x")
print(client.v1.customers.create({"name": "Ada"}).name)
"""

HTTPX = """
import httpx
answer = httpx.post("https://api.stripe.com/v1/customers", auth=("sk_test_x", ""),
                    data={"name": "Ada"})
print(answer.json()["name"])
"""

FETCH = """
const answer = await fetch("https://api.stripe.com/v1/customers", {
  method: "POST",
  headers: { Authorization: `Basic ${btoa("sk_test_x:")}` },
  body: new URLSearchParams({ name: "Ada" }),
});
console.log((await answer.json()).name);
"""

STRIPE_NODE = """
import Stripe from "stripe";
const stripe = new Stripe("sk_test_x");
console.log((await stripe.customers.create({ name: "Ada" })).name);
"""

OTHER_HOST = """
import httpx
try:
    httpx.get("https://example.com/")
except httpx.ProxyError as error:
    print(error)
"""


async def said_beside_the_proxy(*command: str) -> tuple[int | None, str, Sequence[str]]:
    """What a program prints, and which customers the rail has afterwards."""
    rail = Stripe()
    async with (
        Host(StripeApi(rail)) as host,
        StripeProxy(rail_port=host.port, clock=Clock()) as proxy,
    ):
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=HERE,
            env=os.environ | proxy.environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
    names = [customer["name"] for customer in rail.state.all("customers")]
    return process.returncode, said.decode().strip(), names


@pytest.mark.parametrize("program", [STRIPE_PYTHON, HTTPX], ids=["stripe", "httpx"])
async def test_a_python_program(program: str) -> None:
    assert await said_beside_the_proxy(sys.executable, "-c", program) == (0, "Ada", ["Ada"])


@pytest.mark.node
@pytest.mark.timeout(INSTALL_TIMEOUT_S + TOPIC_TIMEOUT_S)
@pytest.mark.parametrize("program", [FETCH, STRIPE_NODE], ids=["fetch", "stripe"])
async def test_a_node_program(program: str, packages: None) -> None:
    command = ("node", "--input-type=module", "--eval", program)
    assert await said_beside_the_proxy(*command) == (0, "Ada", ["Ada"])


async def test_other_hosts_are_refused_by_name() -> None:
    status, said, _ = await said_beside_the_proxy(sys.executable, "-c", OTHER_HOST)
    assert (status, said) == (0, "403 Forbidden")
