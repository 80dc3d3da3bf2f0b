"""Which networks can be described, and what is said of those that cannot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.core.errors import BadInput
from mock_rails.lightning.topology import Topology

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.mock_rails.lightning.conftest import MakeNetwork

PAIR = {
    "nodes": ["merchant", "payer"],
    "channels": [{"between": ["payer", "merchant"], "capacity_sat": 1_000, "local_sat": 600}],
}


def with_channel(**fields: Any) -> dict[str, Any]:
    return {**PAIR, "channels": [{**PAIR["channels"][0], **fields}]}  # type: ignore[dict-item]


@pytest.mark.parametrize("name", ["default", "pair", "line", "hub", "drained", "private"])
def test_presets_are_networks_with_a_merchant_and_a_payer(
    name: str, make_network: MakeNetwork
) -> None:
    rail = make_network(name)
    assert {"merchant", "payer"} <= set(rail.network.nodes)
    rail.check_conservation()


def test_a_file_is_json_or_toml(tmp_path: Path) -> None:
    (tmp_path / "pair.json").write_text(json.dumps(PAIR))
    (tmp_path / "pair.toml").write_text(
        'nodes = ["merchant", "payer"]\n[[channels]]\n'
        'between = ["payer", "merchant"]\ncapacity_sat = 1000\nlocal_sat = 600\n'
    )
    read = Topology.load(tmp_path / "pair.json")
    assert read == Topology.load(tmp_path / "pair.toml") == Topology.parse(PAIR)
    assert (read.channels[0].capacity_msat, read.channels[0].first_msat) == (1_000_000, 600_000)


def test_each_end_has_a_policy_of_its_own(make_network: MakeNetwork) -> None:
    rail = make_network("pair")
    (channel,) = rail.network.channels.values()
    channel.end("payer").policy.disabled = True
    assert not channel.end("merchant").policy.disabled
    rail.reset()
    (channel,) = rail.network.channels.values()
    assert not channel.end("payer").policy.disabled


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "two lists"),
        ([], "two lists"),
        ({**PAIR, "more": 1}, "no more"),
        ({**PAIR, "nodes": ["merchant"]}, "2 to 1000 nodes"),
        ({**PAIR, "nodes": ["merchant", "merchant"]}, "different names"),
        ({**PAIR, "nodes": ["Merchant", "payer"]}, "no node's name"),
        ({**PAIR, "nodes": [1, "payer"]}, "no node's name"),
        ({**PAIR, "channels": ["x"]}, "is an object"),
        (with_channel(between=["payer", "payer"]), "between"),
        (with_channel(between=["payer", "nobody"]), "nobody"),
        (with_channel(capacity_sat=0), "above 0"),
        (with_channel(capacity_sat=1.5), "whole number"),
        (with_channel(capacity_sat=True), "whole number"),
        (with_channel(local_sat=1_001), "part of"),
        (with_channel(ppm=-1), "whole number"),
        (with_channel(private="yes"), "true or false"),
        (with_channel(colour="red"), "no 'colour'"),
    ],
)
def test_what_is_wrong_is_named(document: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Topology.parse(document)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for name, text in (("a.json", "{"), ("a.toml", "= 1"), ("b.json", "[" * 100_000)):
        (tmp_path / name).write_text(text)
        with pytest.raises(BadInput, match=name):
            Topology.load(tmp_path / name)
    with pytest.raises(BadInput, match="missing"):
        Topology.load(tmp_path / "missing.json")
    with pytest.raises(BadInput, match="no topology 'defualt'"):
        Topology.preset("defualt")
