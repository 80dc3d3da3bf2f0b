"""The compiled contracts are what their sources compile to, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files

import pytest

from mock_rails.tempo.contracts import Artifact, artifact, runtime_code
from mock_rails.tempo.contracts.artifacts import NAMES
from mock_rails.tempo.contracts.compiling import compile_contract, compile_source


@pytest.mark.parametrize("name", NAMES)
def test_an_artifact_is_what_its_source_compiles_to(name: str) -> None:
    assert artifact(name) == compile_contract(name), (
        f"{name}.json is stale: run `python -m mock_rails.tempo.contracts`"
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_runtime_code_can_be_placed_without_a_constructor(name: str) -> None:
    """Genesis places it; init code that did more than return it would be lost."""
    made = artifact(name)
    assert runtime_code(name) == made.runtime
    assert made.runtime in made.initcode
    assert 0 < len(made.runtime) <= 24_576
    assert not any(item["type"] == "constructor" for item in made.abi)


def test_every_source_has_an_artifact() -> None:
    package = files("mock_rails.tempo.contracts")
    sources = {path.name[:-3] for path in package.iterdir() if path.name.endswith(".vy")}
    assert sources == set(NAMES)


def test_a_source_decides_its_artifact() -> None:
    text = '@external\ndef refuse():\n    raw_revert(method_id("Refused()"))\n'
    made = compile_source("Tiny", text)
    assert made == compile_source("Tiny", text)
    assert {"type": "error", "name": "Refused", "inputs": []} in made.abi
    changed = compile_source("Tiny", text.replace("Refused", "Denied"))
    assert changed.runtime != made.runtime
    assert changed.source_sha256 != made.source_sha256


def test_an_artifact_survives_its_file() -> None:
    made = artifact("SessionEscrow")
    assert Artifact.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_an_unknown_contract_is_named() -> None:
    with pytest.raises(KeyError, match="no contract 'Nope'; there are Multicall3"):
        artifact("Nope")


def test_reading_an_artifact_needs_no_compiler() -> None:
    code = (
        "import sys; from mock_rails.tempo.contracts import runtime_code;"
        "runtime_code('Multicall3'); assert not {'vyper', 'eth'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
