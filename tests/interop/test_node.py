"""Released SDKs from npm against this chain, with nothing changed but the RPC URL.

Every `*.test.mjs` in this folder is one topic, run by Node's own test runner on a chain of its own:
what moves one topic's clock disturbs no other. `package-lock.json` says which viem, mppx and ox.
The topics about our merchants, `gate_*`, are run by `test_gate_node.py`, those about the Stripe
rail, `stripe_*`, by `test_stripe_node.py`.

To run a topic by hand, start `python -m mock_rails tempo`, then in this folder, after `npm ci`:
`RPC_URL=http://127.0.0.1:8545 WS_URL=ws://127.0.0.1:8545 node --test channels.test.mjs`.
"""

from __future__ import annotations

import json

import pytest

from tests.interop.node_support import (
    HERE,
    INSTALL_TIMEOUT_S,
    TOPIC_TIMEOUT_S,
    run_topic,
    running_chain,
)

OTHERS = ("bolt11_", "gate_", "lnd_", "stripe_")
"""How topics begin that are not about the chain; each kind has a runner of its own."""

TOPICS = sorted(path.name for path in HERE.glob("*.test.mjs") if not path.name.startswith(OTHERS))

CHAIN_OPTIONS = {"relay.test.mjs": ("--fee-payer", "9")}
"""What a topic needs of its chain beyond the defaults."""


@pytest.mark.node
@pytest.mark.timeout(INSTALL_TIMEOUT_S + TOPIC_TIMEOUT_S)
@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic(topic: str, packages: None) -> None:
    with running_chain(*CHAIN_OPTIONS.get(topic, ())) as chain:
        run_topic(topic, {"RPC_URL": chain["url"], "WS_URL": chain["ws_url"]})


def test_every_topic_is_found() -> None:
    assert len(TOPICS) >= 15
    assert set(CHAIN_OPTIONS) <= set(TOPICS)


def test_the_packages_are_the_released_ones_and_come_from_anywhere() -> None:
    """Exact versions; no registry address, so that any mirror serves them (DESIGN section 5)."""
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    locked = json.loads((HERE / "package-lock.json").read_text())["packages"]
    designed = {"mppx": "0.11.0", "ox": "0.14.45", "stripe": "23.1.0", "viem": "2.57.1"}
    assert wanted.items() >= designed.items()
    for name, version in wanted.items():
        assert locked[f"node_modules/{name}"]["version"] == version
    for path, package in locked.items():
        assert "resolved" not in package, path
        assert not path or package["integrity"].startswith("sha512-"), path
