"""Released clients from npm against our merchants, with nothing changed but URLs.

Every `gate_*.test.mjs` in this folder is one topic, run by Node's own test runner against a devnet
of its own (`mpp-sandbox up`): mppx's client library for charge (by chain and by card), session, SSE
and WebSocket, mppx's command line, which also validates what we serve (facts, protocol 2.8-2.10 and
3; stripe 5), and Alby's lightning-tools, which pay invoices and L402 tickets (lightning 1.5, 6).

To run a topic by hand, start `mpp-sandbox up`, then in this folder, after `npm ci`:
`RPC_URL=http://127.0.0.1:8545 WS_URL=ws://127.0.0.1:8545 API_URL=http://127.0.0.1:8402
node --test gate_charge.test.mjs`.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.interop.node_support import (
    HERE,
    INSTALL_TIMEOUT_S,
    MPPX,
    TOPIC_TIMEOUT_S,
    run_topic,
    running_devnet,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

PATIENT = "gate_cli.test.mjs"
"""A topic that does little but wait: mppx validate reads a stream that is held for a minute."""

TOPICS = sorted(
    (path.name for path in HERE.glob("gate_*.test.mjs")), key=lambda one: one == PATIENT
)
"""The patient one comes last, and is begun beside the first."""

MODERATO = "42431"
"""The testnet's chain id: mppx's command line wants one that it knows (facts, protocol 3.1)."""

DEVNET_OPTIONS = {
    "gate_cli.test.mjs": ("--chain-id", MODERATO),
    "gate_stripe.test.mjs": ("--stripe-proxy",),
}
"""What a topic needs of its devnet beyond the defaults."""


@pytest.fixture(scope="module")
def patient(packages: None, request: pytest.FixtureRequest) -> Iterator[Future[None] | None]:
    """The patient topic under way, if it is to be run by this process at all."""
    is_chosen = any(one.name == f"test_a_topic[{PATIENT}]" for one in request.session.items)
    if not is_chosen or hasattr(request.config, "workerinput"):  # pytest-xdist deals tests out
        yield None
        return
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(run, PATIENT)


@pytest.mark.node
@pytest.mark.timeout(INSTALL_TIMEOUT_S + TOPIC_TIMEOUT_S)
@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic(topic: str, patient: Future[None] | None) -> None:
    if topic == PATIENT and patient is not None:
        patient.result()
    else:
        run(topic)


def run(topic: str) -> None:
    """Run a topic against a devnet of its own."""
    with running_devnet(*DEVNET_OPTIONS.get(topic, ())) as devnet:
        env = {
            "API_URL": devnet["merchants"]["url"],
            "MPPX": MPPX,
            "RECIPIENT": devnet["merchants"]["recipient"],
            "RPC_URL": devnet["tempo"]["url"],
            "WS_URL": devnet["tempo"]["ws_url"],
            **stripe_environment(devnet["stripe"]),
            **lightning_environment(devnet["lightning"]),
        }
        run_topic(topic, env)


def stripe_environment(stripe: dict[str, Any]) -> dict[str, str]:
    """Where Stripe is, and the way in for programs that hard-code its host, if there is one."""
    at = urlsplit(stripe["url"])
    return {
        "CONTROL": f"{stripe['url']}/_sandbox",
        "STRIPE_HOST": str(at.hostname),
        "STRIPE_PORT": str(at.port),
        "STRIPE_URL": stripe["url"],
        **stripe.get("proxy", {}),
    }


def lightning_environment(lightning: dict[str, Any]) -> dict[str, str]:
    """The payer's LND, by the names that its clients know."""
    payer = lightning["lnd"]["payer"]
    return {
        "LND_REST_HOST": payer["url"],
        "LND_MACAROON_HEX": payer["macaroons"]["admin"],
    }


def test_every_topic_is_found() -> None:
    assert len(TOPICS) >= 4
    assert {*DEVNET_OPTIONS, PATIENT} <= set(TOPICS)
