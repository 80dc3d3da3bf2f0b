"""What a started network says about itself: for people a banner, for programs one JSON object.

Its macaroons are no secrets: they follow from the seed, and open nothing but this network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.lightning.api import LND, PHOENIXD
from mock_rails.lightning.lnd.permissions import ROLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mock_rails.lightning.api import Listener
    from mock_rails.lightning.rail import Lightning


def summary(
    rail: Lightning,
    served: Sequence[tuple[Listener, str]],
    phoenixd_password: str,
    certificate: Path | None = None,
) -> dict[str, Any]:
    """Everything a client needs to use this network; `served` pairs listeners with their URLs."""
    return {
        "rail": rail.name,
        "network": rail.settings.network,
        "latency": rail.settings.latency,
        "lnd_profile": rail.settings.lnd_profile,
        "tls_cert": None if certificate is None else str(certificate),
        "nodes": {
            name: {
                "pubkey": rail.node(name).pubkey.hex(),
                "balance_sat": rail.node(name).balance_msat // 1_000,
            }
            for name in rail.topology.nodes
        },
        "lnd": {
            listener.node: {
                "url": url,
                "macaroons": {role: listener.app.macaroon(role) for role in ROLES},
            }
            for listener, url in served
            if listener.speaks == LND
        },
        "phoenixd": {
            listener.node: {"url": url, "password": phoenixd_password}
            for listener, url in served
            if listener.speaks == PHOENIXD
        },
    }


def lines(facts: dict[str, Any]) -> list[str]:
    """The banner of a network with this summary."""
    name, lnd = next(iter(facts["lnd"].items()))
    shop, phoenixd = next(iter(facts["phoenixd"].items()))
    return [
        f"Lightning network on {facts['network']}, LND {facts['lnd_profile']}",
        "",
        *(
            f"  {node:<10} {about['balance_sat']:>12,} sat   {about['pubkey']}"
            for node, about in facts["nodes"].items()
        ),
        "",
        "  Point your client here",
        *(
            f"  {place:<10} {text}"
            for node, about in facts["lnd"].items()
            for place, text in (
                (node, f"LND_REST_HOST={about['url']}"),
                ("", f"LND_MACAROON_HEX={about['macaroons']['admin']}"),
            )
        ),
        *([f"             LND_TLS_CERT_PATH={facts['tls_cert']}"] if facts["tls_cert"] else []),
        f"  {shop:<10} phoenixd {phoenixd['url']}, password {phoenixd['password']}",
        "",
        "  The macaroons invoice and readonly are in the output of --json.",
        "",
        f"  Try it: two invoices of {name}'s",
        f'  curl {lnd["url"]}/v1/invoices -d \'{{"value": 100, "memo": "coffee"}}\' \\',
        f"    -H 'Grpc-Metadata-macaroon: {lnd['macaroons']['invoice']}'",
        f"  curl {phoenixd['url']}/createinvoice -u :{phoenixd['password']} "
        "-d amountSat=100 -d description=coffee",
    ]
