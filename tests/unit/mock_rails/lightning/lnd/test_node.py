"""What a node says of itself, its channels and its routes (facts: lightning 4.3, calls 5-7, 12)."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.mock_rails.lightning.lnd.conftest import Lnd, Nodes


@pytest.mark.parametrize("profile", ["0.20", "0.21"])
async def test_the_node_tells_its_version_and_network(merchant: Lnd, profile: str) -> None:
    info = await merchant.get("/v1/getinfo")
    assert info["version"].startswith(f"{profile}.0-beta")
    assert info["alias"] == "merchant"
    assert info["chains"] == [{"chain": "bitcoin", "network": "regtest"}]
    assert (info["num_active_channels"], info["num_peers"]) == (2, 2)
    assert info["synced_to_chain"] is True
    assert info["uris"][0].startswith(info["identity_pubkey"] + "@")


async def test_an_invoice_is_read(nodes: Nodes) -> None:
    invoice = await nodes.merchant.invoice(value_msat=1_500, memo="coffee")
    said = await nodes.payer.get(f"/v1/payreq/{invoice}")
    info = await nodes.merchant.get("/v1/getinfo")
    assert said["destination"] == info["identity_pubkey"]
    assert (said["num_satoshis"], said["num_msat"]) == ("1", "1500")
    assert (said["description"], said["expiry"], said["cltv_expiry"]) == ("coffee", "86400", "80")
    assert len(bytes.fromhex(said["payment_hash"])) == 32
    assert len(base64.b64decode(said["payment_addr"])) == 32
    assert said["features"]["17"] == {
        "name": "multi-path-payments",
        "is_required": False,
        "is_known": True,
    }


async def test_an_invoice_of_another_network_is_refused(payer: Lnd) -> None:
    """The first example of BOLT 11, which is on the main network."""
    example = (
        "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqc"
        "yq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkx"
        "aq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7"
        "mlcwspyetp5h2tztugp9lfyql"
    )
    answer = await payer.http.get(f"/v1/payreq/{example}")
    assert answer.status_code == 500
    assert answer.json()["message"] == "invoice not for current active network 'regtest'"


async def test_balances_add_up_while_an_htlc_is_stuck(nodes: Nodes) -> None:
    """What is locked is in neither balance; the channel names the HTLC."""
    rail, payer = nodes.rail, nodes.payer
    rail.context.faults.arm({"at": "lightning.htlc", "do": "stuck_then_settle", "args": {"s": 60}})
    invoice = await nodes.merchant.invoice(value=100)
    paying = asyncio.create_task(payer.send(invoice))
    while rail.node("payer").balance_msat == 10_000_000_000:
        await rail.context.clock.yield_to_loop()
    balance = await payer.get("/v1/balance/channels")
    assert balance["local_balance"] == {"sat": "9999899", "msat": "9999899000"}
    assert balance["unsettled_local_balance"] == {"sat": "101", "msat": "101000"}
    channels = (await payer.get("/v1/channels"))["channels"]
    (pending,) = [htlc for one in channels for htlc in one["pending_htlcs"]]
    assert (pending["incoming"], pending["amount"]) == (False, "101")
    rail.context.clock.advance(61)
    rail.catch_up()
    await paying
    after = await payer.get("/v1/balance/channels")
    assert (after["balance"], after["unsettled_local_balance"]["msat"]) == ("9999899", "0")


async def test_channels_are_chosen_by_their_peer(payer: Lnd) -> None:
    everything = (await payer.get("/v1/channels"))["channels"]
    wanted = everything[0]
    peer = base64.b64encode(bytes.fromhex(wanted["remote_pubkey"])).decode()
    assert (await payer.get("/v1/channels", peer=peer))["channels"] == [wanted]
    assert (await payer.get("/v1/channels", private_only="true"))["channels"] == []
    assert len(everything) == 2


async def test_there_is_nothing_on_a_chain(payer: Lnd) -> None:
    assert (await payer.get("/v1/balance/blockchain"))["total_balance"] == "0"


# -- routes and fees: check 4 ---------------------------------------------------------------------


@pytest.mark.parametrize("topology", ["line"])
class TestTwoRouters:
    """payer - router1 - router2 - merchant, with LND's default policy: 1,000 msat + 1 ppm."""

    async def test_free_routes_only_are_no_routes(self, nodes: Nodes) -> None:
        invoice = await nodes.merchant.invoice(value=1_000_000)
        *_, last = await nodes.payer.send(invoice, fee_limit_sat=0)
        assert last["failure_reason"] == "FAILURE_REASON_NO_ROUTE"
        assert last["htlcs"] == []

    async def test_fees_are_computed_from_the_payee_backwards(self, nodes: Nodes) -> None:
        before = {name: nodes.rail.node(name).balance_msat for name in nodes.rail.topology.nodes}
        invoice = await nodes.merchant.invoice(value=1_000_000)
        *_, last = await nodes.payer.send(invoice)
        second = 1_000 + 1_000_000_000 // 1_000_000
        first = 1_000 + (1_000_000_000 + second) // 1_000_000
        assert last["fee_msat"] == str(first + second)
        hops = last["htlcs"][0]["route"]["hops"]
        assert [hop["fee_msat"] for hop in hops] == [str(first), str(second), "0"]
        assert hops[-1]["mpp_record"]["total_amt_msat"] == "1000000000"
        assert last["htlcs"][0]["route"]["total_time_lock"] == 840_000 + 80 * 3
        gained = {name: nodes.rail.node(name).balance_msat - had for name, had in before.items()}
        assert gained == {
            "merchant": 1_000_000_000,
            "payer": -1_000_000_000 - first - second,
            "router1": first,
            "router2": second,
        }

    async def test_a_route_and_its_fee_are_told_beforehand(self, nodes: Nodes) -> None:
        invoice = await nodes.merchant.invoice(value=1_000)
        key = (await nodes.merchant.get("/v1/getinfo"))["identity_pubkey"]
        estimate = await nodes.payer.post("/v2/router/route/estimatefee", payment_request=invoice)
        (route,) = (await nodes.payer.get(f"/v1/graph/routes/{key}/1000"))["routes"]
        *_, last = await nodes.payer.send(invoice)
        assert last["fee_msat"] == estimate["routing_fee_msat"] == route["total_fees_msat"]
        path = f"/v1/graph/routes/{key}/1000?fee_limit.fixed_msat=1"
        answer = await nodes.payer.http.get(path)
        assert answer.json()["message"] == "unable to find a path to destination"
        assert answer.status_code == 500
