"""Reads compiled contracts: `artifact("Multicall3")`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

NAMES: Final = ("Multicall3", "SessionEscrow")
"""The contracts there are."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract. `runtime` is the code at its address, `initcode` what deploys it."""

    name: str
    compiler: str
    source_sha256: str
    abi: tuple[dict[str, Any], ...]
    runtime: bytes
    initcode: bytes

    def to_json(self) -> dict[str, Any]:
        """The artifact as its file has it."""
        return {
            "name": self.name,
            "compiler": self.compiler,
            "source_sha256": self.source_sha256,
            "abi": list(self.abi),
            "runtime": f"0x{self.runtime.hex()}",
            "initcode": f"0x{self.initcode.hex()}",
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Artifact:
        """The inverse of `to_json`."""
        return cls(
            name=data["name"],
            compiler=data["compiler"],
            source_sha256=data["source_sha256"],
            abi=tuple(data["abi"]),
            runtime=bytes.fromhex(data["runtime"][2:]),
            initcode=bytes.fromhex(data["initcode"][2:]),
        )


@cache
def artifact(name: str) -> Artifact:
    """The compiled contract of that name, read once."""
    if name not in NAMES:
        raise KeyError(f"no contract {name!r}; there are {', '.join(NAMES)}")
    text = files("mock_rails.tempo.contracts").joinpath(f"{name}.json").read_text("utf-8")
    return Artifact.from_json(json.loads(text))


def runtime_code(name: str) -> bytes:
    """The code that genesis puts at the contract's address."""
    return artifact(name).runtime
