"""Compiles the Vyper sources. Needs the `vyper` of the dev extra; a running chain does not."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from typing import Any, Final

from mock_rails.tempo.contracts.artifacts import Artifact

_ERROR: Final = re.compile(r'raw_revert\(method_id\("(\w+)\(\)"\)\)')
"""How a Vyper contract raises a Solidity custom error, which its own ABI output leaves out."""


def source(name: str) -> str:
    """The Vyper source of a contract."""
    return files("mock_rails.tempo.contracts").joinpath(f"{name}.vy").read_text("utf-8")


def compile_contract(name: str) -> Artifact:
    """Compile a contract; the same source and compiler make the same bytes anywhere."""
    return compile_source(name, source(name))


def compile_source(name: str, text: str) -> Artifact:
    """Compile a source text."""
    import vyper  # type: ignore[import-untyped]
    from vyper.compiler import compile_code  # type: ignore[import-untyped]

    made = compile_code(text, output_formats=["abi", "bytecode", "bytecode_runtime"])
    return Artifact(
        name=name,
        compiler=f"vyper {vyper.__version__}+commit.{vyper.__commit__}",
        source_sha256=hashlib.sha256(text.encode()).hexdigest(),
        abi=(*made["abi"], *_errors(text)),
        runtime=bytes.fromhex(made["bytecode_runtime"][2:]),
        initcode=bytes.fromhex(made["bytecode"][2:]),
    )


def _errors(text: str) -> list[dict[str, Any]]:
    names = sorted(set(_ERROR.findall(text)))
    return [{"type": "error", "name": name, "inputs": []} for name in names]
