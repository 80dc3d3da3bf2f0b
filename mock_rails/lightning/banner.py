"""What a started network says about itself: for people a banner, for programs one JSON object.

Its macaroons are no secrets: they follow from the seed, and open nothing but this network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.lightning.lnd.permissions import ROLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_rails.lightning.api import Listener
    from mock_rails.lightning.rail import Lightning


def summary(rail: Lightning, served: Sequence[tuple[Listener, str]]) -> dict[str, Any]:
    """Everything a client needs to use this network; `served` pairs listeners with their URLs."""
    return {
        "rail": rail.name,
        "network": rail.settings.network,
        "latency": rail.settings.latency,
        "lnd_profile": rail.settings.lnd_profile,
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
        },
    }


def lines(facts: dict[str, Any]) -> list[str]:
    """The banner of a network with this summary."""
    shown = [
        f"Lightning network on {facts['network']}, LND {facts['lnd_profile']}",
        "",
        *(
            f"  {name:<10} {node['balance_sat']:>12,} sat   {node['pubkey']}"
            for name, node in facts["nodes"].items()
        ),
        "",
        "  Point your client here",
    ]
    for name, node in facts["lnd"].items():
        shown += [f"  {name}", f"    LND_REST_HOST={node['url']}"]
        shown += [f"    LND_MACAROON_HEX={node['macaroons']['admin']}"]
    name, node = next(iter(facts["lnd"].items()))
    shown += [
        "",
        "  Macaroons of the roles invoice and readonly are in the output of --json.",
        "",
        f"  Try it: an invoice of {name}'s",
        f'  curl {node["url"]}/v1/invoices -d \'{{"value": 100, "memo": "coffee"}}\' \\',
        f"    -H 'Grpc-Metadata-macaroon: {node['macaroons']['admin']}'",
    ]
    return shown
