"""What is exported, inspected or recorded of payments on every rail gives nobody's secret away.

DESIGN 2.4; facts: lightning 7.1 (preimages), stripe 1 (keys and tokens), protocol 1.3 (the secret
that challenges are made with).
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from mock_rails.lightning.topology import PAYER
from mock_rails.stripe.banner import TEST_KEY
from sandbox.cli.stripe_log import card_story
from sandbox.client import CardWallet, LightningWallet, PaidClient, Wallet
from sandbox.inspection import find, render
from sandbox.journaling import archive, join
from sandbox.lightning import LndNode
from sandbox.merchants.merchants import challenge_secret
from sandbox.recording import record
from sandbox.settings import DevnetSettings

if TYPE_CHECKING:
    from sandbox.devnet import Devnet

PATHS = ("/quote", "/search", "/stripe/quote", "/lightning/quote", "/lightning/search")
FOREIGN_KEY = "sk_test_" + "51Hsomebodysown"
SEED = "secrets"


class Wire(httpx.AsyncHTTPTransport):
    """Remembers what proofs went over it."""

    def __init__(self) -> None:
        super().__init__()
        self.proofs: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        shown = request.headers.get("authorization", "")
        self.proofs |= {shown.partition(" ")[2]} if shown else set()
        return await super().handle_async_request(request)


@dataclass
class Told:
    """What was told of a run, and what must not be in it."""

    stories: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    """By what they are."""


async def pay_on_every_rail(devnet: Devnet, wallet: Wallet, wire: Wire) -> Told:
    told = Told()
    assert devnet.chain is not None
    assert devnet.lightning is not None
    assert devnet.stripe_url is not None
    control = f"{devnet.control_url}/_sandbox"
    async with httpx.AsyncClient(transport=wire, timeout=30) as http:
        await http.post(f"{control}/fund", json={"address": f"0x{wallet.address.hex()}"})
        told.secrets |= await lightning_secrets(devnet, http)
        macaroon = told.secrets["a node's macaroon"]
        served = (await http.get(f"{control}/info")).json()["lightning"]["lnd"][PAYER]["url"]
        node = LndNode(served, macaroon, http=http)
        async with PaidClient(
            wallet,
            card=CardWallet(stripe_url=devnet.stripe_url, key=TEST_KEY),
            lightning=LightningWallet(node),
            rpc_url=devnet.rpc_url,
            http=http,
        ) as payer:
            for path in PATHS:
                assert (await payer.get(f"{devnet.api_url}{path}")).status_code == 200, path
        await buy_ticket(devnet, http, node, told.secrets)
        key = {"Authorization": f"Bearer {FOREIGN_KEY}"}
        tokens = await http.get(f"{devnet.stripe_url}/_sandbox/requests", headers=key)
        told.secrets |= {
            f"token {one}": one for one in set(re.findall(r"spt_\w{12,}", tokens.text))
        }
        events = (await http.get(f"{control}/journal", params={"limit": 1_000})).json()["events"]
    told.stories += await stories(devnet, events)
    told.secrets |= {f"proof {n}": one for n, one in enumerate(wire.proofs) if len(one) > 40}
    for payment in devnet.lightning.node(PAYER).payments():
        assert payment.preimage is not None
        told.secrets[f"preimage of {payment.payment_hash.hex()[:6]}"] = payment.preimage.hex()
    told.secrets |= keys(devnet, wallet)
    return told


async def lightning_secrets(devnet: Devnet, http: httpx.AsyncClient) -> dict[str, str]:
    listener = next(one for one, _ in devnet._wires if one.node == PAYER)
    return {"a node's macaroon": listener.app.macaroon()}


async def buy_ticket(
    devnet: Devnet, http: httpx.AsyncClient, node: LndNode, secrets: dict[str, str]
) -> None:
    """L402: a macaroon and a preimage, together in one header."""
    url = f"{devnet.api_url}/lightning/quote"
    offers = (await http.get(url)).headers.get_list("www-authenticate")
    offer = next(one for one in offers if one.startswith("L402"))
    given = dict(re.findall(r'(\w+)="([^"]*)"', offer))
    paid = await node.pay(given["invoice"], fee_limit_sat=20, timeout_s=5)
    secrets["a ticket"] = given["macaroon"]
    header = {"Authorization": f"L402 {given['macaroon']}:{paid.preimage.hex()}"}
    assert (await http.get(url, headers=header)).status_code == 200


def keys(devnet: Devnet, wallet: Wallet) -> dict[str, str]:
    assert devnet.chain is not None
    own = {f"key {at}": one.key.hex() for at, one in enumerate(devnet.chain.accounts)}
    return {
        **own,
        "the payer's key": wallet.reveal_key().hex(),
        "challenges' secret": challenge_secret(SEED),
        "a Stripe key": FOREIGN_KEY,
        "the sandbox's Stripe key": TEST_KEY,
    }


async def stories(devnet: Devnet, events: list[dict[str, Any]]) -> list[str]:
    """The journal as JSON lines and as HAR, and every exchange explained, as text and as JSON,
    with what Stripe knows of it."""
    records = join(events)
    told = [
        "\n".join(json.dumps(one.to_json()) for one in records),
        json.dumps(archive(records, base_url=devnet.api_url or "")),
    ]
    paid = [one["exchange"] for one in events if one["kind"] == "exchange.paid"]
    assert len(paid) >= len(PATHS)
    for name in paid:
        finding = find(events, name)
        cards = await asyncio.to_thread(card_story, devnet.info(), finding.card_challenges, events)
        told += [render(finding, cards=cards), json.dumps(finding.to_json())]
        told += [] if cards is None else [json.dumps(cards.to_json())]
    assert any("At Stripe" in one for one in told)
    return told


async def test_nothing_that_is_told_of_payments_opens_anything() -> None:
    wallet, wire = Wallet.from_seed("a customer of ours", "nobody knows"), Wire()
    found: list[Told] = []

    async def work(devnet: Devnet) -> int:
        found.append(await pay_on_every_rail(devnet, wallet, wire))
        return 0

    settings = DevnetSettings(seed=SEED).with_free_ports()
    done = await record(settings, work, command=["pay", "--api-key", FOREIGN_KEY])
    (told,) = found
    assert len(told.secrets) > 20
    assert any(name.startswith("token ") for name in told.secrets)
    for name, secret in told.secrets.items():
        for text in told.stories:
            assert secret not in text, name
            assert json.dumps(secret)[1:-1] not in text, name

    capture = done.capture.text()
    for name in ("the payer's key", "challenges' secret", "a Stripe key"):
        assert told.secrets[name] not in capture, name
