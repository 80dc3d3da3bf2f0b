"""A devnet's Lightning under its control: faults over HTTP, one clock, one document to go back to.

DESIGN 2.4 to 2.6; facts: lightning 1.3 (effective expiry), 5.2 (a hung node), 5.3, 7.1.5.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mpp import Challenge, Credential

from mock_rails.core import snapshot
from mock_rails.core.errors import SandboxError
from mock_rails.lightning.invoices import InvoiceRequest
from mock_rails.lightning.model import InvoiceState
from sandbox import info
from sandbox.client import Budget, LightningWallet, OutcomeUnknownError, PaidClient
from sandbox.lightning import LndNode, Paid, PaymentOutcomeUnknown
from sandbox.snapshots import compare

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.devnet import Devnet

POINTS = {
    "lightning.invoice": {"hang", "delay", "fail", "lose_response"},
    "lightning.pay": {
        "no_route", "insufficient_balance", "incorrect_details", "timeout", "lose_response",
    },
    "lightning.htlc": {"stuck_then_settle", "stuck_then_fail", "settle_late", "incorrect_details"},
    "lightning.forward": {"fail", "unknown_next_peer"},
    "lightning.node": {"down"},
}  # fmt: skip

FAILURES = (
    ("lightning.pay", "no_route", "NO_ROUTE"),
    ("lightning.pay", "insufficient_balance", "INSUFFICIENT_BALANCE"),
    ("lightning.pay", "incorrect_details", "INCORRECT_PAYMENT_DETAILS"),
    ("lightning.pay", "timeout", "TIMEOUT"),
    ("lightning.htlc", "incorrect_details", "INCORRECT_PAYMENT_DETAILS"),
    ("lightning.forward", "fail", "NO_ROUTE"),
    ("lightning.forward", "unknown_next_peer", "NO_ROUTE"),
)


def node_of(devnet: Devnet) -> LndNode:
    """The payer's LND, as the devnet tells programs of it."""
    variables = info.environment(devnet.info())
    return LndNode(variables["LND_REST_HOST"], variables["LND_MACAROON_HEX"])


@asynccontextmanager
async def client_of(devnet: Devnet) -> AsyncIterator[PaidClient]:
    """A client with that node and a thousand satoshis to spend."""
    budget = Budget(total=1_000, allowed_currencies=["sat"])
    async with (
        node_of(devnet) as node,
        PaidClient(
            lightning=LightningWallet(node, timeout_s=1),
            lightning_budget=budget,
            clock=devnet.context.clock,
        ) as client,
    ):
        yield client


async def arm(http: httpx.AsyncClient, at: str, do: str, **more: Any) -> None:
    """Arm a fault as `mpp-sandbox faults arm` does."""
    answer = await http.post("/faults", json={"at": at, "do": do, **more})
    assert answer.status_code == 200, answer.text


async def methods_at(devnet: Devnet, path: str) -> list[str]:
    """What a 402 offers."""
    async with httpx.AsyncClient(timeout=30) as shopper:
        answer = await shopper.get(f"{devnet.api_url}{path}")
    assert answer.status_code == 402, answer.text
    fields = answer.headers.get_list("www-authenticate")
    return [Challenge.from_www_authenticate(one).method for one in fields]


# -- faults ---------------------------------------------------------------------------------------


async def test_every_fault_of_the_network_is_listed(http: httpx.AsyncClient) -> None:
    listed = (await http.get("/faults")).json()["points"]
    found = {
        one["name"]: {action["name"] for action in one["actions"]}
        for one in listed
        if one["name"].startswith("lightning.")
    }
    assert found == POINTS


