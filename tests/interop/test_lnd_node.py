"""lightning-backends, a Node client of LND's REST, unmodified, on both profiles (facts: 4.1)."""

from __future__ import annotations

import pytest

from tests.interop.lightning_support import running_lightning
from tests.interop.node_support import INSTALL_TIMEOUT_S, TOPIC_TIMEOUT_S, run_topic


@pytest.mark.node
@pytest.mark.timeout(INSTALL_TIMEOUT_S + TOPIC_TIMEOUT_S)
@pytest.mark.parametrize("profile", ["0.20", "0.21"])
def test_lightning_backends(profile: str, packages: None) -> None:
    with running_lightning("--lnd-version", profile) as rail:
        merchant, payer = rail["lnd"]["merchant"], rail["lnd"]["payer"]
        env = {
            "MERCHANT_URL": merchant["url"],
            "MERCHANT_MACAROON": merchant["macaroons"]["admin"],
            "PAYER_URL": payer["url"],
            "PAYER_MACAROON": payer["macaroons"]["admin"],
            "PROFILE": profile,
        }
        run_topic("lnd_backends.test.mjs", env)
