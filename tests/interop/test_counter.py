"""The compiled contract in this folder is what its source compiles to."""

from __future__ import annotations

from tests.interop.counter import compiled, stored


def test_the_artifact_is_what_the_source_compiles_to() -> None:
    assert stored() == compiled(), "Counter.json is stale: run `python -m tests.interop.counter`"