async def test_a_hung_node_does_not_hang_a_report_that_is_sold_otherwise_too(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    """Invoices of two offers hang, and are given up together (facts 5.2: the whole 402 hung)."""
    assert {"lightning", "stripe", "tempo"} <= set(await methods_at(devnet, "/report"))
    await arm(http, "lightning.invoice", "hang", where={"node": "merchant"})
    offered = await methods_at(devnet, "/report")
    assert {"stripe", "tempo"} <= set(offered)
    assert "lightning" not in offered
    await http.delete("/faults")
    for do in ("fail", "lose_response"):
        await arm(http, "lightning.invoice", do, when="nth=1")
        assert {"stripe", "tempo"} <= set(await methods_at(devnet, "/report"))
    await http.delete("/faults")
    assert "lightning" in await methods_at(devnet, "/report")


async def test_a_payment_that_fails_costs_nothing_and_is_made_later(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    url = f"{devnet.api_url}/lightning/quote"
    async with client_of(devnet) as client:
        for at, do, says in FAILURES:
            before = client.lightning_ledger.tally()
            await arm(http, at, do)
            with pytest.raises(SandboxError, match=says):
                await client.get(url)
            assert client.lightning_ledger.tally() == before, (at, do)
            await http.delete("/faults")
            assert (await client.get(url)).status_code == 200


async def test_a_node_that_is_down_has_paid_nothing_when_it_is_back(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    """The connection broke in the middle of the call: nobody knows, until the node is asked."""
    await arm(http, "lightning.node", "down", where={"node": "payer"})
    async with client_of(devnet) as client:
        with pytest.raises(OutcomeUnknownError):
            await client.get(f"{devnet.api_url}/lightning/quote")
        assert client.lightning_ledger.tally().reserved > 0
        await http.delete("/faults")
        assert (await client.get(f"{devnet.api_url}/lightning/quote")).status_code == 200
        assert client.lightning_ledger.tally().reserved == 0
    assert devnet.lightning is not None
    assert len(list(devnet.lightning.node("payer").payments())) == 1


# -- time -----------------------------------------------------------------------------------------


async def test_sixteen_minutes_end_challenges_and_their_invoices(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    url = f"{devnet.api_url}/lightning/quote"
    async with node_of(devnet) as node, httpx.AsyncClient() as shopper:
        value = (await shopper.get(url)).headers.get_list("www-authenticate")[0]
        challenge = Challenge.from_www_authenticate(value)
        invoice = challenge.request["methodDetails"]["invoice"]
        preimage = (await node.pay(invoice, fee_limit_sat=9, timeout_s=5)).preimage.hex()
        await shopper.get(url)
        await http.post("/time/advance", json={"by": "16m"})
        shown = Credential(challenge.to_echo(), {"preimage": preimage}).to_authorization()
        answer = await shopper.get(url, headers={"Authorization": shown})
        assert answer.status_code == 402
        assert answer.json()["type"].endswith("/lightning/expired-invoice")
    assert devnet.lightning is not None
    states = [one.state for one in devnet.lightning.node("merchant").invoices()]
    assert states.count(InvoiceState.SETTLED) == 1
    assert InvoiceState.CANCELED in states


# -- snapshots ------------------------------------------------------------------------------------


async def test_sessions_and_what_is_under_way_go_back_together_and_on(
    devnet: Devnet, http: httpx.AsyncClient
) -> None:
    assert devnet.lightning is not None
    await http.post("/time/freeze")
    made = devnet.lightning.node("merchant").create_invoice(InvoiceRequest(amount_msat=7_000))
    await arm(http, "lightning.htlc", "stuck_then_settle", when="nth=1", args={"s": 600})
    async with node_of(devnet) as node, client_of(devnet) as client:
        node._grace_s = 0.1
        with pytest.raises(PaymentOutcomeUnknown):
            await node.pay(made.text, fee_limit_sat=9, timeout_s=1)
        url = f"{devnet.api_url}/lightning/search"
        assert (await client.get(url)).status_code == 200
        before = snapshot.parse((await http.get("/snapshot")).content, "the answer")
        assert (await client.get(url)).status_code == 200
        await http.post("/time/advance", json={"by": "11m"})
        assert isinstance(await node.find_payment(made.payment_hash), Paid)
        after = snapshot.parse((await http.get("/snapshot")).content, "the answer")
        kinds = {one.kind for one in compare(before, after).items}
        assert {"payment", "invoice", "lightning session"} <= kinds
        loaded = (await http.post("/snapshot", json=before)).json()
        assert loaded["digest"] == snapshot.digest(before)
        assert await node.find_payment(made.payment_hash) is None, "it is under way again"
        assert (await client.get(url)).status_code == 200, "the session is open again"
        await http.post("/time/advance", json={"by": "11m"})
        assert isinstance(await node.find_payment(made.payment_hash), Paid)
