"""stripe-node, as released, against the Stripe rail, with nothing changed but host and port.

Every `stripe_*.test.mjs` in this folder is one topic, run by Node's own test runner against a
Stripe of its own. To run a topic by hand, start `python -m mock_rails stripe`, then in this folder,
after `npm ci`: `STRIPE_HOST=127.0.0.1 STRIPE_PORT=12111 STRIPE_URL=http://127.0.0.1:12111
node --test stripe_wire.test.mjs`.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.interop.node_support import HERE, INSTALL_TIMEOUT_S, TOPIC_TIMEOUT_S, run_topic
from tests.interop.stripe_support import running_stripe

TOPICS = sorted(path.name for path in HERE.glob("stripe_*.test.mjs"))

STRIPE_OPTIONS: dict[str, tuple[str, ...]] = {
    "stripe_tour.test.mjs": ("--key", "sk_test_seller=acct_seller"),
}
"""What a topic needs of its Stripe beyond the defaults."""


@pytest.mark.node
@pytest.mark.timeout(INSTALL_TIMEOUT_S + TOPIC_TIMEOUT_S)
@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic(topic: str, packages: None) -> None:
    with running_stripe(*STRIPE_OPTIONS.get(topic, ())) as rail:
        at = urlsplit(rail["url"])
        env = {
            "STRIPE_HOST": str(at.hostname),
            "STRIPE_PORT": str(at.port),
            "STRIPE_URL": rail["url"],
            "CONTROL": rail["url"] + "/_sandbox",
        }
        run_topic(topic, env)


def test_every_topic_is_found() -> None:
    assert "stripe_wire.test.mjs" in TOPICS
    assert set(STRIPE_OPTIONS) <= set(TOPICS)
