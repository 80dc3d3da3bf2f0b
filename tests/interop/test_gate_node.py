"""Released clients from npm against our merchants, with nothing changed but URLs.

Every `gate_*.test.mjs` in this folder is one topic, run by Node's own test runner against a devnet
of its own (`mpp-sandbox up`): mppx's client library for charge (by chain and by card), session, SSE
and WebSocket, and mppx's command line, which also validates what we serve (facts, protocol
2.8-2.10 and 3; stripe 5).

To run a topic by hand, start `mpp-sandbox up`, then in this folder, after `npm ci`:
`RPC_URL=http://127.0.0.1:8545 WS_URL=ws://127.0.0.1:8545 API_URL=http://127.0.0.1:8402
node --test gate_charge.test.mjs`.
"""

from __future__ import annotations

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
    from typing import Any

TOPICS = sorted(path.name for path in HERE.glob("gate_*.test.mjs"))

MODERATO = "42431"
"""The testnet's chain id: mppx's command line wants one that it knows (facts, protocol 3.1)."""

DEVNET_OPTIONS = {
    "gate_cli.test.mjs": ("--chain-id", MODERATO),
    "gate_stripe.test.mjs": ("--stripe-proxy",),
}
"""What a topic needs of its devnet beyond the defaults."""


@pytest.mark.node
@pytest.mark.timeout(INSTALL_TIMEOUT_S + TOPIC_TIMEOUT_S)
@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic(topic: str, packages: None) -> None:
    with running_devnet(*DEVNET_OPTIONS.get(topic, ())) as devnet:
        env = {
            "API_URL": devnet["merchants"]["url"],
            "MPPX": MPPX,
            "RECIPIENT": devnet["merchants"]["recipient"],
            "RPC_URL": devnet["tempo"]["url"],
            "WS_URL": devnet["tempo"]["ws_url"],
            **stripe_environment(devnet["stripe"]),
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


def test_every_topic_is_found() -> None:
    assert len(TOPICS) >= 4
    assert set(DEVNET_OPTIONS) <= set(TOPICS)
